//! JSON log lines in, typed columns out: parsed, filtered, reshaped, as a plugin.
//!
//! How a line is read is in [`line`], which the native subject of the benchmark has too. Here is what is the plugin's own:
//! columns of the SDK, and rows that are put aside.

mod line;

use wasmill_plugin_sdk::prelude::*;

use crate::line::{Fields, Parser, Upper};

/// How lines are read.
#[config]
struct LogsConfig {
    /// `by_blocks` or `serde_json`.
    parser: String,
}

struct Logs {
    parser: Parser,
    line: Input<str>,
    timestamp: Output<i64>,
    level: Output<str>,
    service: Output<str>,
    status: Output<i32>,
    latency_ms: Output<f64>,
    message: Output<str>,
}

/// The columns that are made, of the rows that go on.
struct Columns {
    rows: Vec<u32>,
    timestamp: Vec<i64>,
    level: NewColumn<str>,
    service: NewColumn<str>,
    status: Vec<i32>,
    latency_ms: Vec<f64>,
    message: NewColumn<str>,
    upper: Upper,
}

impl Columns {
    fn with_capacity(rows: usize) -> Self {
        Self {
            rows: Vec::with_capacity(rows),
            timestamp: Vec::with_capacity(rows),
            level: NewColumn::with_capacity(rows),
            service: NewColumn::with_capacity(rows),
            status: Vec::with_capacity(rows),
            latency_ms: Vec::with_capacity(rows),
            message: NewColumn::with_capacity(rows),
            upper: Upper::default(),
        }
    }

    #[inline]
    fn push(&mut self, row: usize, fields: &Fields<'_>) {
        if fields.level == "debug" {
            return;
        }
        self.rows.push(row as u32);
        self.timestamp.push(fields.timestamp);
        self.level.push(fields.level);
        self.service.push(self.upper.of(fields.service));
        self.status.push(fields.status);
        self.latency_ms.push(fields.latency_ms);
        self.message.push(fields.message);
    }
}

impl Transformer for Logs {
    type Config = LogsConfig;

    fn bind(config: LogsConfig, plan: &mut Plan) -> Result<Self> {
        let parser = match config.parser.as_str() {
            "by_blocks" => Parser::ByBlocks,
            "serde_json" => Parser::SerdeJson,
            _ => return Err(Error::bad_config("/parser", "there is no such parser")),
        };
        plan.drop_all();
        Ok(Self {
            parser,
            line: plan.read("line")?,
            timestamp: plan.write("timestamp"),
            level: plan.write("level"),
            service: plan.write("service"),
            status: plan.write("status"),
            latency_ms: plan.write("latency_ms"),
            message: plan.write("message"),
        })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let lines = batch.column(self.line);
        let mut columns = Columns::with_capacity(batch.rows());
        let lines = (0..lines.len()).map(|row| lines.get(row).unwrap_or_default());
        self.parser.read(
            lines,
            |row, fields| columns.push(row, fields),
            |row, problem| out.reject_column(row, "line", "bad-line", problem),
        );
        out.set(self.timestamp, columns.timestamp.into());
        out.set(self.level, columns.level);
        out.set(self.service, columns.service);
        out.set(self.status, columns.status.into());
        out.set(self.latency_ms, columns.latency_ms.into());
        out.set(self.message, columns.message);
        out.take(columns.rows);
        Ok(())
    }
}

transformer!(Logs);
