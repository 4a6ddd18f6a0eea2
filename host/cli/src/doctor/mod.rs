//! `wasmill doctor`: is this installation fit for runs, and what is to be done where it is not?
//!
//! Each file looks at one thing, and reports what it found. Nothing that a run relies on is changed: no folder is made, no row is
//! read, no event is delivered. Opening a ledger brings it up to date, as every command does.

mod cache;
mod disk;
mod findings;
mod ledger;
mod leftovers;
mod limits;
mod sandbox;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use wasmill_pipeline::Pipeline;
use wasmill_pipeline::error::chain;

use crate::OutputArgs;
use crate::compiling::CompileArgs;
use crate::doctor::findings::Findings;
use crate::table::counted;

pub const EXIT_CODES: &str = "\
Exit codes:
    0  nothing is in the way of a run; there may be warnings
   69  something is
   78  the pipeline file cannot be read";

/// The pipeline file that is looked at where none is named, if there is one.
const USUAL_FILE: &str = "pipeline.toml";

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The pipeline file whose ledger and settings are looked at. Default: `pipeline.toml`, where there is one.
    file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    compiling: CompileArgs,
}

/// Looks at everything, and says what it found.
pub async fn doctor(args: &DoctorArgs) -> ExitCode {
    let mut findings = Findings::new(args.output.output);
    let (file, pipeline) = pipeline(args.file.as_deref(), &mut findings);
    let unreadable = args.file.is_some() && pipeline.is_none();
    let needs = pipeline.as_ref().and_then(Pipeline::needs);

    sandbox::look(needs.as_ref(), &mut findings).await;
    let cache = args.compiling.folder();
    cache::look(cache.as_deref(), &mut findings);
    let folder = match &pipeline {
        Some(pipeline) => ledger::look(file, pipeline, &mut findings).await,
        None => {
            let reason = "no pipeline file was named, and there is no pipeline.toml here";
            findings.skipped("ledger", if unreadable { "the file was not read" } else { reason });
            None
        }
    };
    disk::look(cache.as_deref(), folder.as_deref(), &mut findings);
    limits::look(needs.as_ref(), &mut findings);
    target::look(&mut findings);
    findings.finish(unreadable)
}

/// The pipeline that is meant, and the name of its file.
fn pipeline<'a>(named: Option<&'a Path>, findings: &mut Findings) -> (&'a Path, Option<Pipeline>) {
    let file = named.unwrap_or(Path::new(USUAL_FILE));
    if named.is_none() && !file.exists() {
        return (file, None);
    }
    let pipeline = match Pipeline::from_file(file) {
        Ok(pipeline) => pipeline,
        Err(error) => {
            let advice = "name a pipeline file that you may read";
            findings.problem("pipeline", chain(&error), advice);
            return (file, None);
        }
    };
    let shown = file.display();
    match pipeline.findings_in_text().len() {
        0 => findings.ok("pipeline", format!("{shown} can be read; its plugins were not loaded")),
        count => findings.warning(
            "pipeline",
            format!("{shown} can be read, with {}", counted(count, "finding")),
            format!("`wasmill check {shown}` shows them"),
        ),
    }
    (file, Some(pipeline))
}
