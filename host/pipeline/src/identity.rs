//! What a run is made of, so that whoever goes on with it later can tell whether it still is.
//!
//! An [`Identity`] holds a digest of each section of the pipeline file and of each plugin, by name: two of them differ in
//! names, which a person can look up. Of secrets it knows where they come from and not what they are.
//!
//! Whether staged rows are still good is asked phase by phase. The digest of a [`Phase`] covers all that its rows depend on, the
//! phases that it reads included, and nothing else: a policy or a gate that changed costs no row.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use wasmill_sandbox::component::Digest;

use crate::checked::CheckedPipeline;
use crate::plan::Phase;

/// Keys of a step's section that say nothing about its rows.
const POLICY_KEYS: [&str; 3] = ["breaker", "gate", "retry"];
/// Keys of `[pipeline]` that do.
const ROW_SETTINGS: [&str; 2] = ["batch_rows", "seed"];
/// Where an identity holds how many splits the plan was asked for.
const WANTED_SPLITS: &str = "wanted splits";

/// Digests of everything that a run is made of, beside its inputs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Identity {
    /// By name: `transforms.clean`, `plugin of clean`, `pipeline.seed`.
    parts: BTreeMap<String, String>,
    /// What the rows of a step or sink depend on, by its name; under no name what all rows depend on.
    rows: BTreeMap<String, String>,
}

