//! The SDKs and `wit/`, which are in the program: `embed.rs` lists them.

use std::fs;
use std::path::Path;

use crate::BuildError;

/// Paths, of which the first part is a language or `wit`, and what the files hold.
const FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Writes the files below `name`, such as `python`, to a folder. What is there with the same content is left as it is.
///
/// # Errors
///
/// When something cannot be written.
pub fn unpack(name: &str, folder: &Path) -> Result<(), BuildError> {
    for (path, content) in below(name) {
        let target = folder.join(path);
        if fs::read(&target).is_ok_and(|present| present == content) {
            continue;
        }
        let parent = target.parent().expect("it is below the folder");
        fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
        fs::write(&target, content).map_err(BuildError::io(&target))?;
    }
    Ok(())
}

/// The files below `name`, with the rest of their paths.
pub fn below(name: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let prefix = format!("{name}/");
    FILES.iter().filter_map(move |(path, content)| Some((path.strip_prefix(&prefix)?, *content)))
}
