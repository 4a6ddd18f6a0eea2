//! A pipeline around one plugin, made in memory: rows of files, the plugin, nothing behind it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use wasmill_connect::files::literal_pattern;
use wasmill_sandbox::component::PluginKind;

use crate::check::Pipeline;

/// The connector for files, and the ends of names that it is for.
const FORMATS: [(&str, &[&str]); 4] = [
    ("csv", &[".csv"]),
    ("jsonl", &[".jsonl", ".ndjson"]),
    ("parquet", &[".parquet"]),
    ("arrow", &[".arrow", ".arrows", ".ipc", ".feather"]),
];
/// What files of CSV and JSON lines may be compressed with.
const COMPRESSIONS: [&str; 4] = [".gz", ".gzip", ".zst", ".zstd"];

/// A plugin, and the rows that it is to be measured over.
#[derive(Debug)]
pub struct ComponentUse {
    component: PathBuf,
    table: &'static str,
    source: Map<String, Value>,
    options: Map<String, Value>,
}

/// Why a plugin cannot be measured over some files.
#[derive(Debug, thiserror::Error)]
pub enum ComponentUseError {
    #[error("{} is {} {kind}; single transformers and validators are measured", component.display(), article(*kind))]
    Kind { component: PathBuf, kind: PluginKind },
    #[error("there are no rows to measure over")]
    NoData,
    #[error("there is no file {}", path.display())]
    Missing { path: PathBuf },
    #[error("the name of {} does not say what is in it", path.display())]
    Format { path: PathBuf },
    #[error("{} and {} are of different formats", first.display(), other.display())]
    Formats { first: PathBuf, other: PathBuf },
    #[error("columns of {format} files have types of their own")]
    Typed { format: &'static str },
    #[error("the path {} is not Unicode", path.display())]
    Path { path: PathBuf },
}

impl ComponentUseError {
    /// What a person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Kind { .. } => {
                "write a pipeline file that uses it, and measure that: wasmill bench PIPELINE"
            }
            Self::NoData => "name a file with --data FILE: csv, jsonl, parquet or arrow",
            Self::Missing { .. } => {
                "--data takes the path of a file, and may be given several times"
            }
            Self::Format { .. } => {
                "it must end in .csv, .jsonl, .parquet or .arrow; the first two may be compressed: .gz, .zst"
            }
            Self::Formats { .. } => "give files of one format and with the same columns",
            Self::Typed { .. } => "--type is for columns of csv and jsonl files: leave it out",
            Self::Path { .. } => "rename it, or give a link to it",
        }
    }
}

fn article(kind: PluginKind) -> &'static str {
    if kind == PluginKind::Extractor { "an" } else { "a" }
}

impl ComponentUse {
    /// The component `component`, which is of this kind, over the rows of `data`. `types` are those of columns of CSV and
    /// JSON lines, as in a pipeline file.
    pub fn new(
        component: &Path,
        kind: PluginKind,
        data: &[PathBuf],
        types: &BTreeMap<String, String>,
    ) -> Result<Self, ComponentUseError> {
        let table = match kind {
            PluginKind::Transformer => "transforms",
            PluginKind::Validator => "validators",
            PluginKind::Extractor | PluginKind::Loader | PluginKind::Notifier => {
                return Err(ComponentUseError::Kind { component: component.to_owned(), kind });
            }
        };
        let source = source(data, types)?;
        let component = component.to_owned();
        Ok(Self { component, table, source, options: Map::new() })
    }

    /// Sets the plugin's configuration.
    #[must_use]
    pub fn config(self, config: Map<String, Value>) -> Self {
        self.option("config", Value::Object(config))
    }

    /// Sets the profile, as in a pipeline file.
    #[must_use]
    pub fn profile(self, profile: &str) -> Self {
        self.option("profile", Value::from(profile))
    }

    fn option(mut self, key: &str, value: Value) -> Self {
        self.options.insert(key.to_owned(), value);
        self
    }

