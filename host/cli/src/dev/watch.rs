//! Whether files have changed: by looking at them.
//!
//! Projects are small, so looking at all of their files takes a millisecond. It works on every file system, also on those of containers and
//! networks that tell nobody of changes, and needs no handle for each folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders that hold what is made of a project, and not the project.
const NOT_LOOKED_INTO: [&str; 6] =
    ["__pycache__", "build", "dist", "node_modules", "recorded", "target"];
/// A project with more files is looked at up to here.
const MAX_FILES: usize = 10_000;

/// When the files of a project were changed last, and how large they are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    files: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
}

impl Snapshot {
    /// Of these files, and of what is in these folders.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut snapshot = Self { files: BTreeMap::new() };
        for path in paths {
            snapshot.look_at(path, true);
        }
        snapshot
    }

    fn look_at(&mut self, path: &Path, is_named: bool) {
        let Ok(metadata) = fs::metadata(path) else { return };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_hidden = !is_named && name.starts_with('.');
        if is_hidden || self.files.len() >= MAX_FILES {
            return;
        }
        if metadata.is_dir() {
            if !is_named && NOT_LOOKED_INTO.contains(&&*name) {
                return;
            }
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.look_at(&entry.path(), false);
            }
            return;
        }
        // Components are what comes of a change; editors keep swap files beside what is edited.
        let is_made = [".wasm", ".unfinished", "~", ".swp", ".tmp", ".lock"]
            .iter()
            .any(|end| name.ends_with(end));
        if is_named || !is_made {
            self.files.insert(path.to_owned(), (metadata.modified().ok(), metadata.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_and_cases_are_seen_and_what_is_made_of_them_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["src", "tests", "target", ".git"] {
            fs::create_dir(path(name)).unwrap();
        }
        fs::write(path("src/lib.rs"), "a").unwrap();
        let paths = [folder.path().to_owned()];
        let before = Snapshot::of(&paths);
        for made in ["target/x", ".git/index", "a.wasm", "src/.lib.rs.swp"] {
            fs::write(path(made), "x").unwrap();
        }
        assert_eq!(Snapshot::of(&paths), before);
        fs::write(path("tests/a.toml"), "").unwrap();
        let after = Snapshot::of(&paths);
        assert_ne!(after, before);
        fs::write(path("src/lib.rs"), "ab").unwrap();
        assert_ne!(Snapshot::of(&paths), after);
    }
}
