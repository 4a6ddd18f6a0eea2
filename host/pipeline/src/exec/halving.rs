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

    /// Calls the plugin on a range of the rows, on a fresh instance if the last one is gone.
    fn attempt(
        &mut self,
        rows: Range<usize>,
    ) -> impl Future<Output = Result<Self::Output, Fault>> + Send;
}

/// What became of a range of rows: output, or the fault that a single row causes.
pub(crate) type Piece<T> = (Range<usize>, Result<T, Fault>);

/// Calls a plugin on a batch of `rows` rows; where it fails, on parts of it. Pieces come in the order of
/// the rows. A cause that can be chance is repeated once before it is looked for.
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
    // The range to try next is last; the flag says that it was tried before.
    let mut pending = vec![(0..rows, false)];
    let (mut calls, mut deadlines) = (0, 0);
    let mut first_fault: Option<Fault> = None;
    while let Some((range, repeated)) = pending.pop() {
        if (calls == MAX_CALLS || deadlines == MAX_DEADLINES)
            && let Some(fault) = first_fault
        {
            return Err(fault);
        }
        calls += 1;
        let fault = match attempt.attempt(range.clone()).await {
            Ok(output) => {
                pieces.push((range, Ok(output)));
                continue;
            }
            Err(fault) => fault,
        };
        let kind = fault.kind();
        deadlines += usize::from(kind == FaultKind::Deadline);
        if kind.is_chance() && !repeated {
            pending.push((range, true));
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
        pending.push((middle..range.end, repeated));
        pending.push((range.start..middle, repeated));
    }
    match first_fault {
        Some(fault) if rows >= ENOUGH_ROWS && pieces.iter().all(|(_, result)| result.is_err()) => {
            Err(fault)
        }
        _ => Ok(pieces),
    }
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
                return Err(Fault::Stack { export: "process" });
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
