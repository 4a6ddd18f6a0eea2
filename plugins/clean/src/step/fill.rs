//! Fills the nulls of a column of another type than utf8, without a copy where there are none.

use wasmill_plugin_sdk::prelude::*;

use crate::edits::Scratch;
use crate::step::Step;
use crate::treatment::Treatment;
use wasmill_plugin_values::parse::Cell;
use wasmill_plugin_values::rejections::Rejections;

pub struct FillStep<T> {
    input: Input<T>,
    output: Output<T>,
    default: T,
}

impl<T: Cell> FillStep<T> {
    pub fn new(treatment: &Treatment, default: T, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            input: plan.read(&treatment.column)?,
            output: plan.write_as(&treatment.column, treatment.data_type.clone()),
            default,
        })
    }
}

impl<T: Cell> Step for FillStep<T> {
    fn run(&self, batch: &Batch, rejections: &mut Rejections, _: &mut Scratch) {
        let column = batch.column(self.input);
        if !column.has_nulls() {
            rejections.rows.set_unchanged(self.output, self.input);
            return;
        }
        let mut filled = NewColumn::<T>::with_capacity(column.len());
        for value in column.iter() {
            T::push(&mut filled, value.unwrap_or(self.default));
        }
        rejections.rows.set(self.output, filled);
    }
}
