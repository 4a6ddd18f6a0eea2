//! The story of a run, from its history: what was tried again and why, what was published when.
//!
//! Every entry can be shown ([`line`]). To be read, those about splits that went well at once are only counted, by phase
//! ([`story`]): what is left is what somebody may want to know.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wasmill_ledger::{HistoryEntry, OutboxEntry};
use wasmill_pipeline::numbers::grouped;

use crate::outbox;
use crate::table::{counted, seconds};

/// How many splits are named; more are counted.
const NAMED: usize = 5;

/// Something that happened at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub at_ms: i64,
    pub text: String,
}

impl Line {
    fn new(at_ms: i64, text: impl Into<String>) -> Self {
        Self { at_ms, text: text.into() }
    }
}

/// One entry, whatever it is.
pub fn line(entry: &HistoryEntry) -> Line {
    Line::new(entry.at_ms, told(entry))
}

fn told(entry: &HistoryEntry) -> String {
    let detail = &entry.detail;
    let word = |key: &str| detail[key].as_str().unwrap_or("?").to_owned();
    let phase = entry.phase.as_deref().unwrap_or("?");
    let split = || split(entry);
    match entry.kind.as_str() {
        "run.entered" => "entered".to_owned(),
        "run.claimed" => claimed(detail),
        "run.changed" => {
            let differences = detail["differences"].as_array().into_iter().flatten();
            let differences: Vec<&str> = differences.filter_map(Value::as_str).collect();
            format!("gone on with although this had changed: {}", differences.join("; "))
        }
        "phase.planned" => format!("phase {phase} planned: {} splits", number(detail, "splits")),
        "phase.dropped" => format!("phase {phase} dropped: {}", word("reason")),
        "split.dropped" => format!("{} dropped, to be done again: {}", split(), word("reason")),
        "attempt.started" => format!("{} started by {}", split(), word("process")),
        "attempt.failed" => failed(entry),
        "attempt.accepted" => format!("{} done", split()),
        "commit.begun" => {
            "commit begun: all splits are done, and the gate has let them pass".to_owned()
        }
        "sink.committed" => committed(detail),
        "run.ended" => match detail["error"].as_str() {
            Some(error) => format!("{}: {error}", word("status")),
            None => word("status"),
        },
        "run.superseded" => {
            format!("given up: run {} was started later and has succeeded", word("by"))
        }
        "quarantine.replayed" => {
            format!(
                "{} quarantined rows put through again by run {}",
                number(detail, "rows"),
                word("by")
            )
        }
        "quarantine.purged" => format!("{} quarantined rows purged", number(detail, "rows")),
        kind => other(kind, entry),
    }
}

/// A kind that this program says nothing about by itself: as it was noted.
fn other(kind: &str, entry: &HistoryEntry) -> String {
    let mut text = kind.to_owned();
    if entry.split.is_some() {
        text.push_str(&format!(" {}", split(entry)));
    } else if let Some(phase) = &entry.phase {
        text.push_str(&format!(" {phase}"));
    }
    let details =
        entry.detail.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let details: Vec<String> = details
        .map(|(key, value)| match value.as_str() {
            Some(text) => format!("{key}: {text}"),
            None => format!("{key}: {value}"),
        })
        .collect();
    if !details.is_empty() {
        text.push_str(&format!(" ({})", details.join(", ")));
    }
    text
}

/// Who works on the run from now on. The first to do so began it, all others went on with it.
fn claimed(detail: &Value) -> String {
    let process = detail["process"].as_str().unwrap_or("?");
    match (detail["epoch"].as_i64(), detail["status"].as_str()) {
        (Some(..=1) | None, _) => format!("started by {process}"),
        (_, Some("committing")) => format!("taken over by {process}, to publish the rest"),
        (_, Some(status)) => format!("resumed by {process}, when it was {status}"),
        (_, None) => format!("resumed by {process}"),
    }
}

