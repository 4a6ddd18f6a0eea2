//! What a run has held back, row by row, with what became of it: the files and the ledger put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use wasmill_connect::error::ConnectError;
use wasmill_ledger::{BrokenRule, Ledger, LedgerError, QuarantineEntry};

use crate::exec::task::Manifest;
use crate::quarantine::file::{HeldFile, foreign};

/// Why the quarantine of a run cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    File(#[from] ConnectError),
    #[error("the manifest of {phase} {split} in the ledger is unreadable")]
    Manifest {
        phase: String,
        split: String,
        #[source]
        source: serde_json::Error,
    },
}

impl HeldError {
    /// The exit code (sysexits).
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Ledger(error) if error.is_chance() => 75,
            Self::Ledger(_) | Self::File(_) => 74,
            Self::Manifest { .. } => 70,
        }
    }
}

/// Which rows are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFilter {
    /// Those of one step.
    pub step: Option<String>,
    /// Those that violate one of these rules; all where there is none.
    pub rules: Vec<String>,
}

impl RowFilter {
    pub fn of_step(&self, step: &str) -> bool {
        self.step.as_ref().is_none_or(|wanted| wanted == step)
    }

    pub fn by_rule(&self, rule: &str) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|wanted| wanted == rule)
    }

    fn by_reasons(&self, reasons: &[BrokenRule]) -> bool {
        self.rules.is_empty() || reasons.iter().any(|(rule, _)| self.by_rule(rule))
    }
}

/// What became of a row that was held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RowState {
    /// It can be put through again.
    Left,
    /// A run that goes on, or can, is about to put it through.
    InReplay { by: String },
    /// For good.
    PutThrough { by: String },
    /// Removed for good.
    Purged,
}

/// The rows that a run held back.
#[derive(Debug)]
pub struct HeldRun {
    pub run: String,
    pub files: Vec<HeldRows>,
    index: Vec<QuarantineEntry>,
    /// How many rows manifests count, by file. A row counts once, however many rules it violates.
    counted: BTreeMap<String, u64>,
}

/// The rows of one step of one attempt.
#[derive(Debug)]
pub struct HeldRows {
    pub step: String,
    /// As the ledger names it.
    pub file: String,
    /// Whether the file is there.
    pub is_there: bool,
    /// Those in the file and those that the ledger knows to be removed, by index.
    pub rows: Vec<HeldRow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    pub index: i64,
    pub reasons: Vec<BrokenRule>,
    pub state: RowState,
    /// Whether the file has it.
    pub is_there: bool,
    /// Whether it was removed for good, before it was put through or after; a file may still have it.
    pub is_purged: bool,
}

/// Of some rows that were held back, how many are where: `held` is the sum of `left`, `put_through`, `purged` and `lost`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Fates {
    /// As they were counted when they were held back.
    #[serde(rename = "rows")]
    pub held: u64,
    pub left: u64,
    /// Those of the left that a run is about to put through.
    pub in_replay: u64,
    pub put_through: u64,
    pub purged: u64,
    /// Rows of files that somebody else has removed.
    pub lost: u64,
}

/// The rows of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepFates {
    pub step: String,
    #[serde(flatten)]
    pub fates: Fates,
}

/// The rows that violate one rule. A row may violate several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleFates {
    pub step: String,
    pub rule: String,
    pub column: Option<String>,
    #[serde(flatten)]
    pub fates: Fates,
}

impl HeldRun {
    /// Reads what a run has held back.
    ///
    /// # Errors
    ///
    /// When the ledger or a file cannot be read. A file that is gone is no error.
    pub async fn read(ledger: &Ledger, run: &str) -> Result<Self, HeldError> {
        // First what may grow meanwhile: a row that is seen as left may be taken by now, which the ledger refuses later.
        let index = ledger.quarantine(run).await?;
        let mut replayed = ledger.replayed_rows(run).await?;
        let mut purged = ledger.purged_rows(run).await?;
        let mut counted = BTreeMap::new();
        for entry in ledger.manifests(run).await? {
            let manifest: Manifest = serde_json::from_value(entry.manifest).map_err(|source| {
                HeldError::Manifest { phase: entry.phase, split: entry.split, source }
            })?;
            for file in manifest.quarantine {
                counted.insert(file.file.display().to_string(), file.rows);
            }
        }
        let steps: BTreeMap<&str, &str> =
            index.iter().map(|entry| (entry.file.as_str(), entry.step.as_str())).collect();
        let mut files = Vec::with_capacity(steps.len());
        for (file, step) in steps {
            let mut rows = BTreeMap::new();
            for row in purged.remove(file).unwrap_or_default() {
                let (index, reasons) = (row.index, row.reasons);
                let state = RowState::Purged;
                let row = HeldRow { index, reasons, state, is_there: false, is_purged: true };
                rows.insert(index, row);
            }
            let in_file = rows_of(Path::new(file))?;
            let is_there = in_file.is_some();
            for (index, reasons) in in_file.unwrap_or_default() {
                let state = RowState::Left;
                let row = HeldRow { index, reasons, state, is_there: true, is_purged: false };
                rows.entry(index).or_insert(row).is_there = true;
            }
            for taken in replayed.remove(file).unwrap_or_default() {
                let Some(row) = rows.get_mut(&taken.index) else { continue };
                row.state = match (taken.done, &row.state) {
                    (true, _) => RowState::PutThrough { by: taken.by },
                    (false, RowState::Left) => RowState::InReplay { by: taken.by },
                    (false, state) => state.clone(),
                };
            }
            files.push(HeldRows {
                step: step.to_owned(),
                file: file.to_owned(),
                is_there,
                rows: rows.into_values().collect(),
            });
        }
        Ok(Self { run: run.to_owned(), files, index, counted })
    }

