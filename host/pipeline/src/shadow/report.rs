//! What the comparison came to, for people and programs.

use serde::Serialize;
use wasmill_sandbox::Usage;
use wasmill_sandbox::contract::verdict::{Conclusion, Outcome};

use crate::checked::Work;
use crate::dry_run::DryRun;
use crate::shadow::beside::{Concluded, ShadowRun};
use crate::shadow::tally::{Found, Tally};

pub use crate::shadow::tally::{Example, Severity};

/// Whether two versions do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ShadowStatus {
    Same,
    Different,
}

/// What two versions of a step did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShadowReport {
    pub status: ShadowStatus,
    pub pipeline: String,
    pub step: String,
    /// Input rows that both versions were given.
    pub rows: u64,
    /// Those of which both made the same, as far as columns can be compared.
    pub rows_equal: u64,
    pub rows_different: u64,
    /// Input rows that only the old version was given.
    pub rows_not_compared: u64,
    pub old: Figures,
    pub new: Figures,
    /// New by old, per row; none where fuel is not metered, or a version got no rows.
    pub fuel_ratio: Option<f64>,
    pub time_ratio: Option<f64>,
    /// Why not everything was compared.
    pub notes: Vec<String>,
    /// Why a run of the old version would be refused by a gate.
    pub refused: Option<String>,
    #[serde(skip)]
    pub differences: Vec<Difference>,
}

/// What one version used up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Of the component.
    pub digest: String,
    /// Input rows that it was given.
    pub rows_in: u64,
    /// Output rows for rows that were compared; of a transformer.
    pub rows_out: Option<u64>,
    pub calls: u64,
    /// Calls to find rows at fault.
    pub search_calls: u64,
    /// Units of about one WebAssembly instruction; none where it is not metered.
    pub fuel: Option<u64>,
    pub fuel_per_row: Option<f64>,
    /// Microseconds within calls, summed over all instances.
    pub call_us: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// Bytes of one instance, at the highest.
    pub peak_memory: u64,
    pub log_lines: u64,
    pub dropped_log_lines: u64,
}

/// Something in which two versions differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Difference {
    /// A column that only one has, or that has another type: the types, none where it is not there.
    Column { column: String, old: Option<String>, new: Option<String> },
    /// Columns that both have come in another order.
    ColumnOrder,
    /// Input rows that fared otherwise, such as from `passed` to `fault: trap`. In examples: the reasons.
    Fate { old: String, new: String, rows: u64, examples: Vec<Example> },
    /// Output rows with other values in a column.
    Values { column: String, rows: u64, examples: Vec<Example> },
    /// Input rows that come out a different number of times.
    Number { rows: u64, examples: Vec<Example> },
    /// A rule that is told of other rows: `rows` of them, of which only one version tells it.
    Rule {
        severity: Severity,
        rule: String,
        column: Option<String>,
        old_rows: u64,
        new_rows: u64,
        rows: u64,
        examples: Vec<Example>,
    },
    /// Output rows that belong to no input row, and that only the old version gives.
    OnlyOld { rows: u64, examples: Vec<Example> },
    /// The same of the new version.
    OnlyNew { rows: u64, examples: Vec<Example> },
    /// A rule over the whole table with another result; none where it is not judged.
    Table {
        rule: String,
        column: Option<String>,
        old: Option<TableResult>,
        new: Option<TableResult>,
    },
    /// A metric of the table.
    Metric { metric: String, old: Option<f64>, new: Option<f64> },
    /// The new version could not go on in a split, or at judging the table.
    GivenUp { split: Option<String>, fault: String, message: String },
}

/// The result of one rule over the whole table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TableResult {
    pub outcome: Outcome,
    pub checked: u64,
    pub violated: u64,
}

