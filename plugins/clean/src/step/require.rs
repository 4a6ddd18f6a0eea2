//! Rejects rows with nulls in a column of which no value changes.

use wasmill_plugin_sdk::prelude::*;

use crate::edits::Scratch;
use crate::step::Step;
use crate::treatment::Treatment;
use wasmill_plugin_values::rejections::Rejections;

pub struct RequireStep {
    column: String,
    input: AnyInput,
}

impl RequireStep {
    pub fn new(treatment: &Treatment, plan: &mut Plan) -> Result<Self> {
        let input = plan.read_any(&treatment.column)?;
        Ok(Self { column: treatment.column.clone(), input })
    }
}

impl Step for RequireStep {
    fn run(&self, batch: &Batch, rejections: &mut Rejections, _: &mut Scratch) {
        let column = batch.any_column(&self.input);
        for row in (0..column.len()).filter(|&row| column.is_null(row)) {
            rejections.missing(row, &self.column);
        }
    }
}
