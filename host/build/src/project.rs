//! What there is to build: a folder, or a file, and what it says of itself.
//!
//! | Language | Described in | Says |
//! |---|---|---|
//! | Rust | `Cargo.toml` | name (without `wasmill-`), version, description, authors, licence; the kind is that of the macro |
//! | Python | `pyproject.toml`: `[project]`, `[tool.wasmill]` | the same; `kind`, and of which `module` the plugin is |
//! | Python, one file | a block `# /// script` at its top, as of PEP 723: `[tool.wasmill]` | everything |
//! | JavaScript, TypeScript | `package.json`: and in it `wasmill` | the same; `kind`, and the entry as `main` |
//! | Go, C | `plugin.toml`: `[plugin]` | everything |

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::BuildError;

/// The languages that plugins are built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    Rust,
    Python,
    /// TypeScript too.
    Js,
    C,
    Go,
}

impl Language {
    pub const ALL: [Self; 5] = [Self::Rust, Self::Python, Self::Js, Self::C, Self::Go];

    /// The name that commands and files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::Js => "js",
            Self::C => "c",
            Self::Go => "go",
        }
    }

    /// The name that people use.
    pub fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Js => "JavaScript",
            Self::C => "C",
            Self::Go => "Go",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The five kinds of plugins, each of which is a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Extractor,
    Transformer,
    Validator,
    Loader,
    Notifier,
}

impl Kind {
    pub const ALL: [Self; 5] =
        [Self::Extractor, Self::Transformer, Self::Validator, Self::Loader, Self::Notifier];

    /// The name of the world, such as `transformer`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extractor => "extractor",
            Self::Transformer => "transformer",
            Self::Validator => "validator",
            Self::Loader => "loader",
            Self::Notifier => "notifier",
        }
    }
}

/// A plugin's sources.
#[derive(Debug, Clone)]
pub struct Project {
    pub language: Language,
    /// The folder that tools run in.
    pub folder: PathBuf,
    /// The file that describes the project.
    pub manifest: PathBuf,
    /// Lower-case words with hyphens.
    pub name: String,
    pub version: String,
    /// One line.
    pub summary: String,
    pub authors: Vec<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Which world it is for. Rust says it in the code.
    pub kind: Option<Kind>,
    /// Whether it wants HTTP over connections. Rust, C and Go import what they use.
    pub http: bool,
    /// Where the plugin begins: a Python module, a JavaScript file; of C, the sources.
    pub entry: Vec<String>,
    /// What it needs beside the SDK, as its language writes it: of Python only. Others resolve it themselves.
    pub dependencies: Vec<String>,
    /// Whether it wants a component of its own where it could share an interpreter with others.
    pub is_standalone: bool,
}

impl Project {
    /// Finds the project in a folder, or that a file is.
    ///
    /// # Errors
    ///
    /// When there is none, or it says too little of itself.
    pub fn find(path: &Path, language: Option<Language>) -> Result<Self, BuildError> {
        let path = path.canonicalize().map_err(BuildError::io(path))?;
        if path.is_file() {
            return script(&path);
        }
        let is_wanted =
            |language_of_file| language.is_none_or(|language| language == language_of_file);
        let has = |file: &str| path.join(file).is_file();
        if is_wanted(Language::Rust) && has("Cargo.toml") {
            return cargo(&path);
        }
        if is_wanted(Language::Python) && has("pyproject.toml") {
            return pyproject(&path);
        }
        if is_wanted(Language::Js) && has("package.json") {
            return package(&path);
        }
        let manifest = path.join("plugin.toml");
        if manifest.is_file() {
            return plugin(&path, &manifest, language);
        }
        if has("go.mod") {
            let missing = "a Go plugin is described in a plugin.toml beside go.mod: [plugin] name, version, summary, kind";
            return Err(BuildError::manifest(&manifest, missing));
        }
        Err(BuildError::NoProject { path })
    }
}

/// What the files say of `[tool.wasmill]`, `wasmill` and `[plugin]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    name: Option<String>,
    version: Option<String>,
    summary: Option<String>,
    #[serde(default)]
    authors: Vec<String>,
    license: Option<String>,
    kind: Option<Kind>,
    http: bool,
    language: Option<Language>,
    module: Option<String>,
    sources: Vec<String>,
    standalone: bool,
}

