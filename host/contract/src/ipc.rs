//! The `ipc` encoding: batches as Arrow IPC streams.
//!
//! Bytes from a guest are refused when compressed (a few kilobytes may announce gigabytes), when they announce more values
//! than bytes could hold, when they hold another number of batches than one, or when the schema is not the one that was
//! bound. Metadata is refused that stands for much more than it takes: its parts can be shared, and each reader counts
//! them anew.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_ipc::{FieldNode, MessageHeader, RecordBatch as BatchHeader, root_as_message_with_opts};
use flatbuffers::VerifierOptions;

use crate::finding::bounded_text;
use crate::lift::{ColumnBreach, MAX_BARE_VALUES, check_column};

/// How many parts the metadata of a message may have: a field and its type are two.
const MAX_METADATA_PARTS: usize = 1 << 16;
/// How much larger metadata may become by parts that are shared. Writers share the layouts of parts, and nothing else.
const MAX_SHARING: usize = 4;
/// What the smallest metadata may take in any case.
const LEAST_METADATA_BYTES: usize = 4 << 10;

/// IPC bytes that a plugin returned and that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IpcBreach {
    #[error("the Arrow IPC stream ends within a message")]
    Truncated,
    #[error("the Arrow IPC stream is not readable: {0}")]
    Unreadable(String),
    #[error("the Arrow IPC stream is compressed; only plain buffers are taken from a plugin")]
    Compressed,
    #[error("the Arrow IPC stream announces an array of {count} values; it has {bytes} bytes")]
    TooManyValues { count: i64, bytes: usize },
    #[error("the Arrow IPC stream holds {0} batches where one is expected")]
    BatchCount(usize),
    #[error("the Arrow IPC stream holds {actual} rows where {expected} are expected")]
    Rows { expected: usize, actual: usize },
    #[error("the Arrow IPC stream lacks the column `{0}`")]
    MissingColumn(String),
    #[error("the Arrow IPC stream has a column `{0}` that was not declared")]
    UnknownColumn(String),
    #[error("column `{column}` has the type {actual} where {expected} was declared")]
    Type {
        column: String,
        expected: arrow::datatypes::DataType,
        actual: arrow::datatypes::DataType,
    },
    #[error(transparent)]
    Column(#[from] ColumnBreach),
}

/// One batch as an IPC stream.
pub fn encode(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref())?;
    writer.write(batch)?;
    writer.finish()?;
    writer.into_inner()
}

/// The columns of the one batch in `bytes`, in the order of `fields`. `rows` is the exact number of rows.
pub fn decode(bytes: &[u8], fields: &[FieldRef], rows: usize) -> Result<Vec<ArrayRef>, IpcBreach> {
    let batch_count = check_messages(bytes)?;
    if batch_count > 1 || (batch_count == 0 && rows > 0) {
        return Err(IpcBreach::BatchCount(batch_count));
    }
    let batch = read_only_batch(bytes)?;
    if batch.num_rows() != rows {
        return Err(IpcBreach::Rows { expected: rows, actual: batch.num_rows() });
    }
    let schema = batch.schema();
    if let Some(unknown) = schema
        .fields()
        .iter()
        .find(|column| fields.iter().all(|field| field.name() != column.name()))
    {
        return Err(IpcBreach::UnknownColumn(unknown.name().clone()));
    }
    fields
        .iter()
        .map(|field| {
            let Some(array) = batch.column_by_name(field.name()) else {
                return Err(IpcBreach::MissingColumn(field.name().clone()));
            };
            if array.data_type() != field.data_type() {
                return Err(IpcBreach::Type {
                    column: field.name().clone(),
                    expected: field.data_type().clone(),
                    actual: array.data_type().clone(),
                });
            }
            check_column(field, array)?;
            Ok(array.clone())
        })
        .collect()
}

fn read_only_batch(bytes: &[u8]) -> Result<RecordBatch, IpcBreach> {
    // The reader returns errors for most malformed streams, but slices some buffers by offsets of the
    // stream without asking, which panics when they are out of range.
    let read = || -> Result<RecordBatch, ArrowError> {
        let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
        let schema = reader.schema();
        reader.next().unwrap_or_else(|| Ok(RecordBatch::new_empty(schema)))
    };
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(batch)) => Ok(batch),
        Ok(Err(error)) => Err(IpcBreach::Unreadable(bounded_text(error.to_string()))),
        Err(_) => Err(IpcBreach::Unreadable("a buffer lies outside of the stream".to_owned())),
    }
}

