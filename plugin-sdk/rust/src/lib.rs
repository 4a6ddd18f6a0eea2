//! Write Wasmill plugins in Rust.
//!
//! A plugin is a struct, a configuration, and one method over typed columns. A whole transformer:
//!
//! ```
//! use wasmill_plugin_sdk::prelude::*;
//!
//! /// Adds the price with tax.
//! #[config]
//! struct GrossConfig {
//!     /// The column with the price before tax.
//!     net: String,
//!     /// The tax rate, such as 0.19.
//!     rate: f64,
//! }
//!
//! struct Gross {
//!     rate: f64,
//!     net: Input<f64>,
//!     gross: Output<f64>,
//! }
//!
//! impl Transformer for Gross {
//!     type Config = GrossConfig;
//!
//!     fn bind(config: GrossConfig, plan: &mut Plan) -> Result<Self> {
//!         Ok(Self { rate: config.rate, net: plan.read(&config.net)?, gross: plan.write("gross") })
//!     }
//!
//!     fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
//!         out.set(self.gross, batch.column(self.net).map(|net| net * (1.0 + self.rate)));
//!         Ok(())
//!     }
//! }
//!
//! transformer!(Gross);
//! # fn main() {}
//! ```
//!
//! `Cargo.toml` needs `crate-type = ["cdylib"]` and this crate; build with
//! `cargo build --release --target wasm32-wasip2`, which gives a component.
//!
//! What the five kinds of plugins are: [`transformer`], [`validator`], [`extractor`], [`loader`], [`notifier`].
//! What columns are: [`types`] for the Rust types, [`column`] to read, [`builder`] to write; [`value`] for columns of any type, nested
//! ones too; [`mod@text`] searches text. By rows, as JSON, a batch is read and written with serde: see [`record`].

pub mod any;
pub mod batch;
pub mod bindings;
pub mod bitmap;
pub mod builder;
pub mod column;
mod dictionary;
pub mod error;
pub mod extractor;
mod findings;
pub mod http;
pub mod loader;
mod logging;
pub mod notifier;
pub mod record;
pub mod schema;
pub mod text;
pub mod transformer;
pub mod types;
pub mod validator;
pub mod value;

pub use error::{Error, Result};
pub use extractor::Extractor;
pub use loader::Loader;
pub use log;
pub use logging::start_logging;
pub use notifier::Notifier;
pub use transformer::Transformer;
pub use validator::Validator;
pub use wasmill_plugin_sdk_macros::config;

/// What most plugins need.
pub mod prelude {
    pub use crate::any::{AnyColumn, Scalar};
    pub use crate::batch::Batch;
    pub use crate::builder::NewColumn;
    pub use crate::error::{Error, Result};
    pub use crate::extractor::Extractor;
    pub use crate::loader::Loader;
    pub use crate::notifier::Notifier;
    pub use crate::schema::{AnyInput, Input, Output, ReadPlan, Schema, ValueInput, ValueOutput};
    pub use crate::transformer::{DetachedRows, Plan, Rows, Transformer};
    pub use crate::types::{Date, Decimal, Timestamp};
    pub use crate::validator::Validator;
    pub use crate::value::{Value, ValueBuilder, ValueColumn};
    pub use crate::{config, extractor, loader, log, notifier, text, transformer, validator};
}

/// A plugin's configuration: made with [`macro@config`].
pub trait Config: serde::de::DeserializeOwned + schemars::JsonSchema {}

impl<T: serde::de::DeserializeOwned + schemars::JsonSchema> Config for T {}

/// The configuration, parsed; an error says where in it the mistake is.
#[doc(hidden)]
pub fn parse_config<C: Config>(config: &str) -> Result<C> {
    let mut parser = serde_json::Deserializer::from_str(config);
    serde_path_to_error::deserialize(&mut parser).map_err(|error| {
        let pointer: String = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                serde_path_to_error::Segment::Map { key } => {
                    Some(format!("/{}", key.replace('~', "~0").replace('/', "~1")))
                }
                _ => None,
            })
            .collect();
        Error::bad_config(pointer, error.into_inner().to_string())
    })
}

/// The JSON Schema of a configuration.
#[doc(hidden)]
pub fn config_schema<C: Config>() -> String {
    schemars::schema_for!(C).as_value().to_string()
}

/// A descriptor of the crate that expands this: its name without `wasmill-`, its version and description.
#[doc(hidden)]
#[macro_export]
macro_rules! __describe {
    ($config:ty) => {
        $crate::bindings::types::Descriptor {
            name: env!("CARGO_PKG_NAME").trim_start_matches("wasmill-").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            summary: env!("CARGO_PKG_DESCRIPTION").to_owned(),
            config_schema: $crate::config_schema::<$config>(),
        }
    };
}

#[doc(hidden)]
pub mod __private {
    pub use schemars;
    pub use serde;
}

/// The examples of that page compile.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/plugins.md")]
mod plugins_page {}
