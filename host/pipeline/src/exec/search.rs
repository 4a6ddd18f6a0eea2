//! Finding the rows that make a plugin fail, front to back: each row before the search is done for good, so that it works
//! for plugins that gather from row to row too.
//!
//! ```text
//!   [ passed | passed |X| passed | ? ? ? ? ? ? ? ? | not tried yet ]
//!                      blamed     └─ one of these is guilty: its first half is tried next
//! ```
//!
//! A range that fails holds a guilty row. Its first half either passes, and stays passed, and the guilty row is behind it; or
//! it fails, and the guilty row is in it. So a culprit among `n` rows is found with `log2 n + 1` more calls, and what is behind
//! it is tried at once: `k` culprits take about `k (log2 n + 2)` calls. No row is blamed that did not fail in a call
//! by itself, so a wrong guess (a batch that is too large as a whole, say) costs calls and no row.
//!
//! The budget bounds calls and time for one batch: a plugin that fails on most rows is broken, and the step fails with the
//! fault itself.

use std::ops::Range;
use std::time::{Duration, Instant};

use wasmill_sandbox::fault::FaultKind;

use crate::exec::blame::Blame;

/// From this many rows on, a plugin that fails on each row of a batch is broken; below, its rows may all be bad.
const ENOUGH_ROWS: usize = 16;

/// What finding the rows of one batch may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SearchBudget {
    /// Calls that fail, or are made because others had failed.
    pub(crate) calls: u64,
    /// From the first call that failed.
    pub(crate) time: Duration,
}

/// One call to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    pub(crate) rows: Range<usize>,
    /// Whether it only is to tell where to look next for a row that hangs: a part of the deadline is enough then.
    pub(crate) hurried: bool,
    /// Whether it is made because one has failed that held these rows.
    pub(crate) again: bool,
}

/// Calls a plugin on some rows of a batch.
pub(crate) trait Attempt {
    type Output;

    /// How many of these rows, from the first on, cross at once. Asked before rows are tried for the first time.
    fn fitting(&self, rows: &Range<usize>) -> usize {
        rows.len()
    }

    /// Calls the plugin, on a fresh instance if the last one is gone. Ranges come front to back: what lies before one has
    /// passed or was blamed.
    fn attempt(&mut self, trial: Trial)
    -> impl Future<Output = Result<Self::Output, Blame>> + Send;
}

/// What became of a range of rows: output, or what a single row is blamed for.
pub(crate) type Piece<T> = (Range<usize>, Result<T, Blame>);

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// In the order of the rows.
    pub(crate) pieces: Vec<Piece<T>>,
    /// Calls that failed, or were made because others had.
    pub(crate) calls: u64,
}

/// Calls a plugin on a batch of `rows` rows, as many at once as fit, and finds the rows that make it fail. A cause that can be
/// chance is repeated once before it counts.
///
/// # Errors
///
/// A fault that no row can be the cause of; the first fault of the batch when the budget is used up, or when the plugin fails
/// on every row.
pub(crate) async fn process<A: Attempt>(
    attempt: &mut A,
    rows: usize,
    budget: SearchBudget,
) -> Result<Found<A::Output>, Blame> {
    let mut search = Search::new(budget);
    let mut next = 0;
    while next < rows {
        let fitting = attempt.fitting(&(next..rows)).max(1);
        let range = next..rows.min(next + fitting);
        let trial = Trial { rows: range.clone(), hurried: false, again: false };
        next = match search.call(attempt, &trial).await? {
            Ok(output) => search.passed(range, output),
            Err(blame) => search.narrow(attempt, range, blame).await?,
        };
    }
    let none_passed = search.pieces.iter().all(|(_, result)| result.is_err());
    if rows >= ENOUGH_ROWS && none_passed {
        return Err(search.give_up());
    }
    Ok(Found { pieces: search.pieces, calls: search.calls })
}

/// The search through one batch.
struct Search<T> {
    budget: SearchBudget,
    pieces: Vec<Piece<T>>,
    calls: u64,
    /// When the first call failed.
    began: Option<Instant>,
    /// What several rows together failed with first.
    first: Option<Blame>,
    /// Calls on rows before this one are made because one has failed.
    failed_until: usize,
    /// Whether what fails by chance has had its repetition.
    has_repeated: bool,
}

