//! Edits the values of a utf8 column and parses them into another type.

use wasmill_plugin_sdk::prelude::*;

use crate::config::BadValuePolicy;
use crate::edits::{Edits, Scratch};
use crate::step::Step;
use crate::treatment::Treatment;
use wasmill_plugin_values::parse::{Cell, Parse};
use wasmill_plugin_values::rejections::Rejections;
use wasmill_plugin_values::target::Target;

pub struct ParseStep<T, P> {
    column: String,
    input: Input<str>,
    output: Output<T>,
    edits: Edits,
    parser: P,
    /// By which rows with bad values are rejected.
    rule: String,
    /// What bad values are not.
    expected: String,
    on_bad_value: BadValuePolicy,
    default: Option<T>,
    required: bool,
}

impl<T: Cell, P: Parse<T>> ParseStep<T, P> {
    pub fn new(
        treatment: &Treatment,
        target: &Target,
        parser: P,
        default: Option<T>,
        plan: &mut Plan,
    ) -> Result<Self> {
        Ok(Self {
            column: treatment.column.clone(),
            input: plan.read(&treatment.column)?,
            output: plan.write_as(&treatment.column, target.arrow_type()),
            edits: treatment.edits.clone(),
            parser,
            rule: target.rule.clone(),
            expected: target.expected.clone(),
            on_bad_value: treatment.on_bad_value,
            default,
            required: treatment.required,
        })
    }
}

impl<T: Cell, P: Parse<T>> Step for ParseStep<T, P> {
    fn run(&self, batch: &Batch, rejections: &mut Rejections, scratch: &mut Scratch) {
        let column = batch.column(self.input);
        let mut parsed_column = NewColumn::<T>::with_capacity(column.len());
        for row in 0..column.len() {
            let text = column.get(row).and_then(|value| self.edits.edit(value, scratch));
            let parsed = text.and_then(|text| self.parser.parse(text));
            if let (Some(text), None, BadValuePolicy::Reject) = (text, &parsed, self.on_bad_value) {
                // Not missing as well: there is a value, and it is bad.
                rejections.bad_value(row, &self.column, &self.rule, &self.expected, text);
                parsed_column.push_null();
                continue;
            }
            match parsed.or(self.default) {
                Some(value) => T::push(&mut parsed_column, value),
                None => {
                    if self.required {
                        rejections.missing(row, &self.column);
                    }
                    parsed_column.push_null();
                }
            }
        }
        rejections.rows.set(self.output, parsed_column);
    }
}
