//! What the end-to-end tests share.

pub mod chaos;
pub mod documents;
pub mod entries;
pub mod exposition;
pub mod faketime;
pub mod ledger;
pub mod object_store;
pub mod orders;
pub mod outputs;
pub mod prices;
pub mod process;
pub mod receiver;
pub mod scenario;
pub mod served;
pub mod tmpfs;
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

/// The bytes of a component that `cargo xtask test` built.
pub fn component(name: &str) -> Arc<[u8]> {
    let path = root().join("dist/plugins").join(format!("{name}.wasm"));
    match std::fs::read(&path) {
        Ok(bytes) => bytes.into(),
        Err(error) => {
            panic!("{}: {error}; `cargo xtask test` builds it", path.display())
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
pub fn cache_folder() -> PathBuf {
    build_folder().join("compiled-plugins")
}

/// Where Cargo builds programs to: tests lie in a folder below it, programs in it.
pub fn build_folder() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    let folder = program.parent().expect("a program lies in a folder");
    let is_of_tests = folder.file_name().is_some_and(|name| name == "deps");
    let build = if is_of_tests { folder.parent() } else { Some(folder) };
    build.expect("the folder of tests lies in the build folder").to_owned()
}
