//! Toolchains: those of the machine, and those that come from registries into a cache.
//!
//! A set of packages is a folder of the cache whose name says what is in it, versions included. It is made beside its place and
//! renamed, so that what is there is whole, and two builds at once do no harm. Nothing in the cache is ever changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::complaint::Complaint;
use crate::{BuildError, Report};

/// How toolchains are found and run.
pub struct Tools<'a> {
    cache: PathBuf,
    offline: bool,
    lines: bool,
    report: &'a dyn Report,
}

impl<'a> Tools<'a> {
    /// Toolchains are kept in the folder `cache`.
    pub fn new(cache: PathBuf, report: &'a dyn Report) -> Self {
        Self { cache, offline: false, lines: false, report }
    }

    /// Installs nothing.
    #[must_use]
    pub fn offline(self, offline: bool) -> Self {
        Self { offline, ..self }
    }

    /// Keeps line tables in components of C and Rust, so that faults name lines of their sources. The other languages name them anyway.
    #[must_use]
    pub fn lines(self, lines: bool) -> Self {
        Self { lines, ..self }
    }

    pub(crate) fn keeps_lines(&self) -> bool {
        self.lines
    }

    /// The folder that toolchains, and what they keep between builds, are in.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// Says what is being done.
    pub fn step(&self, text: &str) {
        self.report.step(text);
    }

    /// The folder of the cache that `name` names, such as `python/componentize-py-0.25.1`; made by `make` where it is missing.
    ///
    /// `make` gets a folder that will be renamed, so nothing in it may know where it is.
    ///
    /// # Errors
    ///
    /// Those of `make`, and when the cache cannot be written.
    pub fn folder(
        &self,
        name: &str,
        make: impl FnOnce(&Path) -> Result<(), BuildError>,
    ) -> Result<PathBuf, BuildError> {
        let folder = self.cache.join(name);
        if folder.is_dir() {
            return Ok(folder);
        }
        let unfinished = self.cache.join(format!("{name}.{}.unfinished", std::process::id()));
        fs::create_dir_all(&unfinished).map_err(BuildError::io(&unfinished))?;
        let made = make(&unfinished).and_then(|()| match fs::rename(&unfinished, &folder) {
            // Somebody else was as fast.
            Err(_) if folder.is_dir() => Ok(()),
            renamed => renamed.map_err(BuildError::io(&folder)),
        });
        if made.is_err() || unfinished.exists() {
            // What is left of it would only take room.
            let _ = fs::remove_dir_all(&unfinished);
        }
        made.map(|()| folder)
    }

    /// A folder with packages of PyPI, to be put on `PYTHONPATH`: what they bring as programs is in `bin`.
    ///
    /// # Errors
    ///
    /// When they are missing and cannot be installed.
    pub fn python_packages(&self, packages: &[&str]) -> Result<PathBuf, BuildError> {
        let name = format!("pypi/{}", packages.join("+").replace("==", "-"));
        let what = packages.join(", ");
        self.folder(&name, |folder| {
            let mut pip = self.python()?;
            pip.args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
            ]);
            pip.args(["--target"]).arg(folder).args(packages);
            self.install(&what, "PyPI", &mut pip)
        })
    }

    /// A folder whose `node_modules` has packages of npm, with exact versions.
    ///
    /// # Errors
    ///
    /// When they are missing and cannot be installed.
    pub fn npm_packages(&self, packages: &[&str]) -> Result<PathBuf, BuildError> {
        let name = format!("npm/{}", packages.join("+").replace('/', "~"));
        let what = packages.join(", ");
        self.folder(&name, |folder| {
            let mut npm = self.program("npm", "install Node.js 20 or newer, with npm")?;
            // Without `--prefix`, npm looks for a package.json in the folders above.
            npm.args([
                "install",
                "--no-save",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
                "--prefix",
            ]);
            npm.arg(folder).args(packages);
            self.install(&what, "npm", &mut npm)
        })
    }

    /// Python, for tools that need it.
    ///
    /// # Errors
    ///
    /// When it is not on the machine.
    pub fn python(&self) -> Result<Command, BuildError> {
        self.program("python3", "install Python 3.10 or newer, with pip (Debian: python3-pip)")
    }

    /// A program of the machine, by its name.
    ///
    /// # Errors
    ///
    /// When no folder of `PATH` has it.
    pub fn program(&self, name: &str, hint: &str) -> Result<Command, BuildError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file());
        let missing = || BuildError::Missing { what: name.to_owned(), hint: hint.to_owned() };
        found.map(Command::new).ok_or_else(missing)
    }

    /// Runs a command that installs `what` from a registry.
    ///
    /// # Errors
    ///
    /// When nothing may be installed, and when the command fails.
    pub fn install(
        &self,
        what: &str,
        registry: &'static str,
        command: &mut Command,
    ) -> Result<(), BuildError> {
        if self.offline {
            return Err(BuildError::Offline { what: what.to_owned(), cache: self.cache.clone() });
        }
        self.step(&format!("installing {what} from {registry}"));
        let output = output(command)?;
        if output.status.success() {
            return Ok(());
        }
        Err(BuildError::Install { what: what.to_owned(), registry, output: said(&output) })
    }

    /// Runs a tool on the project in `folder`; returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// When it cannot be started; when it fails, with what it said and the lines of the project that it named.
    pub fn run(
        &self,
        what: &str,
        command: &mut Command,
        folder: &Path,
    ) -> Result<Vec<u8>, BuildError> {
        self.step(what);
        let output = output(command)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = said(&output);
        Err(BuildError::Tool(Box::new(Complaint::new(what, &said, folder))))
    }
}

fn output(command: &mut Command) -> Result<Output, BuildError> {
    let program = PathBuf::from(command.get_program());
    command.output().map_err(BuildError::io(&program))
}

fn said(output: &Output) -> String {
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    said
}
