//! The new version in one task: it is given what the old one was given, and is given up when it cannot go on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use wasmill_sandbox::Usage;
use wasmill_sandbox::component::Digest;
use wasmill_sandbox::contract::binding::Scope;
use wasmill_sandbox::contract::processed::Processed;
use wasmill_sandbox::contract::verdict::{Conclusion, Verdict};
use wasmill_sandbox::fault::Fault;

use crate::checked::{Step, ValidateWork, Work};
use crate::dry_run::DryRun;
use crate::exec::history::History;
use crate::exec::instance::{Instance, Openable};
use crate::exec::rows::Numbered;
use crate::exec::search::Piece;
use crate::exec::task::Task;
use crate::exec::transform::TransformNode;
use crate::exec::unary::Input;
use crate::exec::validate::{MAX_PARTIAL_BYTES, MAX_PARTIALS, ValidateNode};
use crate::shadow::Comparing;
use crate::shadow::columns::Columns;
use crate::shadow::detached::Detached;
use crate::shadow::fates::{Comparison, Judged, Outputs, compare_fates, compare_outputs};
use crate::shadow::tally::{GivenUp, Tally};

/// After so many splits in which it was given up, the new version gets no more of them: each may have taken its time.
const MAX_GIVEN_UP: u32 = 3;
/// More bytes of partial states of all splits are not kept: the tables are then not compared.
const MAX_KEPT_BYTES: usize = 256 << 20;
/// Of more splits, differences are counted, and no examples are kept.
const MAX_SPLITS_WITH_EXAMPLES: usize = 64;
/// How many partial states are merged at once.
const MERGED_AT_ONCE: usize = 64;

/// What the tasks of a run share.
pub(crate) struct ShadowRun {
    /// The step that both are versions of.
    pub(crate) step: String,
    pub(super) work: Work,
    /// Of the old and of the new version.
    pub(super) digests: [Option<Digest>; 2],
    /// Of transformers; validators have none of their own.
    pub(super) columns: Columns,
    schemas: [Schema; 2],
    pub(super) comparing: Comparing,
    given_up: AtomicU32,
    /// By phase and split. An attempt that is repeated takes the place of the one before.
    splits: Mutex<BTreeMap<(String, String), Split>>,
}

/// What came of one split.
#[derive(Default)]
struct Split {
    tally: Tally,
    /// What a validator says of it.
    partial: Option<Vec<u8>>,
}

/// What the new version says of the table.
pub(super) enum Concluded {
    /// It is no validator.
    NotAsked,
    /// It did not see all rows, or its states were too large.
    NotKnown(&'static str),
    Failed(Fault),
    /// With what that took.
    Table(Conclusion, Box<Usage>),
}

impl ShadowRun {
    pub(super) fn new(old: &Step, new: &Step, comparing: Comparing) -> Self {
        let digest = |step: &Step| match &step.work {
            Work::Transform(work) => Some(work.digest),
            Work::Validate(work) => Some(work.digest),
            Work::Source(_) | Work::Sql(_) => None,
        };
        Self {
            step: old.name.clone(),
            work: new.work.clone(),
            digests: [digest(old), digest(new)],
            columns: Columns::of(&old.schema, &new.schema),
            schemas: [old.schema.as_ref().clone(), new.schema.as_ref().clone()],
            comparing,
            given_up: AtomicU32::new(0),
            splits: Mutex::default(),
        }
    }

    /// The new version in a task. `input` is what the old one reads.
    pub(crate) fn transform(
        self: &Arc<Self>,
        task: &Arc<Task>,
        input: &Input,
    ) -> Option<TransformBeside> {
        let Work::Transform(work) = &self.work else { return None };
        let history = (work.binding.scope != Scope::Rows)
            .then(|| History::new(input.clone(), Arc::clone(&work.binding.input)));
        let (beside, step) = (task.beside(), self.step.clone());
        let tasks = Arc::new([Arc::clone(&beside)]);
        let node = TransformNode { step, work: Arc::clone(work), tasks, shadow: None };
        let instance = Instance::new(Arc::new(node), beside, history);
        let detached = Detached::default();
        Some(TransformBeside { version: Version::new(self, task, instance), detached })
    }

