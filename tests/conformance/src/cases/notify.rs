//! Notifiers: events as requests, and which answers are failures.

use std::time::Duration;

use serde_json::{Value, json};
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::notifier::{Event, EventSeverity};

use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::Plugins;
use crate::server::Server;

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    cases.run("notify/posts", posted(plugins)).await;
    cases.run("notify/lowest", lowest(plugins)).await;
    cases.run("notify/answers", answers(plugins)).await;
    cases
        .run("notify/bind", async {
            let server = Server::answering(200, &[], "");
            plugins.notifier(json!({}), &server)?.bind().await.map_err(|fault| faulted(&fault))?;
            match plugins.notifier(json!({"connection": ""}), &server)?.bind().await {
                Err(Fault::Failure {
                    failure: Failure::BadConfig { pointer, message }, ..
                }) => equal(
                    "failure",
                    (pointer.as_str(), message.as_str()),
                    ("/connection", "is empty"),
                ),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
}

fn event(severity: EventSeverity) -> Event {
    Event {
        kind: "run.failed".to_owned(),
        severity,
        pipeline: "orders \"é\"".to_owned(),
        run: "r-1".to_owned(),
        dedup_key: "r-1/failed".to_owned(),
        time_ms: 1_767_225_600_123,
        summary: "it failed".to_owned(),
        details: r#"{"rows":{"in":3,"out":2.5},"error":null}"#.to_owned(),
    }
}

async fn posted(plugins: &Plugins) -> Outcome {
    let server = Server::answering(202, &[], "taken");
    let notifier = plugins.notifier(json!({}), &server)?;
    notifier.notify(&event(EventSeverity::Warning)).await.map_err(|fault| faulted(&fault))?;
    let requests = server.requests();
    let [request] = &requests[..] else { return Err(format!("{} requests", requests.len())) };
    equal("request", (request.method.as_str(), request.path.as_str()), ("POST", "/events"))?;
    let key = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"));
    equal("idempotency-key", key.map(|(_, value)| value.as_str()), Some("r-1/failed"))?;
    let body: Value = serde_json::from_slice(&request.body).map_err(|error| error.to_string())?;
    let expected = json!({
        "kind": "run.failed", "severity": "warning", "pipeline": "orders \"é\"", "run": "r-1", "time_ms": 1_767_225_600_123_u64,
        "summary": "it failed", "details": {"rows": {"in": 3, "out": 2.5}, "error": null},
    });
    equal("body", body, expected)
}

async fn lowest(plugins: &Plugins) -> Outcome {
    let server = Server::answering(200, &[], "");
    let notifier = plugins.notifier(json!({"lowest": "warning"}), &server)?;
    for severity in [EventSeverity::Info, EventSeverity::Warning, EventSeverity::Error] {
        notifier.notify(&event(severity)).await.map_err(|fault| faulted(&fault))?;
    }
    equal("requests", server.requests().len(), 2)
}

async fn answers(plugins: &Plugins) -> Outcome {
    for (status, headers, kind, after) in [
        (503, &[("retry-after", "7")][..], FaultKind::Retryable, Some(Duration::from_secs(7))),
        (500, &[], FaultKind::Retryable, None),
        (400, &[], FaultKind::Failure, None),
    ] {
        let notifier = plugins.notifier(json!({}), &Server::answering(status, headers, "no"))?;
        let Err(fault) = notifier.notify(&event(EventSeverity::Error)).await else {
            return Err(format!("{status} is no failure"));
        };
        holds(fault.kind() == kind, || format!("{status}: {}", faulted(&fault)))?;
        if let Fault::Failure { failure: Failure::Retryable { after: said, .. }, .. } = fault {
            equal("after", said, after)?;
        }
    }
    Ok(())
}
