//! One instance of a plugin, and how every call into it is made.
//!
//! ```text
//!   begin: fuel, deadline, virtual clocks reset ──▶ the call ──▶ end: metered; on a fault, thrown away
//! ```
//!
//! A WebAssembly instance that has trapped, or whose call was cancelled, cannot be entered again. So
//! a fault drops the store at once, and later calls are refused with [`Fault::Gone`].

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;
use wasmill_contract::bindings::{http, logging, script, store, types};
use wasmill_contract::finding::bounded_text;
use wasmtime::component::{Instance, InstancePre, ResourceTable};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use crate::accounting::{CallTimes, FaultCounts, Usage, UsageSink};
use crate::capability::clock::VirtualTime;
use crate::capability::http::{Exchange, HttpGrant, HttpRecord};
use crate::capability::log::{GuestLog, Level, LineStream, LogSink};
use crate::capability::random::VirtualRandom;
use crate::capability::wasi_http::{self, WasiHttp};
use crate::engine::{LinkedEngine, Profile};
use crate::fault::{Breach, DeadlinePassed, Fault};
use crate::grants::Grants;
use crate::limits::Limits;
use crate::memory::{MemoryBudget, MemoryMeter};
use crate::script::Script;

/// How many handles (resources, streams) a guest may hold.
const MAX_HANDLES: usize = 4_096;
/// Which part of the deadline a hurried call has.
const HURRIED_PART: u32 = 8;
/// How many random bytes a guest may ask for at once.
const MAX_RANDOM_BYTES: u64 = 64 << 10;

/// The surroundings of a step's instances.
#[derive(Clone)]
pub struct Environment {
    /// The plugin's configuration, a JSON object.
    pub config: Arc<serde_json::Map<String, serde_json::Value>>,
    pub limits: Limits,
    pub grants: Grants,
    /// Takes the plugin's log lines.
    pub logs: Arc<dyn LogSink>,
    /// Takes what each instance used up, at its end.
    pub usage: Arc<dyn UsageSink>,
    /// What instances share of the process's memory.
    pub memory: Arc<dyn MemoryBudget>,
    /// Where the virtual wall clock starts: since 1970-01-01T00:00:00Z.
    pub start_time: Duration,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            config: Arc::default(),
            limits: Limits::default(),
            grants: Grants::default(),
            logs: Arc::new(()),
            usage: Arc::new(()),
            memory: Arc::new(()),
            start_time: Duration::ZERO,
        }
    }
}

impl Environment {
    /// The configuration as the plugin receives it.
    pub(crate) fn config_text(&self) -> String {
        serde_json::Value::Object(self.config.as_ref().clone()).to_string()
    }
}

impl Usage {
    /// Adds a call that has returned, or was given up.
    fn meter(&mut self, calls: &mut CallTimes, call: &Call, store: &Store<GuestState>) {
        let time = call.started.elapsed();
        let waited = Duration::from_nanos(call.waited_nanos.load(Ordering::Relaxed));
        calls.add(time);
        self.calls += 1;
        self.time += time;
        self.cpu_time += time.saturating_sub(waited);
        if call.is_metered {
            let left = store.get_fuel().unwrap_or(0);
            self.fuel = self.fuel.saturating_add(call.budget.saturating_sub(left));
        }
        self.peak_memory = self.peak_memory.max(store.data().memory.peak());
    }
}

/// What host functions see of the instance that calls them.
pub(crate) struct GuestState {
    wasi: WasiCtx,
    table: ResourceTable,
    memory: MemoryMeter,
    log: GuestLog,
    http: Arc<HttpGrant>,
    wasi_http: WasiHttp,
    config: Vec<(String, String)>,
    script: Option<Arc<Script>>,
    deadline: Instant,
}

/// An instance with its typed exports `B`.
pub(crate) struct Guest<B> {
    live: Option<Live<B>>,
    profile: Profile,
    limits: Limits,
    log: GuestLog,
    time: VirtualTime,
    random: VirtualRandom,
    http: Option<HttpRecord>,
    usage: Usage,
    is_hurried: bool,
    calls: CallTimes,
    usage_sink: Arc<dyn UsageSink>,
}

struct Live<B> {
    store: Store<GuestState>,
    exports: B,
    /// Among the instances of its step.
    _place: OwnedSemaphorePermit,
}

