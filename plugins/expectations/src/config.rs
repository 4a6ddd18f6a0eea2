//! The configuration as operators write it; [`crate::rule`] checks it against the schema.

use wasmill_plugin_sdk::{Error, Result, config};

use crate::constant::Constant;
use crate::row::format::Format;

/// What rows and tables must satisfy.
#[config]
pub struct ExpectationsConfig {
    /// The rules. Each has exactly one check, such as `not_null = true` or `between = [0, 100]`.
    #[schemars(length(min = 1))]
    pub rules: Vec<RuleConfig>,
}

/// A rule: one check, the column that it is about, and what a violation means.
///
/// The checks `not_null` to `type` judge rows, `unique` to `null_share` judge the table as a whole. A null
/// passes every check but `not_null` and `not_blank`.
#[config]
pub struct RuleConfig {
    /// The column to judge. Left out with `row_count`, and where `columns` is given.
    pub column: Option<String>,
    /// Of `unique`: the columns that are unique together, such as `["order_id", "line"]`.
    #[schemars(length(min = 1))]
    pub columns: Option<Vec<String>>,
    /// The name to report and count violations by; that of the check with hyphens by default, such as
    /// `not-null`. Two rules of the same name must be about different columns.
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// What a violation means: `reject` (the default) or `warn`.
    #[serde(default)]
    pub severity: Severity,
    /// Of checks on rows: the share of judged rows, 0 to 1, that must pass, or the rule fails for the table.
    #[schemars(range(min = 0, max = 1))]
    pub mostly: Option<f64>,
    /// Which rows to judge; all by default.
    #[serde(rename = "where")]
    pub condition: Option<ConditionConfig>,

    /// True: the value must not be null.
    pub not_null: Option<bool>,
    /// True: the text must be neither null, nor empty, nor white space only.
    pub not_blank: Option<bool>,
    /// The value must be one of these.
    #[schemars(length(min = 1))]
    pub in_set: Option<Vec<Constant>>,
    /// The value must be none of these.
    #[schemars(length(min = 1))]
    pub not_in_set: Option<Vec<Constant>>,
    /// The value must be at least the first and at most the second, such as `[0, 100]` or
    /// `["2024-01-01", "2024-12-31"]`.
    pub between: Option<(Constant, Constant)>,
    /// The value must be at least this.
    pub min: Option<Constant>,
    /// The value must be at most this.
    pub max: Option<Constant>,
    /// The text must contain a match of this regular expression; anchor it with `^` and `$` to match the
    /// whole.
    pub regex: Option<String>,
    /// How many characters the text must have: `[lowest, highest]`, or `{ min = 1, max = 80 }` with either
    /// side left out.
    pub length: Option<LengthConfig>,
    /// The text must be readable as this.
    pub parses_as: Option<Format>,
    /// The value must compare so to the other column of the same row, such as
    /// `{ op = "<=", other = "delivered_at" }`. Passes where either is null.
    pub compare: Option<CompareConfig>,
    /// The column must be of this Arrow type, such as `int64`, `decimal128(12, 2)` or, with any parameters,
    /// `timestamp`. Checked before the run.
    #[serde(rename = "type")]
    pub data_type: Option<String>,

    /// True: no value, or combination of values of `columns`, may occur twice. Rows with a null among them
    /// pass.
    pub unique: Option<bool>,
    /// How many rows there must be.
    pub row_count: Option<CountLimits>,
    /// What the mean of the column must be.
    pub mean: Option<Limits>,
    /// What the sum of the column must be.
    pub sum: Option<Limits>,
    /// What the lowest value of the column must be.
    pub min_value: Option<Limits>,
    /// What the highest value of the column must be.
    pub max_value: Option<Limits>,
    /// Which share of the rows may be null in the column, such as `{ max = 0.05 }`.
    pub null_share: Option<ShareLimit>,
}

/// What a violation means.
#[config]
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Rows are rejected, and a table that fails is refused.
    #[default]
    Reject,
    /// Rows and failures are counted, and the run goes on.
    Warn,
}

/// Which rows to judge: a column and exactly one of the other keys. A row whose value is null is judged
/// under `is_null = true` only.
#[config]
pub struct ConditionConfig {
    /// The column to look at.
    pub column: String,
    /// Rows with this value.
    pub equals: Option<Constant>,
    /// Rows with another value.
    pub not_equals: Option<Constant>,
    /// Rows with one of these values.
    #[serde(rename = "in")]
    #[schemars(length(min = 1))]
    pub one_of: Option<Vec<Constant>>,
    /// True: rows with a null. False: rows without.
    pub is_null: Option<bool>,
}

/// How many characters a text must have.
#[config]
#[serde(untagged, expecting = "expected [lowest, highest] or { min = 1, max = 80 }")]
pub enum LengthConfig {
    /// The lowest and the highest number of characters.
    Between(u64, u64),
    /// The same with names, either of which may be left out.
    Limits(CountLimits),
}

/// A comparison with another column.
#[config]
pub struct CompareConfig {
    /// How the column must compare to the other one.
    pub op: Operator,
    /// The other column.
    pub other: String,
}

/// How two values compare.
#[config]
#[derive(Copy, PartialEq, Eq)]
pub enum Operator {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    AtMost,
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = ">")]
    Greater,
}

