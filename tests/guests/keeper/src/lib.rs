//! A loader that keeps what it is given in a key-value store behind HTTP, to test the world `loader`.
//!
//! ```text
//!   write   PUT /staged/ATTEMPT/0, 1, …   one object for each batch, a line for each row
//!   commit  PUT /committed/RUN            the staged objects that count: all of them become visible at once
//!   abort   DELETE /staged/ATTEMPT/0, 1, …
//! ```
//!
//! Readers of the store see the staged objects that a committed list names, and no others. Writing the
//! same list twice changes nothing, so a commit can be repeated.

mod lie;
mod staging;
mod store;

use wasmill_plugin_sdk::loader::{Attempt, Receipt, Rejected};
use wasmill_plugin_sdk::prelude::*;

use crate::lie::Lie;
use crate::staging::Staging;
use crate::store::Store;

/// Where to keep rows.
#[config]
struct KeeperConfig {
    /// The connection to the store.
    store: String,
    /// What to lie about; nothing by default.
    lie: Option<Lie>,
}

struct Keeper {
    store: Store,
    lie: Option<Lie>,
    id: Input<i64>,
    name: Input<str>,
    staging: Staging,
    rows: u64,
}

impl Loader for Keeper {
    type Config = KeeperConfig;

    fn bind(config: KeeperConfig, plan: &mut ReadPlan) -> Result<Self> {
        Ok(Self {
            store: Store::new(&config.store),
            lie: config.lie,
            id: plan.read("id")?,
            name: plan.read("name")?,
            staging: Staging::default(),
            rows: 0,
        })
    }

    fn open(&mut self, attempt: &Attempt) -> Result<()> {
        self.staging = Staging::new(&attempt.attempt);
        Ok(())
    }

    fn write(&mut self, batch: &Batch, rejected: &mut Rejected) -> Result<()> {
        let (ids, names) = (batch.column(self.id), batch.column(self.name));
        let mut lines = String::new();
        let mut rows = 0;
        for row in 0..batch.rows() {
            match ids.get(row) {
                Some(id) if id >= 0 => {
                    lines.push_str(&format!("{id} {}\n", names.get(row).unwrap_or("-")));
                    rows += 1;
                }
                _ => {
                    let message = "the store takes ids from 0";
                    rejected.reject(row, "bad-id", Some("id"), message);
                }
            }
        }
        if self.lie == Some(Lie::Finding) {
            rejected.reject(batch.rows(), "made-up", None, "there is no such row");
        }
        self.store.put(&self.staging.next_key(), lines)?;
        // Counted only now: a write that fails and is repeated counts once.
        self.staging.advance();
        self.rows += rows;
        Ok(())
    }

    fn finish(&mut self) -> Result<Receipt> {
        let honest = Receipt { rows: self.rows, reference: self.staging.reference() };
        Ok(self.lie.map_or(honest.clone(), |lie| lie.receipt(honest)))
    }

    fn commit(config: KeeperConfig, run: &str, receipts: &[Receipt]) -> Result<()> {
        let mut list = String::new();
        for receipt in receipts {
            for key in Staging::from_reference(&receipt.reference)?.keys() {
                list.push_str(&key);
                list.push('\n');
            }
        }
        Store::new(&config.store).put(&format!("/committed/{run}"), list)
    }

    fn abort(config: KeeperConfig, _run: &str, receipts: &[Receipt]) -> Result<()> {
        let store = Store::new(&config.store);
        for receipt in receipts {
            for key in Staging::from_reference(&receipt.reference)?.keys() {
                store.delete(&key)?;
            }
        }
        Ok(())
    }
}

loader!(Keeper);
