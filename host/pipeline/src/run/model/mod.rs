//! The commit protocol against a reference of ten lines ([`reference`]), for thousands of random histories.
//!
//! A history is a list of things that happen to one pipeline: runs begin, are planned, resumed, committed, given up; partitions are worked
//! on; each of these is a task of its own, an [`actor`], that stops at every point of [`crash`](wasmill_connect::crash) and goes on
//! when the history says so. There it can be killed, and there all locks can be taken away from those that are alive, as when a server
//! that holds them restarts: then they are zombies, and go on later than everybody else. Everything but the reading of rows is what is
//! shipped: ledger, sinks, and all of `run`.
//!
//! After each step, each sink shows what the reference says, or, while a run is being published, what is between that and what it
//! showed before; nothing of a run that has not begun to publish can be seen. At the end, when everybody is dead, one more run
//! brings everything in order, without help. Then no run is unfinished, nothing is staged, and each sink shows exactly what the reference
//! says: nothing lost, nothing twice, only rows of attempts that the ledger accepted. And so it stays when the zombies wake up.
//!
//! These changes to the program were tried by hand, and are found; whoever changes the protocol can try them again:
//!
//! | Change | Found as |
//! |---|---|
//! | nothing is told to the ledger before publishing (`start_commit`) | a run that cannot end |
//! | runs that died while they published are not finished by the next | a run that stays in the way |
//! | runs that were started earlier are not given up | a run that can be resumed, and would publish old rows |
//! | a manifest is accepted of whoever comes (`Ledger::in_epoch`) | a zombie's manifest counts whose files are swept |
//! | a run begins to publish while another one does (`start_commit`) | older rows after newer ones |
//!
//! The last two were mistakes of the program. They need zombies, which chance alone meets seldom: they are among
//! [`these_histories_go_well`] too.
//!
//! `WASMILL_HISTORIES` says how many histories are tried, instead of 10,000.

mod actor;
mod reference;
mod world;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use self::reference::Keeps;
use self::world::{History, Op, Shared, Sinks};
use crate::exec::rows::with_row;
use crate::exec::stage::{Stage, StageNode};
use crate::exec::task::{Manifest, StepCounts, Task};
use crate::plan::Phase;
use crate::run::RunContext;

/// How many histories are tried where nothing else is said.
const HISTORIES: u32 = 10_000;
/// So many histories share a ledger, which is slower the more it holds.
const HISTORIES_OF_A_LEDGER: u32 = 100;
/// What the names of pipelines begin with whose rows are made here.
const PIPELINE: &str = "modelled-";

/// Stages the rows of a split of a modelled pipeline, which are not read from anywhere; none for any other pipeline.
///
/// A split has one row: its key, which every other run has too; the run; and the attempt.
pub(super) async fn stage(
    context: &RunContext,
    phase: &Phase,
    task: &Arc<Task>,
) -> Option<Manifest> {
    if !context.pipeline.name.starts_with(PIPELINE) {
        return None;
    }
    let split: i64 = task.split[task.split.len() - 5..].parse().expect("splits are numbered");
    let visible = Arc::clone(&context.pipeline.steps[&phase.end].schema);
    let columns: [ArrayRef; 4] = [
        Arc::new(Int64Array::from(vec![reference::key(split, &context.run)])),
        Arc::new(StringArray::from(vec![context.run.clone()])),
        Arc::new(StringArray::from(vec![task.attempt.clone()])),
        Arc::new(UInt64Array::from(vec![0])),
    ];
    let schema = with_row(&visible);
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns.to_vec()).unwrap();
    task.count(&phase.end, &StepCounts { rows_in: 1, rows_out: 1, ..StepCounts::default() });
    let rows = futures::stream::iter([Ok(batch)]);
    let node = StageNode {
        step: phase.end.clone(),
        visible,
        for_later: phase.for_later,
        sinks: phase.sinks.iter().map(|sink| Arc::clone(&context.pipeline.sinks[sink])).collect(),
        tasks: Arc::from([Arc::clone(task)]),
    };
    let stage = Stage { node: Arc::new(node), task: Arc::clone(task) };
    Some(stage.work(Box::pin(RecordBatchStreamAdapter::new(schema, rows))).await.unwrap())
}

