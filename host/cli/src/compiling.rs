//! How plugins are compiled: in a process of their own, and kept from one command to the next.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use wasmill_pipeline::error::chain;
use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::compiler::{Compiler, CompilerProcess};

#[derive(Debug, Args)]
pub struct CompileArgs {
    /// Where compiled plugins are kept, a folder that nobody else can look into. Default: wasmill/components in
    /// your cache folder.
    #[arg(long, value_name = "FOLDER", env = "WASMILL_CACHE")]
    cache: Option<PathBuf>,
    /// Compiles plugins anew, and keeps nothing.
    #[arg(long)]
    no_cache: bool,
}

/// The command that a compiler process is started with.
pub const COMPILE: &str = "compile-component";

impl CompileArgs {
    /// Compiles in this program, started once more, and keeps what was compiled.
    pub fn compiler(&self) -> Compiler {
        let compiler = match wasmill_build::default_interpreters() {
            Some(folder) => fresh().with_interpreters(folder),
            None => fresh(),
        };
        match self.open() {
            Some(cache) => compiler.cached_in(cache),
            None => compiler,
        }
    }

    /// Where compiled plugins are kept; none where they are not.
    pub fn folder(&self) -> Option<PathBuf> {
        if self.no_cache { None } else { self.cache.clone().or_else(default_folder) }
    }

    /// The cache; none where it is not wanted, or cannot be: the work is then done without, and takes longer.
    fn open(&self) -> Option<Arc<ComponentCache>> {
        match ComponentCache::open(self.folder()?) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(error) => {
                tracing::warn!(error = chain(&error), "plugins are compiled anew");
                None
            }
        }
    }
}

/// Compiles in this program, started once more, and keeps nothing.
pub fn fresh() -> Compiler {
    match std::env::current_exe() {
        Ok(program) => Compiler::new().in_process(CompilerProcess::new(program, [COMPILE.into()])),
        Err(error) => {
            tracing::warn!(%error, "plugins are compiled in this process, without limits");
            Compiler::new()
        }
    }
}

fn default_folder() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    let folder = named.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(folder.join("wasmill/components"))
}
