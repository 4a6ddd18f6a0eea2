//! Text to typed columns: what the plugins that come with Wasmill share.
//!
//! An operator names a type in a configuration ([`config::TypeConfig`], such as `"int64"`, or `{ type = "date", formats =
//! ["%d/%m/%Y"] }`). It is checked once, when the plugin is bound ([`target::Target`]), and text is then parsed into values
//! ([`parse::Parse`]). [`cells::CellColumn`] is a column of a type that is known only then. What cannot be parsed makes its
//! row a rejected one ([`rejections::Rejections`]), by the rules and with the messages that all these plugins have in common.

pub mod calendar;
pub mod cells;
pub mod config;
pub mod decimal;
pub mod format;
pub mod iso8601;
pub mod parse;
pub mod rejections;
pub mod target;
pub mod temporal;
