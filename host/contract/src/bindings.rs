//! Bindings that wasmtime generates from `wit/`, one module per world, sharing one set of types.
//!
//! The calls that carry batches into a guest (`process`, `check`, `write`) are generated here with
//! owned vectors and not used so: the sandbox calls them with the borrowed types of [`crate::lower`].

mod shared {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package wasmill:host;
            world shared {
                import wasmill:plugin/types@0.1.0;
                import wasmill:plugin/http@0.1.0;
                import wasmill:plugin/script@0.1.0;
                import wasi:logging/logging@0.1.0-draft;
                import wasi:config/store@0.2.0-rc.1;
            }
        ",
        world: "wasmill:host/shared",
        imports: { default: async | trappable },
        additional_derives: [Clone],
    });
}

/// The types that all worlds share.
pub use shared::wasmill::plugin::types;

/// The imported interface for HTTP through named connections.
pub use shared::wasmill::plugin::http;

/// What interpreters import: the script that they are to run.
pub use shared::wasmill::plugin::script;

/// The imported interface for log lines.
pub use shared::wasi::logging::logging;

/// The imported interface for a plugin's own configuration.
pub use shared::wasi::config::store;

macro_rules! world {
    ($(#[$docs:meta])* $module:ident, $world:literal) => {
        $(#[$docs])*
        pub mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                imports: { default: async | trappable },
                exports: { default: async },
                with: {
                    "wasmill:plugin/types": super::shared::wasmill::plugin::types,
                    "wasi:logging/logging": super::shared::wasi::logging::logging,
                    "wasi:config/store": super::shared::wasi::config::store,
                },
                additional_derives: [Clone],
            });
        }
    };
}

world!(
    /// The world `transformer`.
    transformer, "transformer"
);
world!(
    /// The world `validator`.
    validator, "validator"
);
world!(
    /// The world `extractor`.
    extractor, "extractor"
);
world!(
    /// The world `loader`.
    loader, "loader"
);
world!(
    /// The world `notifier`.
    notifier, "notifier"
);

pub use extractor::exports::wasmill::plugin::extract;
pub use loader::exports::wasmill::plugin::load;
pub use notifier::exports::wasmill::plugin::notify;
pub use transformer::exports::wasmill::plugin::transform;
pub use validator::exports::wasmill::plugin::validate;