    /// The same of a validator.
    pub(crate) fn validate(self: &Arc<Self>, task: &Arc<Task>) -> Option<ValidateBeside> {
        let Work::Validate(work) = &self.work else { return None };
        let (beside, step) = (task.beside(), self.step.clone());
        let tasks = Arc::new([Arc::clone(&beside)]);
        let node = ValidateNode { step, work: Arc::clone(work), tasks, shadow: None };
        let instance = Instance::new(Arc::new(node), beside, None);
        let version = Version::new(self, task, instance);
        Some(ValidateBeside { version, partials: Vec::new(), partial_bytes: 0, rows: 0 })
    }

    /// The sums of all splits, in their order.
    pub(super) fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for split in self.splits.lock().unwrap_or_else(PoisonError::into_inner).values() {
            sum.merge(&split.tally, self.comparing.examples);
        }
        sum
    }

    /// Has the new version judge the table.
    pub(super) async fn conclude(&self, seed: u64, run: &DryRun) -> Concluded {
        let Work::Validate(work) = &self.work else { return Concluded::NotAsked };
        let tally = self.tally();
        let rows = run.totals.counts(&self.step).rows_in;
        if tally.rows != rows || !tally.given_up.is_empty() {
            return Concluded::NotKnown("the new version did not see all rows");
        }
        let mut partials = Vec::new();
        {
            let mut splits = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
            for split in splits.values_mut().filter(|split| split.tally.rows > 0) {
                let Some(partial) = split.partial.take() else {
                    return Concluded::NotKnown("the states of the new version are too large");
                };
                partials.push(partial);
            }
        }
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        match judge(work, seed, partials, rows).await {
            Ok((conclusion, usage)) => Concluded::Table(conclusion, Box::new(usage)),
            Err(fault) => Concluded::Failed(fault),
        }
    }

    fn end_split(&self, task: &Task, mut split: Split) {
        let mut splits = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = |split: &Split| split.partial.as_ref().map_or(0, Vec::len);
        if splits.values().map(bytes).sum::<usize>() + bytes(&split) > MAX_KEPT_BYTES {
            split.partial = None;
        }
        if splits.len() >= MAX_SPLITS_WITH_EXAMPLES {
            split.tally.forget_examples();
        }
        splits.insert((task.phase.clone(), task.split.clone()), split);
    }
}

/// As the gate does it.
async fn judge(
    work: &ValidateWork,
    seed: u64,
    partials: Vec<Vec<u8>>,
    rows: usize,
) -> Result<(Conclusion, Usage), Fault> {
    let mut open = work.validator.open(Arc::clone(&work.binding), seed).await?;
    let mut state = open.merge(&[], rows).await?;
    for some in partials.chunks(MERGED_AT_ONCE) {
        let states = [&[state], some].concat();
        state = open.merge(&states, rows).await?;
    }
    let conclusion = open.conclude(&state, rows).await?;
    Ok((conclusion, open.usage()))
}

/// The new version of a step in one task, of whichever kind.
struct Version<N: Openable> {
    shadow: Arc<ShadowRun>,
    task: Arc<Task>,
    /// None once it was given up.
    instance: Option<Instance<N>>,
    tally: Tally,
}

impl<N: Openable> Version<N> {
    fn new(shadow: &Arc<ShadowRun>, task: &Arc<Task>, instance: Instance<N>) -> Self {
        let is_hopeless = shadow.given_up.load(Ordering::Relaxed) >= MAX_GIVEN_UP;
        Self {
            shadow: Arc::clone(shadow),
            task: Arc::clone(task),
            instance: (!is_hopeless).then_some(instance),
            tally: Tally::default(),
        }
    }