impl Section {
    /// The project, where nothing is missing.
    fn into_project(
        self,
        language: Language,
        folder: &Path,
        manifest: &Path,
        entry: Vec<String>,
    ) -> Result<Project, BuildError> {
        let missing = |what: &str| BuildError::manifest(manifest, format!("`{what}` is missing"));
        Ok(Project {
            language,
            folder: folder.to_owned(),
            manifest: manifest.to_owned(),
            name: plugin_name(&self.name.ok_or_else(|| missing("name"))?, manifest)?,
            version: self.version.ok_or_else(|| missing("version"))?,
            summary: self.summary.ok_or_else(|| missing("summary"))?,
            authors: self.authors,
            license: self.license,
            kind: Some(self.kind.ok_or_else(|| missing("kind"))?),
            http: self.http,
            entry,
            dependencies: Vec::new(),
            is_standalone: self.standalone,
        })
    }
}

/// The name as the contract wants it.
fn plugin_name(name: &str, manifest: &Path) -> Result<String, BuildError> {
    let name = name.rsplit('/').next().unwrap_or(name).to_lowercase().replace('_', "-");
    let name = name.strip_prefix("wasmill-").unwrap_or(&name);
    let is_good = name.starts_with(|char: char| char.is_ascii_lowercase())
        && name
            .chars()
            .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-');
    if !is_good {
        let message = format!("`{name}` is no name: lower-case words with hyphens are");
        return Err(BuildError::manifest(manifest, message));
    }
    Ok(name.to_owned())
}

fn read(file: &Path) -> Result<String, BuildError> {
    fs::read_to_string(file).map_err(BuildError::io(file))
}

fn parse_toml<T: for<'de> Deserialize<'de>>(text: &str, file: &Path) -> Result<T, BuildError> {
    toml::from_str(text).map_err(|error| BuildError::manifest(file, error.to_string()))
}

// ---- plugin.toml -----------------------------------------------------------------------------------------------

fn plugin(folder: &Path, manifest: &Path, wanted: Option<Language>) -> Result<Project, BuildError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        plugin: Section,
    }
    let file: File = parse_toml(&read(manifest)?, manifest)?;
    let mut section = file.plugin;
    let guessed = || folder.join("go.mod").is_file().then_some(Language::Go);
    let sources = std::mem::take(&mut section.sources);
    let language = wanted.or(section.language).or_else(guessed).unwrap_or(Language::C);
    if !matches!(language, Language::C | Language::Go) {
        let message = format!("{} is described in a file of its own", language.title());
        return Err(BuildError::manifest(manifest, message));
    }
    section.into_project(language, folder, manifest, sources)
}

// ---- Python ----------------------------------------------------------------------------------------------------

#[derive(Debug, Default, Deserialize)]
struct ToolTables {
    wasmill: Option<Section>,
}

#[derive(Debug, Deserialize)]
struct Person {
    name: Option<String>,
    email: Option<String>,
}

impl Person {
    fn shown(self) -> Option<String> {
        match (self.name, self.email) {
            (Some(name), Some(email)) => Some(format!("{name} <{email}>")),
            (name, email) => name.or(email),
        }
    }
}

fn pyproject(folder: &Path) -> Result<Project, BuildError> {
    #[derive(Deserialize)]
    struct File {
        project: Described,
        #[serde(default)]
        tool: ToolTables,
    }
    #[derive(Deserialize)]
    struct Described {
        name: Option<String>,
        version: Option<String>,
        description: Option<String>,
        #[serde(default)]
        authors: Vec<Person>,
        license: Option<toml::Value>,
        #[serde(default)]
        dependencies: Vec<String>,
    }
    let manifest = folder.join("pyproject.toml");
    let file: File = parse_toml(&read(&manifest)?, &manifest)?;
    let Some(mut section) = file.tool.wasmill else {
        return Err(BuildError::manifest(
            &manifest,
            "[tool.wasmill] is missing, with the `kind` of the plugin",
        ));
    };
    let described = file.project;
    section.name = section.name.or(described.name);
    section.version = section.version.or(described.version);
    section.summary = section.summary.or(described.description);
    section.authors.extend(described.authors.into_iter().filter_map(Person::shown));
    let license = described.license.and_then(|license| license.as_str().map(str::to_owned));
    section.license = section.license.or(license);
    let named = section.name.clone().unwrap_or_default().replace('-', "_").to_lowercase();
    let named = named.strip_prefix("wasmill_").unwrap_or(&named).to_owned();
    let module = section.module.take().unwrap_or(named);
    let mut project = section.into_project(Language::Python, folder, &manifest, vec![module])?;
    // The SDK is in this program; that a project names it is for editors and type checkers.
    project.dependencies = described.dependencies;
    project.dependencies.retain(|dependency| !is_sdk(dependency));
    Ok(project)
}

