//! Runs plugins: WebAssembly components of the worlds in `wit/`, under limits, without ambient authority.
//!
//! ```text
//!   bytes ── Sandbox::load ──▶ Plugin ── Transformer::new(grants, limits, config) ──▶ Transformer
//!                                                             │ bind(schema) ──▶ TransformBinding
//!                                                             └ open ──▶ OpenTransformer ── process(batch)…
//! ```
//!
//! What holds for every call:
//!
//! - It has a budget of fuel and a deadline. A guest that loops is stopped, a guest that waits is stopped.
//! - Memories and tables of an instance are limited in sum. Log lines are limited and made printable.
//! - Nothing is reachable that was not granted: an import beyond the grants is refused by name before
//!   anything runs; clocks and randomness are virtual.
//! - What comes back is checked before it is used (`wasmill-contract`).
//! - After a fault the instance is gone, and the [`fault::Fault`] says which limit or which
//!   promise was broken.
//!
//! This crate knows Arrow and no pipeline: what to do after a fault is decided above.

pub mod accounting;
pub mod cache;
pub mod capability;
pub mod compiler;
pub mod component;
mod crossing;
pub mod engine;
pub mod extractor;
pub mod fault;
pub mod frames;
pub mod grants;
mod guest;
pub mod limits;
pub mod loader;
mod locate;
mod lowering;
pub mod memory;
pub mod notifier;
pub mod opened;
pub mod script;
pub mod self_test;
pub mod sizing;
mod step;
pub mod transformer;
pub mod validator;

pub use accounting::Usage;
pub use guest::Environment;
pub use step::Descriptor;
pub use wasmill_contract as contract;
