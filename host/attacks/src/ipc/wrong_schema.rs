//! The right names, and other types.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::plain;

pub fn stream() -> Vec<u8> {
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n("v", 20)));
    let values: ArrayRef = Arc::new(Int64Array::from(vec![0; 20]));
    let batch = RecordBatch::try_from_iter([("value", texts), ("text", values)])
        .expect("both columns have the same length");
    plain(&[batch])
}