impl<T> Search<T> {
    fn new(budget: SearchBudget) -> Self {
        Self {
            budget,
            pieces: Vec::new(),
            calls: 0,
            began: None,
            first: None,
            failed_until: 0,
            has_repeated: false,
        }
    }

    fn passed(&mut self, rows: Range<usize>, output: T) -> usize {
        let next = rows.end;
        self.pieces.push((rows, Ok(output)));
        next
    }

    /// Makes a call; one that fails by chance, once more.
    ///
    /// # Errors
    ///
    /// When the budget is used up, or no row can be the cause.
    async fn call<A: Attempt<Output = T>>(
        &mut self,
        attempt: &mut A,
        trial: &Trial,
    ) -> Result<Result<T, Blame>, Blame> {
        loop {
            if self.is_used_up() {
                return Err(self.give_up());
            }
            let again = self.has_repeated || trial.rows.start < self.failed_until;
            let result = attempt.attempt(Trial { again, ..trial.clone() }).await;
            self.calls += u64::from(again || result.is_err());
            let blame = match result {
                Ok(output) => return Ok(Ok(output)),
                Err(blame) => blame,
            };
            self.began.get_or_insert_with(Instant::now);
            if blame.fault.kind().is_chance() && !self.has_repeated {
                self.has_repeated = true;
                self.first.get_or_insert(blame);
                continue;
            }
            if !blame.may_be_a_row() {
                return Err(blame);
            }
            return Ok(Err(blame));
        }
    }

    /// Finds the first guilty row of a range that failed. Returns the row from which to go on.
    async fn narrow<A: Attempt<Output = T>>(
        &mut self,
        attempt: &mut A,
        failed: Range<usize>,
        blame: Blame,
    ) -> Result<usize, Blame> {
        // A row that hangs takes the whole deadline each time, where a part of it would tell as well where to look.
        let hurried = blame.fault.kind() == FaultKind::Deadline;
        self.failed_until = failed.end;
        let mut rows = failed;
        // What exactly `rows` failed with; none where it is only concluded that they would.
        let mut known = Some(blame);
        while rows.len() > 1 {
            if let Some(blame) = known.take() {
                self.first.get_or_insert(blame);
            }
            let middle = rows.start + rows.len() / 2;
            let trial = Trial { rows: rows.start..middle, hurried, again: true };
            match self.call(attempt, &trial).await? {
                Ok(output) => rows.start = self.passed(trial.rows, output),
                Err(blame) => {
                    rows.end = middle;
                    known = (!hurried).then_some(blame);
                }
            }
        }
        if known.is_none() {
            let trial = Trial { rows: rows.clone(), hurried: false, again: true };
            match self.call(attempt, &trial).await? {
                Ok(output) => drop(self.passed(trial.rows, output)),
                Err(blame) => known = Some(blame),
            }
        }
        if let Some(blame) = known {
            self.pieces.push((rows.clone(), Err(blame)));
        }
        self.has_repeated = false;
        Ok(rows.end)
    }

    fn is_used_up(&self) -> bool {
        let Some(began) = self.began else { return false };
        self.calls >= self.budget.calls || began.elapsed() >= self.budget.time
    }

    /// What the search began with: of several rows together, or of the first row, where rows crossed one by one.
    fn give_up(&mut self) -> Blame {
        let pieces = std::mem::take(&mut self.pieces);
        let first = self.first.take();
        first
            .or_else(|| pieces.into_iter().find_map(|(_, result)| result.err()))
            .expect("a search that is given up has met a fault")
    }
}

#[cfg(test)]
mod tests {
    use wasmill_sandbox::fault::Fault;

    use super::*;

    const BUDGET: SearchBudget = SearchBudget { calls: 512, time: Duration::from_secs(3_600) };

    fn stack_overflow() -> Blame {
        Blame::of_rows(Fault::Stack { export: "process", stack: Vec::new() }, 0, Vec::new())
    }

    fn deadline() -> Blame {
        let deadline = Duration::from_secs(10);
        Blame::of_rows(Fault::Deadline { export: "process", deadline }, 0, Vec::new())
    }

    /// Fails on ranges that hold one of some rows. Checks that rows come front to back.
    struct Poisoned {
        rows: Vec<usize>,
        fitting: usize,
        calls: u64,
        done: usize,
    }

