//! A loader that attacks its host: `{ "attack": NAME }`, one attack a file. What others can do too is in
//! `hostile-anywhere`.

mod attack;
mod honest;

mod read_missing;
mod receipt_long;
mod receipt_rows;
mod receipt_short;
mod refuse_flood;
mod refuse_nothing;
mod refuse_out_of_range;
mod refuse_unordered;

use std::cell::Cell;

use hostile_anywhere::order::{lie, order};
use hostile_anywhere::{OrderConfig, strike};
use wasmill_plugin_sdk::bindings::load::{Attempt, Binding, Guest, Receipt};
use wasmill_plugin_sdk::bindings::types::{Batch, Descriptor, Failure, Finding, Schema};

use crate::attack::Attack;

/// The export that does the work.
const WORK: &str = "write";

thread_local! {
    static STAGED: Cell<u64> = const { Cell::new(0) };
}

struct Hostile;

impl Guest for Hostile {
    fn describe() -> Descriptor {
        // There is no way to fail here.
        drop(strike("describe", WORK));
        wasmill_plugin_sdk::__describe!(OrderConfig)
    }

    fn bind(_config: String, _input: Schema) -> Result<Binding, Failure> {
        strike("bind", WORK)?;
        let binding = honest::binding();
        Ok(match lie()? {
            Attack::ReadMissing => read_missing::lie(binding),
            _ => binding,
        })
    }

    fn open(_config: String, _input: Schema, _attempt: Attempt) -> Result<(), Failure> {
        strike("open", WORK)
    }

    fn write(batch: Batch) -> Result<Vec<Finding>, Failure> {
        strike("write", WORK)?;
        STAGED.set(STAGED.get() + u64::from(batch.rows));
        Ok(match lie()? {
            Attack::RefuseFlood => refuse_flood::lie(order()),
            Attack::RefuseNothing => refuse_nothing::lie(),
            Attack::RefuseOutOfRange => refuse_out_of_range::lie(),
            Attack::RefuseUnordered => refuse_unordered::lie(),
            _ => Vec::new(),
        })
    }

    fn finish() -> Result<Receipt, Failure> {
        strike("finish", WORK)?;
        let receipt = Receipt { rows: STAGED.get(), reference: "nowhere".to_owned() };
        Ok(match lie()? {
            Attack::ReceiptLong => receipt_long::lie(receipt, order()),
            Attack::ReceiptRows => receipt_rows::lie(receipt),
            Attack::ReceiptShort => receipt_short::lie(receipt),
            _ => receipt,
        })
    }

    fn commit(_config: String, _run: String, _receipts: Vec<Receipt>) -> Result<(), Failure> {
        strike("commit", WORK)
    }

    fn abort(_config: String, _run: String, _receipts: Vec<Receipt>) -> Result<(), Failure> {
        strike("abort", WORK)
    }
}

wasmill_plugin_sdk::bindings::loader::export_loader!(
    Hostile with_types_in wasmill_plugin_sdk::bindings::loader
);
