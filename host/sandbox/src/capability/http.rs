//! HTTP through named connections.
//!
//! The guest names a connection and a path. Whether it was granted that connection is decided here;
//! where the connection leads, with which credentials and under which policy is the business of the
//! [`Outbound`] that the embedder supplies. Credentials never enter guest memory.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use wasmill_contract::bindings::http as wit;

/// A request as a plugin makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    /// Path and query below the connection's base URL.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A response as a plugin sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    /// Names in lower case, without any that carry credentials.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    #[error("invalid request: {0}")]
    InvalidRequest(String),
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("timed out")]
    TimedOut,
    #[error("the response is larger than {0} bytes")]
    TooLarge(u64),
}

/// Sends requests through named connections.
pub trait Outbound: Send + Sync {
    /// Sends one request through a connection that was granted.
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>>;
}

/// The connections that a plugin was granted.
#[derive(Clone, Default)]
pub struct HttpGrant {
    connections: BTreeSet<String>,
    outbound: Option<Arc<dyn Outbound>>,
}

impl HttpGrant {
    /// Grants the connections of these names.
    pub fn new(connections: impl IntoIterator<Item = String>, outbound: Arc<dyn Outbound>) -> Self {
        Self { connections: connections.into_iter().collect(), outbound: Some(outbound) }
    }

    /// Whether no connection is granted.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    pub(crate) async fn send(
        &self,
        connection: String,
        request: wit::Request,
    ) -> Result<wit::Response, wit::Error> {
        let outbound = match &self.outbound {
            Some(outbound) if self.connections.contains(&connection) => outbound,
            _ => return Err(wit::Error::NotGranted(connection)),
        };
        let request = HttpRequest {
            method: request.method,
            path: request.path,
            headers: request.headers,
            body: request.body,
        };
        match outbound.send(&connection, request).await {
            Ok(response) => Ok(wit::Response {
                status: response.status,
                headers: response.headers,
                body: response.body,
            }),
            Err(HttpError::InvalidRequest(message)) => Err(wit::Error::InvalidRequest(message)),
            Err(HttpError::Unreachable(message)) => Err(wit::Error::Unreachable(message)),
            Err(HttpError::TimedOut) => Err(wit::Error::TimedOut),
            Err(HttpError::TooLarge(limit)) => Err(wit::Error::TooLarge(limit)),
        }
    }
}

impl std::fmt::Debug for HttpGrant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HttpGrant").field("connections", &self.connections).finish()
    }
}
