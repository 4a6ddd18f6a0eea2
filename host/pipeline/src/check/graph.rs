//! How the steps of a file hang together: unknown inputs, cycles, steps that nobody reads.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::file::diagnostic::{Diagnostic, unknown_name_hint};
use crate::file::document::{Document, child};
use crate::file::sections::PipelineFile;

/// Where a step is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Sources,
    Transforms,
    Validators,
    Sinks,
    Notifiers,
}

impl Table {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sources => "sources",
            Self::Transforms => "transforms",
            Self::Validators => "validators",
            Self::Sinks => "sinks",
            Self::Notifiers => "notifiers",
        }
    }

    /// The pointer of an entry.
    pub fn pointer(self, name: &str) -> String {
        child(&child("", self.name()), name)
    }
}

/// The steps whose rows can be read, each after those that it reads.
pub fn order(
    file: &PipelineFile,
    document: &Document,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Table, String)> {
    let steps = steps(file);
    let declared = declared_names(document);
    report_duplicates(document, diagnostics);
    let sinks =
        file.sinks.iter().map(|(name, sink)| (Table::Sinks, name.as_str(), &sink.inputs[..]));
    let readers: Vec<(Table, &str, &[String])> = steps.iter().copied().chain(sinks).collect();
    let mut read: HashSet<&str> = HashSet::new();
    for (table, name, inputs) in &readers {
        for (index, input) in inputs.iter().enumerate() {
            let pointer = format!("{}/inputs/{index}", table.pointer(name));
            if !declared.contains(input) {
                let hint = unknown_name_hint(input, declared.iter().map(String::as_str));
                diagnostics.push(
                    Diagnostic::error(format!("there is no step `{input}` to read"))
                        .at(document.value_place(&pointer))
                        .hint(hint),
                );
            } else if inputs[..index].contains(input) {
                diagnostics.push(
                    Diagnostic::error(format!("`{input}` is read twice"))
                        .at(document.value_place(&pointer)),
                );
            }
            read.insert(input);
        }
    }
    for (table, name, _) in &steps {
        if !read.contains(name) {
            diagnostics.push(
                Diagnostic::warning(format!("nobody reads `{name}`"))
                    .at(document.key_place(&table.pointer(name)))
                    .hint("add it to the `inputs` of a step or a sink, or remove it"),
            );
        }
    }
    if !document.root().contains_key("sinks") {
        diagnostics.push(
            Diagnostic::error("there is no sink, so nothing would be written")
                .at(document.value_place(""))
                .hint("add an entry such as [sinks.out] with type = \"parquet\""),
        );
    }
    sorted(&steps, document, diagnostics)
}

/// Sources, transforms and validators that are well-formed, with their inputs.
fn steps(file: &PipelineFile) -> Vec<(Table, &str, &[String])> {
    let sources = file.sources.keys().map(|name| (Table::Sources, name.as_str(), &[][..]));
    let transforms = file
        .transforms
        .iter()
        .map(|(name, step)| (Table::Transforms, name.as_str(), &step.inputs[..]));
    let validators = file
        .validators
        .iter()
        .map(|(name, step)| (Table::Validators, name.as_str(), &step.inputs[..]));
    sources.chain(transforms).chain(validators).collect()
}

/// The names of all steps that can be read, those included whose entries are wrong in some other way.
fn declared_names(document: &Document) -> Vec<String> {
    [Table::Sources, Table::Transforms, Table::Validators]
        .iter()
        .filter_map(|table| document.root().get(table.name()).and_then(Value::as_object))
        .flat_map(|entries| entries.keys().cloned())
        .collect()
}

fn report_duplicates(document: &Document, diagnostics: &mut Vec<Diagnostic>) {
    let mut first: HashMap<String, Table> = HashMap::new();
    for table in [Table::Sources, Table::Transforms, Table::Validators, Table::Sinks] {
        let entries = document.root().get(table.name()).and_then(Value::as_object);
        for name in entries.into_iter().flat_map(|entries| entries.keys()) {
            if let Some(other) = first.insert(name.clone(), table) {
                diagnostics.push(
                    Diagnostic::error(format!("`{name}` is declared under [{}] too", other.name()))
                        .at(document.key_place(&table.pointer(name)))
                        .hint("sources, transforms, validators and sinks share one set of names"),
                );
            }
        }
    }
}

/// Orders the steps so that each comes after its inputs; reports what is part of a cycle.
fn sorted(
    steps: &[(Table, &str, &[String])],
    document: &Document,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<(Table, String)> {
    let names: HashSet<&str> = steps.iter().map(|(_, name, _)| *name).collect();
    let mut waiting: Vec<&(Table, &str, &[String])> = steps.iter().collect();
    let mut done: HashSet<&str> = HashSet::new();
    let mut order = Vec::with_capacity(steps.len());
    loop {
        let (ready, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(_, _, inputs)| {
            inputs
                .iter()
                .all(|input| done.contains(input.as_str()) || !names.contains(input.as_str()))
        });
        waiting = rest;
        if ready.is_empty() {
            break;
        }
        for (table, name, _) in ready {
            done.insert(name);
            order.push((*table, (*name).to_owned()));
        }
    }
    if let Some((table, name, _)) = waiting.first() {
        let members = cycle(name, &waiting);
        diagnostics.push(
            Diagnostic::error(format!(
                "these steps read each other in a circle: {}",
                members.join(" <- ")
            ))
            .at(document.key_place(&format!("{}/inputs", table.pointer(name)))),
        );
    }
    order
}

/// From some step that cannot be ordered, along inputs that cannot either, until a step comes again.
fn cycle(start: &str, waiting: &[&(Table, &str, &[String])]) -> Vec<String> {
    let inputs_of =
        |name: &str| waiting.iter().find(|(_, other, _)| *other == name).map(|step| step.2);
    let mut path = vec![start.to_owned()];
    loop {
        let last = path.last().expect("never empty");
        let next = inputs_of(last)
            .and_then(|inputs| inputs.iter().find(|input| inputs_of(input).is_some()))
            .expect("a step that cannot be ordered reads another that cannot");
        if let Some(first) = path.iter().position(|name| name == next) {
            path.drain(..first);
            path.push(next.clone());
            return path;
        }
        path.push(next.clone());
    }
}
