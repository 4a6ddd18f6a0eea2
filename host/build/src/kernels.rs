//! Puts the kernels (`plugin-sdk/kernels`) inside of a component that was made to import them.
//!
//! They are a component of their own, so that languages with interpreters share one implementation: what a plugin passes to them is
//! copied between the two memories, once for each column, and neither sees the other's.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use sha2::{Digest as _, Sha256};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, plug};
use wasm_encoder::{CustomSection, Encode as _};
use wit_component::ComponentEncoder;

use crate::BuildError;
use crate::component::refused;

/// The core module that `cargo xtask kernels` made.
pub(crate) const MODULE: &[u8] = include_bytes!("../../../plugin-sdk/kernels/kernels.wasm");
/// What it exports.
const WIT: &str = include_str!("../../../plugin-sdk/kernels/wit/kernels.wit");
/// What worlds of plugins import.
pub(crate) const IMPORT: &str = "wasmill:kernels/columns";

/// The section that says of which sources the module is.
const SOURCES: &str = "wasmill-sources";

/// Writes the package of the kernels to a folder of WIT, so that its worlds may import them.
pub(crate) fn add_wit(wit: &Path) -> Result<(), BuildError> {
    let folder = wit.join("deps/wasmill-kernels");
    let file = folder.join("kernels.wit");
    fs::create_dir_all(&folder).and_then(|()| fs::write(&file, WIT)).map_err(BuildError::io(&file))
}

/// The component, with the kernels in it in the place of the import.
pub(crate) fn put_into(component: Vec<u8>) -> Result<Vec<u8>, BuildError> {
    let kernels = ComponentEncoder::default().module(MODULE).and_then(ComponentEncoder::encode);
    let kernels = kernels.map_err(|error| refused(&format!("{error:#}")))?;
    let composed = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut graph = CompositionGraph::new();
        let mut register = |name, bytes: Vec<u8>| -> Result<_, Box<dyn std::error::Error>> {
            let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
            Ok(graph.register_package(package)?)
        };
        let kernels = register("wasmill:kernels", kernels)?;
        let plugin = register("wasmill:plugin-in-the-making", component)?;
        plug(&mut graph, vec![kernels], plugin)?;
        let options = EncodeOptions { define_components: true, ..EncodeOptions::default() };
        Ok(graph.encode(options)?)
    };
    composed().map_err(|error| refused(&format!("the kernels cannot be put in: {error}")))
}

/// The module, with a section that says which sources it is of: those in `folder`.
///
/// # Errors
///
/// When the sources cannot be read.
pub fn stamped(mut module: Vec<u8>, folder: &Path) -> io::Result<Vec<u8>> {
    let digest = digest_of_sources(folder)?;
    let section = CustomSection { name: SOURCES.into(), data: digest.as_bytes().into() };
    module.push(0);
    section.encode(&mut module);
    Ok(module)
}

/// The SHA-256 of what the module is made of, in hexadecimal.
fn digest_of_sources(folder: &Path) -> io::Result<String> {
    let mut files = vec![folder.join("Cargo.toml")];
    for part in ["src", "wit"] {
        let entries = fs::read_dir(folder.join(part))?;
        files.extend(entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<PathBuf>>>()?);
    }
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(fs::read(file)?);
    }
    Ok(digest.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_is_of_the_sources_beside_it() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugin-sdk/kernels");
        let digest = digest_of_sources(&folder).unwrap();
        assert!(
            MODULE.ends_with(digest.as_bytes()),
            "plugin-sdk/kernels has changed: `cargo xtask kernels` makes kernels.wasm anew"
        );
    }
}