/// Where in the work of an instance a call stands. The same position sees the same virtual randomness,
/// on whichever instance, so a batch that is repeated gives the same result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// Before any row.
    Start,
    /// At the row of the input that is the first of the batch.
    Row(u64),
    /// After all rows.
    End,
}

/// A call that has begun.
pub(crate) struct Call {
    export: &'static str,
    budget: u64,
    is_metered: bool,
    deadline: Duration,
    started: Instant,
    /// Time during which the call held no thread. An atomic only because a future holds a reference to it.
    waited_nanos: AtomicU64,
    memory: MemoryMeter,
}

impl Call {
    /// Waits for the call, until the deadline: the epoch callback stops a guest that runs, this a guest that waits. There may
    /// then be tasks at work for it, and no memory left for what they bring.
    pub(crate) async fn run<R>(
        &self,
        call: impl Future<Output = wasmtime::Result<R>>,
    ) -> wasmtime::Result<R> {
        let mut call = pin!(call);
        // Most calls return without having waited, and need no timer.
        let at_once = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        if let Poll::Ready(result) = at_once {
            return result;
        }
        let mut waiting_since = Instant::now();
        let mut waited = Duration::ZERO;
        let resumed = poll_fn(|context| {
            waited += waiting_since.elapsed();
            let polled = call.as_mut().poll(context);
            waiting_since = Instant::now();
            // What came of a refusal in the guest does not matter any more.
            match self.memory.poll_refusal(context) {
                Poll::Ready(refusal) => Poll::Ready(Err(refusal)),
                Poll::Pending => polled,
            }
        });
        let result = tokio::time::timeout_at((self.started + self.deadline).into(), resumed).await;
        waited += waiting_since.elapsed();
        let waited_nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanos.store(waited_nanos, Ordering::Relaxed);
        result.unwrap_or_else(|_| Err(wasmtime::Error::new(DeadlinePassed)))
    }
}

