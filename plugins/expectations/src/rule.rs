//! Rules: a check of the configuration, bound to the columns of the input.

use regex::RegexBuilder;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::column::{BoundColumn, Columns};
use crate::condition::Condition;
use crate::config::{CheckConfig, CountLimits, Limits, RuleConfig, Severity};
use crate::constant::Constant;
use crate::kind::Kind;
use crate::row::compare::Comparison;
use crate::row::length::Length;
use crate::row::range::{Bound, Range};
use crate::row::set::AnySet;
use crate::row::{RowCheck, Test};
use crate::state::Tally;
use crate::table::extreme::End;
use crate::table::{CountRange, FloatRange, Measured, TableCheck};

/// An expression that compiles to more bytes is refused: it would take much of the sandbox's memory.
const MAX_REGEX_BYTES: usize = 1 << 20;
/// So many constants are shown in messages.
const SHOWN_CONSTANTS: usize = 5;

/// A rule, bound.
pub struct Rule {
    /// What violations are counted by.
    pub name: String,
    /// The column to report; none for the table, and for several columns.
    pub column: Option<String>,
    pub severity: Severity,
    pub mostly: Option<f64>,
    pub condition: Option<Condition>,
    /// What the rule demands, for a person: `must not be null`.
    pub demand: String,
    pub check: Check,
    /// The name of what the rule measures: `mean(amount)`.
    pub metric: String,
}

/// What a rule checks.
pub enum Check {
    Row(RowCheck),
    Table(TableCheck),
    /// The type of a column, which was checked when the rule was bound.
    Type,
}

impl Check {
    /// What is kept of no rows.
    pub fn tally(&self) -> Tally {
        match self {
            Self::Row(_) => Tally::Violations(0),
            Self::Table(check) => check.tally(),
            Self::Type => Tally::Nothing,
        }
    }
}

impl Rule {
    /// Checks the rule at `index` against the columns of the input.
    pub fn bind(
        index: usize,
        mut config: RuleConfig,
        columns: &mut Columns,
        plan: &mut ReadPlan,
    ) -> Result<Self> {
        let pointer = format!("/rules/{index}");
        let check = config.take_check(&pointer)?;
        let key = check.key();
        let names = column_names(&config, &check, &pointer)?;
        if let Some(mostly) = config.mostly
            && !(0.0..=1.0).contains(&mostly)
        {
            let message = format!("is {mostly}: a share lies between 0 and 1, such as 0.95");
            return Err(Error::bad_config(format!("{pointer}/mostly"), message));
        }
        let mut binder =
            Binder { names: &names, columns, plan, pointer: format!("{pointer}/{key}") };
        let (check, demand) = binder.check(check)?;
        refuse_what_has_no_effect(&config, &check, key, &pointer)?;
        let condition = config.condition.map(|condition| {
            Condition::bind(condition, &format!("{pointer}/where"), columns, plan)
        });
        let name = config.name.unwrap_or_else(|| key.replace('_', "-"));
        let metric =
            if names.is_empty() { name.clone() } else { format!("{name}({})", names.join(", ")) };
        Ok(Self {
            name,
            column: if let [column] = names.as_slice() { Some(column.clone()) } else { None },
            severity: config.severity,
            mostly: config.mostly,
            condition: condition.transpose()?,
            demand,
            check,
            metric,
        })
    }
}

/// The columns that a rule is about: none for `row_count`, several for `unique` only.
fn column_names(config: &RuleConfig, check: &CheckConfig, pointer: &str) -> Result<Vec<String>> {
    let key = check.key();
    let misplaced =
        |key: &str, message: String| Err(Error::bad_config(format!("{pointer}/{key}"), message));
    match (check, &config.column, &config.columns) {
        (CheckConfig::RowCount(_), None, None) => Ok(Vec::new()),
        (CheckConfig::RowCount(_), column, _) => {
            let misplaced_key = if column.is_some() { "column" } else { "columns" };
            misplaced(misplaced_key, "`row_count` is about no column: leave it out".to_owned())
        }
        (CheckConfig::Unique, None, Some(columns)) if columns.is_empty() => {
            misplaced("columns", "is empty: name at least one column".to_owned())
        }
        (CheckConfig::Unique, None, Some(columns)) => Ok(columns.clone()),
        (CheckConfig::Unique, Some(_), Some(_)) => {
            misplaced("columns", "give either `column` or `columns`".to_owned())
        }
        (_, _, Some(_)) => {
            let message = format!("`{key}` is about one column: write one rule for each `column`");
            misplaced("columns", message)
        }
        (_, Some(column), None) => Ok(vec![column.clone()]),
        (_, None, None) => {
            Err(Error::bad_config(pointer, format!("has no `column` for `{key}` to judge")))
        }
    }
}

