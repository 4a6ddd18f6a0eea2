//! Lines by `serde_json`: any JSON object with the six fields, in whatever order, with whatever beside.

use std::borrow::Cow;

use serde::Deserialize;

use super::{Fields, timestamp};

/// A line; text is borrowed from it where it holds no escapes.
#[derive(Debug, Deserialize)]
pub struct Record<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow)]
    level: Cow<'a, str>,
    #[serde(borrow)]
    service: Cow<'a, str>,
    status: i32,
    latency_ms: f64,
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl<'a> Record<'a> {
    pub fn parse(line: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }

    pub fn fields(&self) -> Result<Fields<'_>, String> {
        let timestamp = timestamp::micros(self.timestamp.as_bytes())
            .ok_or_else(|| format!("the timestamp {:?} is none", self.timestamp))?;
        Ok(Fields {
            timestamp,
            level: &self.level,
            service: &self.service,
            status: self.status,
            latency_ms: self.latency_ms,
            message: &self.message,
        })
    }
}
