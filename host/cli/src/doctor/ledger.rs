//! The ledger of a pipeline file: can it be used, is it whole, and what waits in it?

use std::path::{Path, PathBuf};
use std::time::Duration;

use wasmill_ledger::{Health, Ledger, LedgerError, Run, RunStatus, now_ms};
use wasmill_pipeline::Pipeline;
use wasmill_pipeline::error::chain;

use crate::doctor::disk::{can_be_made, is_writable};
use crate::doctor::findings::Findings;
use crate::doctor::leftovers;
use crate::ledger::is_locked;
use crate::table::{bytes, counted, seconds, time};

const CHECK: &str = "ledger";
/// Clocks of machines that are kept in step differ by less.
const TOLERATED: Duration = Duration::from_secs(2);
/// 2024-01-01T00:00:00Z: this program is younger.
const TOO_EARLY_MS: i64 = 1_704_067_200_000;

/// The folder of what runs stage, where the ledger is no file and the pipeline file names none.
const NO_FILE: &str = ".wasmill";

/// Looks at the ledger, and returns the folder of what runs stage and hold back.
pub async fn look(file: &Path, pipeline: &Pipeline, findings: &mut Findings) -> Option<PathBuf> {
    let (url, base) = pipeline.ledger();
    let ledger = match Ledger::open(&url, base).await {
        Ok(ledger) => ledger,
        Err(error @ LedgerError::Missing { .. }) => {
            clock(None, findings);
            // A server is there, or it is not.
            let file = url.strip_prefix("sqlite://").map(|path| base.join(path));
            let Some(file) = file else {
                findings.problem(CHECK, chain(&error), "see that the database exists");
                return None;
            };
            return Some(missing(&file, findings));
        }
        Err(error) => {
            let advice = "no run can begin until this is mended; nothing in the ledger was touched";
            findings.problem(CHECK, chain(&error), advice);
            return None;
        }
    };
    let needs = pipeline.needs();
    let named = needs.as_ref().and_then(|needs| needs.state.as_deref()).or(ledger.folder());
    let folder = named.map_or_else(|| base.join(NO_FILE), Path::to_owned);
    let looked = async {
        health(&ledger, &ledger.health().await?, findings);
        clock(latest(&ledger).await?, findings);
        if let Some(needs) = &needs {
            for run in ledger.unfinished(&needs.pipeline).await? {
                unfinished(&ledger, &run, file, findings).await?;
            }
        }
        outbox(&ledger, file, findings).await?;
        leftovers::look(&ledger, &folder, findings).await
    };
    if let Err(error) = looked.await {
        findings.problem(CHECK, chain(&error), "see that the ledger can be read, and try again");
    }
    Some(folder)
}

/// A ledger that the first run will make.
fn missing(path: &Path, findings: &mut Findings) -> PathBuf {
    let folder = path.parent().unwrap_or(Path::new("."));
    match can_be_made(folder) {
        Ok(()) => {
            let message = format!("{}: not there yet, the first run makes it", path.display());
            findings.ok(CHECK, message);
        }
        Err(error) => findings.problem(
            CHECK,
            format!("{} cannot be made: {error}", path.display()),
            "make its folder writable, or name another one with pipeline.ledger",
        ),
    }
    folder.to_owned()
}

fn health(ledger: &Ledger, health: &Health, findings: &mut Findings) {
    let place = ledger.place();
    let runs: u64 = health.runs.values().sum();
    let runs = counted(usize::try_from(runs).unwrap_or(usize::MAX), "run");
    let (database, schema, size) = (&health.database, health.schema, bytes(health.bytes));
    let message = format!("{place}: {database}, version {schema}, {runs} in {size}");
    if health.problems.is_empty() {
        findings.ok(CHECK, message);
    }
    for problem in &health.problems {
        findings.problem(
            CHECK,
            format!("{place} is damaged: {problem}"),
            "stop all runs, keep a copy of it, and restore a backup",
        );
    }
    let folder = ledger.folder().map(is_writable);
    if let Some(Err(error)) = folder {
        let advice = "make the folder writable: runs write to the ledger and beside it";
        findings.problem(
            CHECK,
            format!("the folder of {place} cannot be written: {error}"),
            advice,
        );
    }
}

/// The latest time that the newest run has in the ledger.
async fn latest(ledger: &Ledger) -> Result<Option<i64>, LedgerError> {
    let Some(run) = ledger.runs(None, 1).await?.into_iter().next() else { return Ok(None) };
    let history = ledger.history(&run.id, 0).await?;
    let times = history.iter().map(|entry| entry.at_ms);
    Ok(times.chain(run.ended_ms).chain([run.started_ms]).max())
}

/// Nothing is decided by the clock; but what is shown to people is wrong with it, and certificates are refused.
fn clock(latest: Option<i64>, findings: &mut Findings) {
    const CLOCK: &str = "clock";
    let now = now_ms();
    let advice = "set the clock (`timedatectl` shows it); the order of runs does not depend on it, times that are shown do";
    let behind = latest.and_then(|latest| u64::try_from(latest - now).ok()).unwrap_or(0);
    if now < TOO_EARLY_MS {
        findings.warning(CLOCK, format!("it is {} UTC, says the clock", time(now)), advice);
    } else if Duration::from_millis(behind) > TOLERATED {
        let message = format!(
            "the clock went back: it is {} UTC, which is {} before the ledger's latest entry",
            time(now),
            seconds(behind),
        );
        findings.warning(CLOCK, message, advice);
    } else {
        findings.ok(CLOCK, format!("{} UTC", time(now)));
    }
}

/// A run that did not come to its end, and how to go on with it.
async fn unfinished(
    ledger: &Ledger,
    run: &Run,
    file: &Path,
    findings: &mut Findings,
) -> Result<(), LedgerError> {
    const RUNS: &str = "runs";
    let (id, status) = (&run.id, run.status.name());
    let file = file.display();
    if is_locked(ledger, id).await? {
        findings.ok(RUNS, format!("run {id} is {status}: somebody is at work on it"));
        return Ok(());
    }
    let advice = match run.status {
        RunStatus::Committing => format!(
            "`wasmill run {file} --resume {id}` publishes the rest of it, as the next run of the pipeline does first"
        ),
        _ => format!(
            "`wasmill run {file} --resume {id}` goes on with it, `wasmill abort {file} --run-id {id}` gives it up"
        ),
    };
    findings.warning(RUNS, format!("run {id} is {status}, and nobody is at work on it"), advice);
    Ok(())
}

async fn outbox(ledger: &Ledger, file: &Path, findings: &mut Findings) -> Result<(), LedgerError> {
    const OUTBOX: &str = "outbox";
    match ledger.undelivered(None).await?.len() {
        0 => findings.ok(OUTBOX, "all events are delivered"),
        count => findings.warning(
            OUTBOX,
            format!("{} not delivered", counted(count, "event")),
            format!(
                "`wasmill outbox list` says why, `wasmill outbox deliver {}` tries again",
                file.display()
            ),
        ),
    }
    Ok(())
}