/// Keys that would do nothing are mistakes.
fn refuse_what_has_no_effect(
    config: &RuleConfig,
    check: &Check,
    key: &str,
    pointer: &str,
) -> Result<()> {
    let misplaced =
        |at: &str, message: String| Err(Error::bad_config(format!("{pointer}/{at}"), message));
    if config.mostly.is_some() && !matches!(check, Check::Row(_)) {
        let message =
            format!("`{key}` does not judge single rows, of which a share could pass: remove it");
        return misplaced("mostly", message);
    }
    if !matches!(check, Check::Type) {
        return Ok(());
    }
    let message =
        || "`type` is checked before the run, where any other type is an error: remove it";
    if config.condition.is_some() {
        return misplaced("where", message().to_owned());
    }
    if config.severity == Severity::Warn {
        return misplaced("severity", message().to_owned());
    }
    Ok(())
}

/// What is needed to bind a check.
struct Binder<'a> {
    names: &'a [String],
    columns: &'a mut Columns,
    plan: &'a mut ReadPlan,
    /// Where the check is in the configuration.
    pointer: String,
}

impl Binder<'_> {
    /// The check, bound, and what it demands.
    fn check(&mut self, config: CheckConfig) -> Result<(Check, String)> {
        let (check, demand) = match config {
            CheckConfig::NotNull => {
                let column = self.columns.nulls(self.plan, &self.names[0])?;
                let check = RowCheck { column, test: Test::NotNull };
                (Check::Row(check), "must not be null".to_owned())
            }
            CheckConfig::NotBlank => {
                (self.text_check(Test::NotBlank)?, "must not be blank".to_owned())
            }
            CheckConfig::InSet(constants) => {
                (self.set(&constants, true)?, format!("must be one of {}", listed(&constants)))
            }
            CheckConfig::NotInSet(constants) => {
                (self.set(&constants, false)?, format!("must be none of {}", listed(&constants)))
            }
            CheckConfig::Between(low, high) => {
                let (low_at, high_at) = (self.bound(&low, "/0"), self.bound(&high, "/1"));
                let check = self.range(Some(low_at), Some(high_at))?;
                (check, format!("must be between {low} and {high}"))
            }
            CheckConfig::Min(low) => {
                let check = self.range(Some(self.bound(&low, "")), None)?;
                (check, format!("must be at least {low}"))
            }
            CheckConfig::Max(high) => {
                let check = self.range(None, Some(self.bound(&high, "")))?;
                (check, format!("must be at most {high}"))
            }
            CheckConfig::Regex(pattern) => {
                let regex = RegexBuilder::new(&pattern)
                    .size_limit(MAX_REGEX_BYTES)
                    .build()
                    .map_err(|error| Error::bad_config(self.pointer.as_str(), error.to_string()))?;
                (self.text_check(Test::Regex(regex))?, format!("must match {pattern}"))
            }
            CheckConfig::Length(limits) => {
                let CountRange { min, max } = self.count_range(&limits)?;
                let [min, max] =
                    [min, max].map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
                let demand = format!("must have {} characters", limited(&limits.min, &limits.max));
                (self.text_check(Test::Length(Length { min, max }))?, demand)
            }
            CheckConfig::ParsesAs(format) => {
                let demand = format!("must be readable as {}", format.described());
                (self.text_check(Test::ParsesAs(format))?, demand)
            }
            CheckConfig::Compare(compare) => {
                let column = self.columns.values(self.plan, &self.names[0])?;
                let other = self.columns.values(self.plan, &compare.other)?;
                let comparison = Comparison::new(
                    compare.op,
                    self.columns.get(column),
                    self.columns.get(other),
                    other,
                    &self.pointer,
                )?;
                let demand = format!("must be {} `{}`", compare.op.symbol(), compare.other);
                (Check::Row(RowCheck { column, test: Test::Compare(comparison) }), demand)
            }
            CheckConfig::Type(wanted) => {
                self.check_type(&wanted)?;
                (Check::Type, format!("must be {wanted}"))
            }
            CheckConfig::Unique => {
                let places = self.names.iter().map(|name| self.columns.values(self.plan, name));
                let check = TableCheck::Unique(places.collect::<Result<_>>()?);
                let demand = match self.names {
                    [_] => "no value may occur twice".to_owned(),
                    names => format!("no combination of {} may occur twice", names.join(", ")),
                };
                (Check::Table(check), demand)
            }
            CheckConfig::RowCount(limits) => {
                let check = TableCheck::RowCount(self.count_range(&limits)?);
                let demand = format!("there must be {} rows", limited(&limits.min, &limits.max));
                (Check::Table(check), demand)
            }
            CheckConfig::Mean(limits) => {
                let (measured, _) = self.measured(&limits, "mean")?;
                let range = self.float_range(&limits)?;
                (Check::Table(TableCheck::Mean(measured, range)), demanded("mean", &limits))
            }
            CheckConfig::Sum(limits) => {
                let (measured, range) = self.measured(&limits, "sum")?;
                (Check::Table(TableCheck::Sum(measured, range)), demanded("sum", &limits))
            }
            CheckConfig::MinValue(limits) => self.extreme(&limits, End::Lowest, "lowest value")?,
            CheckConfig::MaxValue(limits) => {
                self.extreme(&limits, End::Highest, "highest value")?
            }
            CheckConfig::NullShare(max) => {
                if !(0.0..=1.0).contains(&max) {
                    let message = format!("is {max}: a share lies between 0 and 1, such as 0.05");
                    return Err(Error::bad_config(format!("{}/max", self.pointer), message));
                }
                let column = self.columns.nulls(self.plan, &self.names[0])?;
                let demand = format!("at most {}% of the rows may be null", percent(max));
                (Check::Table(TableCheck::NullShare(column, max)), demand)
            }
        };
        Ok((check, demand))
    }

    /// A check on text.
    fn text_check(&mut self, test: Test) -> Result<Check> {
        let column = self.columns.values(self.plan, &self.names[0])?;
        let bound = self.columns.get(column);
        if bound.kind != Kind::Text {
            return Err(self.unfit(bound, "text is needed"));
        }
        Ok(Check::Row(RowCheck { column, test }))
    }

    fn set(&mut self, constants: &[Constant], member: bool) -> Result<Check> {
        let column = self.columns.values(self.plan, &self.names[0])?;
        let set = AnySet::new(constants, self.columns.get(column), &self.pointer, true)?;
        Ok(Check::Row(RowCheck { column, test: Test::In(set, member) }))
    }

    fn range(&mut self, low: Option<Bound>, high: Option<Bound>) -> Result<Check> {
        let column = self.columns.values(self.plan, &self.names[0])?;
        let range = Range::new(low, high, self.columns.get(column), &self.pointer)?;
        Ok(Check::Row(RowCheck { column, test: Test::Between(range) }))
    }

    /// A bound that the configuration has at `below` the check.
    fn bound<'b>(&self, constant: &'b Constant, below: &str) -> Bound<'b> {
        Bound { constant, pointer: format!("{}{below}", self.pointer) }
    }

    /// A column of numbers, and what is computed from it to be; `what` is computed.
    fn measured(&mut self, limits: &Limits, what: &str) -> Result<(Measured, Range)> {
        let column = self.columns.values(self.plan, &self.names[0])?;
        let bound = self.columns.get(column);
        if !bound.kind.is_number() {
            return Err(self.unfit(bound, &format!("numbers are needed for a {what}")));
        }
        Ok((Measured { column, kind: bound.kind }, self.wide_range(limits, column)?))
    }

    fn extreme(&mut self, limits: &Limits, end: End, what: &str) -> Result<(Check, String)> {
        let column = self.columns.values(self.plan, &self.names[0])?;
        let range = self.wide_range(limits, column)?;
        let measured = Measured { column, kind: self.columns.get(column).kind };
        Ok((Check::Table(TableCheck::Extreme(measured, end, range)), demanded(what, limits)))
    }

    fn wide_range(&self, limits: &Limits, column: usize) -> Result<Range> {
        self.refuse_no_limits(limits.min.is_none() && limits.max.is_none())?;
        let low = limits.min.as_ref().map(|min| self.bound(min, "/min"));
        let high = limits.max.as_ref().map(|max| self.bound(max, "/max"));
        Range::wide(low, high, self.columns.get(column), &self.pointer)
    }

    /// What a mean, which is a float whatever the values are, is to be.
    fn float_range(&self, limits: &Limits) -> Result<FloatRange> {
        let limit = |limit: &Option<Constant>, key: &str, default| match limit {
            Some(limit) => limit
                .float(false)
                .map_err(|message| Error::bad_config(format!("{}/{key}", self.pointer), message)),
            None => Ok(default),
        };
        Ok(FloatRange {
            min: limit(&limits.min, "min", f64::NEG_INFINITY)?,
            max: limit(&limits.max, "max", f64::INFINITY)?,
        })
    }

    fn count_range(&self, limits: &CountLimits) -> Result<CountRange> {
        self.refuse_no_limits(limits.min.is_none() && limits.max.is_none())?;
        let (min, max) = (limits.min.unwrap_or(0), limits.max.unwrap_or(u64::MAX));
        if min > max {
            let message =
                format!("the lower limit {min} lies above the upper limit {max}: swap them");
            return Err(Error::bad_config(self.pointer.as_str(), message));
        }
        Ok(CountRange { min, max })
    }

    fn refuse_no_limits(&self, is_unlimited: bool) -> Result<()> {
        if is_unlimited {
            let message = "sets no limit: give `min`, `max` or both";
            return Err(Error::bad_config(self.pointer.as_str(), message));
        }
        Ok(())
    }

    fn check_type(&self, wanted: &str) -> Result<()> {
        let name = &self.names[0];
        let schema = self.plan.schema();
        let data_type = schema.column(schema.position(name)?).data_type();
        let actual = type_name(data_type);
        let without_spaces = |text: &str| text.replace(' ', "");
        let family = actual.split('(').next().unwrap_or(&actual);
        if without_spaces(wanted) == without_spaces(&actual) || wanted == family {
            return Ok(());
        }
        let message = format!(
            "is {actual}, but {} demands {wanted}: change the rule, or cast the column in an earlier step",
            self.pointer
        );
        Err(Error::bad_column(name, message))
    }

    fn unfit(&self, column: &BoundColumn, needed: &str) -> Error {
        Error::bad_config(self.pointer.as_str(), format!("{}: {needed}", column.described()))
    }
}

/// `"a", "b"`, shortened where they are many.
fn listed(constants: &[Constant]) -> String {
    let shown: Vec<String> =
        constants.iter().take(SHOWN_CONSTANTS).map(Constant::to_string).collect();
    let shown = shown.join(", ");
    match constants.len().saturating_sub(SHOWN_CONSTANTS) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// `the mean must be at least 1`.
fn demanded(what: &str, limits: &Limits) -> String {
    format!("the {what} must be {}", limited(&limits.min, &limits.max))
}

/// `between 1 and 5`, `at least 1` or `at most 5`.
fn limited<T: std::fmt::Display>(min: &Option<T>, max: &Option<T>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("between {min} and {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "anything".to_owned(),
    }
}

/// A share in percent, to two places.
pub fn percent(share: f64) -> f64 {
    (share * 10_000.0).round() / 100.0
}
