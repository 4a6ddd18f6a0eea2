//! `logs`: JSON log lines of six fields parsed, filtered and reshaped into typed columns, as log pipelines do. Megabytes per
//! second are those of the lines.
//!
//! Plugin and `native` have the same parser, written for this: 64 bytes at each turn of its loop (`guests/logs/src/line`).
//! Both are measured with `serde_json` too, which is what most would write first, and VRL parses with `serde_json` inside.
//! Two lines of a hundred hold an escape, and are left to `serde_json` by all.

use serde_json::json;
use wasmill_sandbox::engine::Profile;

use crate::data;
use crate::measure::{Error, Measuring, Report};
use crate::subjects::Guests;
use crate::subjects::log_lines::{self, LogLines};
use crate::subjects::vrl::{self, Vrl};
use crate::subjects::wasmill::{PROFILES, Wasmill};

const GUEST: &str = "bench-logs";

pub fn run(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    for rows in [8_192, 65_536] {
        let input = data::log_lines(rows);
        let mut subjects = vec![LogLines::by_blocks(&input)];
        let config = json!({ "parser": "by_blocks" });
        for (name, profile) in PROFILES.into_iter().filter(|(name, _)| measuring.wants(name)) {
            subjects.push(Wasmill::subject(name, guests, GUEST, &config, profile, &input)?);
        }
        let name = "wasmill serde_json";
        if measuring.wants(name) {
            let config = json!({ "parser": "serde_json" });
            let metered = Profile::Metered;
            subjects.push(Wasmill::subject(name, guests, GUEST, &config, metered, &input)?);
        }
        if measuring.wants(log_lines::SERDE_JSON) {
            subjects.push(LogLines::by_serde_json(&input));
        }
        if measuring.wants(vrl::NAME) {
            subjects.push(Vrl::subject(&input)?);
        }
        subjects.push(LogLines::by_blocks(&input));
        let bytes = data::text_bytes(&input);
        measuring.compare("logs", (rows, bytes), &mut subjects, report)?;
    }
    Ok(())
}