fn failed(entry: &HistoryEntry) -> String {
    let error = entry.detail["error"].as_str().unwrap_or("?");
    let next = match entry.detail["retry_in_ms"].as_u64() {
        Some(wait) => format!("tried again in {}", seconds(wait)),
        None => "not tried again".to_owned(),
    };
    format!("{} failed, {next}: {error}", split(entry))
}

fn committed(detail: &Value) -> String {
    let report = &detail["report"];
    let sink = detail["sink"].as_str().unwrap_or("?");
    let mut text = format!("sink {sink} published");
    if let Some(rows) = report["rows"].as_u64() {
        text.push_str(&format!(": {} rows", grouped(rows)));
    }
    if let Some(target) = report["target"].as_str() {
        text.push_str(&format!(" in {target}"));
    }
    text
}

fn split(entry: &HistoryEntry) -> String {
    let split = entry.split.as_deref().unwrap_or("?");
    format!("split {split} of {}", entry.phase.as_deref().unwrap_or("?"))
}

fn number(detail: &Value, key: &str) -> String {
    // Some are lists of what they count.
    let list = detail[key].as_array().map(|list| list.len() as u64);
    grouped(list.or(detail[key].as_u64()).unwrap_or_default())
}

/// The story, to be read: a line for each thing that somebody may want to know. Deliveries are told from the outbox, which the
/// history does not repeat.
pub fn story(history: &[HistoryEntry], outbox: &[OutboxEntry]) -> Vec<Line> {
    let mut story = Story::default();
    for entry in history {
        story.add(entry);
    }
    story.tell_quiet();
    let latest = history.last().map_or(0, |entry| entry.at_ms);
    story.tell_under_way(latest, "under way");
    let delivered = outbox.iter().filter_map(|entry| {
        let text = format!("{} told of {}", entry.notifier, outbox::kind(entry));
        Some(Line::new(entry.delivered_ms?, text))
    });
    story.lines.extend(delivered);
    story.lines
}

/// A split of a phase.
type Key = (String, String);

#[derive(Default)]
struct Story {
    lines: Vec<Line>,
    /// How many splits were planned, by phase.
    planned: BTreeMap<String, String>,
    /// Attempts that have begun, and of which nothing more is known yet.
    under_way: BTreeSet<Key>,
    /// Attempts that failed so far, by split.
    failures: BTreeMap<Key, u64>,
    /// Splits that went well at once since the last line about the run as a whole, by phase.
    quiet: BTreeMap<String, Quiet>,
}

/// Splits of a phase that went well at once.
#[derive(Default)]
struct Quiet {
    count: u64,
    /// When the last of them did, and before which line that is to be told.
    at_ms: i64,
    position: usize,
}

impl Story {
    fn add(&mut self, entry: &HistoryEntry) {
        let phase = entry.phase.clone().unwrap_or_default();
        let key = (phase.clone(), entry.split.clone().unwrap_or_default());
        match entry.kind.as_str() {
            "attempt.started" => drop(self.under_way.insert(key)),
            "attempt.failed" => {
                self.under_way.remove(&key);
                *self.failures.entry(key).or_default() += 1;
                self.lines.push(line(entry));
            }
            "attempt.accepted" => {
                self.under_way.remove(&key);
                match self.failures.remove(&key) {
                    Some(failures) => {
                        let text = format!("{}, after {failures} that failed", told(entry));
                        self.lines.push(Line::new(entry.at_ms, text));
                    }
                    None => {
                        let quiet = self.quiet.entry(phase).or_default();
                        quiet.count += 1;
                        quiet.at_ms = entry.at_ms;
                        quiet.position = self.lines.len();
                    }
                }
            }
            "phase.planned" => {
                self.planned.insert(phase, number(&entry.detail, "splits"));
                self.lines.push(line(entry));
            }
            kind => {
                self.tell_quiet();
                if matches!(kind, "run.claimed" | "run.ended") {
                    self.tell_under_way(entry.at_ms, "cut off");
                }
                self.lines.push(line(entry));
            }
        }
    }

