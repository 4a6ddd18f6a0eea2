//! The pipeline file: TOML to typed sections, with everything that is wrong, where, and what to do.

pub mod diagnostic;
pub mod document;
pub mod plugin_schema;
pub mod policies;
pub mod reader;
pub mod schema;
pub mod secrets;
pub mod sections;