    /// Gives the version a batch. None where it gets no more of them.
    async fn pieces(
        &mut self,
        batch: &Numbered,
        first_row: u64,
    ) -> Option<Result<Vec<Piece<N::Output>>, Judged>> {
        let rows = batch.batch.num_rows();
        if self.shadow.comparing.max_rows.is_some_and(|max_rows| first_row >= max_rows) {
            self.end();
        }
        let Some(instance) = &mut self.instance else {
            self.tally.not_compared += rows as u64;
            return None;
        };
        match instance.pieces(batch, first_row).await {
            Ok(pieces) => Some(Ok(pieces)),
            Err(blame) => {
                let judged = Judged::failed(rows, &blame.fault);
                self.give_up(blame.fault.kind().name(), blame.fault.explained());
                Some(Err(judged))
            }
        }
    }

    fn give_up(&mut self, kind: &'static str, message: String) {
        self.shadow.given_up.fetch_add(1, Ordering::Relaxed);
        self.tally.given_up.push(GivenUp { split: self.task.split.clone(), kind, message });
        self.end();
    }

    /// Ends the instance, and notes what it and those before it have used up.
    fn end(&mut self) {
        let Some(mut instance) = self.instance.take() else { return };
        instance.end();
        let counts = instance.task.counts(&self.shadow.step);
        self.tally.usage = counts.usage;
        self.tally.search_calls = counts.search_calls;
    }

    /// Counts the rows of a batch that was compared.
    fn compared(&mut self, differs: &[bool]) {
        self.tally.rows += differs.len() as u64;
        self.tally.equal += differs.iter().filter(|differs| !**differs).count() as u64;
    }

    /// What cannot be compared, of so many input rows, is no matter of the run.
    fn note(&mut self, compared: Result<(), ArrowError>, rows: usize) {
        if let Err(error) = compared {
            self.tally.not_compared += rows as u64;
            self.give_up("comparison", error.to_string());
        }
    }

    fn finish(mut self, partial: Option<Vec<u8>>) {
        self.end();
        self.shadow.end_split(&self.task, Split { tally: self.tally, partial });
    }
}

/// The new version of a transformer in one task.
pub(crate) struct TransformBeside {
    version: Version<TransformNode>,
    detached: Detached,
}

impl TransformBeside {
    /// Gives it a batch of which the old version made `old`.
    pub(crate) async fn process(
        &mut self,
        batch: &Numbered,
        first_row: u64,
        old: &[Piece<Processed>],
    ) {
        let Some(new) = self.version.pieces(batch, first_row).await else { return };
        let compared = self.compare(batch, old, new);
        self.version.note(compared, batch.batch.num_rows());
    }

    fn compare(
        &mut self,
        batch: &Numbered,
        old: &[Piece<Processed>],
        new: Result<Vec<Piece<Processed>>, Judged>,
    ) -> Result<(), ArrowError> {
        let rows = batch.batch.num_rows();
        let shadow = Arc::clone(&self.version.shadow);
        let split = self.version.task.split.clone();
        let comparison = Comparison { comparing: &shadow.comparing, split: &split };
        let mut differs = vec![false; rows];
        let tally = &mut self.version.tally;
        let old_judged = Judged::transformed(rows, old);
        let old = Outputs::new(old, |batch| shadow.columns.of_old(batch), &shadow.schemas[0])?;
        let (new_judged, new) = match new {
            Ok(pieces) => {
                let judged = Judged::transformed(rows, &pieces);
                let of_new = |batch: &RecordBatch| shadow.columns.of_new(batch);
                (judged, Outputs::new(&pieces, of_new, &shadow.schemas[1])?)
            }
            Err(judged) => {
                let of_new = |batch: &RecordBatch| shadow.columns.of_new(batch);
                (judged, Outputs::new(&[], of_new, &shadow.schemas[1])?)
            }
        };
        tally.old_rows_out += old.rows();
        tally.new_rows_out += new.rows();
        compare_fates(comparison, batch, &old_judged, &new_judged, &mut differs, tally);
        compare_outputs(
            comparison,
            &shadow.columns,
            batch,
            (&old, &new),
            (&old_judged, &new_judged),
            &mut differs,
            tally,
        )?;
        self.gather(old.detached, new.detached);
        self.version.compared(&differs);
        Ok(())
    }