impl ShadowReport {
    pub(super) fn new(
        pipeline: &str,
        shadow: &ShadowRun,
        run: &DryRun,
        concluded: Concluded,
        log_lines: [u64; 2],
    ) -> Self {
        let mut tally = shadow.tally();
        if let Concluded::Table(_, usage) = &concluded {
            tally.usage.add(usage);
        }
        let mut notes = Vec::new();
        if tally.rows == 0 {
            notes.push("no row was compared".to_owned());
        }
        if tally.not_compared > 0 {
            let rows = tally.not_compared;
            notes.push(format!("{rows} rows were not compared: the new version did not get them"));
        }
        if tally.unmatched_splits > 0 {
            notes.push(format!(
                "in {} splits, the rows that belong to no input row were too many to be compared",
                tally.unmatched_splits
            ));
        }
        if let Concluded::NotKnown(why) = &concluded {
            notes.push(format!("what both say of the table was not compared: {why}"));
        }
        let differences = differences(shadow, run, &tally, &concluded);
        let is_same = differences.is_empty() && tally.rows == tally.equal;
        let counts = run.totals.counts(&shadow.step);
        let is_transformer = matches!(shadow.work, Work::Transform(_));
        let figures = |version: usize, usage: &Usage, rows_in, rows_out: u64, search_calls| {
            let fuel = Some(usage.fuel).filter(|fuel| *fuel > 0);
            Figures {
                digest: shadow.digests[version]
                    .map(|digest| digest.to_string())
                    .unwrap_or_default(),
                rows_in,
                rows_out: is_transformer.then_some(rows_out),
                calls: usage.calls,
                search_calls,
                fuel,
                fuel_per_row: fuel.and_then(|fuel| ratio(fuel as f64, rows_in as f64)),
                call_us: u64::try_from(usage.time.as_micros()).unwrap_or(u64::MAX),
                bytes_in: usage.bytes_in,
                bytes_out: usage.bytes_out,
                peak_memory: usage.peak_memory,
                log_lines: log_lines[version],
                dropped_log_lines: usage.dropped_log_lines,
            }
        };
        let old =
            figures(0, &counts.usage, counts.rows_in, tally.old_rows_out, counts.search_calls);
        let new = figures(1, &tally.usage, tally.rows, tally.new_rows_out, tally.search_calls);
        let time_per_row =
            |figures: &Figures| ratio(figures.call_us as f64, figures.rows_in as f64);
        let both = |old: Option<f64>, new: Option<f64>| ratio(new?, old?);
        Self {
            status: if is_same { ShadowStatus::Same } else { ShadowStatus::Different },
            pipeline: pipeline.to_owned(),
            step: shadow.step.clone(),
            rows: tally.rows,
            rows_equal: tally.equal,
            rows_different: tally.rows - tally.equal,
            rows_not_compared: tally.not_compared,
            fuel_ratio: both(old.fuel_per_row, new.fuel_per_row),
            time_ratio: both(time_per_row(&old), time_per_row(&new)),
            old,
            new,
            notes,
            refused: run.summary.problem.as_ref().map(|problem| problem.message.clone()),
            differences,
        }
    }
}

fn ratio(amount: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| amount / of)
}

