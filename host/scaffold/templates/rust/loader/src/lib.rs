//! Stores orders in an API that keeps batches aside until they are committed:
//!
//! ```text
//! POST /staged    [{"id": 1, "amount": 9.5}, ...]    201 {"id": 7}
//! POST /commits   {"staged": [7, 8]}                 once for each idempotency key
//! DELETE /staged/7
//! ```

use serde::{Deserialize, Serialize};
use serde_json::json;
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::loader::{Attempt, Receipt, Rejected};
use wasmill_plugin_sdk::prelude::*;

/// Stores orders in an HTTP API, all of a run at once.
#[config]
struct StoreConfig {
    /// The connection to the API. The pipeline file says where it leads, and grants it.
    connection: String,
}

#[derive(Deserialize, Serialize)]
struct Order {
    id: Option<i64>,
    amount: Option<f64>,
}

#[derive(Deserialize)]
struct Staged {
    id: u64,
}

struct Store {
    api: Connection,
    staged: Vec<u64>,
    rows: u64,
}

impl Loader for Store {
    type Config = StoreConfig;

    fn bind(config: StoreConfig, plan: &mut ReadPlan) -> Result<Self> {
        // Rows, not columns: slower, and shorter where each row becomes JSON anyway.
        plan.as_records();
        plan.read::<i64>("id")?;
        plan.read::<f64>("amount")?;
        Ok(Self {
            api: Connection::named(config.connection),
            staged: Vec::new(),
            rows: 0,
        })
    }

    fn open(&mut self, attempt: &Attempt) -> Result<()> {
        log::debug!("attempt {} at split {}", attempt.attempt, attempt.split);
        Ok(())
    }

    // What is written must stay invisible until `commit`: this attempt may yet fail, and another one be made.
    fn write(&mut self, batch: &Batch, rejected: &mut Rejected) -> Result<()> {
        let mut orders = Vec::new();
        for (row, order) in batch.records::<Order>()?.into_iter().enumerate() {
            match order.id {
                Some(_) => orders.push(order),
                None => rejected.reject(row, "no-id", Some("id"), "the API needs an id"),
            }
        }
        if orders.is_empty() {
            return Ok(());
        }
        let request = self
            .api
            .post("/staged")
            .header("content-type", "application/json");
        let response = request
            .body(serde_json::to_vec(&orders)?)
            .send()?
            .successful()?;
        self.staged
            .push(serde_json::from_slice::<Staged>(&response.body)?.id);
        self.rows += orders.len() as u64;
        Ok(())
    }

    // The receipt is all that `commit` will know of this attempt.
    fn finish(&mut self) -> Result<Receipt> {
        Ok(Receipt {
            rows: self.rows,
            reference: serde_json::to_string(&self.staged)?,
        })
    }

    // On a fresh instance, and perhaps twice after a crash: the key makes sure that the second time changes nothing.
    fn commit(config: StoreConfig, run: &str, receipts: &[Receipt]) -> Result<()> {
        let request = Connection::named(config.connection).post("/commits");
        let request = request.header("content-type", "application/json");
        let body = json!({ "staged": staged(receipts)? }).to_string();
        request
            .header("idempotency-key", run)
            .body(body)
            .send()?
            .successful()
            .map(drop)
    }

    // After a run that failed. What is not there any more is no error.
    fn abort(config: StoreConfig, _run: &str, receipts: &[Receipt]) -> Result<()> {
        let api = Connection::named(config.connection);
        for id in staged(receipts)? {
            let response = api.request("DELETE", &format!("/staged/{id}")).send()?;
            if response.status != 404 {
                response.successful()?;
            }
        }
        Ok(())
    }
}

/// The batches that receipts speak of.
fn staged(receipts: &[Receipt]) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for receipt in receipts {
        all.extend(serde_json::from_str::<Vec<u64>>(&receipt.reference)?);
    }
    Ok(all)
}

loader!(Store);
