//! The summary of a run, step by step.

use serde_json::Value;

use crate::table::{bytes, seconds, table};
use wasmill_pipeline::numbers::grouped;

/// What a run did, from its summary as it is kept in the ledger.
pub fn shown(summary: &Value) -> String {
    let mut text = String::new();
    let list = |name: &str| summary[name].as_array().cloned().unwrap_or_default();
    let steps = list("steps");
    if !steps.is_empty() {
        text.push_str(&table(&step_rows(&steps), 2..10));
    }
    section(&mut text, "faults", &steps.iter().filter_map(fault_line).collect::<Vec<_>>());
    section(&mut text, "quarantined", &rule_lines(&list("quarantined")));
    section(&mut text, "warned", &rule_lines(&list("warned")));
    section(
        &mut text,
        "breakers",
        &list("breakers").iter().filter_map(breaker_line).collect::<Vec<_>>(),
    );
    section(&mut text, "gates", &list("gates").iter().flat_map(gate_lines).collect::<Vec<_>>());
    let sinks: Vec<String> = list("sinks").iter().map(sink_line).collect();
    section(&mut text, "published", &sinks);
    text
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}:\n"));
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_default()
}

fn step_rows(steps: &[Value]) -> Vec<Vec<String>> {
    const HEADER: [&str; 10] = [
        "step",
        "kind",
        "in",
        "out",
        "quarantined",
        "dropped",
        "added",
        "fuel",
        "peak memory",
        "time",
    ];
    let mut rows = vec![HEADER.map(str::to_owned).to_vec()];
    for step in steps {
        let by_plugin = number(step, "calls") > 0;
        let of_plugin = |text: String| if by_plugin { text } else { "-".to_owned() };
        let metered = number(step, "fuel") > 0;
        rows.push(vec![
            word(step, "step").to_owned(),
            word(step, "kind").to_owned(),
            grouped(number(step, "rows_in")),
            grouped(number(step, "rows_out")),
            grouped(number(step, "quarantined")),
            grouped(number(step, "dropped")),
            grouped(number(step, "added")),
            if metered { grouped(number(step, "fuel")) } else { "-".to_owned() },
            of_plugin(bytes(number(step, "peak_memory"))),
            of_plugin(seconds(number(step, "time_ms"))),
        ]);
    }
    rows
}

/// The failed calls of a step: `clean: 12 x trap, 1 x fuel`.
fn fault_line(step: &Value) -> Option<String> {
    let faults = step["faults"].as_object().filter(|faults| !faults.is_empty())?;
    let counts: Vec<String> = faults
        .iter()
        .map(|(kind, count)| format!("{} x {kind}", grouped(count.as_u64().unwrap_or_default())))
        .collect();
    Some(format!("{}: {}", word(step, "step"), counts.join(", ")))
}

fn rule_lines(counts: &[Value]) -> Vec<String> {
    let line = |count: &Value| {
        let column = match count["column"].as_str() {
            Some(column) => format!(" ({column})"),
            None => String::new(),
        };
        let rows = grouped(number(count, "rows"));
        format!("{rows} rows by {}: {}{column}", word(count, "step"), word(count, "rule"))
    };
    counts.iter().map(line).collect()
}

/// Of a breaker that has opened.
fn breaker_line(breaker: &Value) -> Option<String> {
    let opened = number(breaker, "opened");
    if opened == 0 {
        return None;
    }
    let (step, state) = (word(breaker, "step"), word(breaker, "state"));
    let diverted = match number(breaker, "diverted") {
        0 => String::new(),
        batches => format!(", {} batches diverted", grouped(batches)),
    };
    Some(format!("{step}: {state}, opened {} times{diverted}", grouped(opened)))
}

fn gate_lines(gate: &Value) -> Vec<String> {
    let step = word(gate, "step");
    let verdict = if gate["passed"] == true { "passed" } else { "refused" };
    let mut lines = vec![format!("{step}: {verdict}")];
    for reason in gate["reasons"].as_array().into_iter().flatten() {
        lines.push(format!("  {}", reason.as_str().unwrap_or_default()));
    }
    for rule in gate["conclusion"]["rules"].as_array().into_iter().flatten() {
        if word(rule, "outcome") == "warn" {
            let column =
                rule["column"].as_str().map(|name| format!(" of {name}")).unwrap_or_default();
            lines.push(format!(
                "  warning: {}{column}: {}",
                word(rule, "rule"),
                word(rule, "message")
            ));
        }
    }
    lines
}

fn sink_line(sink: &Value) -> String {
    let rows = grouped(number(sink, "rows"));
    format!("{}: {rows} rows in {}", word(sink, "sink"), word(sink, "target"))
}
