//! A batch as it crosses into a guest, in whichever encoding the plugin was bound.

use arrow::array::RecordBatch;
use wasmill_contract::binding::{Encoding, Reading};
use wasmill_contract::lower::{BatchParam, Lowered, NodeParam, PayloadParam, plain_batch};
use wasmill_contract::{ipc, json};

use crate::fault::Fault;

/// The columns of a batch that a plugin reads, ready to be passed.
pub(crate) struct LoweredBatch {
    rows: u32,
    values: Values,
}

enum Values {
    Columns(Lowered),
    Ipc(Vec<u8>),
    Json(String),
}

impl LoweredBatch {
    pub(crate) fn new(
        export: &'static str,
        batch: &RecordBatch,
        reading: &Reading,
    ) -> Result<Self, Fault> {
        let host = |error: arrow::error::ArrowError| Fault::Host { export, source: error.into() };
        let rows = u32::try_from(batch.num_rows())
            .map_err(|error| Fault::Host { export, source: error.into() })?;
        let read =
            || plain_batch(batch, &reading.positions).map_err(|error| Fault::lower(export, error));
        let values = match reading.encoding {
            Encoding::Columns => Values::Columns(
                Lowered::new(batch, &reading.positions)
                    .map_err(|error| Fault::lower(export, error))?,
            ),
            Encoding::Ipc => Values::Ipc(ipc::encode(&read()?).map_err(host)?),
            Encoding::Json => Values::Json(json::encode(&read()?).map_err(host)?),
        };
        Ok(Self { rows, values })
    }

    /// The nodes of the columns; empty for the other encodings.
    pub(crate) fn nodes(&self) -> Vec<NodeParam<'_>> {
        match &self.values {
            Values::Columns(lowered) => lowered.params(),
            Values::Ipc(_) | Values::Json(_) => Vec::new(),
        }
    }

    /// How many bytes will be copied into the guest.
    pub(crate) fn byte_count(&self) -> u64 {
        let bytes = match &self.values {
            Values::Columns(lowered) => lowered.byte_count(),
            Values::Ipc(bytes) => bytes.len(),
            Values::Json(text) => text.len(),
        };
        bytes as u64
    }

    /// How many bytes the host holds for it that are not the batch's own.
    pub(crate) fn held_bytes(&self) -> u64 {
        match &self.values {
            Values::Columns(_) => 0,
            Values::Ipc(_) | Values::Json(_) => self.byte_count(),
        }
    }

    /// The parameter of the call. `nodes` are those that [`Self::nodes`] returned.
    pub(crate) fn param<'a>(&'a self, nodes: &'a [NodeParam<'a>]) -> BatchParam<'a> {
        let values = match &self.values {
            Values::Columns(_) => PayloadParam::Columns(nodes),
            Values::Ipc(bytes) => PayloadParam::Ipc(bytes),
            Values::Json(text) => PayloadParam::Json(text),
        };
        BatchParam { rows: self.rows, values }
    }
}
