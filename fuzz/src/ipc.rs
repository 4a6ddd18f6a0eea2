//! Bytes that a plugin returns as an Arrow IPC stream.
//!
//! Promises: an error or columns that are valid Arrow, of the declared fields and of as many rows as were announced. Never a panic,
//! and no more memory than the bytes warrant, compressed streams included: libFuzzer limits memory.
//!
//! The fields that the stream itself brings are taken for the declared ones, as far as a plugin could declare them, so that
//! every type is reached by changing bytes of the stream alone.

use std::io::Cursor;
use std::panic::catch_unwind;

use arrow::datatypes::{FieldRef, SchemaRef};
use arrow::ipc::reader::StreamReader;
use wasmill_contract::ipc::{IpcBreach, decode};
use wasmill_contract::schema::{from_wit, to_wit};

use crate::oracle::check_columns;

pub fn run(bytes: &[u8]) {
    // What is refused whatever was declared. Past it, the reader believes the lengths that it reads.
    let any = decode(bytes, &[], 0);
    if matches!(
        any,
        Err(IpcBreach::Truncated
            | IpcBreach::Compressed
            | IpcBreach::Unreadable(_)
            | IpcBreach::TooManyValues { .. })
    ) {
        return;
    }
    let fields = declared(bytes).unwrap_or_default();
    for rows in [0, 1, 1_000_000] {
        let (columns, rows) = match decode(bytes, &fields, rows) {
            Ok(columns) => (columns, rows),
            // The number that is there, had the plugin announced it.
            Err(IpcBreach::Rows { actual, .. }) if actual <= 65_536 => {
                let Ok(columns) = decode(bytes, &fields, actual) else { continue };
                (columns, actual)
            }
            Err(_) => continue,
        };
        check_columns(&columns, &fields, rows);
    }
}

/// The fields of the stream, where a plugin could declare them.
fn declared(bytes: &[u8]) -> Option<Vec<FieldRef>> {
    // The reader's own panics are not what is looked for: the host has guarded against them.
    let read =
        || StreamReader::try_new(Cursor::new(bytes), None).ok().map(|reader| reader.schema());
    let schema: SchemaRef = catch_unwind(read).ok().flatten()?;
    from_wit(to_wit(&schema).fields).ok()
}
