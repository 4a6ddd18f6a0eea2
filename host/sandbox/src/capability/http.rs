//! HTTP through named connections.
//!
//! The guest names a connection and a path. Whether it was granted that connection is decided here;
//! where the connection leads, with which credentials and under which policy is the business of the
//! [`Outbound`] that the embedder supplies. Credentials never enter guest memory.
//!
//! What an instance asks for, and what it is answered, can be kept ([`HttpGrant::recorded`]): with it, a call can be made
//! once more later on, with the same answers and without anybody being asked.
//!
//! A plugin asks through `http.send` of the contract, or through `wasi:http` (`wasi_http.rs`): both end in `HttpGrant::send`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// One request through a connection that was granted, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    pub connection: String,
    pub request: HttpRequest,
    /// None of a request that the call did not live to see answered.
    pub answer: Option<Result<HttpResponse, HttpError>>,
}

impl Exchange {
    /// About how many bytes it takes to keep.
    pub fn bytes(&self) -> usize {
        let headers = |headers: &[(String, String)]| -> usize {
            headers.iter().map(|(name, value)| name.len() + value.len()).sum()
        };
        let request = &self.request;
        let answer = match &self.answer {
            Some(Ok(response)) => response.body.len() + headers(&response.headers),
            Some(Err(_)) | None => 0,
        };
        request.path.len() + request.body.len() + headers(&request.headers) + answer
    }
}

/// How much of what a call asks for is kept.
const MAX_RECORDED_BYTES: usize = 16 << 20;

/// What the calls of one instance ask for; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct HttpRecord {
    state: Arc<Mutex<Recorded>>,
}

#[derive(Debug, Default)]
struct Recorded {
    /// How many calls there were before.
    call: u64,
    exchanges: Vec<Exchange>,
    bytes: usize,
}

/// Where a request was kept: in which call, at which place. Its answer may come when that call is over.
#[derive(Debug, Clone, Copy)]
struct Place {
    call: u64,
    index: usize,
}

impl HttpRecord {
    /// Forgets everything, for the next call.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        *state = Recorded { call: state.call + 1, ..Recorded::default() };
    }

    /// What was asked for since; none where it was too much to be kept.
    pub(crate) fn exchanges(&self) -> Option<Vec<Exchange>> {
        let state = self.lock();
        (state.bytes <= MAX_RECORDED_BYTES).then(|| state.exchanges.clone())
    }

    /// Keeps a request, and returns its place.
    fn asked(&self, connection: &str, request: &HttpRequest) -> Option<Place> {
        let (connection, request) = (connection.to_owned(), request.clone());
        let exchange = Exchange { connection, request, answer: None };
        let mut state = self.lock();
        state.bytes += exchange.bytes();
        if state.bytes > MAX_RECORDED_BYTES {
            return None;
        }
        state.exchanges.push(exchange);
        Some(Place { call: state.call, index: state.exchanges.len() - 1 })
    }

    fn answered(&self, place: Place, answer: &Result<HttpResponse, HttpError>) {
        let mut state = self.lock();
        if state.call != place.call {
            return;
        }
        let Some(exchange) = state.exchanges.get_mut(place.index) else { return };
        let before = exchange.bytes();
        exchange.answer = Some(answer.clone());
        let added = exchange.bytes() - before;
        state.bytes += added;
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is connected.
impl Outbound for () {
    fn send<'a>(
        &'a self,
        _connection: &'a str,
        _request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(std::future::ready(Err(HttpError::Unreachable("nothing is connected".to_owned()))))
    }
}

/// The connections that a plugin was granted.
#[derive(Clone, Default)]
pub struct HttpGrant {
    connections: BTreeSet<String>,
    outbound: Option<Arc<dyn Outbound>>,
    is_recorded: bool,
    /// Of the instance that holds this grant.
    record: Option<HttpRecord>,
}

impl HttpGrant {
    /// Grants the connections of these names.
    pub fn new(connections: impl IntoIterator<Item = String>, outbound: Arc<dyn Outbound>) -> Self {
        let connections = connections.into_iter().collect();
        Self { connections, outbound: Some(outbound), is_recorded: false, record: None }
    }

    /// Keeps what each call asks for, until the next call of the same instance.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self { is_recorded: true, ..self }
    }

    /// The names of the connections.
    pub fn connections(&self) -> impl Iterator<Item = &str> {
        self.connections.iter().map(String::as_str)
    }

    /// The grant as one instance holds it.
    pub(crate) fn for_instance(&self) -> Self {
        let record = self.is_recorded.then(HttpRecord::default);
        Self { record, ..self.clone() }
    }

    /// What the instance asks for, if that is kept.
    pub(crate) fn record(&self) -> Option<&HttpRecord> {
        self.record.as_ref()
    }

    /// Whether no connection is granted.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Sends one request, if its connection is granted. Whatever a plugin asks for comes by here.
    pub(crate) async fn send(
        &self,
        connection: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, SendError> {
        let outbound = match &self.outbound {
            Some(outbound) if self.connections.contains(connection) => outbound,
            _ => return Err(SendError::NotGranted),
        };
        let record = self.record.as_ref();
        let place = record.and_then(|record| record.asked(connection, &request));
        let answer = outbound.send(connection, request).await;
        if let (Some(record), Some(place)) = (record, place) {
            record.answered(place, &answer);
        }
        answer.map_err(SendError::Failed)
    }
}

/// Why a plugin gets no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SendError {
    /// There is no connection of that name for it.
    NotGranted,
    Failed(HttpError),
}

impl From<wit::Request> for HttpRequest {
    fn from(request: wit::Request) -> Self {
        let wit::Request { method, path, headers, body } = request;
        Self { method, path, headers, body }
    }
}

impl From<HttpResponse> for wit::Response {
    fn from(response: HttpResponse) -> Self {
        let HttpResponse { status, headers, body } = response;
        Self { status, headers, body }
    }
}

impl SendError {
    /// As the contract says it, of a connection.
    pub(crate) fn into_wit(self, connection: String) -> wit::Error {
        match self {
            Self::NotGranted => wit::Error::NotGranted(connection),
            Self::Failed(HttpError::InvalidRequest(message)) => wit::Error::InvalidRequest(message),
            Self::Failed(HttpError::Unreachable(message)) => wit::Error::Unreachable(message),
            Self::Failed(HttpError::TimedOut) => wit::Error::TimedOut,
            Self::Failed(HttpError::TooLarge(limit)) => wit::Error::TooLarge(limit),
        }
    }
}

impl std::fmt::Debug for HttpGrant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HttpGrant").field("connections", &self.connections).finish()
    }
}
