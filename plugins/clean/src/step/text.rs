//! Edits the values of a utf8 column that stays one, without a copy where nothing changes.

use wasmill_plugin_sdk::column::Column;
use wasmill_plugin_sdk::prelude::*;

use crate::edits::{Edits, Scratch};
use crate::step::Step;
use crate::treatment::Treatment;
use wasmill_plugin_values::rejections::Rejections;

pub struct TextStep {
    column: String,
    input: Input<str>,
    output: Output<str>,
    edits: Edits,
    default: Option<String>,
    required: bool,
}

impl TextStep {
    pub fn new(treatment: &Treatment, default: Option<String>, plan: &mut Plan) -> Result<Self> {
        Ok(Self {
            column: treatment.column.clone(),
            input: plan.read(&treatment.column)?,
            output: plan.write(&treatment.column),
            edits: treatment.edits.clone(),
            default,
            required: treatment.required,
        })
    }
}

impl Step for TextStep {
    fn run(&self, batch: &Batch, rejections: &mut Rejections, scratch: &mut Scratch) {
        let column = batch.column(self.input);
        // Made when the first value changes: many columns of many batches are clean.
        let mut edited_column: Option<NewColumn<str>> = None;
        for row in 0..column.len() {
            let value = column.get(row);
            let edited = value.and_then(|value| self.edits.edit(value, scratch));
            let edited = edited.or(self.default.as_deref());
            if self.required && edited.is_none() {
                rejections.missing(row, &self.column);
            }
            if edited_column.is_none() && is_same(value, edited) {
                continue;
            }
            let edited_column = edited_column.get_or_insert_with(|| first_rows(&column, row));
            match edited {
                Some(edited) => edited_column.push(edited),
                None => edited_column.push_null(),
            }
        }
        match edited_column {
            Some(edited_column) => rejections.rows.set(self.output, edited_column),
            None => rejections.rows.set_unchanged(self.output, self.input),
        }
    }
}

/// Whether the value was left alone: what is edited is another text in memory, or a part of it.
fn is_same(value: Option<&str>, edited: Option<&str>) -> bool {
    match (value, edited) {
        (Some(value), Some(edited)) => std::ptr::eq(value, edited),
        (None, None) => true,
        _ => false,
    }
}

/// The first `count` rows as they are, with room for the others.
fn first_rows(column: &Column<str>, count: usize) -> NewColumn<str> {
    let mut copy = NewColumn::<str>::with_capacity(column.len());
    for row in 0..count {
        match column.get(row) {
            Some(value) => copy.push(value),
            None => copy.push_null(),
        }
    }
    copy
}
