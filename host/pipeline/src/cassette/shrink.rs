//! The smallest input that still fails in the same way.
//!
//! ```text
//!   calls before ─▶ rows of the failing call ─▶ rows of the calls before ─▶ values
//! ```
//!
//! Calls and rows are left out by delta debugging (ddmin, A. Zeller and R. Hildebrandt, "Simplifying and Isolating
//! Failure-Inducing Input", 2002): halves, quarters and so on, until no single one can be left out. Values of columns that the
//! plugin reads are then replaced by null, by nothing or zero, or by a part of themselves (`cells`).
//!
//! What fails counts as the same when it is the same kind of fault in the same export, and for a trap the same stack, so that
//! one bug is not exchanged for another. What is not recorded cannot be shrunk to: an input that makes the plugin ask for
//! something else over HTTP does not count.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{RecordBatch, UInt64Array};
use arrow::compute::{take, take_record_batch};
use serde::Serialize;

use crate::cassette::cells;
use crate::cassette::cuts::Cuts;
use crate::cassette::format::{Cassette, EXTENSION};
use crate::cassette::header::{Header, Shrunk};
use crate::cassette::outcome::{FailedCall, Outcome};
use crate::cassette::performance::{FINISH, Stage};
use crate::cassette::replay::{Replay, ReplayError};
use crate::exec::rows::Numbered;

/// How often the calls are made at most, and for how long.
const MAX_TRIALS: u64 = 1_000;
const MAX_TIME: Duration = Duration::from_secs(300);

/// What was left of an input.
#[derive(Debug, Clone, Serialize)]
pub struct ShrinkReport {
    /// The new cassette.
    pub file: PathBuf,
    pub calls: Sizes,
    pub rows: Sizes,
    /// How many values were replaced.
    pub values: u64,
    /// How often the calls were made.
    pub trials: u64,
    /// Whether nothing more can be left out, as opposed to: there was no more time to try.
    pub is_smallest: bool,
}

/// Before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sizes {
    pub before: usize,
    pub after: usize,
}

impl Replay {
    /// Finds the smallest input that fails in the same way, and writes it as a cassette beside this one.
    ///
    /// # Errors
    ///
    /// As [`Replay::run`]; and when the recorded calls do not fail, or not here.
    pub async fn shrink(&self) -> Result<ShrinkReport, ReplayError> {
        let cassette = &self.cassette;
        let Some(failed) = &cassette.header.outcome.failed else {
            let message = "the recorded calls do not fail on a fresh instance".to_owned();
            return Err(ReplayError::NothingToShrink(message));
        };
        let Some(last) = failed.call else {
            let message = format!("`{}` fails before any row", failed.export);
            return Err(ReplayError::NothingToShrink(message));
        };
        let stage = self.stage().await?;
        let mut shrinking = Shrinking::new(&stage, cassette, last);
        if !shrinking.fails(&shrinking.smallest.clone()).await? {
            let message = "the calls do not fail here as they were recorded to".to_owned();
            return Err(ReplayError::NothingToShrink(message));
        }
        shrinking.calls_before().await?;
        shrinking.rows_of(shrinking.smallest.rows.len() - 1).await?;
        for call in 0..shrinking.smallest.rows.len() - 1 {
            shrinking.rows_of(call).await?;
        }
        let reads = stage.reads(&cassette.input).await;
        shrinking.values(&reads).await?;
        self.write_shrunk(shrinking).await
    }

    async fn write_shrunk(&self, shrinking: Shrinking<'_>) -> Result<ShrinkReport, ReplayError> {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = self.path.with_extension(format!("min.{EXTENSION}"));
        let before = &self.cassette;
        let mut smallest = shrinking.smallest;
        smallest.header.shrunk = Some(Shrunk {
            from: name.unwrap_or_default(),
            calls: before.header.calls.len(),
            rows: before.row_count(),
        });
        smallest.header.outcome = shrinking.stage.perform(&smallest).await?;
        smallest.write(&file)?;
        Ok(ShrinkReport {
            file,
            calls: Sizes { before: before.header.calls.len(), after: smallest.header.calls.len() },
            rows: Sizes { before: before.row_count(), after: smallest.row_count() },
            values: shrinking.values,
            trials: shrinking.trials,
            is_smallest: !shrinking.is_used_up,
        })
    }
}

/// The search, with the smallest input so far.
struct Shrinking<'a> {
    stage: &'a Stage,
    failed: FailedCall,
    smallest: Cassette,
    trials: u64,
    began: Instant,
    is_used_up: bool,
    values: u64,
}

impl<'a> Shrinking<'a> {
    /// The calls after the one that fails are left out at once.
    fn new(stage: &'a Stage, cassette: &Cassette, last: usize) -> Self {
        let mut smallest = cassette.clone();
        smallest.header.calls.truncate(last + 1);
        smallest.rows.truncate(last + 1);
        let failed = cassette.header.outcome.failed.clone().expect("the caller has seen it");
        let began = Instant::now();
        Self { stage, failed, smallest, trials: 0, began, is_used_up: false, values: 0 }
    }

