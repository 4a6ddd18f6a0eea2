//! A host for the peers, as small as one can be: it goes through the batches, and after a call that failed it goes on with a
//! new instance. Neither peer says which row was at fault, so a failed call costs its batch.
//!
//! It runs in a process of its own: this program once more, with `--poisoned PEER/POISON`. On standard output it says
//! `ready` when everything is compiled, and then for each batch how many rows it has got.

use std::time::Duration;

use arrow::array::{AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow_udf_runtime::wasm::{Config, FunctionHandle, Runtime};
use extism::{CompiledPlugin, Manifest, Plugin, PluginBuilder, Wasm};

use super::process::watch;
use super::{
    BATCH_ROWS, DEADLINE_SECONDS, Delivery, FUEL_PER_CALL, FUEL_PER_ROW, MEMORY_MEBIBYTES, Poison,
};
use crate::measure::Error;
use crate::subjects::{Guests, arrow_udf, extism as extism_subject};

#[derive(Debug, Clone, Copy)]
pub enum Peer {
    ArrowUdf,
    Extism,
}

impl Peer {
    pub const ALL: [Self; 2] = [Self::ArrowUdf, Self::Extism];

    pub fn name(self) -> &'static str {
        match self {
            Self::ArrowUdf => arrow_udf::NAME,
            Self::Extism => "extism",
        }
    }
}

/// Starts the process, and counts what it says.
pub fn run(peer: Peer, poison: Poison) -> Result<Delivery, Error> {
    // With the arguments of this process, so that it finds the same guests.
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1));
    command.arg("--poisoned").arg(format!("{}/{}", peer.name(), poison.name()));
    let watched = watch(&mut command)?;
    let ready = watched.lines.iter().find(|(_, line)| line == "ready");
    let (ready, _) = ready.ok_or_else(|| format!("{}: {}", peer.name(), watched.outcome))?;
    let delivered = watched.lines.iter().filter_map(|(_, line)| line.strip_prefix("delivered "));
    let mut sum = 0;
    for rows in delivered {
        sum += rows.parse::<usize>()?;
    }
    // Compiling is not counted.
    let seconds = (watched.elapsed - *ready).as_secs_f64();
    Ok(Delivery { delivered: sum, quarantined: None, seconds, outcome: watched.outcome })
}

/// The process: `which` is `PEER/POISON`.
#[expect(clippy::print_stdout, reason = "that is how the two processes talk")]
pub fn child(guests: &Guests, which: &str) -> Result<(), Error> {
    let (peer, poison) = which.split_once('/').ok_or("PEER/POISON is missing")?;
    let poison = Poison::from_name(poison).ok_or("there is no such poison")?;
    let batches = poison.batches();
    let mut calling: Box<dyn Calling> = match peer {
        arrow_udf::NAME => Box::new(ArrowUdf::new(guests, &batches[0])?),
        _ => Box::new(Extism::new(guests)?),
    };
    println!("ready");
    for batch in &batches {
        match calling.call(batch) {
            Ok(double) => println!("delivered {}", right_rows(batch, &double)?),
            Err(error) => {
                println!("failed {}", error.to_string().lines().next().unwrap_or_default());
                calling.renew()?;
            }
        }
    }
    Ok(())
}

/// How many rows of `batch` are good and have the right value in `double`.
fn right_rows(batch: &RecordBatch, double: &Int64Array) -> Result<usize, Error> {
    if double.len() != batch.num_rows() {
        return Err("the output has another number of rows".into());
    }
    let ids = batch.column(0).as_primitive::<Int64Type>();
    let poison = batch.column(1).as_primitive::<Int32Type>();
    let right = |&row: &usize| poison.value(row) == 0 && double.value(row) == 2 * ids.value(row);
    Ok((0..batch.num_rows()).filter(right).count())
}

/// A peer that is called.
trait Calling {
    fn call(&mut self, batch: &RecordBatch) -> Result<Int64Array, Error>;

    /// Makes it fit for use after a call that failed.
    fn renew(&mut self) -> Result<(), Error>;
}

struct ArrowUdf {
    runtime: Runtime,
    function: FunctionHandle,
}

impl ArrowUdf {
    fn new(guests: &Guests, input: &RecordBatch) -> Result<Self, Error> {
        let mut config = Config::default();
        config.memory_size_limit = Some((MEMORY_MEBIBYTES as usize) << 20);
        let runtime = Runtime::with_config(&guests.read("bench-arrow-udf")?, config)?;
        let schema = arrow_udf::to_58(input)?.schema();
        let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
        let result = types[0].clone();
        let function = runtime.find_function("poison", types, result)?;
        Ok(Self { runtime, function })
    }
}

impl Calling for ArrowUdf {
    fn call(&mut self, batch: &RecordBatch) -> Result<Int64Array, Error> {
        let output = self.runtime.call(&self.function, &arrow_udf::to_58(batch)?)?;
        Ok(arrow_udf::from_58(&output)?.column(0).as_primitive::<Int64Type>().clone())
    }

    /// A clone has the same module, and no instances.
    fn renew(&mut self) -> Result<(), Error> {
        self.runtime = self.runtime.clone();
        Ok(())
    }
}

struct Extism {
    compiled: CompiledPlugin,
    plugin: Plugin,
}

impl Extism {
    fn new(guests: &Guests) -> Result<Self, Error> {
        const PAGE_BYTES: u32 = 64 << 10;
        let manifest = Manifest::new([Wasm::data(guests.read("bench-extism")?)])
            .with_memory_max((MEMORY_MEBIBYTES << 20) / PAGE_BYTES)
            .with_timeout(Duration::from_secs(DEADLINE_SECONDS));
        let builder = PluginBuilder::new(manifest)
            .with_wasi(true)
            .with_cache_disabled()
            .with_fuel_limit(FUEL_PER_CALL + FUEL_PER_ROW * BATCH_ROWS as u64);
        let compiled = CompiledPlugin::new(builder)?;
        let plugin = Plugin::new_from_compiled(&compiled)?;
        Ok(Self { compiled, plugin })
    }
}

impl Calling for Extism {
    fn call(&mut self, batch: &RecordBatch) -> Result<Int64Array, Error> {
        let outputs = extism_subject::call(&mut self.plugin, "poison", batch)?;
        let output = outputs.first().ok_or("there is no output")?;
        Ok(output.column(0).as_primitive::<Int64Type>().clone())
    }

    fn renew(&mut self) -> Result<(), Error> {
        self.plugin = Plugin::new_from_compiled(&self.compiled)?;
        Ok(())
    }
}
