//! Arrow IPC streams that no writer would write, for an extractor to return: one attack a file.
//!
//! They are passed to the hostile extractor in its configuration. The rows that it declares are [`rows`].

mod body_beyond;
mod compressed;
mod empty;
mod garbage;
mod metadata_bomb;
mod no_batch;
mod two_batches;
mod wrong_rows;
mod wrong_schema;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};

/// Name, what it does, the stream.
type Payload = (&'static str, &'static str, fn() -> Vec<u8>);

pub const PAYLOADS: [Payload; 9] = [
    (
        "ipc-body-beyond",
        "returns an IPC stream whose batch ends behind its end",
        body_beyond::stream,
    ),
    (
        "ipc-compressed",
        "returns an IPC stream that unpacks to a thousand times its size",
        compressed::stream,
    ),
    ("ipc-empty", "returns an IPC stream of no bytes", empty::stream),
    (
        "ipc-garbage",
        "returns an IPC stream of which every eighth byte was changed",
        garbage::stream,
    ),
    (
        "ipc-metadata-bomb",
        "returns an IPC schema in which thousands of columns share one long name",
        metadata_bomb::stream,
    ),
    ("ipc-no-batch", "returns an IPC stream without a batch", no_batch::stream),
    ("ipc-two-batches", "returns an IPC stream of two batches", two_batches::stream),
    ("ipc-wrong-rows", "returns an IPC stream of other rows than it says", wrong_rows::stream),
    (
        "ipc-wrong-schema",
        "returns an IPC stream of columns that were not declared",
        wrong_schema::stream,
    ),
];

/// As many rows as the extractor says that it returns, in the columns that it declares.
fn rows(count: usize) -> RecordBatch {
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count as i64));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n("v", count)));
    RecordBatch::try_from_iter([("value", values), ("text", texts)])
        .expect("both columns have the same length")
}

/// A stream of these batches, as Arrow writes it.
fn written(batches: &[RecordBatch], options: arrow_ipc::writer::IpcWriteOptions) -> Vec<u8> {
    let schema = rows(0).schema();
    let schema = batches.first().map_or(schema, RecordBatch::schema);
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new_with_options(Vec::new(), &schema, options)
            .expect("a stream in memory");
    for batch in batches {
        writer.write(batch).expect("a stream in memory");
    }
    writer.into_inner().expect("a stream in memory")
}

/// The same, with the usual options.
fn plain(batches: &[RecordBatch]) -> Vec<u8> {
    written(batches, arrow_ipc::writer::IpcWriteOptions::default())
}
