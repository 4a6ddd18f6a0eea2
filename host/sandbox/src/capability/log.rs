//! Log lines of a plugin: from `wasi:logging`, standard output and standard error.
//!
//! Lines are cut, made printable and counted against a budget per instance; what is beyond the budget is
//! dropped and counted. The last lines are kept to explain a fault.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmill_contract::bindings::logging::Level as WitLevel;
use wasmill_contract::finding::bounded_text;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// How many lines are kept to explain a fault.
const KEPT_LINES: usize = 8;
/// A line of standard output without an end is cut here.
const MAX_PARTIAL_BYTES: usize = 4_096;
/// What a line counts for on top of its text: the work of handing it on. Without it, empty lines would be free.
const LINE_BYTES: usize = 32;
/// How much of a call to `write` is taken at a time.
const WRITE_BYTES: usize = 8_192;

/// How much a log line matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl From<WitLevel> for Level {
    fn from(level: WitLevel) -> Self {
        match level {
            WitLevel::Trace => Self::Trace,
            WitLevel::Debug => Self::Debug,
            WitLevel::Info => Self::Info,
            WitLevel::Warn => Self::Warn,
            WitLevel::Error | WitLevel::Critical => Self::Error,
        }
    }
}

/// One line that a plugin logged: printable, of bounded length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    pub level: Level,
    /// Where in the plugin, such as a module path; `stdout` or `stderr`.
    pub context: String,
    pub message: String,
}

/// Takes a plugin's log lines. Called from within guest calls: must be quick and must not block.
pub trait LogSink: Send + Sync {
    fn line(&self, line: LogLine);
}

/// Drops all lines.
impl LogSink for () {
    fn line(&self, _line: LogLine) {}
}

/// The log of one instance; clones share it.
#[derive(Clone)]
pub(crate) struct GuestLog {
    sink: Arc<dyn LogSink>,
    state: Arc<Mutex<LogState>>,
}

struct LogState {
    budget: u64,
    dropped_lines: u64,
    last: VecDeque<String>,
    /// Lines that wait for how the call ends; none where they are passed on at once. As many as the budget allows.
    held: Option<Vec<LogLine>>,
}

impl GuestLog {
    pub(crate) fn new(sink: Arc<dyn LogSink>, budget: u64) -> Self {
        let state = LogState { budget, dropped_lines: 0, last: VecDeque::new(), held: None };
        Self { sink, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn line(&self, level: Level, context: String, message: String) {
        let mut state = self.lock();
        let bytes = (LINE_BYTES + context.len() + message.len()) as u64;
        if bytes > state.budget {
            state.budget = 0;
            state.dropped_lines += 1;
            return;
        }
        state.budget -= bytes;
        let line =
            LogLine { level, context: bounded_text(context), message: bounded_text(message) };
        if state.last.len() == KEPT_LINES {
            state.last.pop_front();
        }
        state.last.push_back(line.message.clone());
        if let Some(held) = &mut state.held {
            held.push(line);
            return;
        }
        drop(state);
        self.sink.line(line);
    }

    /// Keeps lines back from now on.
    pub(crate) fn hold(&self) {
        self.lock().held.get_or_insert_default();
    }

    /// Passes lines on that were kept back, or forgets them, and keeps none back any more.
    pub(crate) fn release(&self, passed_on: bool) {
        let held = self.lock().held.take();
        if passed_on {
            held.into_iter().flatten().for_each(|line| self.sink.line(line));
        }
    }

    /// The last lines, oldest first.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.lock().last.iter().cloned().collect()
    }

    /// How many lines were dropped because the budget was used up.
    pub(crate) fn dropped_lines(&self) -> u64 {
        self.lock().dropped_lines
    }

    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Standard output or standard error as log lines.
pub(crate) struct LineStream {
    log: GuestLog,
    level: Level,
    context: &'static str,
    /// Of all streams that the guest opens on it: they write to the same place.
    partial: Arc<Mutex<Vec<u8>>>,
}

impl LineStream {
    pub(crate) fn new(log: GuestLog, level: Level, context: &'static str) -> Self {
        Self { log, level, context, partial: Arc::default() }
    }

    fn take(&self, bytes: &[u8]) {
        let mut partial = self.partial.lock().unwrap_or_else(PoisonError::into_inner);
        for &byte in bytes {
            if byte != b'\n' {
                partial.push(byte);
            }
            if byte == b'\n' || partial.len() >= MAX_PARTIAL_BYTES {
                let line = String::from_utf8_lossy(&partial).into_owned();
                partial.clear();
                self.log.line(self.level, self.context.to_owned(), line);
            }
        }
    }

    fn share(&self) -> Self {
        Self {
            log: self.log.clone(),
            level: self.level,
            context: self.context,
            partial: Arc::clone(&self.partial),
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.share())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.share())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.take(bytes);
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
