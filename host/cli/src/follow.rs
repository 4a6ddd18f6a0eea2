//! `wasmill runs show --follow`: what happens to a run, as it happens, until it ends.
//!
//! The history is asked for what is new, some times a second: it works over any ledger, and beside any process that works on
//! the run. An entry is shown once, in the order of the history.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use wasmill_ledger::{Ledger, Run, RunStatus};

use crate::failure::Failure;
use crate::ledger::failed;
use crate::runs::{exit_code, is_at_work};
use crate::table::milliseconds;
use crate::timeline::{Line, line};
use crate::{Output, json_lines};

/// How often somebody who watches is told what is new.
const INTERVAL: Duration = Duration::from_millis(200);
/// After so long without news it is asked whether anybody is at work at all. Not more often: whoever asks holds the run's lock for
/// a moment.
const SILENCE: Duration = Duration::from_secs(2);

/// Shows entries until the run ends, or until somebody interrupts; that is no failure of anything, so nothing is said.
pub async fn follow(ledger: &Ledger, run: Run, output: Output) -> Result<ExitCode, Failure> {
    tokio::select! {
        ended = until_end(ledger, run, output) => Ok(ExitCode::from(exit_code(&ended?))),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(130)),
    }
}

async fn until_end(ledger: &Ledger, run: Run, output: Output) -> Result<Run, Failure> {
    let id = run.id;
    let mut after = 0;
    let mut heard = Instant::now();
    let mut is_said = false;
    let mut has_ended = false;
    loop {
        // Before the history, so that an end that is seen here has its entry there.
        let run = ledger.run(&id).await.map_err(|error| failed(&error))?;
        let run = run.ok_or_else(|| Failure::new(66, format!("run {id} is gone")))?;
        for entry in ledger.history(&id, after).await.map_err(|error| failed(&error))? {
            after = entry.seq;
            heard = Instant::now();
            is_said = false;
            has_ended = entry.kind == "run.ended";
            match output {
                Output::Json => json_lines::print(&entry),
                Output::Text => {
                    let Line { at_ms, text } = line(&entry);
                    say!("{}  {text}", milliseconds(at_ms));
                }
            }
        }
        let goes_on = match run.status {
            RunStatus::Running => true,
            // One that could not be published to its end waits for somebody to finish it.
            RunStatus::Committing => !has_ended,
            _ => false,
        };
        if !goes_on {
            return Ok(run);
        }
        if heard.elapsed() >= SILENCE {
            heard = Instant::now();
            if !is_said && !is_at_work(ledger, &run).await? {
                is_said = true;
                eprintln!(
                    "nobody is at work on run {id} now: `wasmill run FILE --resume {id}` goes on with it"
                );
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
