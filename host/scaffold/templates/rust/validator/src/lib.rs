//! Judges amounts, row by row and as a table.

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::validator::{Outcome, RowVerdict, RuleResult, TableVerdict};

/// Rejects negative amounts, counts missing ones, and refuses tables that are too small.
#[config]
struct AmountsConfig {
    /// The column with the amounts.
    #[serde(default = "amount")]
    column: String,
    /// A table with fewer rows is refused.
    #[serde(default = "one")]
    min_rows: u64,
}

fn amount() -> String {
    "amount".to_owned()
}

fn one() -> u64 {
    1
}

struct Amounts {
    config: AmountsConfig,
    amount: Input<f64>,
}

impl Validator for Amounts {
    type Config = AmountsConfig;
    // What the judgement of the table needs. Nothing else is kept from batch to batch: they are judged on several instances.
    type State = u64;

    fn bind(config: AmountsConfig, plan: &mut ReadPlan) -> Result<Self> {
        Ok(Self {
            amount: plan.read(&config.column)?,
            config,
        })
    }

    fn check(&mut self, batch: &Batch, verdict: &mut RowVerdict, rows: &mut u64) -> Result<()> {
        let column = Some(self.config.column.as_str());
        for (row, amount) in batch.column(self.amount).iter().enumerate() {
            match amount {
                // What becomes of the row, the pipeline says: `on_violation`.
                Some(amount) if amount < 0.0 => {
                    verdict.reject(row, "negative", column, "the amount is below 0");
                }
                // A warning is counted; the row goes on.
                None => verdict.warn(row, "missing", column, "there is no amount"),
                Some(_) => {}
            }
        }
        *rows += batch.rows() as u64; // `rows` is new for each batch
        Ok(())
    }

    fn merge(&self, rows: &mut u64, other: u64) {
        *rows += other;
    }

    fn conclude(&self, rows: u64) -> Result<TableVerdict> {
        let least = self.config.min_rows;
        log::debug!("{rows} rows in all");
        let rule = RuleResult {
            rule: "min-rows".to_owned(),
            column: None,
            outcome: if rows < least {
                Outcome::Refuse
            } else {
                Outcome::Pass
            },
            message: format!("{rows} rows; at least {least} are expected"),
            checked: rows,
            violated: 0,
        };
        Ok(TableVerdict {
            rules: vec![rule],
            metrics: vec![("rows".to_owned(), rows as f64)],
        })
    }
}

validator!(Amounts);
