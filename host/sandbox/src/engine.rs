//! The engine: wasmtime configured for untrusted components.
//!
//! What stops a guest is compiled into it, so each [`Profile`] is an engine of its own. By default, fuel and epochs are
//! both on: fuel meters, and stops a guest at the same instruction every time; epochs stop what takes too long by the
//! clock, and make a long call yield to other tasks at each tick. Instances come from a pool, so that creating one costs
//! microseconds.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use wasmill_contract::bindings::{http, logging, script, store, types};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OperatorCost,
    PoolingAllocationConfig, VariableOperatorCost, WasmBacktraceDetails,
};

use crate::capability::wasi_http;
use crate::compiler::Compiler;
use crate::frames::MAX_FRAMES;
use crate::guest::GuestState;
use crate::script::Interpreters;

/// How often running guests are interrupted to look at their deadline and to yield.
const EPOCH_TICK: Duration = Duration::from_millis(10);
/// Stack of a guest; beyond is a fault with a name.
const GUEST_STACK_BYTES: usize = 512 << 10;
/// Stack of the fibre on which guest and host functions run.
const FIBRE_STACK_BYTES: usize = 2 << 20;
/// The most that any instance can be granted; each slot reserves this much address space.
pub const MAX_MEMORY_BYTES: u64 = 4 << 30;
/// The largest component that is compiled.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// The version of wasmtime: what decides, with a component and its input, how much fuel a call uses.
pub const WASMTIME_VERSION: &str = "48.0.8";

/// The process's engine could not be set up.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the WebAssembly engine: {message}")]
pub struct EngineError {
    message: String,
}

impl From<wasmtime::Error> for EngineError {
    fn from(error: wasmtime::Error) -> Self {
        Self { message: format!("{error:#}") }
    }
}

/// What stops a guest that does not come to an end. Memory, output and everything else are limited in all profiles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// Fuel and the clock. What a guest uses up is metered, and the same each time.
    #[default]
    Metered,
    /// The clock alone, which is cheaper. Limits of fuel do not hold, and no fuel is reported.
    Guarded,
    /// Nothing: a guest can hold a thread for ever. To measure what the others cost, on plugins that are trusted.
    Unstopped,
}

impl Profile {
    pub const ALL: [Self; 3] = [Self::Metered, Self::Guarded, Self::Unstopped];

    /// Such as `metered`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metered => "metered",
            Self::Guarded => "guarded",
            Self::Unstopped => "unstopped",
        }
    }

    pub(crate) fn has_fuel(self) -> bool {
        self == Self::Metered
    }

    pub(crate) fn has_epochs(self) -> bool {
        self != Self::Unstopped
    }
}

/// How a [`Sandbox`] is set up.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// For how many plugin instances there is room at once.
    pub instances: u32,
    pub profile: Profile,
    pub compiler: Compiler,
}

impl SandboxOptions {
    /// Metered; compiled in this process, each time.
    pub fn new(instances: u32) -> Self {
        Self { instances, profile: Profile::default(), compiler: Compiler::new() }
    }
}

/// Runs plugins. Cheap to clone; all clones share their engines.
#[derive(Clone)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

struct Inner {
    options: SandboxOptions,
    plain: Arc<LinkedEngine>,
    /// Set up when the first component needs it.
    concurrent: OnceLock<Arc<LinkedEngine>>,
    interpreters: Interpreters,
}

/// An engine, and everything that its components may import.
pub(crate) struct LinkedEngine {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<GuestState>,
    pub(crate) profile: Profile,
    /// Whether it has the built-in functions of concurrent components.
    pub(crate) concurrent: bool,
    /// Whether its instances come from a pool.
    pub(crate) has_pool: bool,
}

impl Sandbox {
    /// Sets up a metered engine with room for `instances` plugin instances at once, that compiles each component itself.
    ///
    /// # Errors
    ///
    /// [`EngineError`] when the machine has not enough address space, even without a pool.
    pub fn new(instances: u32) -> Result<Self, EngineError> {
        Self::with_options(SandboxOptions::new(instances))
    }

    /// Sets up an engine.
    ///
    /// # Errors
    ///
    /// As [`Sandbox::new`].
    pub fn with_options(options: SandboxOptions) -> Result<Self, EngineError> {
        let plain = Arc::new(LinkedEngine::new(&options, false)?);
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                plain,
                concurrent: OnceLock::new(),
                interpreters: Interpreters::default(),
            }),
        })
    }

    /// The engine for most components.
    pub(crate) fn plain(&self) -> &Arc<LinkedEngine> {
        &self.inner.plain
    }

    /// The engine for components that were built with newer tools, and use the built-in functions of concurrent
    /// components. A call costs a microsecond more.
    pub(crate) fn concurrent(&self) -> Result<&Arc<LinkedEngine>, EngineError> {
        if let Some(engine) = self.inner.concurrent.get() {
            return Ok(engine);
        }
        let engine = Arc::new(LinkedEngine::new(&self.inner.options, true)?);
        Ok(self.inner.concurrent.get_or_init(|| engine))
    }

    pub(crate) fn interpreters(&self) -> &Interpreters {
        &self.inner.interpreters
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.inner.options.compiler
    }
}

