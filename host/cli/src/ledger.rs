//! Finding the ledger that a command is about, and a run in it.

use std::path::Path;

use wasmill_ledger::{Ledger, LedgerError, Run, Share};

use crate::LedgerArgs;
use crate::check;
use crate::failure::Failure;

/// Opens the ledger that the arguments name.
pub async fn open(args: &LedgerArgs) -> Result<Ledger, Failure> {
    let opened = match &args.ledger {
        Some(url) => Ledger::open(url, Path::new("")).await,
        None => {
            let pipeline = check::read(&args.file).map_err(|failure| {
                failure.hint("name a pipeline file with --file, or a ledger with --ledger")
            })?;
            let (url, base) = pipeline.ledger();
            Ledger::open(&url, base).await
        }
    };
    opened.map_err(|error| match error {
        LedgerError::Missing { .. } => {
            Failure::from_error(66, &error).hint("the first run of a pipeline creates its ledger")
        }
        error => failed(&error),
    })
}

/// The run that is asked for, or the latest.
pub async fn find(ledger: &Ledger, run: Option<&str>) -> Result<Run, Failure> {
    let found = match run {
        Some(run) => ledger.run(run).await,
        None => ledger.runs(None, 1).await.map(|runs| runs.into_iter().next()),
    };
    let found = found.map_err(|error| failed(&error))?;
    found.ok_or_else(|| match run {
        Some(run) => {
            Failure::new(66, format!("there is no run `{run}`, or several begin like that"))
                .hint("`wasmill runs list` shows all runs")
        }
        None => Failure::new(66, "the ledger holds no run yet"),
    })
}

/// Whether somebody works on a run now: whoever does holds its lock, which is asked for and given back.
pub async fn is_locked(ledger: &Ledger, run: &str) -> Result<bool, LedgerError> {
    match ledger.lock_run(run, Share::Shared).await? {
        Some(lock) => {
            lock.release().await;
            Ok(false)
        }
        None => Ok(true),
    }
}

/// A query that failed.
pub fn failed(error: &LedgerError) -> Failure {
    Failure::from_error(if error.is_chance() { 75 } else { 74 }, error)
}