/// The lowest and highest value allowed; either may be left out.
#[config]
pub struct Limits {
    /// The lowest value allowed.
    pub min: Option<Constant>,
    /// The highest value allowed.
    pub max: Option<Constant>,
}

/// The lowest and highest number allowed; either may be left out.
#[config]
pub struct CountLimits {
    /// The lowest number allowed.
    pub min: Option<u64>,
    /// The highest number allowed.
    pub max: Option<u64>,
}

/// The highest share allowed.
#[config]
pub struct ShareLimit {
    /// The highest share allowed, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub max: f64,
}

/// The check of a rule.
#[derive(Debug)]
pub enum CheckConfig {
    NotNull,
    NotBlank,
    InSet(Vec<Constant>),
    NotInSet(Vec<Constant>),
    Between(Constant, Constant),
    Min(Constant),
    Max(Constant),
    Regex(String),
    Length(CountLimits),
    ParsesAs(Format),
    Compare(CompareConfig),
    Type(String),
    Unique,
    RowCount(CountLimits),
    Mean(Limits),
    Sum(Limits),
    MinValue(Limits),
    MaxValue(Limits),
    NullShare(f64),
}

impl CheckConfig {
    /// The key of the check in a rule.
    pub fn key(&self) -> &'static str {
        match self {
            Self::NotNull => "not_null",
            Self::NotBlank => "not_blank",
            Self::InSet(_) => "in_set",
            Self::NotInSet(_) => "not_in_set",
            Self::Between(..) => "between",
            Self::Min(_) => "min",
            Self::Max(_) => "max",
            Self::Regex(_) => "regex",
            Self::Length(_) => "length",
            Self::ParsesAs(_) => "parses_as",
            Self::Compare(_) => "compare",
            Self::Type(_) => "type",
            Self::Unique => "unique",
            Self::RowCount(_) => "row_count",
            Self::Mean(_) => "mean",
            Self::Sum(_) => "sum",
            Self::MinValue(_) => "min_value",
            Self::MaxValue(_) => "max_value",
            Self::NullShare(_) => "null_share",
        }
    }
}

impl RuleConfig {
    /// Takes the one check out of the rule at `pointer`.
    ///
    /// # Errors
    ///
    /// [`Error::BadConfig`] where there is none, where there are several, and where a switch is false.
    pub fn take_check(&mut self, pointer: &str) -> Result<CheckConfig> {
        let mut checks = Vec::new();
        for (key, switch, check) in [
            ("not_null", self.not_null, CheckConfig::NotNull),
            ("not_blank", self.not_blank, CheckConfig::NotBlank),
            ("unique", self.unique, CheckConfig::Unique),
        ] {
            match switch {
                Some(true) => checks.push(check),
                Some(false) => {
                    let message = "can only be true: remove the rule where it does not hold";
                    return Err(Error::bad_config(format!("{pointer}/{key}"), message));
                }
                None => {}
            }
        }
        checks.extend(self.in_set.take().map(CheckConfig::InSet));
        checks.extend(self.not_in_set.take().map(CheckConfig::NotInSet));
        checks.extend(self.between.take().map(|(low, high)| CheckConfig::Between(low, high)));
        checks.extend(self.min.take().map(CheckConfig::Min));
        checks.extend(self.max.take().map(CheckConfig::Max));
        checks.extend(self.regex.take().map(CheckConfig::Regex));
        checks.extend(self.length.take().map(|length| CheckConfig::Length(length.limits())));
        checks.extend(self.parses_as.take().map(CheckConfig::ParsesAs));
        checks.extend(self.compare.take().map(CheckConfig::Compare));
        checks.extend(self.data_type.take().map(CheckConfig::Type));
        checks.extend(self.row_count.take().map(CheckConfig::RowCount));
        checks.extend(self.mean.take().map(CheckConfig::Mean));
        checks.extend(self.sum.take().map(CheckConfig::Sum));
        checks.extend(self.min_value.take().map(CheckConfig::MinValue));
        checks.extend(self.max_value.take().map(CheckConfig::MaxValue));
        checks.extend(self.null_share.take().map(|share| CheckConfig::NullShare(share.max)));
        match checks.pop() {
            None => {
                let message =
                    "has no check: add one, such as `not_null = true` or `between = [0, 100]`";
                Err(Error::bad_config(pointer, message))
            }
            Some(check) if checks.is_empty() => Ok(check),
            Some(last) => {
                let keys: Vec<&str> = checks.iter().chain([&last]).map(CheckConfig::key).collect();
                let message =
                    format!("has several checks ({}): write one rule for each", keys.join(", "));
                Err(Error::bad_config(pointer, message))
            }
        }
    }
}

impl LengthConfig {
    fn limits(self) -> CountLimits {
        match self {
            Self::Between(min, max) => CountLimits { min: Some(min), max: Some(max) },
            Self::Limits(limits) => limits,
        }
    }
}

impl Operator {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::AtLeast => ">=",
            Self::Greater => ">",
        }
    }

    /// Whether the two values compare so. NaN compares as IEEE 754 says.
    #[inline]
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::AtLeast => left >= right,
            Self::Greater => left > right,
        }
    }
}
