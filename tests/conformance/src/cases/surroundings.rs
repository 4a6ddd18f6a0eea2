//! What a plugin finds around itself: logging, clocks and randomness, HTTP over connections.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use serde_json::json;
use std::sync::Arc;
use wasmill_sandbox::capability::log::Level;

use super::{config, made};
use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::{Around, Plugins};
use crate::server::Server;
use crate::tables::ids;

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    cases.run("log", logged(plugins)).await;
    cases.run("time", time(plugins)).await;
    for (status, body) in [(200, "héllo"), (404, "not here")] {
        cases.run(format!("http/{status}"), http(plugins, status, body)).await;
    }
    cases.run("http/not-granted", not_granted(plugins)).await;
}

async fn logged(plugins: &Plugins) -> Outcome {
    let around = Around::default();
    let transformer = plugins.transformer_in(config("log", "columns"), &around)?;
    made(&transformer, &[ids(2)]).await?;
    let lines = around.lines.all();
    for (level, name) in [
        (Level::Debug, "debug"),
        (Level::Info, "info"),
        (Level::Warn, "warn"),
        (Level::Error, "error"),
    ] {
        let text = format!("said at {name}");
        let found: Vec<Level> = lines
            .iter()
            .filter(|line| line.message.contains(&text))
            .map(|line| line.level)
            .collect();
        equal(&format!("levels of `{text}`"), found, vec![level])?;
    }
    let printed = lines.iter().filter(|line| line.message.trim() == "printed").count();
    equal("lines `printed`", printed, 1)
}

/// The clock and randomness are virtual: the same batch gives the same values on another instance, another seed other ones.
async fn time(plugins: &Plugins) -> Outcome {
    let transformer = plugins.transformer(config("time", "columns"))?;
    let mut seen = Vec::new();
    for seed in [1, 1, 2] {
        let input = ids(3);
        let binding =
            Arc::new(transformer.bind(input.schema()).await.map_err(|fault| faulted(&fault))?);
        let mut open = transformer.open(binding, seed).await.map_err(|fault| faulted(&fault))?;
        let processed = open.process(&input, 0).await.map_err(|fault| faulted(&fault))?;
        let batch = &processed.outputs[0].batch;
        let value = |name: &str| -> Result<i64, String> {
            let column = batch.column_by_name(name).ok_or(format!("no column `{name}`"))?;
            let values = column
                .as_primitive_opt::<Int64Type>()
                .ok_or(format!("`{name}` is no int64"))?
                .values();
            holds(values.iter().all(|value| *value == values[0]), || {
                format!("`{name}` differs from row to row")
            })?;
            Ok(values[0])
        };
        seen.push((value("now")?, value("random")?));
    }
    equal("a repeat", seen[1], seen[0])?;
    holds(seen[2].1 != seen[0].1, || "another seed gives the same random number".to_owned())?;
    // The virtual clock of this test starts in 1970, and goes on by little.
    holds((0..60_000).contains(&seen[0].0), || format!("now is {}", seen[0].0))?;
    holds((0..1 << 31).contains(&seen[0].1), || format!("random is {}", seen[0].1))
}

async fn http(plugins: &Plugins, status: u16, body: &str) -> Outcome {
    let server = Server::answering(status, &[("content-type", "text/plain; charset=utf-8")], body);
    let around = Around { server: Some(server.clone()), ..Around::default() };
    let transformer = plugins.transformer_in(config("http", "columns"), &around)?;
    let made = made(&transformer, &[ids(2)]).await?;
    let requests = server.requests();
    equal("requests", requests.len(), 1)?;
    equal("method", requests[0].method.as_str(), "GET")?;
    equal("path", requests[0].path.as_str(), "/conformance?q=1")?;
    let asked = requests[0].headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-asked"));
    equal("header x-asked", asked.map(|(_, value)| value.as_str()), Some("yes"))?;
    let batch: &RecordBatch = &made.batches[0];
    let answered = batch
        .column_by_name("status")
        .ok_or("no column `status`")?
        .as_primitive::<Int64Type>()
        .value(1);
    equal("status", answered, i64::from(status))?;
    equal(
        "body",
        batch.column_by_name("body").ok_or("no column `body`")?.as_string::<i32>().value(1),
        body,
    )
}

async fn not_granted(plugins: &Plugins) -> Outcome {
    let around = Around { server: Some(Server::answering(200, &[], "")), ..Around::default() };
    let transformer =
        plugins.transformer_in(json!({"case": "http", "connection": "elsewhere"}), &around)?;
    match made(&transformer, &[ids(2)]).await {
        Ok(_) => Err("a connection that was not granted answers".to_owned()),
        Err(message) => holds(message.contains("elsewhere"), || {
            format!("the connection is not named: {message}")
        }),
    }
}