    /// The rows that are meant, with their files.
    pub fn rows<'a>(
        &'a self,
        filter: &'a RowFilter,
    ) -> impl Iterator<Item = (&'a HeldRows, &'a HeldRow)> {
        let files = self.files.iter().filter(|file| filter.of_step(&file.step));
        let rows = files.flat_map(|file| file.rows.iter().map(move |row| (file, row)));
        rows.filter(|(_, row)| filter.by_reasons(&row.reasons))
    }

    /// The rows of each step, each counted once.
    pub fn by_step(&self, filter: &RowFilter) -> Vec<StepFates> {
        let mut steps: BTreeMap<&str, Fates> = BTreeMap::new();
        for file in self.files.iter().filter(|file| filter.of_step(&file.step)) {
            let fates = steps.entry(&file.step).or_default();
            let rows = file.rows.iter().filter(|row| filter.by_reasons(&row.reasons));
            let told = rows.map(|row| fates.add(&row.state)).count() as u64;
            // Of rows that are gone without a word nobody knows which rules they violate.
            fates.held += if filter.rules.is_empty() {
                self.counted.get(&file.file).copied().unwrap_or(told)
            } else {
                told
            };
        }
        let steps = steps.into_iter().filter(|(_, fates)| fates.held > 0);
        steps
            .map(|(step, fates)| StepFates { step: step.to_owned(), fates: fates.balanced() })
            .collect()
    }

    /// The rows that violate each rule, with each column.
    pub fn by_rule(&self, filter: &RowFilter) -> Vec<RuleFates> {
        let mut rules: BTreeMap<(&str, &str, Option<&str>), Fates> = BTreeMap::new();
        for entry in &self.index {
            let key = (entry.step.as_str(), entry.rule.as_str(), entry.column.as_deref());
            rules.entry(key).or_default().held += u64::try_from(entry.rows).unwrap_or_default();
        }
        for file in &self.files {
            for row in &file.rows {
                for (rule, column) in &row.reasons {
                    let key = (file.step.as_str(), rule.as_str(), column.as_deref());
                    rules.entry(key).or_default().add(&row.state);
                }
            }
        }
        let meant = rules
            .into_iter()
            .filter(|((step, rule, _), _)| filter.of_step(step) && filter.by_rule(rule));
        meant
            .map(|((step, rule, column), fates)| RuleFates {
                step: step.to_owned(),
                rule: rule.to_owned(),
                column: column.map(str::to_owned),
                fates: fates.balanced(),
            })
            .collect()
    }
}

impl HeldRows {
    pub fn path(&self) -> PathBuf {
        PathBuf::from(&self.file)
    }
}

impl Fates {
    fn add(&mut self, state: &RowState) {
        match state {
            RowState::Left => self.left += 1,
            RowState::InReplay { .. } => {
                self.left += 1;
                self.in_replay += 1;
            }
            RowState::PutThrough { .. } => self.put_through += 1,
            RowState::Purged => self.purged += 1,
        }
    }

    fn balanced(mut self) -> Self {
        self.lost = self.held.saturating_sub(self.left + self.put_through + self.purged);
        self
    }
}

/// The index of a row, and why it was held back.
type RowWithReasons = (i64, Vec<BrokenRule>);

/// The rows of a file, with why they were held back; none where there is no file.
fn rows_of(path: &Path) -> Result<Option<Vec<RowWithReasons>>, ConnectError> {
    let file = match HeldFile::open_reasons(path) {
        Ok(file) => file,
        Err(ConnectError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let mut rows = Vec::new();
    for batch in file {
        let batch = batch?;
        let reasons = batch.reasons().ok_or_else(|| foreign(path))?;
        let indices = batch.indices.values().iter().map(|&index| i64::try_from(index));
        for (index, reasons) in indices.zip(reasons) {
            rows.push((index.map_err(|_| foreign(path))?, reasons));
        }
    }
    Ok(Some(rows))
}
