//! What a loader says of the rows that it staged, checked against the rows that it was given.

use arrow::array::BooleanBufferBuilder;
use serde::{Deserialize, Serialize};

use crate::bindings::load as wit;
use crate::finding::Finding;

/// How long a plugin may make the reference of a receipt, in bytes: the host keeps it until the commit.
pub const MAX_REFERENCE_BYTES: usize = 64 << 10;

/// What `commit` needs to find the rows that one attempt staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub rows: u64,
    /// The plugin's own format.
    pub reference: String,
}

/// A receipt that cannot be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptBreach {
    #[error("the receipt is for {actual} rows; {expected} were written and not refused")]
    Rows { expected: u64, actual: u64 },
    #[error("the reference of the receipt has {bytes} bytes: the limit is {MAX_REFERENCE_BYTES}")]
    TooLong { bytes: usize },
}

impl Receipt {
    /// Checks what `finish` returned after `staged` rows were written and not refused.
    pub fn new(receipt: wit::Receipt, staged: u64) -> Result<Self, ReceiptBreach> {
        if receipt.rows != staged {
            return Err(ReceiptBreach::Rows { expected: staged, actual: receipt.rows });
        }
        if receipt.reference.len() > MAX_REFERENCE_BYTES {
            return Err(ReceiptBreach::TooLong { bytes: receipt.reference.len() });
        }
        Ok(Self { rows: receipt.rows, reference: receipt.reference })
    }
}

/// How many of the `rows` rows of a batch no finding names.
pub fn rows_without_finding(findings: &[Finding], rows: usize) -> usize {
    let mut named = BooleanBufferBuilder::new(rows);
    named.append_n(rows, false);
    // A row may be named by several findings.
    for &row in findings.iter().flat_map(|finding| &finding.rows) {
        named.set_bit(row as usize, true);
    }
    rows - named.finish().count_set_bits()
}
