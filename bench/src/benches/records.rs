//! `records`: what a user does with records of customers. Rows without an amount are dropped, those with a bad e-mail address are
//! rejected, and the others get a gross amount and names in capitals.
//!
//! Once from Arrow batches to Arrow batches in this process, which shows the sandbox alone; and from JSON lines and from Parquet
//! to Parquet and a file of rejected rows, which is what somebody waits for. All on one core.

use bench_harness::python::Python;
use bench_harness::records::{NativeBatches, output_schema};
use serde_json::json;

use crate::cores::Cores;
use crate::data;
use crate::datasets;
use crate::measure::{Case, Error, Measuring, Report, Subject};
use crate::subjects::Installed;
use crate::subjects::records::NativeFiles;
use crate::subjects::wasmill::{PROFILES, Wasmill};
use crate::subjects::whole_run::{Files, WholeRun};

const GUEST: &str = "bench-records";

/// The peers, as their script knows them.
const PEERS: [&str; 3] = ["polars", "polars with Python functions", "dlt"];

/// Rows are told apart by `id`.
const KEYS: usize = 1;

pub fn run(installed: &Installed, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let rows = if measuring.is_quick() { 100_000 } else { 1_000_000 };
    in_memory(rows, installed, measuring, report)?;
    for variant in ["ndjson", "parquet"] {
        whole(variant, rows, installed, measuring, report)?;
    }
    Ok(())
}

fn in_memory(
    rows: usize,
    installed: &Installed,
    measuring: &Measuring,
    report: &Report,
) -> Result<(), Error> {
    let _core = Cores::only(1)?;
    let inputs = data::records(rows);
    let mut subjects = vec![NativeBatches::subject(&inputs)];
    for (name, profile) in PROFILES.into_iter().filter(|(name, _)| measuring.wants(name)) {
        let guests = &installed.guests;
        subjects.push(Wasmill::over_batches(name, guests, GUEST, &json!({}), profile, &inputs)?);
    }
    subjects.push(NativeBatches::subject(&inputs));
    let bytes = inputs.iter().map(data::bytes).sum();
    let case = Case { bench: "records", variant: Some("arrow"), rows, bytes };
    measuring.compare_case(&case, &mut subjects, report)?;
    Ok(())
}

/// From a file of the format `variant`.
fn whole(
    variant: &str,
    rows: usize,
    installed: &Installed,
    measuring: &Measuring,
    report: &Report,
) -> Result<(), Error> {
    let programs = &installed.programs;
    let data = programs.data()?;
    let folder = datasets::record_files(data, rows)?;
    let input = folder.join(format!("records.{variant}"));
    let runs = data.join("runs");
    let native = || -> Box<dyn Subject> {
        NativeFiles::subject(input.clone(), runs.join(format!("native-{variant}")))
    };
    let mut subjects = vec![native()];
    if measuring.wants("wasmill") {
        let pipeline = format!("records/{variant}.toml");
        let files = Files { pipeline: &pipeline, input: &folder, plugins: &[], guests: &[GUEST] };
        let published = (output_schema(), KEYS);
        subjects.push(WholeRun::subject("wasmill", installed, &files, 1, published)?);
    }
    for peer in PEERS.into_iter().filter(|peer| measuring.wants(peer)) {
        let published = (output_schema(), KEYS);
        let peers = programs.peers(&runs)?;
        subjects.push(Python::subject(peer, peers, "records.py", &input, 1, published)?);
    }
    subjects.push(native());
    let bytes = datasets::bytes(&folder, variant)?;
    let case = Case { bench: "records", variant: Some(variant), rows, bytes };
    measuring.of_whole_runs().compare_case(&case, &mut subjects, report)?;
    Ok(())
}
