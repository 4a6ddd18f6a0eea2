//! The same work in this process, with the kernels of arrow-rs: what there is to lose.

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray,
};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::arity::{binary, unary};
use arrow::compute::kernels::{boolean, cmp};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type, Int64Type, Schema};
use arrow::error::ArrowError;

use crate::measure::{Error, NATIVE, Subject};

type Kernel = fn(&RecordBatch) -> Result<RecordBatch, ArrowError>;

/// A kernel over one input.
pub struct Native {
    kernel: Kernel,
    input: RecordBatch,
}

impl Native {
    pub fn subject(kernel: Kernel, input: &RecordBatch) -> Box<dyn Subject> {
        Box::new(Self { kernel, input: input.clone() })
    }
}

impl Subject for Native {
    fn name(&self) -> &str {
        NATIVE
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box((self.kernel)(black_box(&self.input))?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        Ok(vec![(self.kernel)(&self.input)?])
    }
}

fn one_column(name: &str, column: ArrayRef) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_from_iter_with_nullable([(name, column, true)])
}

pub fn gcd(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let (a, b) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_primitive());
    let gcd: Int32Array = binary::<_, Int32Type, _, Int32Type>(a, b, |mut a, mut b| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    })?;
    one_column("gcd", Arc::new(gcd))
}

pub fn add_one(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let values = batch.column(0).as_primitive::<Int64Type>();
    let more: Int64Array = unary(values, |value| value.wrapping_add(1));
    one_column("one_more", Arc::new(more))
}

/// One added twice, in two passes.
pub fn add_two(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    add_one(&add_one(batch)?)
}

pub fn strings(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let texts = batch.column(0).as_string::<i32>();
    let fields: StringArray = texts.iter().map(|text| text?.split('.').nth(1)).collect();
    one_column("field", Arc::new(fields))
}

/// The rows are filtered first, so that the new column is computed for those that are left.
pub fn wide(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let a = batch.column(0);
    let least = cmp::gt_eq(a, &Int32Array::new_scalar(9_000))?;
    let keep = boolean::and(&least, &cmp::lt(a, &Int32Array::new_scalar(9_500))?)?;
    let kept = filter_record_batch(batch, &keep)?;
    let (b, d) = (kept.column(1).as_primitive::<Float64Type>(), kept.column(2).as_primitive());
    let c: Float64Array = binary::<_, Float64Type, _, Float64Type>(b, d, |b, d| b * (1.0 - d))?;
    let mut columns = kept.columns().to_vec();
    let mut fields = kept.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("c", DataType::Float64, c.is_nullable())));
    columns.push(Arc::new(c));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