impl LinkedEngine {
    fn new(options: &SandboxOptions, concurrent: bool) -> Result<Self, EngineError> {
        let profile = options.profile;
        let config = || config(profile, concurrent);
        let pooled = InstanceAllocationStrategy::Pooling(pool(options.instances));
        let (engine, has_pool) = match Engine::new(config().allocation_strategy(pooled)) {
            Ok(engine) => (engine, true),
            Err(error) => {
                // Under `ulimit -v`, or with 39-bit addresses, the pool's reservation does not fit.
                tracing::warn!(error = %error, "no pool of instances: creating them will be slower");
                (Engine::new(&config())?, false)
            }
        };
        if profile.has_epochs() {
            tick_epochs(engine.weak());
        }
        let linker = linker(&engine)?;
        Ok(Self { engine, linker, profile, concurrent, has_pool })
    }
}

/// An engine that compiles for a [`LinkedEngine`] of these settings, and runs nothing: it needs no pool.
pub(crate) fn compiling_engine(profile: Profile, concurrent: bool) -> wasmtime::Result<Engine> {
    Engine::new(&config(profile, concurrent))
}

fn config(profile: Profile, concurrent: bool) -> Config {
    let mut config = Config::new();
    config
        .concurrency_support(concurrent)
        .consume_fuel(profile.has_fuel())
        .epoch_interruption(profile.has_epochs())
        // Copies are what data plugins do; they are not billed by the byte.
        .operator_cost(OperatorCost {
            variable: VariableOperatorCost {
                memory_copy_per_byte: 0,
                memory_fill_per_byte: 0,
                memory_init_per_byte: 0,
                ..VariableOperatorCost::new()
            },
            ..OperatorCost::new()
        })
        .max_wasm_stack(GUEST_STACK_BYTES)
        .async_stack_size(FIBRE_STACK_BYTES)
        .async_stack_zeroing(true)
        // Proposals that no guest toolchain needs: less surface. Multi-memory and extended constants
        // must stay, JavaScript components are made of them.
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_relaxed_simd(false)
        .wasm_wide_arithmetic(false)
        // Same results on every machine, NaN bits included.
        .cranelift_nan_canonicalization(true)
        // As many as are kept.
        .wasm_backtrace_max_frames(NonZeroUsize::new(MAX_FRAMES))
        // Debug information of a component is hostile input; it is not parsed in this process.
        .wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        // As many as there may be instances, of whatever language: those of JavaScript have three memories, those of Python fifteen
        // core modules. What takes more finds room for some.
        .total_core_instances(instances.saturating_mul(16).saturating_add(64))
        .total_memories(instances.saturating_mul(3).saturating_add(8))
        .total_tables(instances.saturating_mul(8).saturating_add(64))
        .total_stacks(instances)
        .max_memory_size(MAX_MEMORY_BYTES as usize)
        .table_elements(20_000)
        .max_core_instances_per_component(100)
        .max_memories_per_component(16)
        .max_tables_per_component(64)
        .max_core_instance_size(4 << 20)
        .max_component_instance_size(8 << 20)
        .linear_memory_keep_resident(2 << 20)
        .table_keep_resident(512 << 10)
        // As much of a stack as a simple call uses: clearing it costs less than its pages, given back and taken anew.
        .async_stack_keep_resident(16 << 10)
        .decommit_batch_size(16)
        .pagemap_scan(Enabled::Auto);
    pool
}

/// The ticker lives as long as the engine does.
fn tick_epochs(engine: EngineWeak) {
    std::thread::Builder::new()
        .name("wasmill-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH_TICK);
            }
        })
        .expect("a process that cannot start one thread cannot run at all");
}

/// Everything that any plugin may import. Whether this plugin may is decided before it is linked.
fn linker(engine: &Engine) -> Result<Linker<GuestState>, wasmtime::Error> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasi_http::add_to_linker(&mut linker)?;
    types::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)?;
    logging::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)?;
    store::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)?;
    http::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)?;
    script::add_to_linker::<_, HasSelf<GuestState>>(&mut linker, |state| state)?;
    Ok(linker)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// wasmtime does not tell its version.
    #[test]
    fn the_version_is_the_one_that_is_built_in() {
        let locked = include_str!("../../../Cargo.lock");
        let entry = format!("name = \"wasmtime\"\nversion = \"{WASMTIME_VERSION}\"\n");
        assert!(locked.contains(&entry), "Cargo.lock has another version of wasmtime");
    }
}
