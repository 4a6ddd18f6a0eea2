//! Makes synthetic orders with labelled dirt: test data of any size whose mistakes are known.
//!
//! Every row is a pure function of the seed and the row's number ([`random`]). So a split is a range of
//! rows that any instance can write, and the rows are the same however many splits there are.
//!
//! ```text
//!   row number ──▶ Order: what the row says ──▶ Damage: what is wrong with it ──▶ columns
//!                  (order.rs, customer.rs)      (damage.rs)                       (columns.rs)
//! ```
//!
//! The last column, `dirt`, names what was done to a row, so a pipeline that cleans the others can be scored.

mod calendar;
mod columns;
mod config;
mod customer;
mod damage;
mod digits;
mod mojibake;
mod order;
mod random;
mod row;
mod split;

use wasmill_plugin_sdk::extractor::{CursorPosition, Extracted, Split, WritePlan};
use wasmill_plugin_sdk::prelude::*;

use crate::columns::{Columns, Outputs};
use crate::config::GeneratorConfig;
use crate::row::RowMaker;

struct Generator {
    rows: u64,
    splits: u32,
    maker: RowMaker,
    outputs: Outputs,
    /// The rows of the open split that are still to be written.
    remaining: std::ops::Range<u64>,
}

impl Extractor for Generator {
    type Config = GeneratorConfig;

    fn bind(config: GeneratorConfig, plan: &mut WritePlan) -> Result<Self> {
        config.check()?;
        Ok(Self {
            rows: config.rows,
            splits: config.splits,
            maker: RowMaker::new(&config)?,
            outputs: Outputs::declare(plan, config.typed),
            remaining: 0..0,
        })
    }

    fn plan(&mut self, _cursors: &[CursorPosition]) -> Result<Vec<Split>> {
        Ok(split::plan(self.rows, self.splits))
    }

    fn open(&mut self, split: &Split) -> Result<()> {
        self.remaining = split::range(&split.descriptor, self.rows)?;
        Ok(())
    }

    fn next(&mut self, max_rows: usize, out: &mut Extracted) -> Result<bool> {
        if self.remaining.is_empty() {
            return Ok(false);
        }
        let end = self.remaining.end.min(self.remaining.start.saturating_add(max_rows as u64));
        let rows = self.remaining.start..end;
        self.remaining.start = end;
        let mut columns = Columns::new(&self.outputs, (end - rows.start) as usize);
        for number in rows {
            columns.push(&self.maker.row(number), &self.maker);
        }
        columns.set(out);
        Ok(true)
    }
}

extractor!(Generator);