impl<B> Guest<B> {
    /// Creates an instance. `exports` finds its typed exports.
    pub(crate) async fn new(
        engine: &LinkedEngine,
        component: &InstancePre<GuestState>,
        script: Option<Arc<Script>>,
        environment: &Environment,
        seed: u64,
        place: OwnedSemaphorePermit,
        exports: impl FnOnce(&mut Store<GuestState>, &Instance) -> wasmtime::Result<B>,
    ) -> Result<Self, Fault> {
        const EXPORT: &str = "instantiate";
        let profile = engine.profile;
        let limits = environment.limits.clone();
        let log = GuestLog::new(Arc::clone(&environment.logs), limits.log_bytes);
        let time = VirtualTime::new(environment.start_time);
        let random = VirtualRandom::new(seed);
        let http = Arc::new(environment.grants.http.for_instance());
        let record = http.record().cloned();
        let memory = MemoryMeter::new(limits.memory, Arc::clone(&environment.memory));
        let wasi_http =
            WasiHttp::new(Arc::clone(&http), memory.clone(), log.clone(), limits.output_bytes);
        let mut store = Store::new(
            &engine.engine,
            GuestState {
                wasi: wasi(&environment.grants, &log, &time, &random, seed),
                table: table(&environment.grants),
                memory,
                log: log.clone(),
                http,
                wasi_http,
                config: config_entries(environment),
                script,
                deadline: Instant::now(),
            },
        );
        store.limiter(|state| &mut state.memory);
        store.set_max_component_handles(MAX_HANDLES);
        store.epoch_deadline_callback(|context| {
            if Instant::now() >= context.data().deadline {
                return Err(wasmtime::Error::new(DeadlinePassed));
            }
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        let call = start_call(EXPORT, &mut store, profile, &limits, limits.deadline, 0)
            .map_err(|error| Fault::Host { export: EXPORT, source: error.into() })?;
        let instantiated = call.run(component.instantiate_async(&mut store)).await;
        let (mut usage, mut calls) = (Usage::default(), CallTimes::default());
        usage.meter(&mut calls, &call, &store);
        store.data_mut().wasi_http.end_call();
        let failed = |fault: Fault| {
            let dropped_log_lines = log.dropped_lines();
            let faults = FaultCounts::one(fault.kind());
            environment.usage.used(&Usage { dropped_log_lines, faults, ..usage }, &calls);
            fault
        };
        let instance = instantiated.map_err(|error| {
            failed(Fault::classify(EXPORT, error, call.budget, &limits, log.last_lines()))
        })?;
        let exports = exports(&mut store, &instance).map_err(|error| {
            let breach = Breach::Exports(bounded_text(format!("{error:#}")));
            failed(Fault::contract(EXPORT, breach))
        })?;
        Ok(Self {
            live: Some(Live { store, exports, _place: place }),
            profile,
            limits,
            log,
            time,
            random,
            http: record,
            usage,
            calls,
            usage_sink: Arc::clone(&environment.usage),
            is_hurried: false,
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What the instance has used up so far.
    pub(crate) fn usage(&self) -> Usage {
        Usage { dropped_log_lines: self.log.dropped_lines(), ..self.usage }
    }

    /// The log of the instance.
    pub(crate) fn log(&self) -> &GuestLog {
        &self.log
    }

    /// What the last call asked for over HTTP, where the grant says that it is kept and it was not too much.
    pub(crate) fn exchanges(&self) -> Option<Vec<Exchange>> {
        self.http.as_ref()?.exchanges()
    }

    /// Gives calls only a part of their deadline, or all of it again.
    pub(crate) fn hurry(&mut self, is_hurried: bool) {
        self.is_hurried = is_hurried;
    }

    /// Counts what the host holds for the call to come.
    pub(crate) fn hold(&mut self, export: &'static str, bytes: u64) -> Result<(), Fault> {
        let Some(live) = &mut self.live else { return Err(Fault::Gone { export }) };
        let memory = &live.store.data().memory;
        let held = memory.hold(bytes);
        self.usage.peak_memory = self.usage.peak_memory.max(memory.peak());
        held.map_err(|error| self.refused(export, error))
    }

    /// Counts rows that crossed; what was returned is held by the host from now on.
    pub(crate) fn crossed(
        &mut self,
        export: &'static str,
        bytes_in: u64,
        bytes_out: u64,
    ) -> Result<(), Fault> {
        self.usage.bytes_in += bytes_in;
        self.usage.bytes_out += bytes_out;
        self.hold(export, bytes_out)
    }

    /// Throws the instance away because it takes more memory than there is for it.
    fn refused(&mut self, export: &'static str, error: wasmtime::Error) -> Fault {
        self.live = None;
        let last_words = self.log.last_lines();
        let fault = Fault::classify(export, error, 0, &self.limits, last_words);
        self.usage.faults.count(fault.kind());
        fault
    }

    /// Prepares a call that processes `rows` rows. `position` chooses the stream of virtual randomness.
    pub(crate) fn begin(
        &mut self,
        export: &'static str,
        rows: usize,
        position: Position,
    ) -> Result<(Call, &mut Store<GuestState>, &B), Fault> {
        let Some(live) = &mut self.live else { return Err(Fault::Gone { export }) };
        self.time.reset();
        self.random.reset(position);
        if let Some(record) = &self.http {
            record.clear();
        }
        let parts = if self.is_hurried { HURRIED_PART } else { 1 };
        let deadline = self.limits.deadline / parts;
        let store = &mut live.store;
        let call = start_call(export, store, self.profile, &self.limits, deadline, rows)
            .map_err(|error| Fault::Host { export, source: error.into() })?;
        Ok((call, &mut live.store, &live.exports))
    }

    /// Ends a call: meters it, and throws the instance away when it failed.
    pub(crate) fn end<R>(
        &mut self,
        call: Call,
        result: wasmtime::Result<Result<R, types::Failure>>,
    ) -> Result<R, Fault> {
        if let Some(live) = &mut self.live {
            self.usage.meter(&mut self.calls, &call, &live.store);
            live.store.data_mut().wasi_http.end_call();
        }
        let fault = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) => Fault::failure(call.export, failure),
            Err(error) => {
                self.live = None;
                let last_words = self.log.last_lines();
                Fault::classify(call.export, error, call.budget, &self.limits, last_words)
            }
        };
        self.usage.faults.count(fault.kind());
        Err(fault)
    }

    /// Throws the instance away because what it returned breaks the contract.
    pub(crate) fn breach(&mut self, export: &'static str, breach: impl Into<Breach>) -> Fault {
        self.live = None;
        let fault = Fault::contract(export, breach);
        self.usage.faults.count(fault.kind());
        fault
    }
}

impl<B> Drop for Guest<B> {
    fn drop(&mut self) {
        self.usage_sink.used(&self.usage(), &self.calls);
    }
}

fn start_call(
    export: &'static str,
    store: &mut Store<GuestState>,
    profile: Profile,
    limits: &Limits,
    deadline: Duration,
    rows: usize,
) -> wasmtime::Result<Call> {
    let budget = limits.fuel(rows);
    let is_metered = profile.has_fuel();
    let started = Instant::now();
    if is_metered {
        store.set_fuel(budget)?;
    }
    store.data_mut().deadline = started + deadline;
    store.set_epoch_deadline(1);
    store.set_hostcall_fuel(usize::try_from(limits.output_bytes).unwrap_or(usize::MAX));
    let (memory, waited_nanos) = (store.data().memory.for_call(), AtomicU64::new(0));
    Ok(Call { export, budget, is_metered, deadline, started, waited_nanos, memory })
}

fn table(grants: &Grants) -> ResourceTable {
    let mut table = ResourceTable::new();
    let is_connected = !grants.http.is_empty();
    table.set_max_capacity(if is_connected { wasi_http::MAX_HANDLES } else { MAX_HANDLES });
    table
}

/// All of WASI that is linked, and nothing behind it: no environment, no files, no addresses, no names.
fn wasi(
    grants: &Grants,
    log: &GuestLog,
    time: &VirtualTime,
    random: &VirtualRandom,
    seed: u64,
) -> WasiCtx {
    let mut wasi = WasiCtxBuilder::new();
    wasi.stdout(LineStream::new(log.clone(), Level::Info, "stdout"))
        .stderr(LineStream::new(log.clone(), Level::Warn, "stderr"))
        .max_random_size(MAX_RANDOM_BYTES);
    if !grants.real_clocks {
        wasi.wall_clock(time.clone()).monotonic_clock(time.clone());
    }
    if !grants.real_randomness {
        wasi.secure_random(random.clone())
            .insecure_random(random.clone())
            .insecure_random_seed(u128::from(seed));
    }
    wasi.build()
}

/// The configuration as `wasi:config` shows it: strings as they are, everything else as JSON.
fn config_entries(environment: &Environment) -> Vec<(String, String)> {
    environment
        .config
        .iter()
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => (key.clone(), text.clone()),
            other => (key.clone(), other.to_string()),
        })
        .collect()
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        self.wasi_http.view(&mut self.table)
    }
}

