//! The scenario `pipelines/activity`, run by the binary: `expected.py`, which knows nothing of Wasmill, computes sessions, funnel and daily
//! figures from the raw files. Who runs the pipeline day by day has the same sessions as who runs it once.

use std::path::PathBuf;

use wasmill_tests::scenario::Scenario;

#[test]
fn sessions_are_those_of_the_raw_files_and_are_there_once() {
    let scenario = Scenario::copy_of("activity");
    scenario.succeeds("pipeline.toml", "first.jsonl");
    scenario.succeeds("read-back.toml", "read.jsonl");
    let judged = scenario.judged("first.jsonl");
    assert!(judged["events"].as_u64().is_some_and(|events| events > 1_000), "{judged}");

    // Another run merges into what is there: `expected.py` finds each session once, and as before.
    scenario.succeeds("pipeline.toml", "second.jsonl");
    scenario.succeeds("read-back.toml", "read.jsonl");
    assert_eq!(scenario.judged("second.jsonl"), judged);
}

/// An event of Friday that is received on Saturday changes no session that was published on Friday. Were they sorted by their own times,
/// a session would get another id, and its old row would be left.
#[test]
fn a_day_more_changes_no_session_that_had_ended() {
    let scenario = Scenario::copy_of("activity");
    let data = scenario.folder().join("data");
    let kept = scenario.folder().join("later");
    let mut moved = Vec::new();
    for folder in ["events", "access"] {
        std::fs::create_dir_all(kept.join(folder)).expect("a folder");
        for entry in std::fs::read_dir(data.join(folder)).expect("a folder of data") {
            let path: PathBuf = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a file has a name").to_owned();
            if ["2026-03-07", "2026-03-08"].iter().any(|day| name.to_string_lossy().contains(day)) {
                let other = kept.join(folder).join(&name);
                std::fs::rename(&path, &other).expect("the file can be moved");
                moved.push((other, path));
            }
        }
    }
    assert_eq!(moved.len(), 6, "two files of collectors and one of the log for each of two days");
    scenario.succeeds("pipeline.toml", "five-days.jsonl");

    for (from, to) in moved {
        std::fs::rename(from, to).expect("the file can be moved back");
    }
    scenario.succeeds("pipeline.toml", "week.jsonl");
    scenario.judged("week.jsonl");
}
