//! Where compiled plugins are kept between commands.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use wasmill_pipeline::error::chain;
use wasmill_sandbox::cache::ComponentCache;

#[derive(Debug, Args)]
pub struct CacheArgs {
    /// Where compiled plugins are kept, a folder that nobody else can look into. Default: wasmill/components in
    /// your cache folder.
    #[arg(long, value_name = "FOLDER", env = "WASMILL_CACHE")]
    cache: Option<PathBuf>,
    /// Compiles plugins anew, and keeps nothing.
    #[arg(long)]
    no_cache: bool,
}

impl CacheArgs {
    /// The cache; none where it is not wanted, or cannot be: the work is then done without, and takes longer.
    pub fn open(&self) -> Option<Arc<ComponentCache>> {
        if self.no_cache {
            return None;
        }
        let folder = self.cache.clone().or_else(default_folder)?;
        match ComponentCache::open(folder) {
            Ok(cache) => Some(Arc::new(cache)),
            Err(error) => {
                tracing::warn!(error = chain(&error), "plugins are compiled anew");
                None
            }
        }
    }
}

fn default_folder() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).and_then(absolute);
    let folder = named.or_else(|| Some(std::env::home_dir()?.join(".cache")))?;
    Some(folder.join("wasmill/components"))
}
