//! The host side of the plugin contract, `wit/`.
//!
//! A plugin sees Arrow columns as lists of buffers. This crate carries them across and back:
//!
//! ```text
//!   RecordBatch ── lower ──▶ nodes ──▶ guest ──▶ nodes, selection, findings ── lift, check ──▶ RecordBatch
//! ```
//!
//! Everything that comes back is hostile until it is checked, and the checked types here can only be made
//! by checking: a [`binding::TransformBinding`] fits its input schema, a [`selection::RowSelection`]
//! fits its batch, a [`finding::Finding`] names rows that exist, a lifted column satisfies Arrow's
//! invariants. Breaches are errors with names, never panics.
//!
//! There is no policy here (limits of time and memory, what to do with bad rows) and nothing is
//! executed: see `wasmill-sandbox` for that.

#[cfg(test)]
mod arbitrary;
pub mod binding;
pub mod bindings;
pub mod copying;
pub mod extracted;
pub mod failure;
pub mod finding;
pub mod ipc;
pub mod json;
mod json_size;
pub mod lift;
pub mod lower;
pub mod processed;
pub mod receipt;
pub mod schema;
pub mod selection;
pub mod verdict;
