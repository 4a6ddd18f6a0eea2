//! What an extractor returned, checked: its schema, its splits, its batches.

use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use crate::binding::{BindingBreach, Encoding};
use crate::bindings::extract as wit;
use crate::bindings::types::Payload;
use crate::finding::bounded_text;
use crate::ipc::{self, IpcBreach};
use crate::json::{self, JsonBreach};
use crate::lift::{ColumnBreach, lift_columns};
use crate::schema::{from_wit, unique_names};

/// How many splits an extractor may plan.
pub const MAX_SPLITS: usize = 100_000;

/// How long a plugin may make what the host keeps for it, in bytes: the descriptor of a split, and a cursor.
pub const MAX_KEPT_BYTES: usize = 64 << 10;

/// Output of an extractor that breaks the contract.
#[derive(Debug, thiserror::Error)]
pub enum ExtractBreach {
    #[error(transparent)]
    Column(#[from] ColumnBreach),
    #[error(transparent)]
    Ipc(#[from] IpcBreach),
    #[error(transparent)]
    Json(#[from] JsonBreach),
    #[error("the values are encoded otherwise than the plugin was bound: {0:?} was announced")]
    Encoding(Encoding),
    #[error("{rows} rows where at most {limit} were asked for")]
    TooManyRows { rows: u32, limit: u32 },
    #[error("{0} splits: the limit is {MAX_SPLITS}")]
    TooManySplits(usize),
    #[error("two splits have the id `{0}`")]
    DuplicateSplit(String),
    #[error("the descriptor of split `{id}` has {bytes} bytes: the limit is {MAX_KEPT_BYTES}")]
    LongSplit { id: String, bytes: usize },
    #[error("the cursor has {bytes} bytes: the limit is {MAX_KEPT_BYTES}")]
    LongCursor { bytes: usize },
    #[error(
        "{0} batches without a row or a bad record, one after another: at its end, a split returns none"
    )]
    Idle(u32),
    #[error("cannot assemble the batch")]
    Assemble(#[from] ArrowError),
}

/// What an extractor will return.
#[derive(Debug, Clone)]
pub struct ExtractBinding {
    pub schema: SchemaRef,
    pub encoding: Encoding,
}

impl ExtractBinding {
    /// Checks what an extractor returned from `bind`.
    pub fn new(binding: wit::Binding) -> Result<Self, BindingBreach> {
        let fields = from_wit(binding.output.fields)?;
        unique_names(&fields)?;
        Ok(Self { schema: Arc::new(Schema::new(fields)), encoding: binding.encoding })
    }
}

/// A share of the work of an extractor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractSplit {
    pub id: String,
    /// The plugin's own format.
    pub descriptor: String,
    /// Estimates.
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

impl ExtractSplit {
    /// Checks what an extractor returned from `plan`.
    pub fn all(splits: Vec<wit::Split>) -> Result<Vec<Self>, ExtractBreach> {
        if splits.len() > MAX_SPLITS {
            return Err(ExtractBreach::TooManySplits(splits.len()));
        }
        let mut ids = std::collections::HashSet::new();
        splits
            .into_iter()
            .map(|split| {
                let id = bounded_text(split.id);
                if !ids.insert(id.clone()) {
                    return Err(ExtractBreach::DuplicateSplit(id));
                }
                if split.descriptor.len() > MAX_KEPT_BYTES {
                    return Err(ExtractBreach::LongSplit { id, bytes: split.descriptor.len() });
                }
                Ok(Self { id, descriptor: split.descriptor, rows: split.rows, bytes: split.bytes })
            })
            .collect()
    }
}

/// Checks what an extractor returned from `cursor`.
pub fn checked_cursor(cursor: Option<String>) -> Result<Option<String>, ExtractBreach> {
    match cursor {
        Some(cursor) if cursor.len() > MAX_KEPT_BYTES => {
            Err(ExtractBreach::LongCursor { bytes: cursor.len() })
        }
        cursor => Ok(cursor),
    }
}

/// A record that could not be made into a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRecord {
    /// Where it was found, such as `line 17`.
    pub position: String,
    /// The record as received.
    pub raw: Vec<u8>,
    /// What was violated, such as `field-count`.
    pub rule: String,
    pub message: String,
}

/// One batch of an extractor.
#[derive(Debug)]
pub struct Extracted {
    pub batch: RecordBatch,
    pub bad_records: Vec<BadRecord>,
}

impl Extracted {
    /// Checks what `next` returned when asked for at most `limit` rows.
    pub fn new(
        binding: &ExtractBinding,
        extracted: wit::Extracted,
        limit: u32,
    ) -> Result<Self, ExtractBreach> {
        if extracted.rows > limit {
            return Err(ExtractBreach::TooManyRows { rows: extracted.rows, limit });
        }
        let rows = extracted.rows as usize;
        let fields = binding.schema.fields();
        let columns = match (extracted.values, binding.encoding) {
            (Payload::Columns(nodes), Encoding::Columns) => lift_columns(fields, nodes, rows)?,
            (Payload::Ipc(bytes), Encoding::Ipc) => ipc::decode(&bytes, fields, rows)?,
            (Payload::Json(text), Encoding::Json) => json::decode(&text, fields, rows)?,
            (_, announced) => return Err(ExtractBreach::Encoding(announced)),
        };
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch =
            RecordBatch::try_new_with_options(Arc::clone(&binding.schema), columns, &options)?;
        let bad_records = extracted
            .bad_records
            .into_iter()
            .map(|record| BadRecord {
                position: bounded_text(record.position),
                raw: record.raw,
                rule: bounded_text(record.rule),
                message: bounded_text(record.message),
            })
            .collect();
        Ok(Self { batch, bad_records })
    }
}
