//! The policies that steps name: looked up, and whether each can be what the step needs.

use indexmap::IndexMap;

use crate::file::diagnostic::{Diagnostic, unknown_name_hint};
use crate::file::document::{Document, child};
use crate::file::policies::RetrySection;
use crate::file::sections::{PipelineFile, Resilience};
use crate::policy::breaker::OnOpen;
use crate::policy::{Policies, notifier_key};

use super::graph::Table;

/// The policies of everything that names some. What is wrong is reported, and left out.
pub(super) fn policies(
    file: &PipelineFile,
    document: &Document,
    diagnostics: &mut Vec<Diagnostic>,
) -> Policies {
    let mut policies = Policies::default();
    let retry = |name: &Option<String>, pointer: &str, diagnostics: &mut Vec<Diagnostic>| {
        let found = named(&file.retries, "retries", name.as_ref()?, pointer, document, diagnostics);
        found.map(RetrySection::policy)
    };
    if let Some(policy) = retry(&file.pipeline.retry, "/pipeline/retry", diagnostics) {
        policies.retry = policy;
    }
    for (table, name, resilience) in entries(file) {
        let pointer = table.pointer(name);
        let key = match table {
            Table::Notifiers => notifier_key(name),
            _ => name.to_owned(),
        };
        if let Some(policy) = retry(&resilience.retry, &child(&pointer, "retry"), diagnostics) {
            policies.retries.insert(key.clone(), policy);
        }
        let Some(breaker) = &resilience.breaker else { continue };
        let pointer = child(&pointer, "breaker");
        let found = named(&file.breakers, "breakers", breaker, &pointer, document, diagnostics);
        let Some(section) = found else { continue };
        if table == Table::Sources && section.on_open == OnOpen::Divert {
            let message = format!(
                "a source cannot divert: it has no rows yet, and `{breaker}` has on_open = \"divert\""
            );
            let hint = "use a breaker with on_open = \"pause\" or \"fail\"";
            diagnostics
                .push(Diagnostic::error(message).at(document.value_place(&pointer)).hint(hint));
        }
        policies.breakers.insert(key, section.policy());
    }
    policies
}

/// Everything that can name policies.
fn entries(file: &PipelineFile) -> impl Iterator<Item = (Table, &str, &Resilience)> {
    let sources =
        file.sources.iter().map(|(name, section)| (Table::Sources, name, &section.resilience));
    let transforms = file
        .transforms
        .iter()
        .map(|(name, section)| (Table::Transforms, name, &section.resilience));
    let validators = file
        .validators
        .iter()
        .map(|(name, section)| (Table::Validators, name, &section.resilience));
    let sinks = file.sinks.iter().map(|(name, section)| (Table::Sinks, name, &section.resilience));
    let notifiers =
        file.notifiers.iter().map(|(name, section)| (Table::Notifiers, name, &section.resilience));
    let all = sources.chain(transforms).chain(validators).chain(sinks).chain(notifiers);
    all.map(|(table, name, resilience)| (table, name.as_str(), resilience))
}

fn named<'a, T>(
    sections: &'a IndexMap<String, T>,
    table: &str,
    name: &str,
    pointer: &str,
    document: &Document,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<&'a T> {
    let found = sections.get(name);
    if found.is_none() {
        let hint = if sections.is_empty() {
            format!("declare it: [{table}.{name}]")
        } else {
            unknown_name_hint(name, sections.keys().map(String::as_str))
        };
        let message = format!("there is no [{table}.{name}]");
        diagnostics.push(Diagnostic::error(message).at(document.value_place(pointer)).hint(hint));
    }
    found
}