impl types::Host for GuestState {}

impl logging::Host for GuestState {
    async fn log(
        &mut self,
        level: logging::Level,
        context: String,
        message: String,
    ) -> wasmtime::Result<()> {
        self.log.line(level.into(), context, message);
        Ok(())
    }
}

impl store::Host for GuestState {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<String>, store::Error>> {
        let value =
            self.config.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        Ok(Ok(value))
    }

    async fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, store::Error>> {
        Ok(Ok(self.config.clone()))
    }
}

impl script::Host for GuestState {
    async fn about(&mut self) -> wasmtime::Result<script::Manifest> {
        Ok(self.script()?.manifest())
    }

    async fn files(&mut self) -> wasmtime::Result<Vec<script::File>> {
        Ok(self.script()?.files())
    }
}

impl GuestState {
    fn script(&self) -> wasmtime::Result<&Script> {
        // Interpreters are not loaded but for a script.
        self.script.as_deref().ok_or_else(|| wasmtime::format_err!("there is no script"))
    }
}

impl http::Host for GuestState {
    async fn send(
        &mut self,
        connection: String,
        request: http::Request,
    ) -> wasmtime::Result<Result<http::Response, http::Error>> {
        self.memory.hold_more(request.body.len() as u64)?;
        match self.http.send(&connection, request.into()).await {
            Ok(response) => {
                self.memory.hold_more(response.body.len() as u64)?;
                Ok(Ok(response.into()))
            }
            Err(error) => Ok(Err(error.into_wit(connection))),
        }
    }
}
