//! `pipeline` and `scaling`: TPC-H's lineitem from CSV to Parquet. Text is cleaned by the standard plugin `clean`, columns are
//! derived by a plugin, and rows judged by the standard plugin `expectations`.
//!
//! What is asked is what plugins cost over what is built in. So `native` is here Wasmill itself, the same pipeline with a query
//! in place of each plugin: reading, writing, ledger and publishing are the same.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bench_harness::python::Python;
use serde_json::json;

use crate::datasets;
use crate::measure::{Case, Error, Measuring, Report, Subject};
use crate::subjects::Installed;
use crate::subjects::whole_run::{Files, WholeRun};

const CORES: usize = 2;

const PEERS: [&str; 2] = ["duckdb", "polars"];

/// Rows are told apart by `l_orderkey` and `l_linenumber`, which are the first two here.
const KEYS: usize = 2;

fn published() -> SchemaRef {
    use DataType::{Date32, Float64, Int32, Int64, Utf8};
    let columns = [
        ("l_orderkey", Int64),
        ("l_linenumber", Int32),
        ("l_partkey", Int64),
        ("l_suppkey", Int64),
        ("l_quantity", Int64),
        ("l_extendedprice", Float64),
        ("l_discount", Float64),
        ("l_tax", Float64),
        ("l_returnflag", Utf8),
        ("l_linestatus", Utf8),
        ("l_shipdate", Date32),
        ("l_commitdate", Date32),
        ("l_receiptdate", Date32),
        ("l_shipinstruct", Utf8),
        ("l_shipmode", Utf8),
        ("l_comment", Utf8),
        ("revenue", Float64),
        ("charge", Float64),
        ("days", Int32),
    ];
    let fields = columns.map(|(name, data_type)| Field::new(name, data_type, true));
    Arc::new(Schema::new(fields.to_vec()))
}

/// The table, and how many rows it has by TPC-H's specification.
fn input(installed: &Installed, measuring: &Measuring) -> Result<(PathBuf, usize), Error> {
    let (scale, rows) = if measuring.is_quick() { (0.1, 600_572) } else { (1.0, 6_001_215) };
    Ok((datasets::lineitem_files(installed.programs.data()?, scale)?, rows))
}

fn by_plugins(
    name: &str,
    installed: &Installed,
    input: &std::path::Path,
    cores: usize,
) -> Result<Box<dyn Subject>, Error> {
    let files = Files {
        pipeline: "lineitem/wasm.toml",
        input,
        plugins: &["clean", "expectations"],
        guests: &["bench-lineitem"],
    };
    WholeRun::subject(name, installed, &files, cores, (published(), KEYS))
}

fn by_sql(
    name: &str,
    installed: &Installed,
    input: &std::path::Path,
    cores: usize,
) -> Result<Box<dyn Subject>, Error> {
    let files = Files { pipeline: "lineitem/sql.toml", input, plugins: &[], guests: &[] };
    WholeRun::subject(name, installed, &files, cores, (published(), KEYS))
}

pub fn pipeline(
    installed: &Installed,
    measuring: &Measuring,
    report: &Report,
) -> Result<(), Error> {
    let (folder, rows) = input(installed, measuring)?;
    let native = || by_sql("native (SQL steps)", installed, &folder, CORES);
    let mut subjects = vec![native()?];
    if measuring.wants("wasmill") {
        subjects.push(by_plugins("wasmill", installed, &folder, CORES)?);
    }
    for peer in PEERS.into_iter().filter(|peer| measuring.wants(peer)) {
        let published = (published(), KEYS);
        let runs = installed.programs.data()?.join("runs");
        let peers = installed.programs.peers(&runs)?;
        subjects.push(Python::subject(peer, peers, "lineitem.py", &folder, CORES, published)?);
    }
    subjects.push(native()?);
    let bytes = datasets::bytes(&folder, "csv")?;
    let case = Case { bench: "pipeline", variant: None, rows, bytes };
    measuring.of_whole_runs().compare_case(&case, &mut subjects, report)?;
    Ok(())
}

/// Beside the times, how many times faster two cores are than one.
pub fn scaling(installed: &Installed, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let (folder, rows) = input(installed, measuring)?;
    let mut subjects = vec![
        by_sql("SQL steps, 1 core", installed, &folder, 1)?,
        by_sql("SQL steps, 2 cores", installed, &folder, 2)?,
        by_plugins("wasmill, 1 core", installed, &folder, 1)?,
        by_plugins("wasmill, 2 cores", installed, &folder, 2)?,
        by_sql("SQL steps, 1 core", installed, &folder, 1)?,
    ];
    let bytes = datasets::bytes(&folder, "csv")?;
    let case = Case { bench: "scaling", variant: None, rows, bytes };
    let seconds = measuring.of_whole_runs().compare_case(&case, &mut subjects, report)?;
    for (subject, one) in [("SQL steps", 0), ("wasmill", 2)] {
        report.line(&json!({
            "bench": "scaling",
            "subject": format!("{subject}, 2 cores by 1"),
            "seconds": seconds[one + 1],
            "speedup": seconds[one] / seconds[one + 1],
        }));
    }
    Ok(())
}
