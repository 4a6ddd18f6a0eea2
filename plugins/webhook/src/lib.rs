//! Sends events as signed JSON to an HTTP endpoint.
//!
//! Each event is one `POST` through a connection of the pipeline file:
//!
//! ```text
//! POST /hooks/wasmill
//! content-type: application/json
//! idempotency-key: run-17/run.failed                  the same for each delivery of the same event
//! x-wasmill-timestamp: 1767191400                     when it happened, in seconds since 1970
//! x-wasmill-signature: v1=5257a869…                   HMAC-SHA256 of `TIMESTAMP.BODY`, in hexadecimal
//!
//! {"id":"run-17/run.failed","kind":"run.failed","severity":"error","at":"2025-12-31T14:30:00.000Z",…}
//! ```
//!
//! The timestamp is the event's own: a plugin's clock is virtual unless a real one is granted, and every delivery
//! of an event is to be the same to the byte. So a receiver that refuses old timestamps must allow for the time
//! that an event may wait in the outbox; repeats are told by `idempotency-key`.

mod answer;
mod config;
mod payload;
mod signature;
mod utc;

use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::notifier::Event;
use wasmill_plugin_sdk::prelude::*;

use crate::config::WebhookConfig;
use crate::signature::Signer;

struct Webhook {
    config: WebhookConfig,
    signer: Signer,
}

impl Notifier for Webhook {
    type Config = WebhookConfig;

    fn bind(config: WebhookConfig) -> Result<Self> {
        config.check()?;
        let signer = Signer::new(&config.secret)?;
        Ok(Self { config, signer })
    }

    fn notify(&mut self, event: &Event) -> Result<()> {
        let body = payload::body(event)?;
        let timestamp = event.time_ms / 1000;
        let mut request = Connection::named(&self.config.connection)
            .post(&self.config.path)
            .header("content-type", "application/json")
            .header("idempotency-key", &event.dedup_key)
            .header("x-wasmill-timestamp", &timestamp.to_string())
            .header("x-wasmill-signature", &self.signer.signature(timestamp, &body));
        for (name, value) in &self.config.headers {
            request = request.header(name, value);
        }
        answer::judge(&request.body(body).send()?)
    }
}

notifier!(Webhook);
