//! `chain`: what it would save to let plugins that follow each other share a crossing. Two plugins that each add one, in
//! instances of their own as a pipeline has them; beside one that does both in one pass, which no fusing could beat.

use std::hint::black_box;

use arrow::array::RecordBatch;
use serde_json::json;
use wasmill_sandbox::engine::Profile;

use crate::data;
use crate::measure::{Error, Measuring, Report, Subject};
use crate::subjects::Guests;
use crate::subjects::native::{self, Native};
use crate::subjects::wasmill::Wasmill;

const GUEST: &str = "bench-wasmill";

pub fn run(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    for rows in [1_024, 8_192, 65_536] {
        let input = data::numbers(rows);
        let mut subjects: Vec<Box<dyn Subject>> = vec![Native::subject(native::add_two, &input)];
        if measuring.wants(TwoInstances::NAME) {
            subjects.push(TwoInstances::subject(guests, &input)?);
        }
        let one = "wasmill, one plugin for both";
        if measuring.wants(one) {
            let config = json!({ "kernel": "add_two" });
            let metered = Profile::Metered;
            subjects.push(Wasmill::subject(one, guests, GUEST, &config, metered, &input)?);
        }
        subjects.push(Native::subject(native::add_two, &input));
        measuring.compare("chain", (rows, data::bytes(&input)), &mut subjects, report)?;
    }
    Ok(())
}

/// What the first plugin gives, the second takes.
struct TwoInstances {
    first: Wasmill,
    second: Wasmill,
}

impl TwoInstances {
    const NAME: &str = "wasmill, two plugins";

    fn subject(guests: &Guests, input: &RecordBatch) -> Result<Box<dyn Subject>, Error> {
        let step = |column: &str, input: &RecordBatch| {
            let config = json!({ "kernel": "add_one", "column": column });
            let input = std::slice::from_ref(input);
            Wasmill::new(Self::NAME, guests, GUEST, &config, Profile::Metered, input)
        };
        let mut first = step("value", input)?;
        let between = first.output()?;
        let second = step("one_more", &between[0])?;
        Ok(Box::new(Self { first, second }))
    }
}

impl Subject for TwoInstances {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.output()?);
        Ok(())
    }

    /// Each piece goes through both before the next, as in a pipeline.
    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let Self { first, second } = self;
        first.chained(second)
    }
}
