//! The kernels over Arrow IPC streams: Extism passes bytes, and this is how columns become bytes.

use std::hint::black_box;
use std::io::Cursor;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;
use extism_pdk::{FnResult, plugin_fn};

#[plugin_fn]
pub fn gcd(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let kernel = |batch: &RecordBatch| -> Result<ArrayRef, ArrowError> {
        let (a, b) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1));
        let gcd: Int32Array =
            arrow_arith::arity::binary(a, b.as_primitive::<Int32Type>(), greatest_common_divisor)?;
        Ok(Arc::new(gcd))
    };
    Ok(through_ipc(&input, kernel)?)
}

#[plugin_fn]
pub fn add_one(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let kernel = |batch: &RecordBatch| -> Result<ArrayRef, ArrowError> {
        let values = batch.column(0).as_primitive::<Int64Type>();
        let more: Int64Array = arrow_arith::arity::unary(values, |value| value.wrapping_add(1));
        Ok(Arc::new(more))
    };
    Ok(through_ipc(&input, kernel)?)
}

#[plugin_fn]
pub fn strings(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let kernel = |batch: &RecordBatch| -> Result<ArrayRef, ArrowError> {
        let texts = batch.column(0).as_string::<i32>();
        let fields: StringArray = texts.iter().map(|text| text?.split('.').nth(1)).collect();
        Ok(Arc::new(fields))
    };
    Ok(through_ipc(&input, kernel)?)
}

/// As in `guests/poison`.
#[plugin_fn]
pub fn poison(input: Vec<u8>) -> FnResult<Vec<u8>> {
    let kernel = |batch: &RecordBatch| -> Result<ArrayRef, ArrowError> {
        let (id, poison) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1));
        let double: Int64Array =
            arrow_arith::arity::binary(id, poison.as_primitive::<Int32Type>(), double)?;
        Ok(Arc::new(double))
    };
    Ok(through_ipc(&input, kernel)?)
}

fn through_ipc(
    input: &[u8],
    kernel: impl Fn(&RecordBatch) -> Result<ArrayRef, ArrowError>,
) -> Result<Vec<u8>, ArrowError> {
    let mut reader = StreamReader::try_new(Cursor::new(input), None)?;
    let batch = reader.next().expect("the host sends one batch")?;
    let output = RecordBatch::try_from_iter_with_nullable([("result", kernel(&batch)?, true)])?;
    let mut writer = StreamWriter::try_new(Vec::new(), &output.schema())?;
    writer.write(&output)?;
    writer.into_inner()
}

fn greatest_common_divisor(mut a: i32, mut b: i32) -> i32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn double(id: i64, poison: i32) -> i64 {
    match poison {
        1 => panic!("row {id} is poison"),
        2 => loop {
            black_box(id);
        },
        3 => take_memory_without_end(),
        _ => {}
    }
    2 * id
}

fn take_memory_without_end() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
        black_box(&taken);
    }
}
