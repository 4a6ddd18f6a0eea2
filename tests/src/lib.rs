//! What the end-to-end tests share.

pub mod fixture;
pub mod object_store;
pub mod orders;
pub mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// The bytes of a component that `cargo xtask plugins` built.
pub fn component(name: &str) -> Arc<[u8]> {
    let path = root().join("dist/plugins").join(format!("{name}.wasm"));
    match std::fs::read(&path) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            panic!("{}: {error}; build the plugins first: cargo xtask plugins", path.display())
        }
    }
}