/// What may happen. Most happens to the first run and to those who came first: histories are to meet, not to pass by.
fn op() -> impl Strategy<Value = Op> {
    let run = || prop_oneof![4 => Just(0_usize), 1 => Just(1), 1 => Just(2)];
    let actor = || prop_oneof![3 => Just(0_usize), 2 => Just(1), 1 => Just(2)];
    let points = prop_oneof![1..4_usize, 1..16_usize];
    prop_oneof![
        2 => Just(Op::Run),
        4 => run().prop_map(Op::Resume),
        1 => run().prop_map(Op::Commit),
        1 => run().prop_map(Op::Abort),
        2 => (run(), 0..2_usize).prop_map(|(run, split)| Op::Partition(run, split)),
        8 => (actor(), points).prop_map(|(actor, points)| Op::Go(actor, points)),
        2 => actor().prop_map(Op::Kill),
        3 => Just(Op::LoseLocks),
    ]
}

fn sinks() -> impl Strategy<Value = Sinks> {
    let files = prop_oneof![Just(Keeps::All), Just(Keeps::Latest)];
    let table = prop_oneof![Just(Keeps::All), Just(Keeps::Latest), Just(Keeps::LatestOfKey)];
    prop_oneof![
        3 => files.clone().prop_map(|files| Sinks { files: Some(files), table: None }),
        1 => table.clone().prop_map(|table| Sinks { files: None, table: Some(table) }),
        1 => (files, table).prop_map(|(files, table)| Sinks { files: Some(files), table: Some(table) }),
    ]
}

fn history() -> impl Strategy<Value = History> {
    let first = prop_oneof![2 => Just(Op::Run), 1 => Just(Op::Plan)];
    let others = prop::collection::vec(op(), 1..8);
    (sinks(), first, others).prop_map(|(sinks, first, others)| {
        let ops = std::iter::once(first).chain(others).collect();
        History { sinks, ops }
    })
}

#[test]
fn whatever_happens_sinks_show_what_the_reference_says() {
    let histories = std::env::var("WASMILL_HISTORIES").map(|number| number.parse().unwrap());
    let histories = histories.unwrap_or(HISTORIES);
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u32);
    std::thread::scope(|scope| {
        let threads =
            (0..threads).map(|_| scope.spawn(|| try_histories(histories.div_ceil(threads))));
        for thread in threads.collect::<Vec<_>>() {
            thread.join().unwrap();
        }
    });
}

/// Histories that went wrong once, and some that chance seldom comes by.
#[test]
fn these_histories_go_well() {
    use Op::{Go, LoseLocks, Plan, Resume, Run};
    let shared = Shared::new();
    let files = |keeps| Sinks { files: Some(keeps), table: None };
    let histories: [(Sinks, &[Op]); 4] = [
        // A run finishes an earlier one, and loses its locks while it does.
        (files(Keeps::All), &[Run, Go(0, 8), Op::Kill(0), Run, Go(0, 1), LoseLocks]),
        // An attempt is staged; somebody else takes the run and sweeps it; its manifest comes too late.
        (files(Keeps::All), &[Run, LoseLocks, Resume(0), Go(0, 2), Go(1, 9)]),
        (files(Keeps::All), &[Plan, Op::Partition(0, 0), LoseLocks, Resume(0), Go(0, 3), Go(1, 9)]),
        // Two runs are about to publish, each as if it were alone.
        (files(Keeps::Latest), &[Run, Go(0, 7), LoseLocks, Run, Go(1, 8), Go(0, 20), Go(0, 20)]),
    ];
    for (sinks, ops) in histories {
        let history = History { sinks, ops: ops.to_vec() };
        shared.tell(&history).unwrap_or_else(|error| panic!("{error}\n{history}"));
    }
}

fn try_histories(histories: u32) {
    let config = Config {
        cases: histories,
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let mut shared = None;
    let mut left = 0;
    let shared = std::cell::RefCell::new((&mut shared, &mut left));
    let tried = TestRunner::new(config).run(&history(), |history| {
        let mut shared = shared.borrow_mut();
        let (shared, left) = &mut *shared;
        if **left == 0 {
            **shared = Some(Shared::new());
            **left = HISTORIES_OF_A_LEDGER;
        }
        **left -= 1;
        let shared = shared.as_ref().expect("just made");
        shared.tell(&history).map_err(TestCaseError::fail)
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, history)) => panic!("{reason}\nThe history was:\n{history}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