    impl Poisoned {
        fn new(rows: &[usize]) -> Self {
            Self { rows: rows.to_vec(), fitting: usize::MAX, calls: 0, done: 0 }
        }
    }

    impl Attempt for Poisoned {
        type Output = Vec<usize>;

        fn fitting(&self, rows: &Range<usize>) -> usize {
            self.fitting.min(rows.len())
        }

        async fn attempt(&mut self, trial: Trial) -> Result<Vec<usize>, Blame> {
            self.calls += 1;
            assert!(trial.rows.len() <= self.fitting);
            // Rows that were blamed are skipped, one at a time, and no other.
            let skipped = self.done..trial.rows.start;
            assert!(skipped.clone().all(|row| self.rows.contains(&row)), "{skipped:?} was skipped");
            if self.rows.iter().any(|row| trial.rows.contains(row)) {
                return Err(stack_overflow());
            }
            self.done = trial.rows.end;
            Ok(trial.rows.collect())
        }
    }

    /// The rows that passed, and those that were found.
    fn told_apart(pieces: Vec<Piece<Vec<usize>>>) -> (Vec<usize>, Vec<usize>) {
        let (mut passed, mut found) = (Vec::new(), Vec::new());
        for (range, result) in pieces {
            match result {
                Ok(rows) => passed.extend(rows),
                Err(_) => found.extend(range),
            }
        }
        (passed, found)
    }

    #[tokio::test]
    async fn single_rows_are_found_and_all_others_pass_in_order() {
        for poison in [&[][..], &[0], &[65_535], &[32_768], &[1, 2, 40_000]] {
            let mut attempt = Poisoned::new(poison);
            let search = process(&mut attempt, 65_536, BUDGET).await.unwrap();
            let (passed, found) = told_apart(search.pieces);
            assert_eq!(found, poison);
            let expected: Vec<usize> = (0..65_536).filter(|row| !poison.contains(row)).collect();
            assert_eq!(passed, expected);
            // The one call that it takes without poison is no part of the search, unless it fails.
            assert_eq!(attempt.calls, search.calls.max(1), "{poison:?}");
            let bound = 1 + 18 * poison.len() as u64;
            assert!(search.calls <= bound, "{} calls for {poison:?}", search.calls);
        }
    }

    /// `k` culprits among `n` rows take about `k (log2 n + 2)` calls, wherever they are.
    #[tokio::test]
    async fn the_calls_grow_with_the_logarithm_of_the_rows() {
        for (rows, log2) in [(64, 6), (1_024, 10), (8_192, 13), (65_536, 16)] {
            for culprits in [1, 3, 10] {
                let poison: Vec<usize> = (0..culprits).map(|at| at * rows / culprits + 3).collect();
                let mut attempt = Poisoned::new(&poison);
                let search = process(&mut attempt, rows, BUDGET).await.unwrap();
                assert_eq!(told_apart(search.pieces).1, poison);
                let bound = 1 + culprits as u64 * (log2 + 2);
                assert!(search.calls <= bound, "{} calls, {culprits} of {rows}", search.calls);
            }
        }
    }

    #[tokio::test]
    async fn a_plugin_that_fails_everywhere_is_given_up() {
        let everywhere: Vec<usize> = (0..8_192).collect();
        let mut attempt = Poisoned::new(&everywhere);
        assert!(process(&mut attempt, 8_192, BUDGET).await.is_err());
        assert!(attempt.calls <= BUDGET.calls);
        let mut attempt = Poisoned::new(&everywhere);
        assert!(process(&mut attempt, ENOUGH_ROWS, BUDGET).await.is_err());
        let mut attempt = Poisoned::new(&everywhere);
        assert_eq!(process(&mut attempt, 3, BUDGET).await.unwrap().pieces.len(), 3);
    }

    #[tokio::test]
    async fn time_is_bounded_too() {
        let budget = SearchBudget { time: Duration::ZERO, ..BUDGET };
        let mut attempt = Poisoned::new(&[5]);
        assert!(process(&mut attempt, 100, budget).await.is_err());
        assert_eq!(attempt.calls, 1);
        let mut attempt = Poisoned::new(&[]);
        assert_eq!(process(&mut attempt, 100, budget).await.unwrap().pieces.len(), 1);
    }

