//! HTTP through named connections, for plugins that were granted one.
//!
//! ```no_run
//! # fn main() -> wasmill_plugin_sdk::Result<()> {
//! use wasmill_plugin_sdk::http::Connection;
//!
//! let shop = Connection::named("shop");
//! let response = shop.get("/orders?page=2").header("accept", "application/json").send()?;
//! let orders = response.successful()?.body;
//! # Ok(()) }
//! ```
//!
//! Libraries that send by `wasi:http` work too, the crate `wasip2` for one, and need the same grant: the host of a URL is the name
//! of the connection, `http://shop/orders?page=2`. Their errors are no [`Error`]: which to make
//! [`Retryable`](Error::Retryable) is for the plugin to say.

use crate::bindings::http as wit;
use crate::error::{Error, Result};

/// A connection that the pipeline file declares and grants.
#[derive(Debug, Clone)]
pub struct Connection {
    name: String,
}

/// A request that is being made.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    connection: String,
    request: wit::Request,
}

/// A response, whatever its status.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Connection {
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// `path` is relative to the connection's base URL, such as `/orders?page=2`.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request {
            connection: self.name.clone(),
            request: wit::Request {
                method: method.to_owned(),
                path: path.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            },
        }
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str) -> Request {
        self.request("POST", path)
    }
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.request.body = body.into();
        self
    }

    /// Sends the request and waits for the response.
    ///
    /// # Errors
    ///
    /// [`Error::Retryable`] where the network is at fault, [`Error::Fatal`] where the request is.
    pub fn send(self) -> Result<Response> {
        let connection = self.connection;
        match wit::send(&connection, &self.request) {
            Ok(response) => Ok(Response {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
            Err(wit::Error::NotGranted(_)) => {
                Err(Error::fatal(format!("connection `{connection}` is not granted")))
            }
            Err(wit::Error::InvalidRequest(message)) => Err(Error::fatal(message)),
            Err(wit::Error::Unreachable(message)) => Err(Error::retryable(message)),
            Err(wit::Error::TimedOut) => {
                Err(Error::retryable(format!("connection `{connection}` timed out")))
            }
            Err(wit::Error::TooLarge(limit)) => Err(Error::fatal(format!(
                "the response through connection `{connection}` is larger than {limit} bytes"
            ))),
        }
    }
}

impl Response {
    /// The first header of that name, in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The response itself when its status is 2xx. Otherwise an error: to be retried for 408, 429 and 5xx, after
    /// the time that `Retry-After` gives in seconds.
    pub fn successful(self) -> Result<Self> {
        match self.status {
            200..=299 => Ok(self),
            408 | 429 | 500..=599 => Err(Error::Retryable {
                message: format!("the server answered {}", self.status),
                after_ms: self
                    .header("retry-after")
                    .and_then(|seconds| seconds.trim().parse::<u64>().ok())
                    .map(|seconds| seconds.saturating_mul(1000)),
            }),
            status => Err(Error::fatal(format!("the server answered {status}"))),
        }
    }
}
