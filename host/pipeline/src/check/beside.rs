//! A step beside another one: the same entry with another plugin, checked like all others against the columns that the step
//! gets, and then taken out of the pipeline.

use serde_json::{Map, Value};

use crate::check::Pipeline;
use crate::file::diagnostic::{Diagnostic, Severity, unknown_name_hint};

use super::graph::Table;

/// What differs from the entry that stands beside it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replacement {
    /// As in a pipeline file: a name, or a path that ends in `.wasm`.
    pub(crate) plugin: String,
    /// Instead of the configuration in the file.
    pub(crate) config: Option<Map<String, Value>>,
    /// Whether it gets none of the connections that the entry is granted.
    pub(crate) is_offline: bool,
}

/// Why no version of a step can run beside it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchStep {
    #[error("the pipeline has no step `{step}`")]
    Unknown { step: String, hint: String },
    #[error("`{step}` is no plugin that transforms or validates rows")]
    Kind { step: String, hint: String },
}

impl NoSuchStep {
    /// What a person can do.
    pub fn hint(&self) -> &str {
        let (Self::Unknown { hint, .. } | Self::Kind { hint, .. }) = self;
        hint
    }
}

impl Pipeline {
    /// Adds a step beside `step`: the same entry but for the replacement. `check_beside` gives it, bound and ready.
    ///
    /// A file that is wrong in other ways is told so by the check.
    pub(crate) fn beside(mut self, step: &str, with: Replacement) -> Result<Self, NoSuchStep> {
        let found = [Table::Transforms, Table::Validators].into_iter().find_map(|table| {
            let entry = self.document.root().get(table.name())?.get(step)?.as_object()?;
            entry.contains_key("plugin").then(|| (table, entry.clone()))
        });
        let Some((table, mut entry)) = found else { return Err(self.no_such_step(step)) };
        entry.insert("plugin".to_owned(), Value::from(with.plugin));
        if let Some(config) = with.config {
            entry.insert("config".to_owned(), Value::Object(config));
        }
        if with.is_offline
            && let Some(Value::Object(grants)) = entry.get_mut("grants")
        {
            grants.remove("http");
        }
        let taken: Vec<&str> = self.names().map(|(_, name)| name).collect();
        let mut name = format!("{step}-new");
        while taken.contains(&name.as_str()) {
            name.push_str("er");
        }
        self.document.add(table.name(), &name, entry);
        self.added = Some(name);
        Ok(self)
    }

    /// All that entries are called, with their tables.
    fn names(&self) -> impl Iterator<Item = (Table, &str)> {
        let tables = [Table::Sources, Table::Transforms, Table::Validators, Table::Sinks];
        tables.into_iter().flat_map(|table| {
            let entries = self.document.root().get(table.name()).and_then(Value::as_object);
            entries.into_iter().flatten().map(move |(name, _)| (table, name.as_str()))
        })
    }

    fn no_such_step(&self, step: &str) -> NoSuchStep {
        let fits = |(table, name): (Table, &str)| {
            let entry = &self.document.root()[table.name()][name];
            let is_fitting = matches!(table, Table::Transforms | Table::Validators);
            is_fitting && entry.get("plugin").is_some()
        };
        let fitting: Vec<&str> =
            self.names().filter(|name| fits(*name)).map(|(_, name)| name).collect();
        let step = step.to_owned();
        if self.names().any(|(_, name)| name == step) {
            let hint = match &fitting[..] {
                [] => "there is none in this pipeline".to_owned(),
                fitting => format!("such steps are {}", fitting.join(", ")),
            };
            return NoSuchStep::Kind { step, hint };
        }
        let hint = unknown_name_hint(&step, fitting);
        NoSuchStep::Unknown { step, hint }
    }
}

/// Says of findings about the added step that they are. Its warnings are those of the step beside it, or that nobody reads it.
pub(super) fn told_apart(diagnostics: &mut Vec<Diagnostic>) {
    let is_added = |diagnostic: &Diagnostic| {
        diagnostic.place.as_ref().is_some_and(|place| place.file.as_os_str().is_empty())
    };
    diagnostics
        .retain(|diagnostic| !is_added(diagnostic) || diagnostic.severity == Severity::Error);
    for diagnostic in diagnostics.iter_mut().filter(|diagnostic| is_added(diagnostic)) {
        diagnostic.place = None;
        diagnostic.message = format!("the new version: {}", diagnostic.message);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::file::document::Document;

    fn beside(step: &str, with: Replacement) -> Result<Value, NoSuchStep> {
        let text = "[sources.a]\ntype = \"csv\"\n[transforms.sql]\ntype = \"sql\"\n[sinks.b-new]\n[transforms.b]\n\
                    plugin = \"b\"\ninputs = [\"a\"]\nconfig = { x = 1 }\n\
                    grants = { http = [\"c\"], clock = \"real\" }\n";
        let (document, _) = Document::parse(Path::new("p.toml"), text);
        let pipeline = Pipeline::new(document, Vec::new(), ".".into()).beside(step, with)?;
        Ok(pipeline.document.root()["transforms"][pipeline.added.unwrap()].clone())
    }

    fn plugin(plugin: &str) -> Replacement {
        Replacement { plugin: plugin.to_owned(), ..Replacement::default() }
    }

    #[test]
    fn the_entry_is_the_same_but_for_the_replacement() {
        let mut expected = json!({
            "plugin": "b-2", "inputs": ["a"], "config": { "x": 1 },
            "grants": { "http": ["c"], "clock": "real" },
        });
        assert_eq!(beside("b", plugin("b-2")).unwrap(), expected);
        expected["config"] = json!({ "y": 2 });
        expected["grants"] = json!({ "clock": "real" });
        let config = json!({ "y": 2 }).as_object().cloned();
        let with = Replacement { config, is_offline: true, ..plugin("b-2") };
        assert_eq!(beside("b", with).unwrap(), expected);
    }

    #[test]
    fn only_plugins_that_see_rows_pass_by_have_versions() {
        for (step, hint) in [("a", "such steps are b"), ("sql", "such steps are b")] {
            let error = beside(step, plugin("c")).unwrap_err();
            assert!(matches!(error, NoSuchStep::Kind { .. }), "{error}");
            assert_eq!(error.hint(), hint);
        }
        let error = beside("x", plugin("c")).unwrap_err();
        assert!(matches!(error, NoSuchStep::Unknown { .. }), "{error}");
    }
}
