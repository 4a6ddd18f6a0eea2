//! The benchmarks: what is computed, over which inputs, by which subjects.

mod chain;
mod instances;
mod kernels;
mod lineitem;
mod logs;
mod neighbour;
mod poison;
mod records;
mod start;
mod wide;

use clap::ValueEnum;

pub use self::poison::child as poisoned_peer;

use crate::measure::{Error, Measuring, Report};
use crate::subjects::Installed;

/// A benchmark, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Bench {
    /// 16 columns: rows filtered by one, a new column made of two others.
    Wide,
    /// The greatest common divisor of two int32 columns: arrow-udf's own benchmark.
    Gcd,
    /// One added to an int64 column, half of it null: datafusion-udf-wasm's `add_one`.
    AddOne,
    /// The second of two segments of text: datafusion-udf-wasm's `sub_str`.
    Strings,
    /// Two plugins, one after the other, beside one that does the work of both.
    Chain,
    /// An instance created, called once and dropped; many instances alive at once.
    Instances,
    /// The command line, from the start of the process to three rows that are published.
    Start,
    /// JSON log lines parsed, filtered and reshaped into typed columns.
    Logs,
    /// Time of a tenant's small batches, alone and beside tenants that go to their limits.
    Neighbour,
    /// Rows that make the plugin panic, spin or take memory without end among 100,000: how many of the others arrive.
    Poison,
    /// A million records filtered, derived from, and their e-mail addresses looked at: in memory, and from files to files.
    Records,
    /// TPC-H's lineitem from CSV to Parquet, cleaned, derived from and judged: by plugins and by SQL.
    Pipeline,
    /// The same on one core and on two.
    Scaling,
}

impl Bench {
    pub const ALL: [Self; 13] = [
        Self::Wide,
        Self::Gcd,
        Self::AddOne,
        Self::Strings,
        Self::Chain,
        Self::Instances,
        Self::Start,
        Self::Logs,
        Self::Neighbour,
        Self::Poison,
        Self::Records,
        Self::Pipeline,
        Self::Scaling,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Gcd => "gcd",
            Self::AddOne => "add_one",
            Self::Strings => "strings",
            Self::Chain => "chain",
            Self::Instances => "instances",
            Self::Start => "start",
            Self::Logs => "logs",
            Self::Neighbour => "neighbour",
            Self::Poison => "poison",
            Self::Records => "records",
            Self::Pipeline => "pipeline",
            Self::Scaling => "scaling",
        }
    }

    pub fn run(
        self,
        installed: &Installed,
        measuring: &Measuring,
        report: &Report,
    ) -> Result<(), Error> {
        let guests = &installed.guests;
        match self {
            Self::Wide => wide::run(guests, measuring, report),
            Self::Gcd => kernels::gcd(guests, measuring, report),
            Self::AddOne => kernels::add_one(guests, measuring, report),
            Self::Strings => kernels::strings(guests, measuring, report),
            Self::Chain => chain::run(guests, measuring, report),
            Self::Instances => instances::run(guests, measuring, report),
            Self::Start => start::run(installed, measuring, report),
            Self::Logs => logs::run(guests, measuring, report),
            Self::Neighbour => neighbour::run(guests, measuring, report),
            Self::Poison => poison::run(installed, measuring, report),
            Self::Records => records::run(installed, measuring, report),
            Self::Pipeline => lineitem::pipeline(installed, measuring, report),
            Self::Scaling => lineitem::scaling(installed, measuring, report),
        }
    }
}
