//! `neighbour`: what a tenant feels of another one that goes to its limits. A light tenant gets a small batch each
//! millisecond or so; the time from its arrival to its result is taken, alone and beside a tenant that spins until its fuel
//! is spent, or that takes memory up to its limit, over and over.
//!
//! Both are in one sandbox and on one runtime of two threads, on a machine with two processors at least: the light tenant
//! could have one for itself, so what it loses is due to sharing and not to the want of processors. The last case, with
//! two tenants that spin on two threads, is the other kind: there a batch waits for a turn, which comes when the guests
//! are made to yield.
//!
//! Cases take turns, in rounds. Of each round and case there is a median and a 99th percentile; the figures are the medians
//! of these; beyond the 99th, that of all rounds together is told too. The case `alone` is measured a second time as the
//! control.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wasmill_sandbox::Environment;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::engine::{Profile, Sandbox, SandboxOptions};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};

use crate::data::{self, Random};
use crate::measure::{Error, Measuring, Report, median, percentile};
use crate::subjects::Guests;

const ROWS: usize = 1_024;
const THREADS: usize = 2;
/// Batches come so far apart: at random, so that nothing that happens at intervals is met always or never.
const LEAST_MICROS: u64 = 500;
const MOST_MICROS: u64 = 1_000;

/// Who else is there.
#[derive(Debug, Clone, Copy)]
enum Case {
    Alone,
    Spinning,
    Allocating,
    TwoSpinning,
}

impl Case {
    /// The first and the last are the same, as everywhere.
    const ALL: [Self; 5] =
        [Self::Alone, Self::Spinning, Self::Allocating, Self::TwoSpinning, Self::Alone];

    fn name(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::Spinning => "beside one that spins",
            Self::Allocating => "beside one that allocates",
            Self::TwoSpinning => "beside two that spin",
        }
    }

    /// Who is beside.
    fn tenants<'a>(self, spinning: &'a Tenant, allocating: &'a Tenant) -> Vec<&'a Tenant> {
        match self {
            Self::Alone => vec![],
            Self::Spinning => vec![spinning],
            Self::Allocating => vec![allocating],
            Self::TwoSpinning => vec![spinning, spinning],
        }
    }
}

pub fn run(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let (rounds, batches) = if measuring.is_quick() { (3, 300) } else { (11, 1_000) };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_time()
        .build()?;
    let options = SandboxOptions {
        instances: 8,
        profile: Profile::Metered,
        compiler: Compiler::new().cached_in(Arc::clone(&guests.cache)),
    };
    let sandbox = Sandbox::with_options(options)?;
    let numbers = data::numbers(ROWS);
    let config = json!({ "kernel": "add_one" });
    let light = Tenant::new(&runtime, &sandbox, guests, "bench-wasmill", &config, numbers)?;
    let mut light = Some(runtime.block_on(light.open())?);
    let poisoned = |poison| {
        let row = data::poisoned(1, 1, &[poison]);
        Tenant::new(&runtime, &sandbox, guests, "bench-poison", &json!({}), row)
    };
    // As in `guests/poison`.
    let (spinning, allocating) = (poisoned(2)?, poisoned(3)?);
    let mut random = Random::new(6);
    let mut latencies = vec![Vec::new(); Case::ALL.len()];
    let mut medians = vec![Vec::new(); Case::ALL.len()];
    let mut high = vec![Vec::new(); Case::ALL.len()];
    for round in 0..rounds {
        for turn in 0..Case::ALL.len() {
            let index = (round + turn) % Case::ALL.len();
            let beside = Case::ALL[index].tenants(&spinning, &allocating).into_iter();
            let beside: Vec<_> = beside.map(|tenant| tenant.clone().exhaust(&runtime)).collect();
            let open = light.take().ok_or("the light tenant is gone")?;
            let (open, taken) = arrivals(&runtime, open, batches, &mut random)?;
            light = Some(open);
            for tenant in beside {
                // It ends at the next tick, when the guest is made to yield.
                tenant.abort();
                if let Ok(ended) = runtime.block_on(tenant) {
                    return Err(format!("a tenant did not go to its limits: {ended}").into());
                }
            }
            medians[index].push(median(&taken));
            high[index].push(percentile(&taken, 0.99));
            latencies[index].extend(taken);
        }
    }
    measuring.keep("neighbour", &Case::ALL.map(Case::name), &latencies)?;
    let figures: Vec<(f64, f64)> = (medians.iter().zip(&high))
        .map(|(medians, high)| (median(medians), median(high)))
        .collect();
    for (index, (case, (p50, p99))) in Case::ALL.into_iter().zip(&figures).enumerate() {
        let control = if index + 1 == Case::ALL.len() { " (A/A control)" } else { "" };
        report.line(&json!({
            "bench": "neighbour",
            "subject": format!("{}{control}", case.name()),
            "rows": ROWS,
            "seconds": p50,
            "ratio_to_alone": p50 / figures[0].0,
            "p99_seconds": p99,
            "p99_ratio_to_alone": p99 / figures[0].1,
            "p999_seconds": percentile(&latencies[index], 0.999),
            "rounds": rounds,
            "batches": rounds * batches,
        }));
    }
    Ok(())
}

