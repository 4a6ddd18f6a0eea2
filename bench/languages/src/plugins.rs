//! The plugins, built as `wasmill build` builds them.

use std::fs;
use std::path::Path;

use bench_harness::measure::Error;
use wasmill_build::{Language, Report, Tools};
use wasmill_sandbox::script;

struct Steps;

impl Report for Steps {
    fn step(&self, text: &str) {
        eprintln!("  {text}");
    }
}

/// Builds the plugin of each language to `LANGUAGE.wasm` in `folder`, with the interpreters of scripts beside them.
pub fn build(languages: &[Language], projects: &Path, folder: &Path) -> Result<(), Error> {
    let cache = wasmill_build::default_cache().ok_or("neither HOME nor XDG_CACHE_HOME is set")?;
    let tools = Tools::new(cache, &Steps);
    fs::create_dir_all(folder)?;
    for &language in languages {
        let project = projects.join(language.name());
        let built = wasmill_build::build(&project, Some(language), &tools)
            .map_err(|error| format!("{language}: {error}"))?;
        fs::write(folder.join(language.name()).with_extension("wasm"), &built.component)?;
        if let Some(interpreter) = built.interpreter {
            interpreter.put_into(&folder.join(script::FOLDER))?;
        }
    }
    Ok(())
}
