//! Reads orders that are newer than those of the last run, from an API with pages:
//!
//! ```text
//! GET /orders/last                        {"id": 3}
//! GET /orders?after=0&until=3&limit=100   [{"id": 1, "amount": 9.5}, ...] by id
//! ```

use serde::Deserialize;
use serde_json::Value;
use wasmill_plugin_sdk::extractor::{CursorPosition, Extracted, Split, WritePlan};
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::prelude::*;

/// Reads new orders from an HTTP API, page after page.
#[config]
struct OrdersConfig {
    /// The connection to the API. The pipeline file says where it leads, and grants it.
    connection: String,
    /// How many orders a page has at most.
    #[serde(default = "hundred")]
    #[schemars(range(min = 1))]
    page_rows: usize,
}

fn hundred() -> usize {
    100
}

#[derive(Deserialize)]
struct Order {
    id: i64,
    amount: Option<f64>,
}

#[derive(Deserialize)]
struct Last {
    id: i64,
}

struct Orders {
    api: Connection,
    page_rows: usize,
    id: Output<i64>,
    amount: Output<f64>,
    /// The split in hand: orders behind this one,
    after: i64,
    /// up to this one.
    until: i64,
}

impl Extractor for Orders {
    type Config = OrdersConfig;

    fn bind(config: OrdersConfig, plan: &mut WritePlan) -> Result<Self> {
        let api = Connection::named(config.connection);
        let (id, amount) = (plan.write_required("id"), plan.write("amount"));
        Ok(Self {
            api,
            page_rows: config.page_rows,
            id,
            amount,
            after: 0,
            until: 0,
        })
    }

    // Called once in a run. A split may be read again after a failure, and must then have the same rows: so it says where it ends.
    fn plan(&mut self, cursors: &[CursorPosition]) -> Result<Vec<Split>> {
        let after = cursors
            .first()
            .map_or("0", |cursor| cursor.position.as_str());
        // `successful` makes errors of statuses: 429 and 5xx are tried again, as the pipeline's retry policy says.
        let body = self.api.get("/orders/last").send()?.successful()?.body;
        let last: Last = serde_json::from_slice(&body)?;
        log::info!("reading orders from {after} to {}", last.id);
        let (id, descriptor) = ("orders".to_owned(), format!("{after} {}", last.id));
        Ok(vec![Split {
            id,
            descriptor,
            rows: None,
            bytes: None,
        }])
    }

    fn open(&mut self, split: &Split) -> Result<()> {
        let ends = split.descriptor.split_once(' ');
        let (after, until) = ends.ok_or_else(|| Error::fatal("this is no descriptor of `plan`"))?;
        (self.after, self.until) = (after.parse()?, until.parse()?);
        Ok(())
    }

    fn next(&mut self, max_rows: usize, out: &mut Extracted) -> Result<bool> {
        if self.after >= self.until {
            return Ok(false);
        }
        let limit = max_rows.min(self.page_rows);
        let path = format!(
            "/orders?after={}&until={}&limit={limit}",
            self.after, self.until
        );
        let body = self.api.get(&path).send()?.successful()?.body;
        let page: Vec<Value> = serde_json::from_slice(&body)?;
        // Where a page ends is in its last record, so that one must at least have an id.
        let Some(last) = page.last() else {
            return Ok(false);
        };
        self.after = last["id"]
            .as_i64()
            .ok_or_else(|| Error::fatal("the page's last order has no id"))?;

        let (mut ids, mut amounts) = (Vec::new(), Vec::new());
        for record in page {
            match Order::deserialize(&record) {
                Ok(order) => {
                    ids.push(order.id);
                    amounts.push(order.amount);
                }
                // A record that is no row goes to the quarantine as it came, with the place where it was found.
                Err(error) => {
                    out.reject(
                        &path,
                        record.to_string().as_bytes(),
                        "no-order",
                        &error.to_string(),
                    );
                }
            }
        }
        out.set(self.id, ids.into());
        out.set(self.amount, amounts.into_iter().collect());
        Ok(true)
    }

    // Stored once the run has succeeded, and given to the next one.
    fn cursor(&mut self) -> Result<Option<String>> {
        Ok(Some(self.until.to_string()))
    }
}

extractor!(Orders);
