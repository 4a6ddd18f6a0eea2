//! Findings about a pipeline file, with the line that each is about.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use wasmill_pipeline::file::diagnostic::{Diagnostic, Severity};

use crate::Output;

/// Prints findings: to standard error for people, to standard output for programs.
pub fn print(findings: &[Diagnostic], output: Output) {
    match output {
        Output::Text => {
            let mut texts = HashMap::new();
            for finding in findings {
                eprintln!("{}", shown(finding, &mut texts));
            }
        }
        Output::Json => {
            for finding in findings {
                say!("{}", as_json(finding));
            }
        }
    }
}

/// Findings as a person reads them.
pub fn text(findings: &[Diagnostic]) -> String {
    let mut texts = HashMap::new();
    findings.iter().map(|finding| shown(finding, &mut texts)).collect::<Vec<_>>().join("\n")
}

/// `2 errors, 1 warning`.
pub fn counted(findings: &[Diagnostic]) -> String {
    let of = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let plural =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (of(Severity::Error), of(Severity::Warning)) {
        (errors, 0) => plural(errors, "error"),
        (0, warnings) => plural(warnings, "warning"),
        (errors, warnings) => {
            format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"))
        }
    }
}

fn as_json(finding: &Diagnostic) -> Value {
    json!({
        "event": "finding",
        "severity": finding.severity,
        "message": finding.message,
        "file": finding.place.as_ref().map(|place| place.file.display().to_string()),
        "line": finding.place.as_ref().map(|place| place.line),
        "column": finding.place.as_ref().map(|place| place.column),
        "hint": finding.hint,
    })
}

fn shown(finding: &Diagnostic, texts: &mut HashMap<PathBuf, String>) -> String {
    let severity = match finding.severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut shown = format!("{severity}: {}", finding.message);
    if let Some(place) = &finding.place {
        let text = texts
            .entry(place.file.clone())
            .or_insert_with(|| std::fs::read_to_string(&place.file).unwrap_or_default());
        let line = text.lines().nth(place.line - 1).unwrap_or_default();
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(place.column - 1);
        let rest = line.chars().count().saturating_sub(place.column - 1);
        let spanned = text.get(place.span.clone()).and_then(|text| text.lines().next());
        let length = spanned.map_or(1, |text| text.chars().count()).clamp(1, rest.max(1));
        shown.push_str(&format!(
            "\n{margin}--> {}:{}:{}\n{margin} |\n{number} | {line}\n{margin} | {indent}{}",
            place.file.display(),
            place.line,
            place.column,
            "^".repeat(length)
        ));
        if let Some(hint) = &finding.hint {
            shown.push_str(&format!("\n{margin} = hint: {}", hint.replace('\n', "\n    ")));
        }
    } else if let Some(hint) = &finding.hint {
        shown.push_str(&format!("\n  hint: {hint}"));
    }
    shown.push('\n');
    shown
}
