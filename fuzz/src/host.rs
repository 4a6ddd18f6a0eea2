//! The host that runs components: one sandbox for all inputs, with limits that end everything soon.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::engine::Sandbox;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::limits::Limits;

/// Where the calls run.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_time().build().expect("a thread and a clock")
});

/// Shared by all inputs: what one of them left behind would be in the way of the next.
pub static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| Sandbox::new(2).expect("address space for two instances"));

/// Everything is granted, and nothing leads anywhere.
pub fn environment() -> Environment {
    let grants =
        Grants { http: HttpGrant::new(["nowhere".to_owned()], Arc::new(())), ..Grants::default() };
    let limits = Limits {
        fuel_per_row: 10_000,
        fuel_per_call: 1_000_000,
        deadline: Duration::from_secs(5),
        memory: 16 << 20,
        output_rows_per_row: 100,
        output_bytes: 1 << 20,
        log_bytes: 4 << 10,
        ..Limits::default()
    };
    Environment { grants, limits, ..Environment::default() }
}

/// Checks that a fault is one of the guest's, and can be shown.
pub fn check_fault(fault: &Fault) {
    let shown = fault.to_string();
    assert!(!shown.is_empty());
    assert!(!matches!(fault, Fault::Host { .. }), "blamed on the host: {fault:?}");
    assert!(!matches!(fault, Fault::Busy), "an instance was left behind");
}
