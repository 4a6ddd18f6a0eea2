//! The `log` crate's macros as log lines of the host.

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::bindings::logging as wit;

struct HostLog;

impl Log for HostLog {
    fn enabled(&self, _metadata: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let level = match record.level() {
            Level::Error => wit::Level::Error,
            Level::Warn => wit::Level::Warn,
            Level::Info => wit::Level::Info,
            Level::Debug => wit::Level::Debug,
            Level::Trace => wit::Level::Trace,
        };
        wit::log(level, record.target(), &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Sends log lines to the host. The export macros call it.
#[doc(hidden)]
pub fn start_logging() {
    // Fails when a logger is set already, by an earlier call or by the plugin itself: then that one stays.
    if log::set_logger(&HostLog).is_ok() {
        // `wasmill run --verbose` shows debug lines. Trace lines would use up the step's log_bytes.
        log::set_max_level(LevelFilter::Debug);
    }
}
