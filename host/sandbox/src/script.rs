//! Scripts: plugins that are source text, and the interpreters that run them.
//!
//! ```text
//!   script: a component without code            interpreter: a component that exports all five kinds
//!   section `wasmill:script` ── names, by digest ──▶ compiled once, kept in the sandbox
//!            └── files ── asked for through the import `wasmill:plugin/script` ──▲
//! ```
//!
//! A language runtime has megabytes of code, and most plugins are a few lines. So there is one runtime for all scripts of a
//! language, whatever their number, and what a script adds is its text. It gets instances of its own, like any plugin, and nothing
//! of another script.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use wasmill_contract::bindings::script as wit;
use wasmill_contract::finding::bounded_text;
use wasmparser::{Parser, Payload};
use wasmtime::component::Component;

use crate::component::{Digest, LoadError, PluginKind};
use crate::engine::LinkedEngine;

/// The section that makes a component a script.
const SECTION: &str = "wasmill:script";
/// The import through which an interpreter asks for its script.
pub(crate) const IMPORT: &str = "wasmill:plugin/script@";
/// The folder beside scripts in which their interpreters are looked for.
pub const FOLDER: &str = "interpreters";

/// A plugin's source text.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) interpreter: Digest,
    pub(crate) kind: PluginKind,
    pub(crate) uses_http: bool,
    language: String,
    manifest: wit::Manifest,
    files: Vec<wit::File>,
}

impl Script {
    /// The script that a component is; none where it is a component like others.
    pub(crate) fn of(component: &[u8]) -> Result<Option<Self>, LoadError> {
        for payload in Parser::new(0).parse_all(component) {
            match payload {
                Ok(Payload::CustomSection(section)) if section.name() == SECTION => {
                    return Self::parse(section.data()).map(Some);
                }
                Ok(Payload::Version { .. } | Payload::CustomSection(_)) => {}
                // Whatever is not a component is refused by who compiles it. A script has no code.
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn parse(section: &[u8]) -> Result<Self, LoadError> {
        #[derive(Deserialize)]
        struct Section {
            interpreter: String,
            language: String,
            kind: String,
            name: String,
            version: String,
            summary: String,
            http: bool,
            files: Vec<File>,
        }
        #[derive(Deserialize)]
        struct File {
            path: String,
            content: String,
        }
        let refused = |message: String| LoadError::Script { message: bounded_text(message) };
        let section: Section =
            serde_json::from_slice(section).map_err(|error| refused(error.to_string()))?;
        let kind = PluginKind::ALL.into_iter().find(|kind| kind.name() == section.kind);
        let interpreter = Digest::parse(&section.interpreter);
        if section.files.is_empty() {
            return Err(refused("it has no files".to_owned()));
        }
        let file = |file: File| wit::File { path: file.path, content: file.content.into_bytes() };
        Ok(Self {
            interpreter: interpreter
                .ok_or_else(|| refused(format!("`{}` is no digest", section.interpreter)))?,
            kind: kind
                .ok_or_else(|| refused(format!("`{}` is no kind of plugins", section.kind)))?,
            uses_http: section.http,
            language: section.language,
            manifest: wit::Manifest {
                kind: section.kind,
                name: section.name,
                version: section.version,
                summary: section.summary,
            },
            files: section.files.into_iter().map(file).collect(),
        })
    }

    /// What it says of itself.
    pub(crate) fn manifest(&self) -> wit::Manifest {
        self.manifest.clone()
    }

    /// Its files, the one that it begins with first.
    pub(crate) fn files(&self) -> Vec<wit::File> {
        self.files.clone()
    }
}

/// An interpreter that was compiled.
#[derive(Clone)]
pub(crate) struct Interpreter {
    pub(crate) engine: Arc<LinkedEngine>,
    pub(crate) component: Component,
    pub(crate) imports: Arc<[String]>,
    pub(crate) exports: Arc<[String]>,
}

/// Interpreters, each compiled once.
#[derive(Default)]
pub(crate) struct Interpreters {
    compiled: Mutex<HashMap<Digest, Interpreter>>,
}

impl Interpreters {
    /// The interpreter of a script: one that is there, or compiled by `compile` from what is found in one of the folders.
    pub(crate) fn get(
        &self,
        script: &Script,
        folders: &[PathBuf],
        compile: impl FnOnce(&Arc<[u8]>) -> Result<Interpreter, LoadError>,
    ) -> Result<Interpreter, LoadError> {
        // Held while it is compiled: who wants the same one had better wait.
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(interpreter) = compiled.get(&script.interpreter) {
            return Ok(interpreter.clone());
        }
        let component = folders.iter().find_map(|folder| find(folder, script.interpreter));
        let component = component.ok_or_else(|| LoadError::NoInterpreter {
            language: bounded_text(script.language.clone()),
            digest: script.interpreter,
            folders: folders.iter().map(|folder| folder.display().to_string()).collect(),
        })?;
        let interpreter = compile(&component)?;
        compiled.insert(script.interpreter, interpreter.clone());
        Ok(interpreter)
    }
}

/// The file of a folder that has the digest: its name ends with the first digits.
fn find(folder: &Path, digest: Digest) -> Option<Arc<[u8]>> {
    let suffix = file_suffix(digest);
    let entries = std::fs::read_dir(folder).ok()?;
    let named = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut named = named.filter(|path| path.to_string_lossy().ends_with(&suffix));
    named.find_map(|path| {
        let component = std::fs::read(path).ok()?;
        (Digest::of(&component) == digest).then(|| component.into())
    })
}

/// How the name of an interpreter's file ends: `-0123456789ab.wasm`.
pub fn file_suffix(digest: Digest) -> String {
    let digits: String = digest.as_bytes()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("-{digits}.wasm")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(section: &str) -> Vec<u8> {
        let mut component = wasm_encoder::Component::new();
        let data = section.as_bytes().into();
        component.section(&wasm_encoder::CustomSection { name: SECTION.into(), data });
        component.finish()
    }

    const GOOD: &str = r#"{"interpreter": "sha256:0000000000000000000000000000000000000000000000000000000000000001",
        "language": "python", "kind": "loader", "name": "x", "version": "1", "summary": "s", "http": true,
        "files": [{"path": "x.py", "content": "é"}]}"#;

    #[test]
    fn a_section_makes_a_script() {
        let script = Script::of(&component(GOOD)).unwrap().unwrap();
        assert_eq!((script.kind, script.uses_http), (PluginKind::Loader, true));
        assert_eq!(script.files()[0].content, "é".as_bytes());
        assert!(Script::of(&wasm_encoder::Component::new().finish()).unwrap().is_none());
        assert!(Script::of(b"no component").unwrap().is_none());
    }

    #[test]
    fn what_is_wrong_with_a_section_is_said() {
        for (from, to, says) in [
            ("sha256:00", "sha256:0x", "no digest"),
            ("loader", "mover", "no kind"),
            ("{\"path\": \"x.py\", \"content\": \"é\"}", "", "no files"),
            ("\"http\": true,", "", "http"),
        ] {
            let error = Script::of(&component(&GOOD.replace(from, to))).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn an_interpreter_that_is_not_there_is_named() {
        let script = Script::of(&component(GOOD)).unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        // The name is right, the content is not.
        let name = format!("python{}", file_suffix(script.interpreter));
        std::fs::write(folder.path().join(name), "other").unwrap();
        let found =
            Interpreters::default().get(&script, &[folder.path().to_owned()], |_| unreachable!());
        let error = found.err().unwrap().to_string();
        assert!(error.contains("sha256:0000") && error.contains("python"), "{error}");
    }
}
