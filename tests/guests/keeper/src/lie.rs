//! What the loader can be told to lie about.

use wasmill_plugin_sdk::config;
use wasmill_plugin_sdk::loader::Receipt;

/// A lie.
#[config]
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Lie {
    /// Rejects a row that does not exist.
    Finding,
    /// Gives a receipt for one row more than was staged.
    ReceiptRows,
    /// Gives a receipt of a mebibyte, which the host would have to keep.
    ReceiptSize,
}

impl Lie {
    /// What becomes of an honest receipt.
    pub fn receipt(self, honest: Receipt) -> Receipt {
        match self {
            Self::Finding => honest,
            Self::ReceiptRows => Receipt { rows: honest.rows + 1, ..honest },
            Self::ReceiptSize => Receipt { reference: "x".repeat(1 << 20), ..honest },
        }
    }
}
