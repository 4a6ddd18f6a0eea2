//! Where things are in the repository and in the target directory.

use std::env;
use std::env::consts::EXE_SUFFIX;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the host is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Soon built: from cold, it is the time to build that one waits for.
    Dev,
    /// Soon done with much data.
    Release,
}

/// The checkout that this program was built from.
pub struct Workspace {
    /// The root of the repository.
    pub root: PathBuf,
    /// Where Cargo builds, and where tools and their results are kept.
    pub target: PathBuf,
}

impl Workspace {
    /// # Errors
    ///
    /// When `CARGO_TARGET_DIR` cannot be made absolute.
    pub fn find() -> Result<Self, String> {
        // Cargo tells where this checkout is. What was compiled in may be another one with the same target directory.
        let xtask = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = xtask.parent().expect("xtask/ lies in the repository").to_owned();
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
            // Relative to where the user is, not to the root where commands run.
            Some(folder) => std::path::absolute(&folder).map_err(|error| {
                format!("CARGO_TARGET_DIR={}: {error}; set it to a folder", folder.display())
            })?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// Cargo, in the root, building to the target directory.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(arguments).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        // `cargo run` describes xtask to us in these. Some build scripts watch them (that of `ring`, for
        // one), and would be built again each time that Cargo is called now from here, now by hand.
        for (name, _) in env::vars_os() {
            let described = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
            });
            if described {
                command.env_remove(name);
            }
        }
        command
    }

    /// The command line of the host, as the profile builds it.
    pub fn wasmill(&self, profile: Profile) -> PathBuf {
        self.program("wasmill", profile)
    }

    /// A program of the workspace, as the profile builds it.
    pub fn program(&self, name: &str, profile: Profile) -> PathBuf {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        self.target.join(folder).join(format!("{name}{EXE_SUFFIX}"))
    }

    /// Where components are installed.
    pub fn installed_plugins(&self) -> PathBuf {
        self.root.join("dist/plugins")
    }

    /// Where components that attack the host are installed.
    pub fn installed_attacks(&self) -> PathBuf {
        self.root.join("dist/attacks")
    }

    /// Where tools for guests in other languages are installed, and what they made.
    pub fn guest_tools(&self) -> PathBuf {
        self.target.join("guest-tools")
    }

    /// The names of the folders in `parent` that hold `file`, in order.
    ///
    /// # Errors
    ///
    /// When `parent` cannot be read.
    pub fn folders_with(&self, parent: &str, file: &str) -> Result<Vec<String>, String> {
        let mut names = self.folders(parent)?;
        names.retain(|name| self.root.join(parent).join(name).join(file).is_file());
        Ok(names)
    }

    /// The names of the folders in `parent`, in order.
    ///
    /// # Errors
    ///
    /// When `parent` cannot be read.
    pub fn folders(&self, parent: &str) -> Result<Vec<String>, String> {
        let parent = self.root.join(parent);
        let unreadable = |error| format!("{} cannot be read: {error}", parent.display());
        let mut names = Vec::new();
        for entry in parent.read_dir().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.path().is_dir()
                && let Ok(name) = entry.file_name().into_string()
            {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The path as a user in the root would write it.
    pub fn relative<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}