/// Walks the encapsulated messages (<https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>)
/// and counts record batches; an error when any body is compressed, or announces what cannot be in it.
fn check_messages(bytes: &[u8]) -> Result<usize, IpcBreach> {
    let mut batches = 0;
    let mut rest = bytes;
    loop {
        let Some((prefix, after)) = rest.split_first_chunk::<4>() else {
            // A stream may end without its end-of-stream marker.
            return if rest.is_empty() { Ok(batches) } else { Err(IpcBreach::Truncated) };
        };
        let (length, after) = if *prefix == [0xff; 4] {
            let (length, after) = after.split_first_chunk::<4>().ok_or(IpcBreach::Truncated)?;
            (i32::from_le_bytes(*length), after)
        } else {
            (i32::from_le_bytes(*prefix), after)
        };
        if length == 0 {
            return Ok(batches);
        }
        let length = usize::try_from(length).map_err(|_| IpcBreach::Truncated)?;
        let (metadata, after) = after.split_at_checked(length).ok_or(IpcBreach::Truncated)?;
        let options = VerifierOptions {
            max_tables: MAX_METADATA_PARTS,
            max_apparent_size: length.saturating_mul(MAX_SHARING).max(LEAST_METADATA_BYTES),
            ..VerifierOptions::default()
        };
        let message = root_as_message_with_opts(&options, metadata)
            .map_err(|error| IpcBreach::Unreadable(bounded_text(error.to_string())))?;
        let batch = match message.header_type() {
            MessageHeader::RecordBatch => {
                batches += 1;
                message.header_as_record_batch()
            }
            MessageHeader::DictionaryBatch => {
                message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
            }
            _ => None,
        };
        if let Some(batch) = batch {
            check_batch(batch, bytes.len())?;
        }
        let body = usize::try_from(message.bodyLength()).map_err(|_| IpcBreach::Truncated)?;
        rest = after.get(body..).ok_or(IpcBreach::Truncated)?;
    }
}

/// Checks what a batch says of itself, within a stream of so many bytes.
fn check_batch(batch: BatchHeader<'_>, bytes: usize) -> Result<(), IpcBreach> {
    if batch.compression().is_some() {
        return Err(IpcBreach::Compressed);
    }
    // A value takes a bit at least, or nothing at all.
    let most = i64::try_from(bytes.saturating_mul(8).max(MAX_BARE_VALUES)).unwrap_or(i64::MAX);
    let mut lengths = batch.nodes().into_iter().flatten().map(FieldNode::length);
    match lengths.find(|count| !(0..=most).contains(count)) {
        Some(count) => Err(IpcBreach::TooManyValues { count, bytes }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int8Array, NullArray};
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::any_batch;
    use crate::lower::plain_batch;

    fn encoded(batch: &RecordBatch) -> (RecordBatch, Vec<u8>) {
        let positions: Vec<usize> = (0..batch.num_columns()).collect();
        let plain = plain_batch(batch, &positions).unwrap();
        let bytes = encode(&plain).unwrap();
        (plain, bytes)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        #[test]
        fn a_batch_survives_the_way_there_and_back(batch in any_batch()) {
            let (plain, bytes) = encoded(&batch);
            let fields = plain.schema_ref().fields();
            let columns = decode(&bytes, fields, plain.num_rows()).unwrap();
            prop_assert_eq!(&columns, plain.columns());
            prop_assert!(decode(&bytes, fields, plain.num_rows() + 1).is_err());
        }

        /// Whatever is changed in a stream: the result is an error, or arrays that keep all of Arrow's promises.
        #[test]
        fn corrupted_streams_are_refused_or_valid(
            batch in any_batch(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let (plain, mut bytes) = encoded(&batch);
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let fields = plain.schema_ref().fields();
            let Ok(columns) = decode(&bytes, fields, plain.num_rows()) else { return Ok(()) };
            for (field, column) in fields.iter().zip(&columns) {
                column.to_data().validate_full().unwrap();
                prop_assert_eq!(column.len(), plain.num_rows());
                prop_assert_eq!(column.data_type(), field.data_type());
                prop_assert!(field.is_nullable() || column.logical_null_count() == 0);
            }
        }
    }

    /// A dictionary of one null costs a guest as many bytes as one of 2^62, and the host a bit for each.
    #[test]
    fn more_values_than_there_can_be_are_refused() {
        let keys = Int8Array::from(vec![76]);
        let dictionary = DictionaryArray::new(keys, Arc::new(NullArray::new(77)));
        let column: ArrayRef = Arc::new(dictionary);
        let batch = RecordBatch::try_from_iter_with_nullable([("nulls", column, true)]).unwrap();
        let mut bytes = encode(&batch).unwrap();
        let fields = batch.schema_ref().fields();
        assert_eq!(decode(&bytes, fields, 1).unwrap().len(), 1);
        // The length of the dictionary's batch; that of its node, and how many values of it are null.
        let places: Vec<usize> = (0..bytes.len() - 8)
            .filter(|&place| bytes[place..place + 8] == 77_i64.to_le_bytes())
            .collect();
        assert_eq!(places.len(), 3);
        for place in places {
            bytes[place..place + 8].copy_from_slice(&(1_i64 << 62).to_le_bytes());
        }
        let breach = decode(&bytes, fields, 1).unwrap_err();
        assert!(matches!(breach, IpcBreach::TooManyValues { .. }), "{breach}");
    }
}
