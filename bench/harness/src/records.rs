//! The work of `records` by hand, with the kernels of arrow-rs.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    Array as _, AsArray as _, BooleanArray, Float64Array, RecordBatch, StringArray, StringBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::arity::unary;
use arrow::compute::kernels::boolean::{and, not};
use arrow::compute::kernels::cmp::gt;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::measure::{Error, NATIVE, Subject};

/// The columns that go in.
pub fn input_schema() -> SchemaRef {
    let field = |(name, data_type): (&str, DataType)| Field::new(name, data_type, true);
    let columns = [
        ("id", DataType::Int64),
        ("name", DataType::Utf8),
        ("amount", DataType::Float64),
        ("email", DataType::Utf8),
        ("ts", DataType::Int64),
    ];
    Arc::new(Schema::new(columns.map(field).to_vec()))
}

/// The columns that come out.
pub fn output_schema() -> SchemaRef {
    let mut fields = input_schema().fields().to_vec();
    fields.push(Arc::new(Field::new("gross", DataType::Float64, true)));
    Arc::new(Schema::new(fields))
}

/// The rows that go on, as they go on, and those that are rejected, as they were.
pub fn divide(batch: &RecordBatch) -> Result<(RecordBatch, RecordBatch), ArrowError> {
    let wanted = gt(batch.column(2), &Float64Array::new_scalar(0.0))?;
    let emails = batch.column(3).as_string::<i32>();
    let good: BooleanArray =
        emails.iter().map(|email| Some(email.is_some_and(is_address))).collect();
    let rejected = filter_record_batch(batch, &and(&wanted, &not(&good)?)?)?;
    let kept = filter_record_batch(batch, &and(&wanted, &good)?)?;
    let mut columns = kept.columns().to_vec();
    columns[1] = Arc::new(in_capitals(kept.column(1).as_string()));
    let amounts = kept.column(2).as_primitive::<Float64Type>();
    let gross: Float64Array = unary(amounts, |amount| amount * 1.2);
    columns.push(Arc::new(gross));
    Ok((RecordBatch::try_new(output_schema(), columns)?, rejected))
}

/// Exactly one `@`, something before it, and a domain with a dot inside.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let inside = domain.as_bytes().get(1..domain.len().saturating_sub(1)).unwrap_or_default();
    !local.is_empty() && !domain.contains('@') && inside.contains(&b'.')
}

/// Without a string for each row where its text is of ASCII.
fn in_capitals(texts: &StringArray) -> StringArray {
    let mut capitals = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
    let mut buffer = String::new();
    for text in texts {
        match text {
            Some(text) if text.is_ascii() => {
                buffer.clear();
                buffer.push_str(text);
                buffer.make_ascii_uppercase();
                capitals.append_value(&buffer);
            }
            Some(text) => capitals.append_value(text.to_uppercase()),
            None => capitals.append_null(),
        }
    }
    capitals.finish()
}

/// Over batches in memory.
pub struct NativeBatches {
    inputs: Vec<RecordBatch>,
    rejected: Vec<RecordBatch>,
}

impl NativeBatches {
    pub fn subject(inputs: &[RecordBatch]) -> Box<dyn Subject> {
        Box::new(Self { inputs: inputs.to_vec(), rejected: Vec::new() })
    }
}

impl Subject for NativeBatches {
    fn name(&self) -> &str {
        NATIVE
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.output()?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.rejected.clear();
        let mut outputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            let (kept, rejected) = divide(input)?;
            outputs.push(kept);
            self.rejected.push(rejected);
        }
        Ok(outputs)
    }

    fn rejected(&self) -> u64 {
        self.rejected.iter().map(|batch| batch.num_rows() as u64).sum()
    }
}
