//! The validator of the conformance suite: values up to a maximum, and enough rows.

use serde::{Deserialize, Serialize};
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::validator::{Outcome, RowVerdict, RuleResult, TableVerdict};

#[config]
struct ConformanceConfig {
    /// The column to judge, a float64.
    column: String,
    /// Values above are rejected.
    #[serde(default = "hundred")]
    max: f64,
    /// With fewer rows the run is refused.
    #[serde(default = "one")]
    min_rows: u64,
    #[serde(default)]
    way: Way,
}

#[config]
#[derive(Copy, PartialEq, Default)]
#[serde(rename_all = "lowercase")]
enum Way {
    #[default]
    Columns,
    Rows,
}

fn hundred() -> f64 {
    100.0
}

fn one() -> u64 {
    1
}

/// What the table has.
#[derive(Default, Serialize, Deserialize)]
struct Table {
    rows: u64,
    sum: f64,
}

struct Conformance {
    config: ConformanceConfig,
    value: Input<f64>,
}

impl Validator for Conformance {
    type Config = ConformanceConfig;
    type State = Table;

    fn bind(config: ConformanceConfig, plan: &mut ReadPlan) -> Result<Self> {
        if config.way == Way::Rows {
            plan.as_records();
        }
        Ok(Self { value: plan.read(&config.column)?, config })
    }

    fn check(&mut self, batch: &Batch, verdict: &mut RowVerdict, table: &mut Table) -> Result<()> {
        let values: Vec<Option<f64>> = match self.config.way {
            Way::Columns => batch.column(self.value).iter().collect(),
            Way::Rows => {
                let rows = batch.records::<serde_json::Value>()?;
                rows.iter().map(|row| row[&self.config.column].as_f64()).collect()
            }
        };
        let (max, column) = (self.config.max, Some(self.config.column.as_str()));
        for (row, value) in values.iter().enumerate() {
            let Some(value) = *value else { continue };
            table.sum += value;
            if value > max {
                verdict.reject(row, "max", column, &format!("{value} is above {max}"));
            } else if value == max {
                verdict.warn(row, "at-max", column, &format!("{value} is the maximum"));
            }
        }
        table.rows += values.len() as u64;
        Ok(())
    }

    fn merge(&self, table: &mut Table, other: Table) {
        table.rows += other.rows;
        table.sum += other.sum;
    }

    fn conclude(&self, table: Table) -> Result<TableVerdict> {
        let is_enough = table.rows >= self.config.min_rows;
        let rule = RuleResult {
            rule: "min-rows".to_owned(),
            column: None,
            outcome: if is_enough { Outcome::Pass } else { Outcome::Refuse },
            message: format!("{} rows; at least {} are expected", table.rows, self.config.min_rows),
            checked: table.rows,
            violated: 0,
        };
        let metrics = vec![("rows".to_owned(), table.rows as f64), ("sum".to_owned(), table.sum)];
        Ok(TableVerdict { rules: vec![rule], metrics })
    }
}

validator!(Conformance);
