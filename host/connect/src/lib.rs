//! Sources and sinks that need no sandbox, and HTTP through named connections.
//!
//! What is read ([`source`]) is divided into splits that can be read in any order and again. What is written
//! ([`sink`]) is staged first and committed once. That holds wherever a process dies ([`crash`]). HTTP ([`http`]) is what plugins reach through named connections.
//!
//! Connectors know nothing of pipelines: they take a configuration and a folder from which relative
//! paths are taken.

pub mod crash;
pub mod error;
pub mod files;
pub mod http;
pub mod sink;
pub mod source;
pub mod types;
pub mod units;