/// Whether a dependency is Wasmill's SDK, whatever version it wants.
fn is_sdk(dependency: &str) -> bool {
    let name = dependency
        .trim()
        .split(|char: char| !(char.is_ascii_alphanumeric() || "-_.".contains(char)));
    name.into_iter().next() == Some("wasmill")
}

/// A plugin that is one file.
fn script(file: &Path) -> Result<Project, BuildError> {
    if file.extension().is_none_or(|extension| extension != "py") {
        return Err(BuildError::manifest(
            file,
            "only a Python plugin can be one file; name its folder",
        ));
    }
    #[derive(Deserialize)]
    struct Block {
        #[serde(default)]
        tool: ToolTables,
        #[serde(default)]
        dependencies: Vec<String>,
    }
    let text = read(file)?;
    let block: Block = parse_toml(&inline_block(&text), file)?;
    if !block.dependencies.iter().all(|dependency| is_sdk(dependency)) {
        return Err(BuildError::manifest(
            file,
            "a plugin that is one file has no dependencies; make it a project with a pyproject.toml",
        ));
    }
    let Some(mut section) = block.tool.wasmill else {
        let message = "it says nothing of itself; at its top there should be\n\
                       # /// script\n# [tool.wasmill]\n# kind = \"transformer\"\n# version = \"0.1.0\"\n# summary = \"...\"\n# ///";
        return Err(BuildError::manifest(file, message));
    };
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    section.name.get_or_insert_with(|| stem.clone());
    let folder = file.parent().expect("a file is in a folder");
    section.into_project(Language::Python, folder, file, vec![stem])
}

/// The TOML of the block `# /// script`.
fn inline_block(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.trim_end() != "# /// script").skip(1);
    let inside = lines.take_while(|line| line.starts_with('#') && line.trim_end() != "# ///");
    inside
        .map(|line| {
            line.trim_start_matches('#').strip_prefix(' ').unwrap_or_default().to_owned() + "\n"
        })
        .collect()
}

// ---- JavaScript ------------------------------------------------------------------------------------------------

