//! Bindings that wit-bindgen generates from `wit/`, one module per world, sharing one set of types.
//!
//! Plugins use the traits and types of this crate instead; the export macros need these paths.

mod shared {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package wasmill:sdk;
            world shared {
                import wasmill:plugin/types@0.1.0;
                import wasmill:plugin/http@0.1.0;
                import wasi:logging/logging@0.1.0-draft;
            }
        ",
        world: "wasmill:sdk/shared",
        generate_all,
    });
}

pub use shared::wasi::logging::logging;
pub use shared::wasmill::plugin::http;
pub use shared::wasmill::plugin::types;

macro_rules! world {
    ($module:ident, $world:literal, $export_macro:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                with: {
                    "wasmill:plugin/types@0.1.0": crate::bindings::types,
                    "wasi:logging/logging@0.1.0-draft": crate::bindings::logging,
                },
                generate_all,
                pub_export_macro: true,
                export_macro_name: $export_macro,
                default_bindings_module: "wasmill_plugin_sdk::bindings::UNUSED",
            });
        }
    };
}

world!(transformer, "transformer", "export_transformer");
world!(validator, "validator", "export_validator");
world!(extractor, "extractor", "export_extractor");
world!(loader, "loader", "export_loader");
world!(notifier, "notifier", "export_notifier");

pub use extractor::exports::wasmill::plugin::extract;
pub use loader::exports::wasmill::plugin::load;
pub use notifier::exports::wasmill::plugin::notify;
pub use transformer::exports::wasmill::plugin::transform;
pub use validator::exports::wasmill::plugin::validate;