    /// Whether an input fails in the same way, at its last call; not when there is no more time to try.
    async fn fails(&mut self, input: &Cassette) -> Result<bool, ReplayError> {
        if self.trials >= MAX_TRIALS || self.began.elapsed() >= MAX_TIME {
            self.is_used_up = true;
            return Ok(false);
        }
        self.trials += 1;
        let outcome: Outcome = self.stage.perform(input).await?;
        let last = input.header.calls.len() - 1;
        Ok(outcome.http.is_none()
            && outcome
                .failed
                .is_some_and(|failed| failed.call == Some(last) && failed.is_alike(&self.failed)))
    }

    /// Takes an input for the smallest, if it fails.
    async fn try_input(&mut self, input: Cassette) -> Result<bool, ReplayError> {
        let fails = self.fails(&input).await?;
        if fails {
            self.smallest = input;
        }
        Ok(fails)
    }

    /// Leaves out calls before the failing one.
    async fn calls_before(&mut self) -> Result<(), ReplayError> {
        let whole = self.smallest.clone();
        let last = whole.rows.len() - 1;
        let mut cuts = Cuts::new(last, Vec::new());
        while let Some(kept) = cuts.to_keep() {
            let kept: Vec<usize> = kept.iter().copied().chain([last]).collect();
            let header = Header {
                calls: kept.iter().map(|&call| whole.header.calls[call].clone()).collect(),
                ..whole.header.clone()
            };
            let rows = kept.iter().map(|&call| whole.rows[call].clone()).collect();
            let input = Cassette::new(header, &whole.input, rows)?;
            let fails = self.try_input(input).await?;
            if self.is_used_up {
                return Ok(());
            }
            cuts.tried(fails);
        }
        Ok(())
    }

    /// Leaves out rows of a call.
    async fn rows_of(&mut self, call: usize) -> Result<(), ReplayError> {
        let whole = self.smallest.clone();
        let (Some(rows), true) = (&whole.rows[call], whole.header.calls[call].export != FINISH)
        else {
            return Ok(());
        };
        let is_last = call == whole.rows.len() - 1;
        // The rows that are known to fail by themselves are tried first.
        let blamed: Vec<usize> = if is_last {
            whole.header.blamed.iter().map(|blamed| blamed.row).collect()
        } else {
            Vec::new()
        };
        let mut cuts = Cuts::new(rows.batch.num_rows(), blamed);
        while let Some(kept) = cuts.to_keep() {
            let mut header = whole.header.clone();
            if is_last {
                header.blamed.retain(|blamed| kept.contains(&blamed.row));
                for blamed in &mut header.blamed {
                    blamed.row = kept.partition_point(|&row| row < blamed.row);
                }
            }
            let mut parts = whole.rows.clone();
            parts[call] = Some(Arc::new(taken(rows, &kept)?));
            let input = Cassette::new(header, &whole.input, parts)?;
            let fails = self.try_input(input).await?;
            if self.is_used_up {
                return Ok(());
            }
            cuts.tried(fails);
        }
        Ok(())
    }

    /// Replaces values of these columns: of all rows of a call at once, or of one row after the other.
    async fn values(&mut self, columns: &[usize]) -> Result<(), ReplayError> {
        for call in (0..self.smallest.rows.len()).rev() {
            let Some(rows) = self.smallest.rows[call].clone() else { continue };
            for &column in columns {
                let count = rows.batch.num_rows();
                if count > 1 && self.replace(call, column, 0..count).await? {
                    continue;
                }
                for row in 0..count {
                    // What is cut in half can be cut again.
                    while self.replace(call, column, row..row + 1).await? {}
                    if self.is_used_up {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Tries simpler values in a column; true when one will do.
    async fn replace(
        &mut self,
        call: usize,
        column: usize,
        range: std::ops::Range<usize>,
    ) -> Result<bool, ReplayError> {
        let Some(rows) = self.smallest.rows[call].clone() else { return Ok(false) };
        for values in cells::simpler(&rows.batch, column, &range) {
            let mut columns = rows.batch.columns().to_vec();
            columns[column] = values;
            let batch = RecordBatch::try_new(rows.batch.schema(), columns)?;
            let mut parts = self.smallest.rows.clone();
            parts[call] = Some(Arc::new(Numbered { batch, rows: Arc::clone(&rows.rows) }));
            let header = self.smallest.header.clone();
            let input = Cassette::new(header, &self.smallest.input, parts)?;
            if self.try_input(input).await? {
                self.values += range.len() as u64;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn taken(rows: &Numbered, kept: &[usize]) -> Result<Numbered, ReplayError> {
    let indices = UInt64Array::from_iter_values(kept.iter().map(|&row| row as u64));
    let batch = take_record_batch(&rows.batch, &indices)?;
    Ok(Numbered { batch, rows: take(&rows.rows, &indices, None)? })
}
