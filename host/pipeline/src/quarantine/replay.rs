//! Putting rows through again: a run whose rows come from the quarantine of another.
//!
//! - **Once.** A replay takes its rows in the transaction that enters it, each under a key of its own, and keeps them until it is
//!   given up. So a row is put through by one run at most, however many are asked for and wherever they die; like any run it is
//!   gone on with by `resume`.
//! - **Added.** The rows join those that the origin has published; nothing is taken away. Only a run that succeeded has published
//!   any. A sink that replaces its rows with each run holds those of the latest only: rows of an earlier one have no place there,
//!   which is asked at the beginning and once more while nobody else can publish.
//! - A replay is of one run. Its own quarantine can be put through again like that of any other.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use wasmill_ledger::{Ledger, LedgerError, RowRef, Run, RunKind, RunStatus};

use crate::checked::{CheckedPipeline, SinkTarget};
use crate::exec::task::Manifest;
use crate::quarantine::held::{HeldRun, RowFilter, RowState};
use crate::quarantine::source::HeldSplit;
use crate::quarantine::through::RowsByStep;
use crate::run::RunContext;
use crate::run::failure::RunFailure;
use crate::run::open::RunError;
use crate::run::summary::RunSummary;

/// Why there is nothing to which rows of a run could be added.
#[derive(Debug, thiserror::Error)]
pub enum NothingToAddTo {
    #[error("run `{run}` is {}: it has published no rows to which others could be added", .status.name())]
    NotSucceeded { run: String, status: RunStatus },
    #[error(
        "sink `{sink}` replaces its rows with each run, and run `{by}` has succeeded after run `{origin}`, whose rows these are"
    )]
    Replaced { sink: String, origin: String, by: String },
}

impl NothingToAddTo {
    /// What a person can do.
    pub fn hint(&self) -> String {
        match self {
            Self::NotSucceeded { run, status } if status.is_final() => {
                format!(
                    "run the pipeline again; `wasmill quarantine export {run}` takes the rows to files"
                )
            }
            Self::NotSucceeded { run, .. } => {
                format!(
                    "`wasmill run FILE --resume {run}` goes on with it, after what is wrong was mended"
                )
            }
            Self::Replaced { by, .. } => {
                format!(
                    "run `{by}` has read the sources anew; its own quarantine can be put through again"
                )
            }
        }
    }
}

/// Rows of a run that can be put through again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    /// The run that held them back.
    pub run: String,
    /// How many, by step.
    pub steps: BTreeMap<String, u64>,
    /// How many of those that were meant are put through already.
    pub put_through: u64,
    /// The runs that have taken others and have not ended, and how many.
    pub in_replay: BTreeMap<String, u64>,
    pub purged: u64,
}

impl Selection {
    /// How many rows can be put through.
    pub fn rows(&self) -> u64 {
        self.steps.values().sum()
    }
}

/// What became of putting rows through again.
#[derive(Debug)]
pub enum Replayed {
    /// There were none, or it was only asked for what would be done.
    Nothing(Selection),
    Run(Box<RunSummary>),
}

/// Which rows are put through, and as which run.
#[derive(Debug, Clone, Default)]
pub struct ReplayOptions {
    pub filter: RowFilter,
    /// The id of the new run.
    pub run_id: Option<String>,
    /// Only tells what would be put through.
    pub dry_run: bool,
}

impl CheckedPipeline {
    /// Puts rows that run `of` held back through this pipeline again, from the step that held them on.
    ///
    /// # Errors
    ///
    /// When they cannot be put through; nothing is entered or published then. How a run ends that was entered is in its summary.
    pub async fn replay(
        self,
        of: &str,
        options: ReplayOptions,
        cancel: CancellationToken,
    ) -> Result<Replayed, RunError> {
        self.meters.start();
        let ledger = Ledger::open(&self.settings.ledger, &self.base).await?;
        if !options.dry_run {
            // One of them may have to add rows of its own, or to replace those that are there.
            self.finish_earlier(&ledger).await?;
        }
        let of = self.find(&ledger, of).await?;
        if of.status != RunStatus::Succeeded {
            let (run, status) = (of.id, of.status);
            return Err(RunError::NothingToAddTo(NothingToAddTo::NotSucceeded { run, status }));
        }
        let held = HeldRun::read(&ledger, &of.id).await.map_err(RunError::Held)?;
        let (selection, held, rows) = select(&held, &options.filter);
        if rows.is_empty() {
            return Ok(Replayed::Nothing(selection));
        }
        let origin = origin(&ledger, &of).await?;
        let pipeline = self.putting_through(&of.id, &origin, held);
        let pipeline =
            pipeline.map_err(|source| RunError::NotThrough { of: of.id.clone(), source })?;
        pipeline.check_replaced(&ledger).await?.map_err(RunError::NothingToAddTo)?;
        if options.dry_run {
            return Ok(Replayed::Nothing(selection));
        }
        let kind = RunKind::Replay { of: of.id, rows };
        let driver = pipeline.enter(ledger, options.run_id, kind).await?;
        let (summary, _) = Box::pin(driver.drive(&cancel)).await?;
        Ok(Replayed::Run(Box::new(summary)))
    }