/// All of them, what is known before any row first.
fn differences(
    shadow: &ShadowRun,
    run: &DryRun,
    tally: &Tally,
    concluded: &Concluded,
) -> Vec<Difference> {
    let mut all = Vec::new();
    for change in &shadow.columns.changes {
        let (column, old, new) = (change.column.clone(), change.old.clone(), change.new.clone());
        all.push(Difference::Column { column, old, new });
    }
    if shadow.columns.is_reordered {
        all.push(Difference::ColumnOrder);
    }
    for given_up in &tally.given_up {
        all.push(Difference::GivenUp {
            split: Some(given_up.split.clone()),
            fault: given_up.kind.to_owned(),
            message: given_up.message.clone(),
        });
    }
    for (old, new, Found { rows, examples }) in &tally.fates {
        let (old, new, examples) = (old.name(), new.name(), examples.clone());
        all.push(Difference::Fate { old, new, rows: *rows, examples });
    }
    for (rule, rows) in tally.rules.iter().filter(|(_, rows)| rows.differing.rows > 0) {
        all.push(Difference::Rule {
            severity: rule.severity,
            rule: rule.rule.clone(),
            column: rule.column.clone(),
            old_rows: rows.old,
            new_rows: rows.new,
            rows: rows.differing.rows,
            examples: rows.differing.examples.clone(),
        });
    }
    for (column, Found { rows, examples }) in &tally.values {
        let (column, examples) = (column.clone(), examples.clone());
        all.push(Difference::Values { column, rows: *rows, examples });
    }
    let some = |found: &Found| (found.rows > 0).then(|| (found.rows, found.examples.clone()));
    all.extend(some(&tally.numbers).map(|(rows, examples)| Difference::Number { rows, examples }));
    all.extend(
        some(&tally.only_old).map(|(rows, examples)| Difference::OnlyOld { rows, examples }),
    );
    all.extend(
        some(&tally.only_new).map(|(rows, examples)| Difference::OnlyNew { rows, examples }),
    );
    match concluded {
        Concluded::NotAsked | Concluded::NotKnown(_) => {}
        Concluded::Failed(fault) => all.push(Difference::GivenUp {
            split: None,
            fault: fault.kind().name().to_owned(),
            message: fault.explained(),
        }),
        Concluded::Table(new, _) => {
            let gate = run.summary.gates.iter().find(|gate| gate.step == shadow.step);
            let old = gate.map(|gate| &gate.conclusion);
            all.extend(old.into_iter().flat_map(|old| of_tables(old, new)));
        }
    }
    all
}

/// What two versions say of the table, rule by rule and metric by metric. Messages are not compared.
fn of_tables(old: &Conclusion, new: &Conclusion) -> Vec<Difference> {
    let rules = |conclusion: &Conclusion| -> Vec<((String, Option<String>), TableResult)> {
        let rules = conclusion.rules.iter().map(|result| {
            let (outcome, checked, violated) = (result.outcome, result.checked, result.violated);
            let result_of = TableResult { outcome, checked, violated };
            ((result.rule.clone(), result.column.clone()), result_of)
        });
        rules.collect()
    };
    let metrics = |conclusion: &Conclusion| -> Vec<(String, u64)> {
        let metrics = conclusion.metrics.iter();
        metrics.map(|metric| (metric.name.clone(), metric.value.to_bits())).collect()
    };
    let mut all = Vec::new();
    for ((rule, column), old, new) in unequal(&rules(old), &rules(new)) {
        all.push(Difference::Table { rule, column, old, new });
    }
    for (metric, old, new) in unequal(&metrics(old), &metrics(new)) {
        let (old, new) = (old.map(f64::from_bits), new.map(f64::from_bits));
        all.push(Difference::Metric { metric, old, new });
    }
    all
}

/// The keys with different values, the nth of one side beside the nth of the other: a key may come several times.
fn unequal<K: Clone + PartialEq, V: Copy + PartialEq>(
    old: &[(K, V)],
    new: &[(K, V)],
) -> Vec<(K, Option<V>, Option<V>)> {
    let mut rest: Vec<&(K, V)> = new.iter().collect();
    let mut unequal = Vec::new();
    for (key, value) in old {
        let same = rest.iter().position(|(other, _)| other == key);
        let other = same.map(|place| rest.remove(place).1);
        if other != Some(*value) {
            unequal.push((key.clone(), Some(*value), other));
        }
    }
    unequal.extend(rest.into_iter().map(|(key, value)| (key.clone(), None, Some(*value))));
    unequal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_matched_in_order() {
        assert_eq!(unequal(&[("a", 1), ("a", 2), ("b", 3)], &[("a", 1), ("b", 3), ("a", 2)]), []);
        let expected = [("a", Some(2), None), ("b", Some(3), Some(4)), ("c", None, Some(5))];
        let found = unequal(&[("a", 1), ("a", 2), ("b", 3)], &[("a", 1), ("b", 4), ("c", 5)]);
        assert_eq!(found, expected);
    }
}
