//! The text of a pipeline file.
//!
//! Promises: findings, never a panic, however odd the text. Each finding has a place that exists, and the same text has the same
//! findings each time. What the file names is not looked at: no file is read, no plugin loaded.

use wasmill_pipeline::Pipeline;
use wasmill_pipeline::file::diagnostic::Place;

pub fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let findings = Pipeline::from_text("pipeline.toml", text).findings_in_text();
    for finding in &findings {
        let place = finding.place.as_ref();
        check_place(place.unwrap_or_else(|| panic!("no place: {finding}")), text);
    }
    let again = Pipeline::from_text("pipeline.toml", text).findings_in_text();
    assert_eq!(findings, again, "other findings the second time");
}

fn check_place(place: &Place, text: &str) {
    let span = &place.span;
    assert!(span.start <= span.end && span.end <= text.len(), "{place:?} of {} bytes", text.len());
    let line = text.split('\n').nth(place.line - 1);
    let line = line.unwrap_or_else(|| panic!("{place:?}: no such line"));
    // One beyond the last character is where something is missing.
    assert!((1..=line.chars().count() + 1).contains(&place.column), "{place:?} in {line:?}");
}
