//! How plugins fail: by their own word, by a mistake, by their limits.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Float64Array, StringArray};
use serde_json::json;
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::transformer::Transformer;

use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::{Around, Plugins};
use crate::tables::{ids, of_columns};

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    for at in ["bind", "open", "process", "finish"] {
        for kind in
            ["retryable", "retryable-after", "fatal", "bad-config", "bad-schema", "exception"]
        {
            cases.run(format!("fail/{at}/{kind}"), failed(plugins, at, kind)).await;
        }
    }
    cases.run("fail/and-go-on", goes_on(plugins)).await;
    for what in ["fuel", "memory", "stack"] {
        cases.run(format!("exhaust/{what}"), exhausted(plugins, what)).await;
    }
    let wrong: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
    cases
        .run(
            "bad-schema/type",
            refused(plugins, "even", of_columns(vec![("id", wrong.clone())]), "id"),
        )
        .await;
    cases
        .run(
            "bad-schema/missing",
            refused(plugins, "words", of_columns(vec![("id", wrong)]), "text"),
        )
        .await;
    let number: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
    cases
        .run(
            "bad-schema/words",
            refused(plugins, "words", of_columns(vec![("text", number)]), "text"),
        )
        .await;
}

/// Everything that is called on a transformer, in its order, until something fails.
async fn fault(transformer: &Transformer) -> Result<Fault, String> {
    let input = ids(10);
    let binding = match transformer.bind(input.schema()).await {
        Ok(binding) => Arc::new(binding),
        Err(fault) => return Ok(fault),
    };
    let mut open = match transformer.open(binding, 7).await {
        Ok(open) => open,
        Err(fault) => return Ok(fault),
    };
    if let Err(fault) = open.process(&input, 0).await {
        return Ok(fault);
    }
    open.finish().await.err().ok_or_else(|| "nothing fails".to_owned())
}

async fn failed(plugins: &Plugins, at: &str, kind: &str) -> Outcome {
    let around = Around::default();
    let config = json!({"case": "fail", "at": at, "kind": kind});
    let fault = fault(&plugins.transformer_in(config, &around)?).await?;
    equal("where it fails", fault.export().unwrap_or_default(), at)?;
    let retry = |after| Failure::Retryable { message: "try later".to_owned(), after };
    let expected = match kind {
        "retryable" => retry(None),
        "retryable-after" => retry(Some(Duration::from_millis(1500))),
        "fatal" => Failure::Fatal("no way".to_owned()),
        "bad-config" => {
            Failure::BadConfig { pointer: "/kind".to_owned(), message: "not this one".to_owned() }
        }
        "bad-schema" => {
            Failure::BadSchema { column: Some("id".to_owned()), message: "not this one".to_owned() }
        }
        _ => {
            // Its text is in the failure, or what was logged before it trapped.
            let logged = around.lines.all().iter().any(|line| line.message.contains("unexpected"));
            let is_said = fault.to_string().contains("unexpected") || logged;
            holds(is_said, || {
                format!("`unexpected` is neither said nor logged: {}", faulted(&fault))
            })?;
            let kinds = [FaultKind::Failure, FaultKind::Trap];
            return holds(kinds.contains(&fault.kind()), || format!("{:?}", fault.kind()));
        }
    };
    match fault {
        Fault::Failure { failure, .. } => equal("failure", failure, expected),
        other => Err(format!("no failure by its own word: {}", faulted(&other))),
    }
}

/// An instance whose call failed by its own word goes on.
async fn goes_on(plugins: &Plugins) -> Outcome {
    let transformer = plugins.transformer(json!({"case": "fail", "at": "finish"}))?;
    let input = ids(10);
    let binding =
        Arc::new(transformer.bind(input.schema()).await.map_err(|fault| faulted(&fault))?);
    let mut open = transformer.open(binding, 7).await.map_err(|fault| faulted(&fault))?;
    holds(open.finish().await.is_err(), || "`finish` does not fail".to_owned())?;
    let processed = open.process(&input, 0).await.map_err(|fault| faulted(&fault))?;
    equal("rows", processed.outputs[0].batch.num_rows(), 10)
}

async fn exhausted(plugins: &Plugins, what: &str) -> Outcome {
    let fault = fault(&plugins.transformer(json!({"case": "exhaust", "what": what}))?).await?;
    let allowed: &[FaultKind] = match what {
        // Whichever comes first.
        "fuel" => &[FaultKind::Fuel, FaultKind::Deadline],
        // Languages with exceptions for it may say so themselves.
        "memory" => &[FaultKind::Memory, FaultKind::Failure],
        // Or they use up something else on the way.
        _ => &[
            FaultKind::Stack,
            FaultKind::Failure,
            FaultKind::Trap,
            FaultKind::Memory,
            FaultKind::Fuel,
            FaultKind::Deadline,
        ],
    };
    holds(allowed.contains(&fault.kind()), || format!("{:?}: {}", fault.kind(), faulted(&fault)))
}

async fn refused(
    plugins: &Plugins,
    case: &str,
    input: arrow::array::RecordBatch,
    column: &str,
) -> Outcome {
    let transformer = plugins.transformer(json!({"case": case}))?;
    match transformer.bind(input.schema()).await {
        Err(Fault::Failure { failure: Failure::BadSchema { column: Some(named), .. }, .. }) => {
            equal("column", named.as_str(), column)
        }
        Err(fault) => Err(faulted(&fault)),
        Ok(_) => Err("it binds".to_owned()),
    }
}
