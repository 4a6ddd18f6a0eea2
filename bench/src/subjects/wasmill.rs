//! Wasmill: the sandbox as pipelines use it, an instance kept warm, batches cut into pieces.

use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::RecordBatch;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::binding::TransformBinding;
use wasmill_sandbox::engine::{Profile, Sandbox, SandboxOptions};
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::sizing::BatchSizer;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};

use crate::measure::{Error, Measuring, Subject};
use crate::subjects::Guests;

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
        let cache = Some(Arc::clone(&guests.cache));
        let sandbox = Sandbox::with_options(SandboxOptions { instances, profile, cache })?;
        let plugin = runtime.block_on(sandbox.load(guests.read(guest)?.into()))?;
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

/// One warm instance over one input.
pub struct Wasmill {
    name: String,
    bound: Bound,
    open: OpenTransformer,
    sizer: BatchSizer,
    input: RecordBatch,
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
        let bound = Host::load(guests, guest, profile, 2)?.bind(config, input)?;
        let open = bound.open()?;
        let sizer = BatchSizer::default();
        Ok(Box::new(Self { name: name.to_owned(), bound, open, sizer, input: input.clone() }))
    }
}

impl Subject for Wasmill {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self) -> Result<(), Error> {
        black_box(self.output()?);
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let Self { bound, open, sizer, input, .. } = self;
        let positions = &bound.binding.reading.positions;
        bound.runtime.block_on(async {
            let mut outputs = Vec::new();
            let mut start = 0;
            while start < input.num_rows() {
                let rest = input.slice(start, input.num_rows() - start);
                let rows = sizer.rows(&rest, positions);
                let processed = open.process(&rest.slice(0, rows), start as u64).await?;
                outputs.extend(processed.outputs.into_iter().map(|output| output.batch));
                start += rows;
            }
            Ok(outputs)
        })
    }
}
