//! The notifier of the conformance suite: posts events that are severe enough.

use serde_json::{Value, json};
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::notifier::{Event, Severity};
use wasmill_plugin_sdk::prelude::*;

#[config]
struct ConformanceConfig {
    /// The connection to the server.
    #[serde(default = "server")]
    connection: String,
    /// The least severe events that are posted.
    #[serde(default)]
    lowest: Lowest,
}

#[config]
#[derive(Copy, PartialEq, PartialOrd, Default)]
#[serde(rename_all = "lowercase")]
enum Lowest {
    #[default]
    Info,
    Warning,
    Error,
}

fn server() -> String {
    "server".to_owned()
}

struct Conformance {
    config: ConformanceConfig,
}

impl Notifier for Conformance {
    type Config = ConformanceConfig;

    fn bind(config: ConformanceConfig) -> Result<Self> {
        if config.connection.is_empty() {
            return Err(Error::bad_config("/connection", "is empty"));
        }
        Ok(Self { config })
    }

    fn notify(&mut self, event: &Event) -> Result<()> {
        let (severity, name) = match event.severity {
            Severity::Info => (Lowest::Info, "info"),
            Severity::Warning => (Lowest::Warning, "warning"),
            Severity::Error => (Lowest::Error, "error"),
        };
        if severity < self.config.lowest {
            return Ok(());
        }
        let details: Value = serde_json::from_str(&event.details)?;
        let body = json!({
            "kind": event.kind,
            "severity": name,
            "pipeline": event.pipeline,
            "run": event.run,
            "time_ms": event.time_ms,
            "summary": event.summary,
            "details": details,
        });
        let request = Connection::named(&self.config.connection).post("/events");
        let request = request.header("idempotency-key", &event.dedup_key);
        let request = request.header("content-type", "application/json").body(body.to_string());
        request.send()?.successful().map(drop)
    }
}

notifier!(Conformance);