impl Identity {
    /// Of the sections of a file, and of the plugins of its steps.
    pub(crate) fn new(root: &Map<String, Value>, plugins: &[(&str, Digest)]) -> Self {
        let mut identity = Self::default();
        identity.parts.insert("wasmill".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
        for (table, entries) in root {
            let Value::Object(entries) = entries else { continue };
            for (name, entry) in entries {
                identity.parts.insert(format!("{table}.{name}"), digest(entry));
                match entry {
                    Value::Object(section) if table != "pipeline" => {
                        let rows = section.iter().filter(|(key, _)| !is_policy(key));
                        let rows = rows.map(|(key, value)| (key.clone(), value.clone())).collect();
                        identity.rows.insert(name.clone(), digest(&Value::Object(rows)));
                    }
                    _ if ROW_SETTINGS.contains(&name.as_str()) => {
                        identity.rows.entry(String::new()).or_default().push_str(&digest(entry));
                    }
                    _ => {}
                }
            }
        }
        for (step, plugin) in plugins {
            identity.parts.insert(format!("plugin of {step}"), plugin.to_string());
            identity.rows.entry((*step).to_owned()).or_default().push_str(&plugin.to_string());
        }
        identity
    }

    /// As the ledger keeps it, with the number of splits that the plan was asked for.
    pub(crate) fn to_json(&self, wanted_splits: Option<u32>) -> Value {
        let mut json = serde_json::to_value(&self.parts).expect("texts are plain data");
        if let Some(wanted) = wanted_splits {
            json[WANTED_SPLITS] = wanted.into();
        }
        json
    }

    /// What differs from how it was when a run was entered, a line each.
    pub(crate) fn differences(&self, before: &Value) -> Vec<String> {
        let Value::Object(before) = before else {
            return vec![
                "the run was started by a version that did not keep what it was made of".to_owned(),
            ];
        };
        let mut lines = Vec::new();
        for (name, now) in &self.parts {
            match before.get(name).and_then(Value::as_str) {
                None => lines.push(format!("{name} is new")),
                Some(before) if before == now => {}
                Some(before) if name.starts_with("plugin of ") || name == "wasmill" => {
                    lines.push(format!("{name}: {now}, which was {before}"));
                }
                Some(_) => lines.push(format!("{name} has changed")),
            }
        }
        let gone = before.keys().filter(|name| *name != WANTED_SPLITS);
        for name in gone.filter(|name| !self.parts.contains_key(*name)) {
            lines.push(format!("{name} is gone"));
        }
        lines
    }

    /// Those of [`Identity::differences`] that are about where rows are published.
    pub(crate) fn differences_of_sinks(&self, before: &Value, sinks: &[&str]) -> Vec<String> {
        let is_of_sink = |line: &String| {
            line.starts_with("sinks.")
                || sinks.iter().any(|sink| line.starts_with(&format!("plugin of {sink}:")))
        };
        self.differences(before).into_iter().filter(is_of_sink).collect()
    }

    /// The digest of each phase, in their order: of all that its staged rows depend on, but for the inputs themselves.
    pub(crate) fn of_phases(&self, phases: &[Phase]) -> Vec<String> {
        let mut by_end: BTreeMap<&str, String> = BTreeMap::new();
        let mut digests = Vec::with_capacity(phases.len());
        for phase in phases {
            let mut hash = Sha256::new();
            let mut add = |text: &str| {
                hash.update((text.len() as u64).to_le_bytes());
                hash.update(text);
            };
            add(env!("CARGO_PKG_VERSION"));
            add(self.rows_of(""));
            add(&phase.end);
            add(if phase.for_later { "for later" } else { "" });
            for lane in &phase.lanes {
                add(&lane.label);
                add(&format!("{:?}", lane.origin));
                let source = lane.source();
                for step in source.into_iter().chain(lane.steps.iter().map(String::as_str)) {
                    add(step);
                    add(self.rows_of(step));
                }
            }
            for sink in &phase.sinks {
                add(sink);
                add(self.rows_of(sink));
            }
            for read in &phase.reads {
                add(by_end.get(read.as_str()).map_or("", String::as_str));
            }
            let digest = hex(&hash.finalize());
            by_end.insert(&phase.end, digest.clone());
            digests.push(digest);
        }
        digests
    }

    fn rows_of(&self, step: &str) -> &str {
        self.rows.get(step).map_or("", String::as_str)
    }
}

/// How many splits the plan of a run was asked for, as its identity in the ledger says.
pub(crate) fn wanted_splits(identity: &Value) -> Option<u32> {
    identity.get(WANTED_SPLITS)?.as_u64().and_then(|wanted| u32::try_from(wanted).ok())
}

impl CheckedPipeline {
    /// What differs in the inputs of a source from how they were when a run was planned; nothing for plugins, which cannot be
    /// asked without side effects.
    pub(crate) async fn source_differences(
        &self,
        source: &str,
        wanted_splits: Option<u32>,
        planned: &[Value],
    ) -> Vec<String> {
        let Some(connector) = self.connector(source) else { return Vec::new() };
        match connector.splits(wanted_splits).await {
            Ok(splits) => {
                let now: Vec<Value> = splits
                    .iter()
                    .map(|split| serde_json::to_value(split).expect("descriptors are plain data"))
                    .collect();
                differing_inputs(source, planned, &now)
            }
            Err(error) => vec![format!("source `{source}`: {}", crate::error::chain(&error))],
        }
    }
}

/// What differs between the splits of a source as they were planned and as they are now.
fn differing_inputs(source: &str, planned: &[Value], now: &[Value]) -> Vec<String> {
    if planned == now {
        return Vec::new();
    }
    let (before, after) = (files(planned), files(now));
    let mut lines = Vec::new();
    for (path, state) in &before {
        match after.get(path) {
            None => lines.push(format!("source `{source}`: {path} is gone")),
            Some(other) if other == state => {}
            Some((bytes, _)) if *bytes != state.0 => lines.push(format!(
                "source `{source}`: {path} has changed: {bytes} bytes, which were {}",
                state.0
            )),
            Some(_) => lines.push(format!("source `{source}`: {path} was written since")),
        }
    }
    for path in after.keys().filter(|path| !before.contains_key(*path)) {
        lines.push(format!("source `{source}`: {path} is new"));
    }
    if lines.is_empty() {
        lines.push(format!("source `{source}` is divided into other splits"));
    }
    lines
}

/// The files that descriptors name, with size and time.
fn files(splits: &[Value]) -> BTreeMap<&str, (u64, u64)> {
    let entry = |split: &'_ Value| -> Option<(u64, u64)> {
        let file = &split["descriptor"]["file"];
        Some((file["bytes"].as_u64()?, file["modified_ns"].as_u64()?))
    };
    splits
        .iter()
        .filter_map(|split| Some((split["descriptor"]["file"]["path"].as_str()?, entry(split)?)))
        .collect()
}

fn is_policy(key: &str) -> bool {
    POLICY_KEYS.contains(&key)
}

fn digest(value: &Value) -> String {
    let mut text = String::new();
    write_sorted(value, &mut text);
    hex(&Sha256::digest(text))
}

/// JSON with its keys in order: the same for values that mean the same.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let sorted: BTreeMap<&String, &Value> = entries.iter().collect();
            text.push('{');
            for (key, value) in sorted {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write_sorted(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_sorted(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
