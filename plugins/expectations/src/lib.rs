//! Judges rows and tables by declared rules.
//!
//! A rule is one check with the column that it is about. Checks on rows report each row that fails; checks
//! on the table, and a `mostly` on rows, are settled when all batches have been seen. A rule that fails for
//! the table refuses the run, or warns.
//!
//! A rule judges the rows that its condition `where` lets through, or all. A null passes every check but
//! `not_null` and `not_blank`.

mod calendar;
mod column;
mod condition;
mod config;
mod constant;
mod kind;
#[cfg(test)]
mod random;
mod row;
mod rows;
mod rule;
mod state;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::validator::{Outcome, RowVerdict, RuleResult, TableVerdict};

use crate::column::Columns;
use crate::config::{ExpectationsConfig, Severity};
use crate::rows::RowSet;
use crate::rule::{Check, Rule, percent};
use crate::state::{RuleState, State, Tally};
use crate::table::Found;

struct Expectations {
    columns: Columns,
    rules: Vec<Rule>,
}

impl Validator for Expectations {
    type Config = ExpectationsConfig;
    type State = State;

    fn bind(config: ExpectationsConfig, plan: &mut ReadPlan) -> Result<Self> {
        if config.rules.is_empty() {
            return Err(Error::bad_config("/rules", "is empty: write at least one rule"));
        }
        let mut columns = Columns::default();
        let mut rules = Vec::with_capacity(config.rules.len());
        // Violations are counted by name and column, so those must tell the rules apart.
        let mut indexes = HashMap::new();
        for (index, config) in config.rules.into_iter().enumerate() {
            let rule = Rule::bind(index, config, &mut columns, plan)?;
            if let Some(first) = indexes.insert(rule.metric.clone(), index) {
                let message = format!(
                    "is counted as `{}`, as /rules/{first} is: give one of them another `name`",
                    rule.metric
                );
                return Err(Error::bad_config(format!("/rules/{index}"), message));
            }
            rules.push(rule);
        }
        Ok(Self { columns, rules })
    }

    fn check(&mut self, batch: &Batch, verdict: &mut RowVerdict, state: &mut State) -> Result<()> {
        let rows = batch.rows();
        let columns = self.columns.read(batch);
        let everything = RowSet::All(rows);
        state.rows = rows as u64;
        state.rules = self.rules.iter().map(Rule::state_of_no_rows).collect();
        for (rule, state) in self.rules.iter().zip(&mut state.rules) {
            let met = rule.condition.as_ref().map(|condition| condition.rows(&columns, rows));
            let judged = met.as_ref().unwrap_or(&everything);
            state.checked = judged.count() as u64;
            match (&rule.check, &mut state.tally) {
                (Check::Row(check), Tally::Violations(violations)) => {
                    check.find_failures(&columns, judged, |row| {
                        *violations += 1;
                        rule.report(row, verdict);
                    });
                }
                (Check::Table(check), tally) => check.observe(&columns, judged, tally),
                _ => {}
            }
        }
        Ok(())
    }

    fn merge(&self, state: &mut State, other: State) {
        state.merge(other);
    }

    fn conclude(&self, mut state: State) -> Result<TableVerdict> {
        if state.rules.is_empty() {
            state.rules = self.rules.iter().map(Rule::state_of_no_rows).collect();
        }
        let mut verdict = TableVerdict::default();
        verdict.metrics.push(("rows".to_owned(), state.rows as f64));
        for (rule, state) in self.rules.iter().zip(state.rules) {
            let checked = state.checked;
            let found = rule.conclude(state);
            if let Some(measured) = found.measured {
                verdict.metrics.push((rule.metric.clone(), measured));
            }
            verdict.rules.push(RuleResult {
                rule: rule.name.clone(),
                column: rule.column.clone(),
                outcome: match rule.severity {
                    _ if found.passes => Outcome::Pass,
                    Severity::Reject => Outcome::Refuse,
                    Severity::Warn => Outcome::Warn,
                },
                message: format!("{}; {}", rule.demand, found.seen),
                checked,
                violated: found.violated,
            });
        }
        Ok(verdict)
    }
}

impl Rule {
    fn state_of_no_rows(&self) -> RuleState {
        RuleState { checked: 0, tally: self.check.tally() }
    }

    fn report(&self, row: usize, verdict: &mut RowVerdict) {
        let column = self.column.as_deref();
        match self.severity {
            Severity::Reject => verdict.reject(row, &self.name, column, &self.demand),
            Severity::Warn => verdict.warn(row, &self.name, column, &self.demand),
        }
    }

    fn conclude(&self, state: RuleState) -> Found {
        let RuleState { checked, tally } = state;
        match (&self.check, tally) {
            (Check::Table(check), tally) => check.conclude(checked, tally),
            (Check::Row(_), Tally::Violations(violated)) => {
                // A quotient, rounded once, equals the share of the configuration exactly where it should.
                let passed =
                    if checked == 0 { 1.0 } else { (checked - violated) as f64 / checked as f64 };
                let mut seen = format!("{violated} of {checked} rows do not pass");
                if let Some(mostly) = self.mostly {
                    let (do_pass, must_pass) = (percent(passed), percent(mostly));
                    seen.push_str(&format!(": {do_pass}% do, and {must_pass}% must"));
                }
                Found {
                    // Without `mostly` the rows were dealt with one by one.
                    passes: self.mostly.is_none_or(|mostly| passed >= mostly),
                    violated,
                    seen,
                    measured: Some(violated as f64),
                }
            }
            _ => Found {
                passes: true,
                violated: 0,
                seen: "as was checked before the run".to_owned(),
                measured: None,
            },
        }
    }
}

validator!(Expectations);
