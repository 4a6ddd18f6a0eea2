//! The body: the event as JSON.

use serde::Serialize;
use serde_json::value::RawValue;
use wasmill_plugin_sdk::notifier::{Event, Severity};
use wasmill_plugin_sdk::prelude::*;

use crate::utc;

/// What a receiver gets. Keys may be added, so receivers must ignore those that they do not know.
#[derive(Serialize)]
struct Payload<'a> {
    /// The same for each delivery of the same event.
    id: &'a str,
    kind: &'a str,
    severity: &'static str,
    pipeline: &'a str,
    run: &'a str,
    /// When it happened (RFC 3339).
    at: String,
    summary: &'a str,
    details: &'a RawValue,
}

/// The bytes to send. The same event gives the same bytes.
///
/// # Errors
///
/// [`Error::Fatal`] where the event's details are no JSON.
pub fn body(event: &Event) -> Result<Vec<u8>> {
    let details = serde_json::from_str(&event.details).map_err(|error| {
        Error::fatal(format!("the details of the event `{}` are no JSON: {error}", event.dedup_key))
    })?;
    let payload = Payload {
        id: &event.dedup_key,
        kind: &event.kind,
        severity: match event.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        pipeline: &event.pipeline,
        run: &event.run,
        at: utc::timestamp(event.time_ms),
        summary: &event.summary,
        details,
    };
    Ok(serde_json::to_vec(&payload)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(details: &str) -> Event {
        Event {
            kind: "run.failed".to_owned(),
            severity: Severity::Error,
            pipeline: "orders".to_owned(),
            run: "run-17".to_owned(),
            dedup_key: "run-17/run.failed".to_owned(),
            time_ms: 1_767_191_400_250,
            summary: "the step \"clean\" trapped".to_owned(),
            details: details.to_owned(),
        }
    }

    #[test]
    fn an_event_is_one_object() {
        let body = body(&event(r#"{"step": "clean", "rows": 12345678901234567890}"#)).unwrap();
        assert_eq!(
            str::from_utf8(&body).unwrap(),
            concat!(
                r#"{"id":"run-17/run.failed","kind":"run.failed","severity":"error","#,
                r#""pipeline":"orders","run":"run-17","at":"2025-12-31T14:30:00.250Z","#,
                r#""summary":"the step \"clean\" trapped","#,
                r#""details":{"step": "clean", "rows": 12345678901234567890}}"#
            )
        );
    }

    #[test]
    fn details_that_are_no_json_are_told() {
        for details in ["", "{", "{} {}"] {
            let Err(Error::Fatal(message)) = body(&event(details)) else {
                panic!("{details} is no JSON");
            };
            assert!(message.contains("the details of the event `run-17/run.failed`"), "{message}");
        }
    }
}
