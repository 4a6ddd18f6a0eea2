//! The benchmarks: what is computed, over which inputs, by which subjects.

mod instances;
mod kernels;
mod wide;

use clap::ValueEnum;

use crate::measure::{Error, Measuring, Report};
use crate::subjects::Guests;

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
    /// An instance created, called once and dropped; many instances alive at once.
    Instances,
}

impl Bench {
    pub const ALL: [Self; 5] =
        [Self::Wide, Self::Gcd, Self::AddOne, Self::Strings, Self::Instances];

    pub fn name(self) -> &'static str {
        match self {
            Self::Wide => "wide",
            Self::Gcd => "gcd",
            Self::AddOne => "add_one",
            Self::Strings => "strings",
            Self::Instances => "instances",
        }
    }

    pub fn run(self, guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
        match self {
            Self::Wide => wide::run(guests, measuring, report),
            Self::Gcd => kernels::gcd(guests, measuring, report),
            Self::AddOne => kernels::add_one(guests, measuring, report),
            Self::Strings => kernels::strings(guests, measuring, report),
            Self::Instances => instances::run(guests, measuring, report),
        }
    }
}
