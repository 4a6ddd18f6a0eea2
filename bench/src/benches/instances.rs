//! `instances`: what isolation costs. Time to create an instance, call it once and drop it; and the memory of this process
//! for each of many instances that are alive at once, as those of many tenants are.

use std::time::Instant;

use serde_json::json;
use wasmill_sandbox::engine::Profile;

use crate::data;
use crate::measure::{Error, Measuring, Report, median};
use crate::subjects::Guests;
use crate::subjects::extism;
use crate::subjects::wasmill::{Host, PROFILES};

const ALIVE: [u32; 3] = [1, 100, 1_000];

pub fn run(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let input = data::numbers(1);
    let config = json!({ "kernel": "add_one" });
    let most = ALIVE[ALIVE.len() - 1];
    let bound =
        Host::load(guests, "bench-wasmill", Profile::Metered, most + 1)?.bind(&config, &input)?;
    let peer = extism::compile(guests)?;
    let mut samples = [Vec::new(), Vec::new()];
    for _ in 0..measuring.rounds() {
        let started = Instant::now();
        for _ in 0..100 {
            bound.once(&input)?;
        }
        samples[0].push(started.elapsed().as_secs_f64() / 100.0);
        let started = Instant::now();
        for _ in 0..10 {
            extism::once(&peer, "add_one", &input)?;
        }
        samples[1].push(started.elapsed().as_secs_f64() / 10.0);
    }
    let names = [PROFILES[0].0, extism::NAME];
    measuring.keep("instances", &names, &samples)?;
    for (name, samples) in names.iter().zip(&samples) {
        report.line(&json!({
            "bench": "instances",
            "subject": format!("{name}: create, call, drop"),
            "rows": 1,
            "seconds": median(samples),
            "rounds": measuring.rounds(),
        }));
    }
    for alive in ALIVE {
        let before = resident_bytes()?;
        let started = Instant::now();
        let mut instances = Vec::new();
        for _ in 0..alive {
            instances.push(bound.open()?);
        }
        let seconds = started.elapsed().as_secs_f64() / f64::from(alive);
        let bytes = resident_bytes()?.saturating_sub(before) / u64::from(alive);
        report.line(&json!({
            "bench": "instances",
            "subject": format!("wasmill: {alive} alive, each"),
            "seconds": seconds,
            "resident_bytes": bytes,
        }));
    }
    Ok(())
}

/// What this process has in memory, as Linux tells it.
fn resident_bytes() -> Result<u64, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes << 10)
}