/// A plugin of somebody, over one batch.
#[derive(Clone)]
struct Tenant {
    transformer: Transformer,
    binding: Arc<TransformBinding>,
    batch: RecordBatch,
}

/// An instance of it.
struct Opened {
    transformer: OpenTransformer,
    batch: RecordBatch,
}

impl Tenant {
    fn new(
        runtime: &Runtime,
        sandbox: &Sandbox,
        guests: &Guests,
        guest: &str,
        config: &serde_json::Value,
        batch: RecordBatch,
    ) -> Result<Self, Error> {
        let plugin = runtime.block_on(sandbox.load(guests.read(guest)?.into()))?;
        let config = Arc::new(config.as_object().cloned().unwrap_or_default());
        let limits = Limits { memory: 64 << 20, ..Limits::default() };
        let environment = Environment { config, limits, ..Environment::default() };
        let transformer = Transformer::new(&plugin, environment)?;
        let binding = Arc::new(runtime.block_on(transformer.bind(batch.schema()))?);
        Ok(Self { transformer, binding, batch })
    }

    async fn open(&self) -> Result<Opened, Fault> {
        let transformer = self.transformer.open(Arc::clone(&self.binding), 7).await?;
        Ok(Opened { transformer, batch: self.batch.clone() })
    }

    /// Runs into a limit for ever: a new instance, a call that is stopped, a new instance. Ends, and says how, when a call
    /// ends otherwise.
    fn exhaust(self, runtime: &Runtime) -> JoinHandle<String> {
        runtime.spawn(async move {
            loop {
                let mut opened = match self.open().await {
                    Ok(opened) => opened,
                    Err(fault) => return fault.to_string(),
                };
                match opened.transformer.process(&opened.batch, 0).await {
                    Err(Fault::Fuel { .. } | Fault::Memory { .. }) => {}
                    Err(fault) => return fault.to_string(),
                    Ok(_) => return "its call came to an end".to_owned(),
                }
            }
        })
    }
}

/// Lets batches arrive from a thread that is not of the runtime, and gives how long each took from there to its result.
fn arrivals(
    runtime: &Runtime,
    mut light: Opened,
    batches: usize,
    random: &mut Random,
) -> Result<(Opened, Vec<f64>), Error> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Instant>();
    let task = runtime.spawn(async move {
        let mut taken = Vec::with_capacity(batches);
        while let Some(arrived) = receiver.recv().await {
            let processed = light.transformer.process(&light.batch, 0).await;
            taken.push(arrived.elapsed().as_secs_f64());
            if let Err(fault) = processed {
                return Err(fault.to_string());
            }
        }
        Ok((light, taken))
    });
    for _ in 0..batches {
        let micros = LEAST_MICROS + random.below(MOST_MICROS - LEAST_MICROS);
        std::thread::sleep(Duration::from_micros(micros));
        sender.send(Instant::now())?;
    }
    drop(sender);
    Ok(runtime.block_on(task)??)
}
