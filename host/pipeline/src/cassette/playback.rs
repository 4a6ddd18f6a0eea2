//! HTTP answered from a recording: the same requests in the same order get the same answers, and nobody is asked.

use std::collections::VecDeque;
use std::future::{pending, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use wasmill_sandbox::capability::http::{Exchange, HttpError, HttpRequest, HttpResponse, Outbound};

use crate::cassette::redact;
use crate::file::secrets::Redaction;

/// A request with its answer, as a cassette holds them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedExchange {
    pub connection: String,
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    /// In base64.
    pub body: String,
    /// None where the call ended before there was one.
    pub answer: Option<RecordedAnswer>,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedAnswer {
    /// The body in base64.
    Response {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    InvalidRequest(String),
    Unreachable(String),
    TimedOut,
    TooLarge(u64),
}

impl From<Exchange> for RecordedExchange {
    fn from(exchange: Exchange) -> Self {
        let HttpRequest { method, path, headers, body } = exchange.request;
        let answer = exchange.answer.map(|answer| match answer {
            Ok(HttpResponse { status, headers, body }) => {
                RecordedAnswer::Response { status, headers, body: BASE64_STANDARD.encode(body) }
            }
            Err(HttpError::InvalidRequest(message)) => RecordedAnswer::InvalidRequest(message),
            Err(HttpError::Unreachable(message)) => RecordedAnswer::Unreachable(message),
            Err(HttpError::TimedOut) => RecordedAnswer::TimedOut,
            Err(HttpError::TooLarge(limit)) => RecordedAnswer::TooLarge(limit),
        });
        let body = BASE64_STANDARD.encode(body);
        Self { connection: exchange.connection, method, path, headers, body, answer }
    }
}

impl RecordedAnswer {
    fn answer(self) -> Result<HttpResponse, HttpError> {
        match self {
            Self::Response { status, headers, body } => {
                let body = BASE64_STANDARD.decode(body).map_err(|error| {
                    HttpError::Unreachable(format!("the recorded body is no base64: {error}"))
                })?;
                Ok(HttpResponse { status, headers, body })
            }
            Self::InvalidRequest(message) => Err(HttpError::InvalidRequest(message)),
            Self::Unreachable(message) => Err(HttpError::Unreachable(message)),
            Self::TimedOut => Err(HttpError::TimedOut),
            Self::TooLarge(limit) => Err(HttpError::TooLarge(limit)),
        }
    }
}

/// Answers from a recording.
#[derive(Default)]
pub(super) struct Playback {
    /// Of the guest, whose requests were recorded without them.
    secrets: Redaction,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: VecDeque<RecordedExchange>,
    difference: Option<String>,
}

impl Playback {
    pub(super) fn new(secrets: Redaction) -> Self {
        Self { secrets, state: Mutex::default() }
    }

    /// Says what the next call is going to ask for.
    pub(super) fn expect(&self, exchanges: &[RecordedExchange]) {
        *self.lock() = State { next: exchanges.to_vec().into(), difference: None };
    }

    /// The first request that was not the recorded one.
    pub(super) fn difference(&self) -> Option<String> {
        self.lock().difference.clone()
    }

    fn answer(
        &self,
        connection: &str,
        request: HttpRequest,
    ) -> Option<Result<HttpResponse, HttpError>> {
        let request = redact::request(&self.secrets, request);
        let exchange = Exchange { connection: connection.to_owned(), request, answer: None };
        let asked = RecordedExchange::from(exchange);
        let mut state = self.lock();
        let difference = match state.next.pop_front() {
            Some(recorded) => match difference(&recorded, &asked) {
                Some(difference) => difference,
                None => return recorded.answer.map(RecordedAnswer::answer),
            },
            None => format!(
                "it asks for {} {} through `{connection}`, and no further request was recorded",
                asked.method, asked.path
            ),
        };
        let message = format!("not as recorded: {difference}");
        state.difference.get_or_insert(difference);
        Some(Err(HttpError::Unreachable(message)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What differs between two requests, if anything does.
fn difference(recorded: &RecordedExchange, asked: &RecordedExchange) -> Option<String> {
    let line = |exchange: &RecordedExchange| {
        format!("{} {} through `{}`", exchange.method, exchange.path, exchange.connection)
    };
    if line(recorded) != line(asked) {
        return Some(format!("it asks for {} instead of {}", line(asked), line(recorded)));
    }
    if recorded.headers != asked.headers {
        return Some(format!("the request {} has other headers", line(asked)));
    }
    if recorded.body != asked.body {
        return Some(format!("the request {} has another body", line(asked)));
    }
    None
}

impl Outbound for Playback {
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        match self.answer(connection, request) {
            Some(answer) => ready(answer).boxed(),
            // It was never answered: the call waits until its deadline, as it did.
            None => pending().boxed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: &str, body: &[u8]) -> HttpRequest {
        let headers = vec![("accept".to_owned(), "text/plain".to_owned())];
        HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            headers,
            body: body.to_vec(),
        }
    }

    fn recorded(path: &str, body: &[u8]) -> RecordedExchange {
        let response = HttpResponse { status: 200, headers: Vec::new(), body: vec![0, 255] };
        let answer = Some(Ok(response));
        Exchange { connection: "shop".to_owned(), request: request(path, body), answer }.into()
    }

    #[tokio::test]
    async fn the_same_requests_get_the_same_answers() {
        let playback = Playback::default();
        playback.expect(&[recorded("/a", b"1"), recorded("/b", b"")]);
        let answer = playback.send("shop", request("/a", b"1")).await.unwrap();
        assert_eq!((answer.status, answer.body), (200, vec![0, 255]));
        playback.send("shop", request("/b", b"")).await.unwrap();
        assert_eq!(playback.difference(), None);
    }

    #[tokio::test]
    async fn what_differs_is_named() {
        for (connection, path, body, expected) in [
            ("shop", "/c", &b"1"[..], "GET /c through `shop` instead of GET /a through `shop`"),
            ("ops", "/a", b"1", "GET /a through `ops` instead of"),
            ("shop", "/a", b"2", "has another body"),
        ] {
            let playback = Playback::default();
            playback.expect(&[recorded("/a", b"1")]);
            let error = playback.send(connection, request(path, body)).await.unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(playback.difference().unwrap().contains(expected));
        }
        let playback = Playback::default();
        assert!(playback.send("shop", request("/a", b"")).await.is_err());
        assert!(playback.difference().unwrap().contains("no further request was recorded"));
    }

    #[tokio::test]
    async fn what_was_never_answered_is_not() {
        let playback = Playback::default();
        playback.expect(&[RecordedExchange { answer: None, ..recorded("/a", b"") }]);
        assert!(playback.send("shop", request("/a", b"")).now_or_never().is_none());
    }
}
