//! A batch that is compressed: megabytes of one and the same text.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::IpcWriteOptions;

use super::written;

pub fn stream() -> Vec<u8> {
    let text = "x".repeat(1 << 20);
    let values: ArrayRef = Arc::new(Int64Array::from(vec![0; 20]));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, 20)));
    let batch = RecordBatch::try_from_iter([("value", values), ("text", texts)])
        .expect("both columns have the same length");
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::ZSTD))
        .expect("Zstandard is compiled in");
    written(&[batch], options)
}