    fn gather(&mut self, old: Vec<RecordBatch>, new: Vec<RecordBatch>) {
        let rows = |batches: &[RecordBatch]| {
            batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>()
        };
        self.version.tally.old_rows_out += rows(&old);
        self.version.tally.new_rows_out += rows(&new);
        self.detached.add_old(old);
        self.detached.add_new(new);
    }

    /// Ends the split, at whose end the old version gave `old`.
    pub(crate) async fn finish(mut self, old: &Processed) {
        if let Some(instance) = &mut self.version.instance {
            let result = match instance.take().await {
                Ok(mut open) => {
                    let result = open.finish().await;
                    instance.retire(&open);
                    result
                }
                Err(blame) => Err(blame.fault),
            };
            match result {
                Ok(new) => {
                    let compared = self.compare_ends(old, &new);
                    self.version.note(compared, 0);
                }
                Err(fault) => self.version.give_up(fault.kind().name(), fault.explained()),
            }
        }
        self.version.finish(None);
    }

    fn compare_ends(&mut self, old: &Processed, new: &Processed) -> Result<(), ArrowError> {
        let shadow = Arc::clone(&self.version.shadow);
        let old = old.outputs.iter().map(|output| shadow.columns.of_old(&output.batch));
        let new = new.outputs.iter().map(|output| shadow.columns.of_new(&output.batch));
        self.gather(old.collect::<Result<_, _>>()?, new.collect::<Result<_, _>>()?);
        let split = self.version.task.split.clone();
        let comparison = Comparison { comparing: &shadow.comparing, split: &split };
        let detached = std::mem::take(&mut self.detached);
        detached.compare(comparison, &shadow.columns, &mut self.version.tally)
    }
}

/// The new version of a validator in one task.
pub(crate) struct ValidateBeside {
    version: Version<ValidateNode>,
    /// As the old version has them, merged whenever many have gathered.
    partials: Vec<Vec<u8>>,
    partial_bytes: usize,
    rows: usize,
}

impl ValidateBeside {
    /// Gives it a batch of which the old version says `old`.
    pub(crate) async fn check(&mut self, batch: &Numbered, first_row: u64, old: &[Piece<Verdict>]) {
        let rows = batch.batch.num_rows();
        let Some(new) = self.version.pieces(batch, first_row).await else { return };
        let new = match new {
            Ok(pieces) => {
                let judged = Judged::validated(rows, &pieces);
                let partials =
                    pieces.into_iter().filter_map(|(_, result)| Some(result.ok()?.partial));
                for partial in partials {
                    self.partial_bytes += partial.len();
                    self.partials.push(partial);
                }
                self.rows += rows;
                judged
            }
            Err(judged) => judged,
        };
        let split = self.version.task.split.clone();
        let comparing = self.version.shadow.comparing.clone();
        let comparison = Comparison { comparing: &comparing, split: &split };
        let mut differs = vec![false; rows];
        let (old, tally) = (Judged::validated(rows, old), &mut self.version.tally);
        compare_fates(comparison, batch, &old, &new, &mut differs, tally);
        self.version.compared(&differs);
        if self.partials.len() > MAX_PARTIALS || self.partial_bytes > MAX_PARTIAL_BYTES {
            self.merge().await;
        }
    }

    /// Makes one partial state of those that have gathered.
    async fn merge(&mut self) {
        let Some(instance) = &mut self.version.instance else { return };
        let result = match instance.take().await {
            Ok(mut open) => {
                let result = open.merge(&self.partials, self.rows).await;
                instance.put_back(open, &result);
                result
            }
            Err(blame) => Err(blame.fault),
        };
        match result {
            Ok(merged) => {
                self.partial_bytes = 0;
                self.partials = vec![merged];
            }
            Err(fault) => self.version.give_up(fault.kind().name(), fault.explained()),
        }
    }

    /// Ends the split.
    pub(crate) async fn finish(mut self) {
        if self.partials.len() > 1 {
            self.merge().await;
        }
        let is_whole = self.version.instance.is_some();
        self.version.finish(self.partials.pop().filter(|_| is_whole));
    }
}
