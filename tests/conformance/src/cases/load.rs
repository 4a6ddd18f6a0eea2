//! Loaders: rows staged, refused, committed, given up; by requests over a connection.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::json;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::fault::FaultKind;
use wasmill_sandbox::loader::{Attempt, Receipt};

use super::WAYS;
use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::Plugins;
use crate::server::Server;
use crate::tables::of_columns;

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    for way in WAYS {
        cases.run(format!("load/{way}"), loaded(plugins, way)).await;
    }
    cases.run("load/commit-and-abort", ended(plugins)).await;
    cases.run("load/unavailable", unavailable(plugins)).await;
}

fn rows(ids: Vec<Option<i64>>, names: Vec<Option<&str>>) -> RecordBatch {
    let columns: [ArrayRef; 2] =
        [Arc::new(Int64Array::from(ids)), Arc::new(StringArray::from(names))];
    let [id, name] = columns;
    of_columns(vec![("id", id), ("name", name)])
}

async fn loaded(plugins: &Plugins, way: &str) -> Outcome {
    let server = Server::answering(204, &[], "");
    let loader = plugins.loader(json!({"way": way}), &server)?;
    let input = rows(
        vec![Some(1), None, Some(3), Some(4)],
        vec![Some("one"), Some("none"), None, Some("vier 🦀")],
    );
    let binding = loader.bind(input.schema()).await.map_err(|fault| faulted(&fault))?;
    let attempt = Attempt { run: "r".to_owned(), split: "s".to_owned(), attempt: "a-1".to_owned() };
    let mut open =
        loader.open(Arc::new(binding), &attempt, 7).await.map_err(|fault| faulted(&fault))?;
    let refused = open.write(&input, 0).await.map_err(|fault| faulted(&fault))?;
    let expected = Finding {
        rows: vec![1],
        rule: "null-id".to_owned(),
        column: Some("id".to_owned()),
        message: "an id is needed".to_owned(),
    };
    equal("refused", refused, vec![expected])?;
    let refused = open.write(&input.slice(2, 1), 4).await.map_err(|fault| faulted(&fault))?;
    equal("refused", refused.len(), 0)?;
    let receipt = open.finish().await.map_err(|fault| faulted(&fault))?;
    equal("receipt", receipt, Receipt { rows: 4, reference: "/staged/a-1".to_owned() })?;
    let expected = ["PUT /staged/a-1/0 1 one\n3 -\n4 vier 🦀\n", "PUT /staged/a-1/1 3 -\n"];
    equal("requests", server.lines(), expected.map(str::to_owned).to_vec())
}

async fn ended(plugins: &Plugins) -> Outcome {
    let server = Server::answering(200, &[], "");
    let loader = plugins.loader(json!({}), &server)?;
    let receipt = |reference: &str, rows| Receipt { rows, reference: reference.to_owned() };
    let receipts = [receipt("/staged/a", 3), receipt("/staged/b", 0)];
    loader.commit("run-1", &receipts).await.map_err(|fault| faulted(&fault))?;
    loader.abort("run-1", &receipts).await.map_err(|fault| faulted(&fault))?;
    loader.commit("run-2", &[]).await.map_err(|fault| faulted(&fault))?;
    let expected = [
        "PUT /committed/run-1 /staged/a 3\n/staged/b 0\n",
        "DELETE /staged/a ",
        "DELETE /staged/b ",
        "PUT /committed/run-2 ",
    ];
    equal("requests", server.lines(), expected.map(str::to_owned).to_vec())
}

async fn unavailable(plugins: &Plugins) -> Outcome {
    let loader = plugins.loader(json!({}), &Server::answering(503, &[], ""))?;
    match loader.commit("run-1", &[]).await {
        Ok(()) => Err("a commit that nobody took succeeds".to_owned()),
        Err(fault) => holds(fault.kind() == FaultKind::Retryable, || faulted(&fault)),
    }
}