    /// Tells of the splits that went well since the last time, each phase where it belongs.
    fn tell_quiet(&mut self) {
        let mut quiet: Vec<(String, Quiet)> = std::mem::take(&mut self.quiet).into_iter().collect();
        quiet.sort_by_key(|(_, quiet)| quiet.position);
        // From the last to the first, so that the positions of the others stay what they are.
        for (phase, Quiet { count, at_ms, position }) in quiet.into_iter().rev() {
            let of = self.planned.get(&phase).map(|all| format!(" of {all}")).unwrap_or_default();
            let text = format!("phase {phase}: {}{of} splits done at once", grouped(count));
            self.lines.insert(position, Line::new(at_ms, text));
        }
    }

    /// Tells of attempts of which nobody has said yet how they ended.
    fn tell_under_way(&mut self, at_ms: i64, what: &str) {
        let attempts = std::mem::take(&mut self.under_way);
        if attempts.is_empty() {
            return;
        }
        let mut named: Vec<&str> =
            attempts.iter().take(NAMED).map(|(_, split)| split.as_str()).collect();
        if attempts.len() > NAMED {
            named.push("…");
        }
        let attempts = counted(attempts.len(), "attempt");
        let text = format!("{what}: {attempts} ({})", named.join(", "));
        self.lines.push(Line::new(at_ms, text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A history, an entry a second.
    struct Told(Vec<HistoryEntry>);

    impl Told {
        fn add(&mut self, kind: &str, phase: &str, split: &str, detail: Value) -> &mut Self {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let seq = self.0.len() as i64 + 1;
            self.0.push(HistoryEntry {
                seq,
                at_ms: 1000 * seq,
                kind: kind.to_owned(),
                phase: some(phase),
                split: some(split),
                attempt: None,
                detail,
            });
            self
        }

        fn story(&self) -> Vec<String> {
            story(&self.0, &[]).into_iter().map(|line| line.text).collect()
        }
    }

    #[test]
    fn what_went_well_is_counted_and_what_did_not_is_told() {
        let mut told = Told(Vec::new());
        told.add("run.entered", "", "", json!({}))
            .add("run.claimed", "", "", json!({ "process": "here/1", "epoch": 1 }))
            .add("phase.planned", "clean", "", json!({ "level": 0, "splits": 4 }));
        for split in ["a", "b", "c"] {
            told.add("attempt.started", "clean", split, json!({ "process": "here/1" }));
        }
        let failure = json!({ "error": "no answer", "retry_in_ms": 1500 });
        told.add("attempt.accepted", "clean", "a", json!({}))
            .add("attempt.failed", "clean", "b", failure)
            .add("attempt.started", "clean", "b", json!({ "process": "here/1" }))
            .add("attempt.accepted", "clean", "b", json!({}));
        let told_so_far = told.story();
        assert_eq!(
            told_so_far,
            [
                "entered",
                "started by here/1",
                "phase clean planned: 4 splits",
                "phase clean: 1 of 4 splits done at once",
                "split b of clean failed, tried again in 1.50 s: no answer",
                "split b of clean done, after 1 that failed",
                "under way: 1 attempt (c)",
            ]
        );
        let status = json!({ "process": "there/2", "epoch": 2, "status": "running" });
        let changed = json!({ "differences": ["sinks.out has changed", "sinks.new is new"] });
        told.add("run.claimed", "", "", status)
            .add("run.changed", "", "", changed)
            .add("attempt.started", "clean", "c", json!({ "process": "there/2" }))
            .add("attempt.accepted", "clean", "c", json!({}))
            .add("run.ended", "", "", json!({ "status": "succeeded", "error": null }));
        assert_eq!(
            told.story()[6..],
            [
                "cut off: 1 attempt (c)",
                "resumed by there/2, when it was running",
                "gone on with although this had changed: sinks.out has changed; sinks.new is new",
                "phase clean: 1 of 4 splits done at once",
                "succeeded",
            ]
        );
    }

    #[test]
    fn kinds_that_are_not_known_are_told_as_they_are() {
        let mut told = Told(Vec::new());
        told.add("gate.passed", "", "", json!({ "step": "rules", "rows": 3, "none": null }));
        assert_eq!(told.story(), ["gate.passed (step: rules, rows: 3)"]);
    }
}
