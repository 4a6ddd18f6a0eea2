//! The SDK in a project's own folder, `.wasmill-sdk`: editors, type checkers and Cargo look for it there.
//!
//! ```text
//!   .wasmill-sdk/.gitignore    ignores all but itself, so that whoever clones the project has the folder
//!                LANGUAGE/     the SDK, as it is in this program
//!                rust/         a workspace: its crates in `crates`, and `wit`, which the bindings are generated from
//! ```
//!
//! A project wants this by having the folder; `wasmill new` makes it. Each build renews what is in it, so editors see the SDK that
//! the plugin is built with. Builders use their own copy, but for Rust, where Cargo is told this one.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::{BuildError, Language, embedded};

/// The folder, within that of a project.
pub const FOLDER: &str = ".wasmill-sdk";

const IGNORED: &str = "# The SDK; `wasmill build` puts it here.\n*\n!.gitignore\n";

/// Makes the folder, with the SDK of a language in it.
///
/// # Errors
///
/// When something cannot be written.
pub fn make(project: &Path, language: Language) -> Result<(), BuildError> {
    let folder = project.join(FOLDER);
    fs::create_dir_all(&folder).map_err(BuildError::io(&folder))?;
    replace(&folder.join(".gitignore"), IGNORED)?;
    renew(project, language)
}

/// Writes the SDK of a language into the folder, where the project has one.
///
/// # Errors
///
/// When something cannot be written.
pub fn renew(project: &Path, language: Language) -> Result<(), BuildError> {
    let folder = project.join(FOLDER);
    if !folder.is_dir() {
        return Ok(());
    }
    let sdk = folder.join(language.name());
    if language != Language::Rust {
        return embedded::unpack(language.name(), &sdk);
    }
    embedded::unpack("rust", &sdk.join("crates/sdk"))?;
    embedded::unpack("wit", &sdk.join("wit"))?;
    replace(&sdk.join("Cargo.toml"), &rust_workspace())
}

/// Cargo builds anew what is newer than before, so a file that is as it should be is left alone.
fn replace(file: &Path, text: &str) -> Result<(), BuildError> {
    if fs::read(file).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    fs::write(file, text).map_err(BuildError::io(file))
}

/// The manifest of a workspace that has nothing but the SDK: its crates inherit versions and lints.
fn rust_workspace() -> String {
    const MACROS: &str = "wasmill-plugin-sdk-macros";
    let mut workspace = table(&embedded_toml("workspace/Cargo.toml"), "workspace").clone();
    let wanted: Vec<String> = ["rust/Cargo.toml", "rust/macros/Cargo.toml"]
        .into_iter()
        .flat_map(|file| table(&embedded_toml(file), "dependencies").clone())
        .map(|(name, _)| name)
        .collect();
    workspace.retain(|key, _| ["resolver", "package", "dependencies", "lints"].contains(&key));
    workspace.insert("members".to_owned(), Value::from(vec!["crates/sdk", "crates/sdk/macros"]));
    let dependencies = workspace.get_mut("dependencies").and_then(Value::as_table_mut);
    let dependencies = dependencies.expect("the workspace has dependencies");
    dependencies.retain(|name, _| wanted.iter().any(|wanted| wanted == name));
    let place = Table::from_iter([("path".to_owned(), Value::from("crates/sdk/macros"))]);
    dependencies.insert(MACROS.to_owned(), place.into());
    let manifest = Table::from_iter([("workspace".to_owned(), workspace.into())]);
    toml::to_string(&manifest).expect("what was read can be written")
}

fn embedded_toml(path: &str) -> Table {
    let (folder, file) = path.split_once('/').expect("a file in a folder");
    let mut files = embedded::below(folder).filter(|(name, _)| *name == file);
    let (_, content) = files.next().expect("the file is in the program");
    let text = std::str::from_utf8(content).expect("a manifest is text");
    text.parse().expect("the build of this program reads it too")
}

fn table<'a>(manifest: &'a Table, name: &str) -> &'a Table {
    manifest.get(name).and_then(Value::as_table).expect("the manifest has this table")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_without_the_folder_is_left_alone() {
        let project = tempfile::tempdir().unwrap();
        renew(project.path(), Language::C).unwrap();
        assert_eq!(fs::read_dir(project.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_folder_has_the_sdk_and_gets_it_back() {
        for language in Language::ALL {
            let project = tempfile::tempdir().unwrap();
            make(project.path(), language).unwrap();
            let sdk = project.path().join(FOLDER).join(language.name());
            assert!(fs::read_dir(&sdk).unwrap().count() > 1, "{language}");
            fs::remove_dir_all(&sdk).unwrap();
            renew(project.path(), language).unwrap();
            assert!(sdk.is_dir(), "{language}");
        }
    }

    #[test]
    fn the_workspace_of_rust_has_what_the_sdk_inherits() {
        let manifest: Table = rust_workspace().parse().unwrap();
        let workspace = table(&manifest, "workspace");
        let dependencies = table(workspace, "dependencies");
        assert_eq!(
            dependencies["wasmill-plugin-sdk-macros"]["path"].as_str(),
            Some("crates/sdk/macros")
        );
        assert!(dependencies.contains_key("serde") && !dependencies.contains_key("wasmtime"));
        assert!(workspace.contains_key("package") && workspace.contains_key("lints"));
    }
}
