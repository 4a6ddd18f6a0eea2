//! What the end-to-end tests share.

pub mod entries;
pub mod exposition;
pub mod fixture;
pub mod ledger;
pub mod object_store;
pub mod orders;
pub mod workspace;

use std::path::PathBuf;
use std::sync::Arc;

use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};

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

/// A sandbox with room for so many instances.
pub fn sandbox(instances: u32) -> Sandbox {
    sandbox_with(SandboxOptions::new(instances))
}

/// A sandbox that takes from the tests' cache what was compiled before.
pub fn sandbox_with(options: SandboxOptions) -> Sandbox {
    let cache = ComponentCache::open(cache_folder()).expect("the tests' cache");
    let compiler = options.compiler.clone().cached_in(Arc::new(cache));
    Sandbox::with_options(SandboxOptions { compiler, ..options }).expect("a sandbox")
}

/// Compiled components, shared by all tests, and by none of the user's own runs.
pub(crate) fn cache_folder() -> PathBuf {
    build_folder().join("compiled-plugins")
}

/// Where the binary of this test was built to: two folders up from it.
pub(crate) fn build_folder() -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    test.ancestors().nth(2).expect("tests lie two folders below the target folder").to_owned()
}
