//! Wasmill: the sandbox as pipelines use it, an instance kept warm, batches cut into pieces.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wasmill_sandbox::Environment;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::engine::{Profile, Sandbox, SandboxOptions};
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::sizing::{BatchSizer, part};
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};

use crate::guests::Guests;
use crate::measure::{Error, Measuring, Subject};

/// How the three profiles are called in results.
pub const PROFILES: [(&str, Profile); 3] = [
    ("wasmill", Profile::Metered),
    ("wasmill guarded", Profile::Guarded),
    ("wasmill without limits", Profile::Unstopped),
];

/// A compiled guest, and where its calls run.
pub struct Host {
    runtime: Rc<Runtime>,
    plugin: Plugin,
}

impl Host {
    pub fn load(
        guests: &Guests,
        guest: &str,
        profile: Profile,
        instances: u32,
    ) -> Result<Self, Error> {
        let runtime = Rc::new(tokio::runtime::Builder::new_current_thread().enable_time().build()?);
        let compiler = Compiler::new().cached_in(Arc::clone(&guests.cache));
        let sandbox = Sandbox::with_options(SandboxOptions { instances, profile, compiler })?;
        let component = guests.read(guest)?.into();
        let plugin = runtime.block_on(sandbox.load_beside(component, Some(guests.folder())))?;
        Ok(Self { runtime, plugin })
    }

    /// A transformer, bound to the columns of `input`.
    pub fn bind(&self, config: &Value, input: &RecordBatch) -> Result<Bound, Error> {
        let config = Arc::new(config.as_object().cloned().unwrap_or_default());
        let limits = Limits::default();
        let environment = Environment { config, limits, ..Environment::default() };
        let transformer = Transformer::new(&self.plugin, environment)?;
        let binding = Arc::new(self.runtime.block_on(transformer.bind(input.schema()))?);
        Ok(Bound { runtime: Rc::clone(&self.runtime), transformer, binding })
    }
}

/// A transformer whose instances can be opened.
pub struct Bound {
    runtime: Rc<Runtime>,
    transformer: Transformer,
    binding: Arc<TransformBinding>,
}

impl Bound {
    pub fn open(&self) -> Result<OpenTransformer, Error> {
        Ok(self.runtime.block_on(self.transformer.open(Arc::clone(&self.binding), 7))?)
    }

    /// Creates an instance, passes one batch through it, and drops it.
    pub fn once(&self, input: &RecordBatch) -> Result<(), Error> {
        self.runtime.block_on(async {
            let mut open = self.transformer.open(Arc::clone(&self.binding), 7).await?;
            open.process(input, 0).await?;
            Ok(())
        })
    }
}

/// One warm instance over one input, or over many batches.
pub struct Wasmill {
    name: String,
    bound: Bound,
    open: OpenTransformer,
    sizer: BatchSizer,
    inputs: Vec<RecordBatch>,
    /// The rows that the last run rejected.
    rejected: Vec<RecordBatch>,
}

impl Wasmill {
    /// One subject for each profile.
    pub fn profiles(
        guests: &Guests,
        kernel: &str,
        input: &RecordBatch,
        measuring: &Measuring,
    ) -> Result<Vec<Box<dyn Subject>>, Error> {
        let config = json!({ "kernel": kernel });
        let wanted = PROFILES.into_iter().filter(|(name, _)| measuring.wants(name));
        let subjects = wanted.map(|(name, profile)| {
            Self::subject(name, guests, "bench-wasmill", &config, profile, input)
        });
        subjects.collect()
    }

    pub fn subject(
        name: &str,
        guests: &Guests,
        guest: &str,
        config: &Value,
        profile: Profile,
        input: &RecordBatch,
    ) -> Result<Box<dyn Subject>, Error> {
        let input = std::slice::from_ref(input);
        Self::over_batches(name, guests, guest, config, profile, input)
    }

    /// `inputs` are of one schema, and at least one.
    pub fn over_batches(
        name: &str,
        guests: &Guests,
        guest: &str,
        config: &Value,
        profile: Profile,
        inputs: &[RecordBatch],
    ) -> Result<Box<dyn Subject>, Error> {
        Ok(Box::new(Self::new(name, guests, guest, config, profile, inputs)?))
    }

    /// The same, to be used as more than a subject.
    pub fn new(
        name: &str,
        guests: &Guests,
        guest: &str,
        config: &Value,
        profile: Profile,
        inputs: &[RecordBatch],
    ) -> Result<Self, Error> {
        let bound = Host::load(guests, guest, profile, 2)?.bind(config, &inputs[0])?;
        let open = bound.open()?;
        Ok(Self {
            name: name.to_owned(),
            bound,
            open,
            sizer: BatchSizer::default(),
            inputs: inputs.to_vec(),
            rejected: Vec::new(),
        })
    }

    /// Passes the inputs through this instance, and what comes of each piece through `next`.
    pub fn chained(&mut self, next: &mut Self) -> Result<Vec<RecordBatch>, Error> {
        let runtime = Rc::clone(&self.bound.runtime);
        runtime.block_on(async {
            let mut outputs = Vec::new();
            self.each_output(async |batch| {
                outputs.extend(next.open.process(&batch, 0).await?.outputs);
                Ok(())
            })
            .await?;
            Ok(outputs.into_iter().map(|output| output.batch).collect())
        })
    }
}

impl Subject for Wasmill {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self) -> Result<(), Error> {
        self.run_times(1)
    }

    /// Within the runtime all the time, as the batches of a split are.
    fn run_times(&mut self, times: u32) -> Result<(), Error> {
        let runtime = Rc::clone(&self.bound.runtime);
        runtime.block_on(async {
            for _ in 0..times {
                black_box(self.outputs().await?);
            }
            Ok(())
        })
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let runtime = Rc::clone(&self.bound.runtime);
        runtime.block_on(self.outputs())
    }

    fn rejected(&self) -> u64 {
        self.rejected.iter().map(|batch| batch.num_rows() as u64).sum()
    }
}

impl Wasmill {
    async fn outputs(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let mut outputs = Vec::new();
        self.each_output(async |batch| {
            outputs.push(batch);
            Ok(())
        })
        .await?;
        Ok(outputs)
    }

    /// Passes the inputs through the instance, piece by piece, and what comes of each on to `take`.
    async fn each_output(
        &mut self,
        mut take: impl AsyncFnMut(RecordBatch) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self { bound, open, sizer, inputs, rejected, .. } = self;
        rejected.clear();
        let positions = &bound.binding.reading.positions;
        let mut first_row = 0;
        for input in inputs {
            let mut start = 0;
            while start < input.num_rows() {
                let rows = sizer.rows(&part(input, &(start..input.num_rows())), positions);
                let piece = part(input, &(start..start + rows));
                let processed = open.process(&piece, first_row).await?;
                if !processed.bad_rows.is_empty() {
                    rejected.push(bad_rows(&piece, &processed.bad_rows)?);
                }
                for output in processed.outputs {
                    take(output.batch).await?;
                }
                start += rows;
                first_row += rows as u64;
            }
        }
        Ok(())
    }
}

/// The rows themselves, as a quarantine keeps them: each once, whatever is found wrong with it.
fn bad_rows(batch: &RecordBatch, findings: &[Finding]) -> Result<RecordBatch, Error> {
    let rows: BTreeSet<u32> =
        findings.iter().flat_map(|finding| finding.rows.iter().copied()).collect();
    Ok(take_record_batch(batch, &UInt32Array::from_iter_values(rows))?)
}
