//! Posts events to a chat, as `POST /messages {"text": "..."}`.

use serde_json::json;
use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::notifier::{Event, Severity};
use wasmill_plugin_sdk::prelude::*;

/// Posts events of pipelines to a chat.
#[config]
struct ChatConfig {
    /// The connection to the chat. The pipeline file says where it leads, and grants it.
    connection: String,
    /// Events that are less severe are not posted.
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

struct Chat {
    config: ChatConfig,
}

impl Notifier for Chat {
    type Config = ChatConfig;

    // Called to check a pipeline too: it must not notify anybody.
    fn bind(config: ChatConfig) -> Result<Self> {
        // What a JSON Schema cannot say, `bind` says, with the place in the configuration.
        if config.connection.is_empty() {
            return Err(Error::bad_config(
                "/connection",
                "is empty: name a connection of the pipeline",
            ));
        }
        Ok(Self { config })
    }

    fn notify(&mut self, event: &Event) -> Result<()> {
        let (severity, word) = match event.severity {
            Severity::Info => (Lowest::Info, "info"),
            Severity::Warning => (Lowest::Warning, "warning"),
            Severity::Error => (Lowest::Error, "error"),
        };
        if severity < self.config.lowest {
            log::debug!("{} is not severe enough to be posted", event.kind);
            return Ok(());
        }
        let text = format!("[{word}] {}", event.summary);
        let request = Connection::named(&self.config.connection).post("/messages");
        let request = request.header("content-type", "application/json");
        // An event may be delivered twice; the chat can tell by this key.
        let request = request.header("idempotency-key", &event.dedup_key);
        // `successful` makes errors of statuses: 429 and 5xx are tried again later.
        request
            .body(json!({ "text": text }).to_string())
            .send()?
            .successful()
            .map(drop)
    }
}

notifier!(Chat);
