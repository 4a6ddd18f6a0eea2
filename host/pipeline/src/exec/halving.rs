//! Finding the rows that make a plugin fail: a batch that fails is halved until single rows are left.
//!
//! With `k` culprits among `n` rows that takes about `2 k log2 n` more calls. A budget bounds the calls for one batch: a
//! plugin that fails on most rows is broken, and the step fails with the fault itself.

use std::ops::Range;

use wasmill_sandbox::fault::{Fault, FaultKind};

/// How many calls one batch may cost.
const MAX_CALLS: usize = 512;
/// How many of them may run into the deadline: each takes all of it.
const MAX_DEADLINES: usize = 32;

/// From this many rows on, a plugin that fails on each row of a batch is broken; below, its rows may all be bad.
const ENOUGH_ROWS: usize = 16;

/// Calls a plugin on some rows of a batch.
pub(crate) trait Attempt {
    type Output;

    /// How many of these rows, from the first on, cross at once. Asked before rows are tried for the first time.
    fn fitting(&self, rows: &Range<usize>) -> usize {
        rows.len()
    }

    /// Calls the plugin on a range of the rows, on a fresh instance if the last one is gone.
    fn attempt(
        &mut self,
        rows: Range<usize>,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}

/// What became of a range of rows: output, or the fault that a single row causes.
pub(crate) type Piece<T> = (Range<usize>, Result<T, Fault>);

/// Rows that are to be tried.
struct Pending {
    rows: Range<usize>,
    /// Whether they were not tried yet, neither as a whole nor as a part of more.
    new: bool,
    /// Whether a cause that can be chance has had its repetition.
    repeated: bool,
}

/// Calls a plugin on a batch of `rows` rows, as many at once as fit; where it fails, on parts of them. Pieces come in the
/// order of the rows. A cause that can be chance is repeated once before it is looked for.
///
/// # Errors
///
/// A fault that no row can be the cause of; the first fault when the budget of calls is used up, or when the plugin fails
/// on every row.
pub(crate) async fn process<A: Attempt>(
    attempt: &mut A,
    rows: usize,
) -> Result<Vec<Piece<A::Output>>, Fault> {
    let mut pieces = Vec::new();
    // What to try next is last.
    let mut pending = vec![Pending { rows: 0..rows, new: true, repeated: false }];
    // Calls that failed, or were made because others had: of a plugin that does not fail there are none.
    let (mut calls, mut deadlines) = (0, 0);
    let mut first_fault: Option<Fault> = None;
    while let Some(Pending { rows: mut range, new, repeated }) = pending.pop() {
        if calls >= MAX_CALLS || deadlines >= MAX_DEADLINES {
            return Err(first(first_fault, pieces));
        }
        if new {
            let fitting = attempt.fitting(&range).max(1);
            if fitting < range.len() {
                let rest = range.start + fitting..range.end;
                range.end = rest.start;
                pending.push(Pending { rows: rest, new, repeated });
            }
        }
        calls += usize::from(!new);
        let fault = match attempt.attempt(range.clone()).await {
            Ok(output) => {
                pieces.push((range, Ok(output)));
                continue;
            }
            Err(fault) => fault,
        };
        calls += usize::from(new);
        let kind = fault.kind();
        deadlines += usize::from(kind == FaultKind::Deadline);
        if kind.is_chance() && !repeated {
            pending.push(Pending { rows: range, new: false, repeated: true });
            continue;
        }
        if !kind.may_be_a_row() {
            return Err(fault);
        }
        if range.len() <= 1 {
            pieces.push((range, Err(fault)));
            continue;
        }
        first_fault.get_or_insert(fault);
        let middle = range.start + range.len() / 2;
        // What failed again did not fail by chance: its halves are not repeated.
        for half in [middle..range.end, range.start..middle] {
            pending.push(Pending { rows: half, new: false, repeated });
        }
    }
    if rows >= ENOUGH_ROWS && pieces.iter().all(|(_, result)| result.is_err()) {
        return Err(first(first_fault, pieces));
    }
    Ok(pieces)
}

/// The fault that the search began with, or that of the first row, where rows crossed one by one.
fn first<T>(first_fault: Option<Fault>, pieces: Vec<Piece<T>>) -> Fault {
    first_fault
        .or_else(|| pieces.into_iter().find_map(|(_, result)| result.err()))
        .expect("a search that is given up has met a fault")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Fails on ranges that hold one of some rows.
    struct Poisoned {
        rows: Vec<usize>,
        calls: usize,
    }

    impl Attempt for Poisoned {
        type Output = Vec<usize>;

        async fn attempt(&mut self, rows: Range<usize>) -> Result<Vec<usize>, Fault> {
            self.calls += 1;
            if self.rows.iter().any(|row| rows.contains(row)) {
                return Err(Fault::Stack { export: "process", stack: Vec::new() });
            }
            Ok(rows.collect())
        }
    }

    async fn run(poison: &[usize], rows: usize) -> (Result<Vec<Piece<Vec<usize>>>, Fault>, usize) {
        let mut attempt = Poisoned { rows: poison.to_vec(), calls: 0 };
        let pieces = process(&mut attempt, rows).await;
        (pieces, attempt.calls)
    }

    #[tokio::test]
    async fn single_rows_are_found_and_all_others_pass_in_order() {
        for poison in [&[][..], &[0], &[65_535], &[1, 2, 40_000]] {
            let (pieces, calls) = run(poison, 65_536).await;
            let mut passed = Vec::new();
            let mut found = Vec::new();
            for (range, result) in pieces.unwrap() {
                match result {
                    Ok(rows) => passed.extend(rows),
                    Err(_) => found.extend(range),
                }
            }
            assert_eq!(found, poison);
            let expected: Vec<usize> = (0..65_536).filter(|row| !poison.contains(row)).collect();
            assert_eq!(passed, expected);
            assert!(calls <= 1 + 2 * 16 * poison.len(), "{calls} calls for {poison:?}");
        }
    }

    #[tokio::test]
    async fn a_plugin_that_fails_everywhere_is_given_up() {
        let everywhere: Vec<usize> = (0..8_192).collect();
        let (pieces, calls) = run(&everywhere, 8_192).await;
        assert!(pieces.is_err());
        assert_eq!(calls, MAX_CALLS);
        assert!(run(&everywhere, ENOUGH_ROWS).await.0.is_err());
        assert_eq!(run(&everywhere, 3).await.0.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_plugin_that_hangs_is_repeated_once_and_given_up_soon() {
        struct Hanging {
            culprit: Option<usize>,
            calls: usize,
        }
        impl Attempt for Hanging {
            type Output = ();
            async fn attempt(&mut self, rows: Range<usize>) -> Result<(), Fault> {
                self.calls += 1;
                match self.culprit {
                    Some(culprit) if !rows.contains(&culprit) => Ok(()),
                    _ => Err(Fault::Deadline {
                        export: "process",
                        deadline: Duration::from_secs(10),
                    }),
                }
            }
        }
        let mut one_row = Hanging { culprit: Some(4_711), calls: 0 };
        let pieces = process(&mut one_row, 8_192).await.unwrap();
        let hung: Vec<_> = pieces.iter().filter(|(_, result)| result.is_err()).collect();
        assert!(matches!(hung[..], [(range, _)] if *range == (4_711..4_712)), "{hung:?}");
        let mut every_row = Hanging { culprit: None, calls: 0 };
        assert!(process(&mut every_row, 8_192).await.is_err());
        assert_eq!(every_row.calls, MAX_DEADLINES);
    }

    /// Fails on some rows, and takes only so many at once.
    struct Narrow {
        fitting: usize,
        poisoned: Poisoned,
    }

    impl Attempt for Narrow {
        type Output = Vec<usize>;

        fn fitting(&self, _rows: &Range<usize>) -> usize {
            self.fitting
        }

        async fn attempt(&mut self, rows: Range<usize>) -> Result<Vec<usize>, Fault> {
            assert!(rows.len() <= self.fitting);
            self.poisoned.attempt(rows).await
        }
    }

    /// However a batch is cut, its pieces share one budget, and a plugin that fails on all of its rows is broken.
    #[tokio::test]
    async fn pieces_of_a_batch_are_searched_as_one_batch() {
        let narrow = |fitting, rows| Narrow { fitting, poisoned: Poisoned { rows, calls: 0 } };
        for fitting in [1, 3, 100] {
            let mut some = narrow(fitting, vec![0, 7, 999]);
            let pieces = process(&mut some, 1_000).await.unwrap();
            let found = pieces.iter().filter(|(_, result)| result.is_err());
            let found: Vec<usize> = found.flat_map(|(range, _)| range.clone()).collect();
            assert_eq!(found, [0, 7, 999]);
            let passed = pieces.iter().filter_map(|(_, result)| result.as_ref().ok()).flatten();
            assert!(passed.copied().eq((1..999).filter(|row| *row != 7)));

            let mut all = narrow(fitting, (0..8_192).collect());
            assert!(process(&mut all, 8_192).await.is_err());
            assert_eq!(all.poisoned.calls, MAX_CALLS);
            assert!(process(&mut narrow(fitting, (0..16).collect()), 16).await.is_err());
        }
        // Many calls that go well use up nothing.
        let mut none = narrow(1, Vec::new());
        assert_eq!(process(&mut none, 2_000).await.unwrap().len(), 2_000);
    }

    #[tokio::test]
    async fn a_cause_that_is_no_row_is_returned_at_once() {
        struct Refusing;
        impl Attempt for Refusing {
            type Output = ();
            async fn attempt(&mut self, _rows: Range<usize>) -> Result<(), Fault> {
                Err(Fault::Gone { export: "process" })
            }
        }
        assert!(process(&mut Refusing, 100).await.is_err());
    }
}