    pub(super) fn pipeline(self) -> Pipeline {
        let step = step_name(&self.component);
        let component = std::path::absolute(&self.component).unwrap_or(self.component);
        let mut plugin = self.options;
        plugin.insert("plugin".to_owned(), Value::from(component.to_string_lossy()));
        plugin.insert("inputs".to_owned(), json!(["data"]));
        let mut root = Map::new();
        root.insert("pipeline".to_owned(), json!({ "name": "bench" }));
        root.insert("sources".to_owned(), json!({ "data": self.source }));
        root.insert(self.table.to_owned(), json!({ (step.clone()): plugin }));
        // Any sink will do: a bench discards the rows.
        let sink = json!({ "type": "jsonl", "path": "discarded", "inputs": [step] });
        root.insert("sinks".to_owned(), json!({ "discarded": sink }));
        Pipeline::from_sections(root, PathBuf::from("."))
    }
}

fn source(
    data: &[PathBuf],
    types: &BTreeMap<String, String>,
) -> Result<Map<String, Value>, ComponentUseError> {
    let Some(first) = data.first() else { return Err(ComponentUseError::NoData) };
    let format = format(first)?;
    let mut patterns = Vec::with_capacity(data.len());
    for path in data {
        if !path.is_file() {
            return Err(ComponentUseError::Missing { path: path.clone() });
        }
        if self::format(path)? != format {
            return Err(ComponentUseError::Formats { first: first.clone(), other: path.clone() });
        }
        let text = path.to_str().ok_or_else(|| ComponentUseError::Path { path: path.clone() })?;
        patterns.push(literal_pattern(text));
    }
    let mut source = Map::new();
    source.insert("type".to_owned(), Value::from(format));
    source.insert("path".to_owned(), Value::from(patterns));
    if !types.is_empty() {
        if !matches!(format, "csv" | "jsonl") {
            return Err(ComponentUseError::Typed { format });
        }
        source.insert("types".to_owned(), json!(types));
    }
    Ok(source)
}

fn format(path: &Path) -> Result<&'static str, ComponentUseError> {
    let name = path.to_string_lossy();
    let (plain, compressed) = COMPRESSIONS
        .iter()
        .find_map(|end| Some((name.strip_suffix(end)?, true)))
        .unwrap_or((&name, false));
    let found = FORMATS.iter().find(|(_, ends)| ends.iter().any(|end| plain.ends_with(end)));
    match found {
        Some((format, _)) if !compressed || matches!(*format, "csv" | "jsonl") => Ok(format),
        _ => Err(ComponentUseError::Format { path: path.to_owned() }),
    }
}

/// The step is called like the component's file, as far as a step can be.
fn step_name(component: &Path) -> String {
    let stem = component.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let fits = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-');
    let name: String = stem.chars().map(|char| if fits(char) { char } else { '_' }).collect();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_free = !matches!(name.as_str(), "data" | "discarded");
    if is_name && is_free { name } else { format!("plugin-{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_how_it_is_read() {
        for (name, expected) in [
            ("a.csv", Some("csv")),
            ("a.b.csv.gz", Some("csv")),
            ("a.ndjson.zst", Some("jsonl")),
            ("a.parquet", Some("parquet")),
            ("a.arrow", Some("arrow")),
            ("a.parquet.gz", None),
            ("a.txt", None),
            ("csv", None),
        ] {
            assert_eq!(format(Path::new(name)).ok(), expected, "{name}");
        }
    }

    #[test]
    fn steps_have_names_that_a_pipeline_takes() {
        for (component, expected) in [
            ("x/gross.wasm", "gross"),
            ("my plugin.wasm", "my_plugin"),
            ("9.wasm", "plugin-9"),
            ("data.wasm", "plugin-data"),
        ] {
            assert_eq!(step_name(Path::new(component)), expected);
        }
    }
}