    /// The pipeline that a run goes through: of a replay, with the rows that it has taken.
    pub(crate) async fn of_run(self, ledger: &Ledger, run: &Run) -> Result<Self, RunError> {
        let Some(of) = &run.replays else { return Ok(self) };
        let of = self.find(ledger, of).await?;
        let origin = origin(ledger, &of).await?;
        let index = ledger.quarantine(&of.id).await?;
        let steps: BTreeMap<&str, &str> =
            index.iter().map(|entry| (entry.file.as_str(), entry.step.as_str())).collect();
        let mut held = RowsByStep::new();
        for (file, rows) in ledger.replayed_rows(&of.id).await? {
            let indices: Vec<u64> = rows
                .iter()
                .filter(|row| row.by == run.id)
                .filter_map(|row| u64::try_from(row.index).ok())
                .collect();
            if indices.is_empty() {
                continue;
            }
            let Some(step) = steps.get(file.as_str()) else {
                return Err(RunError::Host(format!("the ledger lost whose rows are in {file}")));
            };
            let split = HeldSplit::new(file.into(), indices.into_iter());
            held.entry((*step).to_owned()).or_default().push(split);
        }
        let whole = (run.status == RunStatus::Committing).then(|| self.clone());
        match (self.putting_through(&of.id, &origin, held), whole) {
            (Ok(pipeline), _) => Ok(pipeline),
            // All is done but publishing, which the steps have nothing to do with.
            (Err(_), Some(whole)) => {
                let sinks = published_sinks(ledger, &run.id).await?;
                Ok(whole.publishing_of(&of.id, &origin, &sinks))
            }
            (Err(source), None) => Err(RunError::NotThrough { of: of.id, source }),
        }
    }

    /// Whether a sink that replaces its rows holds those of another run by now.
    pub(crate) async fn check_replaced(
        &self,
        ledger: &Ledger,
    ) -> Result<Result<(), NothingToAddTo>, LedgerError> {
        let Some(replay) = &self.replay else { return Ok(Ok(())) };
        let replacing = self.sinks.values().find(|sink| match &sink.target {
            SinkTarget::Connector(target) => target.replaces(),
            SinkTarget::Plugin { .. } => false,
        });
        let Some(sink) = replacing else { return Ok(Ok(())) };
        Ok(match ledger.latest_success(&self.name).await? {
            Some(latest) if latest.id != replay.origin => Err(NothingToAddTo::Replaced {
                sink: sink.name.clone(),
                origin: replay.origin.clone(),
                by: latest.id,
            }),
            _ => Ok(()),
        })
    }
}

impl RunContext {
    /// Refuses to add rows to those of another run. While the lock on publishing is held, that stays so.
    pub(crate) async fn check_still_replaces(&self) -> Result<(), RunFailure> {
        let checked = self.pipeline.check_replaced(&self.ledger).await?;
        checked.map_err(RunFailure::NothingToAddTo)
    }
}

/// The rows that can be put through: counted, by step, and as the ledger knows them.
fn select(held: &HeldRun, filter: &RowFilter) -> (Selection, RowsByStep, Vec<RowRef>) {
    let mut selection = Selection {
        run: held.run.clone(),
        steps: BTreeMap::new(),
        put_through: 0,
        in_replay: BTreeMap::new(),
        purged: 0,
    };
    let mut indices: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    let mut rows = Vec::new();
    for (file, row) in held.rows(filter) {
        match &row.state {
            RowState::Left => {
                *selection.steps.entry(file.step.clone()).or_default() += 1;
                let index = u64::try_from(row.index).unwrap_or_default();
                indices.entry((&file.step, &file.file)).or_default().push(index);
                let (run, file) = (held.run.clone(), file.file.clone());
                rows.push(RowRef { run, file, index: row.index });
            }
            RowState::InReplay { by } => {
                *selection.in_replay.entry(by.clone()).or_default() += 1;
            }
            RowState::PutThrough { .. } => selection.put_through += 1,
            RowState::Purged => selection.purged += 1,
        }
    }
    let mut by_step = RowsByStep::new();
    for ((step, file), indices) in indices {
        let split = HeldSplit::new(file.into(), indices.into_iter());
        by_step.entry(step.to_owned()).or_default().push(split);
    }
    (selection, by_step, rows)
}

/// The run that read from its sources what a run, or the runs that it replays, held back.
async fn origin(ledger: &Ledger, run: &Run) -> Result<String, RunError> {
    let (mut id, mut replays) = (run.id.clone(), run.replays.clone());
    // Each was entered after the one that it replays, so that there is an end.
    while let Some(earlier) = replays {
        let Some(earlier) = ledger.run(&earlier).await? else {
            return Err(RunError::Unknown { run: earlier, ledger: ledger.place().to_owned() });
        };
        (id, replays) = (earlier.id, earlier.replays);
    }
    Ok(id)
}

/// The sinks for which a run has staged anything, be it no rows.
async fn published_sinks(ledger: &Ledger, run: &str) -> Result<BTreeSet<String>, RunError> {
    let mut sinks = BTreeSet::new();
    for entry in ledger.manifests(run).await? {
        let manifest: Manifest = serde_json::from_value(entry.manifest)
            .map_err(|error| RunError::Host(format!("a manifest is unreadable: {error}")))?;
        sinks.extend(manifest.parts.into_keys());
        sinks.extend(manifest.receipts.into_keys());
    }
    Ok(sinks)
}
