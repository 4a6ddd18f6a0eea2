//! Versions of the contract that were frozen: what plugins out there were built for.
//!
//! Each has a folder, `frozen/VERSION`: the contract as one text (`contract.wit`), and the suite's plugins in Rust as they were built that
//! day. Nothing in it is ever changed. The tests hold `wit/` to the texts, and the host to the plugins.

use std::fs;
use std::path::{Path, PathBuf};

use wasmill_build::contract::Contract;

use crate::plugins::Components;

const TEXT: &str = "contract.wit";

/// A version that was frozen.
pub struct Frozen {
    pub contract: Contract,
    /// With `transformer.wasm` and so on.
    pub folder: PathBuf,
}

/// All of them, the oldest first.
///
/// # Errors
///
/// When one cannot be read.
pub fn all(folder: &Path) -> Result<Vec<Frozen>, String> {
    let named = |error| format!("{}: {error}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(named)? {
        let folder = entry.map_err(named)?.path();
        let file = folder.join(TEXT);
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let text = fs::read_to_string(&file).map_err(|error| named(&error))?;
        let contract = Contract::parse(TEXT, &text).map_err(|error| named(&error))?;
        all.push(Frozen { contract, folder });
    }
    all.sort_by(|one, other| one.contract.version().cmp(other.contract.version()));
    Ok(all)
}

/// Keeps the contract of today, and plugins that were built for it; returns where.
///
/// # Errors
///
/// When this version was frozen before, or something cannot be written.
pub fn freeze(folder: &Path, components: &Components) -> Result<PathBuf, String> {
    let contract = Contract::current().map_err(|error| error.to_string())?;
    let folder = folder.join(contract.version().to_string());
    if folder.exists() {
        return Err(format!(
            "{}: this version was frozen before; a contract that changed needs a version of its own, in wit/types.wit",
            folder.display()
        ));
    }
    let text = contract.wit().map_err(|error| error.to_string())?;
    let named = |error| format!("{}: {error}", folder.display());
    components.write(&folder).map_err(named)?;
    fs::write(folder.join(TEXT), text).map_err(named)?;
    Ok(folder)
}
