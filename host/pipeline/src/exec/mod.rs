//! What a task is made of: DataFusion nodes that read a split, pass it through plugins, and stage the result.
//!
//! ```text
//!   splits in memory ─▶ ReadSplits ─▶ Transform ─▶ (SQL) ─▶ Validate ─▶ Stage ─▶ one manifest
//! ```
//!
//! - **Splits are data**: an in-memory table with one descriptor per partition, read by a unary node. A leaf
//!   of our own with many partitions would be run once per task, with all of its partitions, by a
//!   distributed scheduler.
//! - Every node but the first is unary and keeps the partitioning, so a partition is a task: one attempt at one
//!   split, in one failure domain.
//! - Between the nodes each batch carries one more column, last: the position of its rows in the split
//!   ([`rows`]), so that a quarantined row can be traced.

pub(crate) mod blame;
pub(crate) mod history;
pub(crate) mod instance;
pub(crate) mod memory;
pub(crate) mod meter;
pub(crate) mod quarantine;
pub(crate) mod read_splits;
pub(crate) mod rows;
pub(crate) mod search;
pub(crate) mod setting_aside;
pub(crate) mod sql;
pub(crate) mod stage;
pub(crate) mod staged;
pub(crate) mod tables;
pub(crate) mod task;
pub(crate) mod transform;
pub(crate) mod unary;
pub(crate) mod validate;
