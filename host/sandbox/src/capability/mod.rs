//! What a plugin can reach, one capability a file. Nothing is reachable that is not here.

pub mod clock;
pub mod http;
pub mod log;
pub mod random;
pub(crate) mod wasi_http;