fn package(folder: &Path) -> Result<Project, BuildError> {
    #[derive(Deserialize)]
    struct File {
        name: Option<String>,
        version: Option<String>,
        description: Option<String>,
        author: Option<Author>,
        license: Option<String>,
        main: Option<String>,
        wasmill: Option<Section>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Author {
        Text(String),
        Person(Person),
    }
    let manifest = folder.join("package.json");
    let file: File = serde_json::from_str(&read(&manifest)?)
        .map_err(|error| BuildError::manifest(&manifest, error.to_string()))?;
    let Some(mut section) = file.wasmill else {
        return Err(BuildError::manifest(
            &manifest,
            "`wasmill` is missing, an object with the `kind` of the plugin",
        ));
    };
    section.name = section.name.or(file.name);
    section.version = section.version.or(file.version);
    section.summary = section.summary.or(file.description);
    section.license = section.license.or(file.license);
    section.authors.extend(file.author.and_then(|author| match author {
        Author::Text(text) => Some(text),
        Author::Person(person) => person.shown(),
    }));
    let usual = ["src/index.ts", "src/index.js", "index.ts", "index.js", "plugin.ts", "plugin.js"];
    let usual = || usual.into_iter().find(|file| folder.join(file).is_file()).map(str::to_owned);
    let Some(main) = file.main.or_else(usual) else {
        return Err(BuildError::manifest(
            &manifest,
            "`main` is missing: the file that the plugin begins with",
        ));
    };
    section.into_project(Language::Js, folder, &manifest, vec![main])
}

// ---- Rust ------------------------------------------------------------------------------------------------------

fn cargo(folder: &Path) -> Result<Project, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        description: Option<String>,
        authors: Vec<String>,
        license: Option<String>,
        manifest_path: PathBuf,
    }
    let manifest = folder.join("Cargo.toml");
    // What a workspace says of its members, only Cargo knows.
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&program);
    command
        .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(&manifest);
    let output = command.output().map_err(|_| BuildError::Missing {
        what: "cargo".to_owned(),
        hint: "install Rust (https://rustup.rs)".to_owned(),
    })?;
    if !output.status.success() {
        return Err(BuildError::manifest(
            &manifest,
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| BuildError::manifest(&manifest, error.to_string()))?;
    let package = metadata.packages.into_iter().find(|package| package.manifest_path == manifest);
    let Some(package) = package else {
        return Err(BuildError::manifest(&manifest, "it is no package"));
    };
    let Some(summary) = package.description else {
        return Err(BuildError::manifest(
            &manifest,
            "`description` is missing: one line that says what the plugin does",
        ));
    };
    Ok(Project {
        language: Language::Rust,
        folder: folder.to_owned(),
        name: plugin_name(&package.name, &manifest)?,
        version: package.version,
        summary,
        authors: package.authors,
        license: package.license,
        kind: None,
        http: false,
        entry: vec![package.name],
        dependencies: Vec::new(),
        is_standalone: false,
        manifest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Result<Project, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        for (file, text) in files {
            fs::write(folder.path().join(file), text).unwrap();
        }
        Project::find(folder.path(), None)
    }

    #[test]
    fn each_language_has_its_file() {
        let plugin = "[plugin]\nname = \"x-y\"\nversion = \"1.2.0\"\nsummary = \"Does\"\nkind = \"loader\"\n";
        let pyproject = "[project]\nname = \"wasmill-x-y\"\nversion = \"1.2.0\"\ndescription = \"Does\"\n\
                         authors = [{ name = \"A\", email = \"a@b.c\" }]\n[tool.wasmill]\nkind = \"loader\"\nhttp = true\n";
        let package = r#"{"name": "@us/x-y", "version": "1.2.0", "description": "Does", "author": "A <a@b.c>",
                          "main": "x.ts", "wasmill": {"kind": "loader"}}"#;
        let cases = [
            (Language::C, vec![("plugin.toml", plugin)], vec![]),
            (Language::Go, vec![("plugin.toml", plugin), ("go.mod", "module x")], vec![]),
            (Language::Python, vec![("pyproject.toml", pyproject)], vec!["x_y".to_owned()]),
            (Language::Js, vec![("package.json", package)], vec!["x.ts".to_owned()]),
        ];
        for (language, files, entry) in cases {
            let project = found(&files).unwrap();
            let of_project = (
                project.language,
                project.name.as_str(),
                project.version.as_str(),
                project.summary.as_str(),
                project.kind,
            );
            assert_eq!(
                of_project,
                (
                    language,
                    if language == Language::Python {
                        "wasmill-x-y".strip_prefix("wasmill-").unwrap()
                    } else {
                        "x-y"
                    },
                    "1.2.0",
                    "Does",
                    Some(Kind::Loader)
                )
            );
            assert_eq!(project.http, language == Language::Python);
            if matches!(language, Language::Python | Language::Js) {
                assert_eq!(project.authors, ["A <a@b.c>"]);
            }
            if language != Language::Python {
                assert_eq!(project.entry, entry);
            }
        }
    }

    #[test]
    fn a_script_says_it_in_its_first_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clean_up.py");
        let block = "# /// script\n# [tool.wasmill]\n# kind = \"transformer\"\n# version = \"0.1.0\"\n# summary = \"Cleans\"\n# ///\nimport re\n";
        fs::write(&file, block).unwrap();
        let project = Project::find(&file, None).unwrap();
        assert_eq!(
            (project.name.as_str(), &project.entry[..]),
            ("clean-up", &["clean_up".to_owned()][..])
        );
        fs::write(&file, "import re\n").unwrap();
        assert!(Project::find(&file, None).unwrap_err().to_string().contains("# [tool.wasmill]"));
        fs::write(
            &file,
            block.replace("# ///\nimport", "# dependencies = [\"numpy\"]\n# ///\nimport"),
        )
        .unwrap();
        assert!(Project::find(&file, None).is_err());
    }

    #[test]
    fn what_is_missing_is_said() {
        let cases: [(&[(&str, &str)], &str); 6] = [
            (&[], "holds no project"),
            (&[("go.mod", "module x")], "plugin.toml"),
            (&[("plugin.toml", "[plugin]\nname = \"x\"")], "`version` is missing"),
            (&[("plugin.toml", "[plugin]\nname = \"x\"\nkind = \"mover\"")], "mover"),
            (&[("package.json", r#"{"name": "x"}"#)], "`wasmill` is missing"),
            (&[("pyproject.toml", "[project]\nname = \"x\"")], "[tool.wasmill] is missing"),
        ];
        for (files, says) in cases {
            let error = found(files).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