    /// Hangs on one row, or fails on it by chance.
    struct Hanging {
        culprit: usize,
        /// After so many calls it does not hang any more.
        recovers_after: u64,
        calls: u64,
        whole_deadlines: u64,
    }

    impl Attempt for Hanging {
        type Output = ();

        async fn attempt(&mut self, trial: Trial) -> Result<(), Blame> {
            self.calls += 1;
            if !trial.rows.contains(&self.culprit) || self.calls > self.recovers_after {
                return Ok(());
            }
            self.whole_deadlines += u64::from(!trial.hurried);
            Err(deadline())
        }
    }

    #[tokio::test]
    async fn a_row_that_hangs_costs_three_whole_deadlines() {
        let mut attempt =
            Hanging { culprit: 4_711, recovers_after: u64::MAX, calls: 0, whole_deadlines: 0 };
        let search = process(&mut attempt, 8_192, BUDGET).await.unwrap();
        let hung: Vec<_> = search.pieces.iter().filter(|(_, result)| result.is_err()).collect();
        assert!(matches!(hung[..], [(range, _)] if *range == (4_711..4_712)), "{hung:?}");
        // The batch, its repetition, and the row by itself.
        assert_eq!(attempt.whole_deadlines, 3);
    }

    #[tokio::test]
    async fn what_was_chance_passes_when_it_is_repeated() {
        let mut attempt = Hanging { culprit: 7, recovers_after: 1, calls: 0, whole_deadlines: 0 };
        let search = process(&mut attempt, 100, BUDGET).await.unwrap();
        assert!(matches!(search.pieces[..], [(Range { start: 0, end: 100 }, Ok(()))]));
        assert_eq!((attempt.calls, search.calls), (2, 2));
    }

    /// However a batch is cut, its pieces share one budget, and a plugin that fails on all of its rows is broken.
    #[tokio::test]
    async fn pieces_of_a_batch_are_searched_as_one_batch() {
        let narrow = |fitting, rows: &[usize]| Poisoned { fitting, ..Poisoned::new(rows) };
        for fitting in [1, 3, 100] {
            let mut some = narrow(fitting, &[0, 7, 999]);
            let search = process(&mut some, 1_000, BUDGET).await.unwrap();
            let (passed, found) = told_apart(search.pieces);
            assert_eq!(found, [0, 7, 999]);
            assert!(passed.into_iter().eq((1..999).filter(|row| *row != 7)));

            let everywhere: Vec<usize> = (0..8_192).collect();
            let mut all = narrow(fitting, &everywhere);
            assert!(process(&mut all, 8_192, BUDGET).await.is_err());
            assert!(all.calls <= BUDGET.calls);
            assert!(process(&mut narrow(fitting, &everywhere), 16, BUDGET).await.is_err());
        }
        // Many calls that go well use up nothing.
        let mut none = narrow(1, &[]);
        assert_eq!(process(&mut none, 2_000, BUDGET).await.unwrap().pieces.len(), 2_000);
    }

    /// A batch that is too large as a whole costs calls and no row.
    #[tokio::test]
    async fn no_row_is_blamed_that_does_not_fail_by_itself() {
        struct Together;
        impl Attempt for Together {
            type Output = usize;
            async fn attempt(&mut self, trial: Trial) -> Result<usize, Blame> {
                let rows = trial.rows.len();
                if rows > 60 { Err(stack_overflow()) } else { Ok(rows) }
            }
        }
        let search = process(&mut Together, 100, BUDGET).await.unwrap();
        let passed: usize = search.pieces.iter().map(|(_, result)| *result.as_ref().unwrap()).sum();
        assert_eq!(passed, 100);
    }

    #[tokio::test]
    async fn a_cause_that_is_no_row_is_returned_at_once() {
        struct Refusing {
            calls: u32,
        }
        impl Attempt for Refusing {
            type Output = ();
            async fn attempt(&mut self, _trial: Trial) -> Result<(), Blame> {
                self.calls += 1;
                Err(Blame::of_no_row(Fault::Gone { export: "process" }))
            }
        }
        let mut refusing = Refusing { calls: 0 };
        assert!(process(&mut refusing, 100, BUDGET).await.is_err());
        assert_eq!(refusing.calls, 1);
    }
}
