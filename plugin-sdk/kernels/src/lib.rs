//! Loops over Arrow buffers, for languages whose own loops are slow.
//!
//! `cargo xtask kernels` makes `kernels.wasm` of this crate, which is kept beside it: the builder puts it inside of plugins in
//! Python and JavaScript, whose SDKs call it once for each column instead of interpreting a loop. What they
//! cannot do by it they do themselves, so results are the same with it and without.

pub mod bits;
pub mod number;
pub mod pattern;
pub mod text;

#[cfg(target_arch = "wasm32")]
mod exports;
