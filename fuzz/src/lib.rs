//! Fuzz targets: where bytes that nobody vouches for enter the host.
//!
//! ```text
//!   columns, ipc, json   what a plugin returns ──▶ wasmill-contract ──▶ valid Arrow within limits, or an error
//!   pipeline_file        a text ──▶ wasmill-pipeline ──▶ findings with their places
//!   component            bytes ──▶ wasmill-sandbox, as `wasmill inspect` does ──▶ a plugin, or why it is none
//!   smith                a random but valid component ──▶ all of its exports called ──▶ results, or faults with names
//! ```
//!
//! A target is a function of bytes that panics when the host broke a promise. Each file says which promises. The same
//! functions are run by libFuzzer (`main.rs`), which makes up bytes, and by `tests/seeds.rs`, on the committed seeds. In both,
//! an allocation that no input can warrant ends the process (`allocations.rs`).

mod allocations;
mod columns;
mod component;
mod generate;
mod host;
mod ipc;
mod json;
mod oracle;
mod pipeline_file;
mod smith;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Which target libFuzzer is to work on.
const TARGET_VARIABLE: &str = "WASMILL_FUZZ_TARGET";

/// One way into the host.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Also the name of the folder of its seeds.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 6] = [
    Target { name: "columns", run: columns::run },
    Target { name: "component", run: component::run },
    Target { name: "ipc", run: ipc::run },
    Target { name: "json", run: json::run },
    Target { name: "pipeline_file", run: pipeline_file::run },
    Target { name: "smith", run: smith::run },
];

static CHOSEN: OnceLock<Target> = OnceLock::new();
static LAST_PANIC: Mutex<String> = Mutex::new(String::new());

/// Called by libFuzzer before the first input.
///
/// # Panics
///
/// When the environment names no target.
pub fn start() {
    let name = std::env::var(TARGET_VARIABLE).unwrap_or_default();
    let target = TARGETS.into_iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| {
        let known = TARGETS.map(|target| target.name).join(", ");
        panic!("{TARGET_VARIABLE}={name} names no target; there are {known}")
    });
    CHOSEN.get_or_init(|| target);
    // The host catches some panics of its libraries, as it should. So a panic is remembered, not reported, and does
    // not end the process, as libfuzzer-sys would have it; what ends it is one that nobody caught.
    std::panic::set_hook(Box::new(|panic| {
        *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
}

/// Called by libFuzzer with each input.
#[expect(clippy::print_stderr, reason = "libFuzzer reports there too")]
pub fn run(bytes: &[u8]) {
    let target = CHOSEN.get().expect("libFuzzer has called `start`");
    if catch_unwind(AssertUnwindSafe(|| (target.run)(bytes))).is_err() {
        eprintln!("{}: {}", target.name, LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
        // What libFuzzer takes for a crash: it keeps the input.
        std::process::abort();
    }
}
