//! The configuration of the conformance transformer: which case, and what it needs.

use serde::Serialize;
use wasmill_plugin_sdk::prelude::*;

#[config]
pub struct ConformanceConfig {
    /// What to do.
    pub case: Case,
    /// By columns or by rows.
    #[serde(default)]
    pub way: Way,
    /// How `copy` copies.
    #[serde(default)]
    pub by: By,
    /// Where `fail` fails.
    #[serde(default)]
    pub at: Place,
    /// How `fail` fails.
    #[serde(default)]
    pub kind: Failing,
    /// What `exhaust` uses up.
    #[serde(default)]
    pub what: Resource,
    /// Over which connection `http` asks.
    #[serde(default = "server")]
    pub connection: String,
    /// What `defaults` shows.
    #[serde(default)]
    pub options: Options,
}

impl ConformanceConfig {
    pub fn by_records(&self) -> bool {
        self.way == Way::Rows
    }
}

macro_rules! names {
    ($(#[$docs:meta])* $name:ident { $first:ident $(, $other:ident)* $(,)? }) => {
        $(#[$docs])*
        #[config]
        #[derive(Copy, PartialEq, Eq, Default)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            #[default]
            $first,
            $($other,)*
        }
    };
}

names!(Case {
    Copy,
    Keep,
    Rename,
    Even,
    Reverse,
    Explode,
    Running,
    Count,
    Hold,
    Reject,
    Unchanged,
    Words,
    Add,
    Defaults,
    Log,
    Time,
    Http,
    Fail,
    Exhaust,
});
names!(Way { Columns, Rows });
names!(By { Values, Buffers });
names!(Place { Process, Bind, Open, Finish });
names!(Failing { Fatal, Retryable, RetryableAfter, BadConfig, BadSchema, Exception });
names!(Resource { Fuel, Memory, Stack });

/// Options with defaults, one by one.
#[config]
#[derive(Serialize)]
#[serde(default)]
pub struct Options {
    pub text: String,
    pub number: i64,
    pub ratio: f64,
    pub flag: bool,
    pub list: Vec<i64>,
    pub nested: Nested,
}

#[config]
#[derive(Serialize)]
#[serde(default)]
pub struct Nested {
    pub depth: i64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            text: "standard".to_owned(),
            number: 7,
            ratio: 0.5,
            flag: true,
            list: vec![1, 2],
            nested: Nested::default(),
        }
    }
}

impl Default for Nested {
    fn default() -> Self {
        Self { depth: 1 }
    }
}

fn server() -> String {
    "server".to_owned()
}
