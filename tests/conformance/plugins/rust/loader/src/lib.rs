//! The loader of the conformance suite: lines of rows, put over HTTP.

use serde::Deserialize;
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::loader::{Attempt, Receipt, Rejected};
use wasmill_plugin_sdk::prelude::*;

#[config]
struct ConformanceConfig {
    /// The connection to the server.
    #[serde(default = "server")]
    connection: String,
    #[serde(default)]
    way: Way,
}

#[config]
#[derive(Copy, PartialEq, Default)]
#[serde(rename_all = "lowercase")]
enum Way {
    #[default]
    Columns,
    Rows,
}

fn server() -> String {
    "server".to_owned()
}

#[derive(Deserialize)]
struct Row {
    id: Option<i64>,
    name: Option<String>,
}

struct Conformance {
    config: ConformanceConfig,
    id: Input<i64>,
    name: Input<str>,
    folder: String,
    batches: u64,
    rows: u64,
}

impl Loader for Conformance {
    type Config = ConformanceConfig;

    fn bind(config: ConformanceConfig, plan: &mut ReadPlan) -> Result<Self> {
        if config.way == Way::Rows {
            plan.as_records();
        }
        let (id, name) = (plan.read("id")?, plan.read("name")?);
        Ok(Self { config, id, name, folder: String::new(), batches: 0, rows: 0 })
    }

    fn open(&mut self, attempt: &Attempt) -> Result<()> {
        self.folder = format!("/staged/{}", attempt.attempt);
        Ok(())
    }

    fn write(&mut self, batch: &Batch, rejected: &mut Rejected) -> Result<()> {
        let rows: Vec<Row> = match self.config.way {
            Way::Columns => {
                let names = batch.column(self.name);
                let ids = batch.column(self.id);
                let rows = ids.iter().zip(names.iter());
                rows.map(|(id, name)| Row { id, name: name.map(str::to_owned) }).collect()
            }
            Way::Rows => batch.records()?,
        };
        let mut lines = String::new();
        for (row, Row { id, name }) in rows.iter().enumerate() {
            match id {
                Some(id) => {
                    lines.push_str(&format!("{id} {}\n", name.as_deref().unwrap_or("-")));
                    self.rows += 1;
                }
                None => rejected.reject(row, "null-id", Some("id"), "an id is needed"),
            }
        }
        let path = format!("{}/{}", self.folder, self.batches);
        self.batches += 1;
        let server = Connection::named(&self.config.connection);
        server.request("PUT", &path).body(lines).send()?.successful().map(drop)
    }

    fn finish(&mut self) -> Result<Receipt> {
        Ok(Receipt { rows: self.rows, reference: self.folder.clone() })
    }

    fn commit(config: ConformanceConfig, run: &str, receipts: &[Receipt]) -> Result<()> {
        let line = |receipt: &Receipt| format!("{} {}\n", receipt.reference, receipt.rows);
        let lines: String = receipts.iter().map(line).collect();
        let server = Connection::named(config.connection);
        server
            .request("PUT", &format!("/committed/{run}"))
            .body(lines)
            .send()?
            .successful()
            .map(drop)
    }

    fn abort(config: ConformanceConfig, _run: &str, receipts: &[Receipt]) -> Result<()> {
        let server = Connection::named(config.connection);
        receipts.iter().try_for_each(|receipt| {
            server.request("DELETE", &receipt.reference).send()?.successful().map(drop)
        })
    }
}

loader!(Conformance);
