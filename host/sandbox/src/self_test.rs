//! Whether the sandbox works on this machine: a component that is part of the program is compiled, run, and stopped.
//!
//! What is shown is what every plugin relies on: the compiler gives code, the code runs here, and a guest that does not come to
//! an end is stopped, by its fuel and by the clock. No plugin file is needed for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use wasmtime::component::TypedFunc;

use crate::component::{Digest, LoadError};
use crate::engine::{EngineError, Sandbox};
use crate::fault::{Fault, FaultKind};
use crate::guest::{Environment, Guest, Position};
use crate::limits::Limits;

/// A component with two functions: `next: func(n: u32) -> u32`, which adds one, and `spin: func()`, which does not return.
///
/// By hand, as <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md> has it: a section is an id, a
/// length, and its content.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x3c\0asm\x01\0\0\0\
        \x01\x09\x02\x60\x01\x7f\x01\x7f\x60\0\0\
        \x03\x03\x02\0\x01\
        \x07\x0f\x02\x04next\0\0\x04spin\0\x01\
        \x0a\x11\x02\
            \x07\0\x20\0\x41\x01\x6a\x0b\
            \x07\0\x03\x40\x0c\0\x0b\x0b\
    \x02\x04\x01\0\0\0\
    \x06\x13\x02\0\0\x01\0\x04next\0\0\x01\0\x04spin\
    \x07\x0c\x02\x40\x01\x01n\x79\0\x79\x40\0\x01\0\
    \x08\x0b\x02\0\0\0\0\0\0\0\x01\0\x01\
    \x0b\x13\x02\0\x04next\x01\0\0\0\x04spin\x01\x01\0";

/// The part of the limits by which the guest is to be stopped.
const FUEL: u64 = 1_000_000;
const DEADLINE: Duration = Duration::from_millis(50);
/// By what it must not be stopped first.
const LONG: Duration = Duration::from_secs(60);

/// What the test found.
#[derive(Debug, Clone, Copy)]
pub struct SelfTest {
    pub compiled_in: Duration,
    /// Whether instances come from a pool; without, creating them is slower.
    pub has_pool: bool,
}

/// What does not work.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("a component of the program's own is not compiled")]
    Load(#[from] LoadError),
    #[error("a component of the program's own does not run")]
    Fault(#[from] Fault),
    #[error("the compiled code is wrong: 41 + 1 gave {0}")]
    Wrong(u32),
    #[error("a guest that loops was not stopped by {limit}: {by}")]
    NotStopped { limit: &'static str, by: String },
}

struct Exports {
    next: TypedFunc<(u32,), (u32,)>,
    spin: TypedFunc<(), ()>,
}

impl Sandbox {
    /// Compiles a small component as plugins are compiled, runs it, and stops it. For a sandbox of the profile
    /// [`crate::engine::Profile::Metered`].
    ///
    /// # Errors
    ///
    /// What does not work, with its cause.
    pub async fn self_test(&self) -> Result<SelfTest, SelfTestError> {
        let sandbox = self.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            let engine = sandbox.plain();
            let compiled = sandbox.compiler().compile(engine, Digest::of(COMPONENT), COMPONENT);
            (compiled, started.elapsed())
        });
        let (component, compiled_in) =
            compiling.await.map_err(|error| LoadError::Compile { message: error.to_string() })?;
        let linked = self.plain().linker.instantiate_pre(&component?);
        let linked =
            linked.map_err(|error| LoadError::Mismatch { message: format!("{error:#}") })?;
        let instantiate = async |limits: Limits| {
            let place = Arc::new(Semaphore::new(1)).acquire_owned().await;
            let place = place.expect("nobody closes the semaphore");
            let environment = Environment { limits, ..Environment::default() };
            Guest::new(self.plain(), &linked, None, &environment, 0, place, |store, instance| {
                Ok(Exports {
                    next: instance.get_typed_func(&mut *store, "next")?,
                    spin: instance.get_typed_func(&mut *store, "spin")?,
                })
            })
            .await
        };

        let fuel = Limits { fuel_per_call: FUEL, deadline: LONG, ..Limits::default() };
        let mut guest = instantiate(fuel).await?;
        let (call, store, exports) = guest.begin("next", 0, Position::Start)?;
        let result = call.run(exports.next.call_async(store, (41,))).await;
        let (answer,) = guest.end(call, result.map(Ok))?;
        if answer != 42 {
            return Err(SelfTestError::Wrong(answer));
        }
        stopped(&mut guest, FaultKind::Fuel, "its fuel").await?;

        let clock = Limits { fuel_per_call: u64::MAX / 2, deadline: DEADLINE, ..Limits::default() };
        stopped(&mut instantiate(clock).await?, FaultKind::Deadline, "its deadline").await?;
        Ok(SelfTest { compiled_in, has_pool: self.plain().has_pool })
    }
}

async fn stopped(
    guest: &mut Guest<Exports>,
    expected: FaultKind,
    limit: &'static str,
) -> Result<(), SelfTestError> {
    let (call, store, exports) = guest.begin("spin", 0, Position::Start)?;
    let result = call.run(exports.spin.call_async(store, ())).await;
    match guest.end(call, result.map(Ok)) {
        Err(fault) if fault.kind() == expected => Ok(()),
        Err(fault) => Err(SelfTestError::NotStopped {
            limit,
            by: format!("it ended by {}", fault.kind().name()),
        }),
        Ok(()) => {
            Err(SelfTestError::NotStopped { limit, by: "it came to an end by itself".to_owned() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiler::{Compiler, CompilerProcess};
    use crate::engine::SandboxOptions;

    #[tokio::test]
    async fn the_sandbox_works_here() {
        let tested = Sandbox::new(1).unwrap().self_test().await.unwrap();
        assert!(tested.compiled_in > Duration::ZERO);
    }

    #[tokio::test]
    async fn a_compiler_that_does_not_work_is_found() {
        let process = CompilerProcess::new("no/such/program".into(), []);
        let compiler = Compiler::new().in_process(process);
        let sandbox =
            Sandbox::with_options(SandboxOptions { compiler, ..SandboxOptions::new(1) }).unwrap();
        let error = sandbox.self_test().await.unwrap_err();
        assert!(matches!(error, SelfTestError::Load(LoadError::CompilerProcess { .. })), "{error}");
    }
}
