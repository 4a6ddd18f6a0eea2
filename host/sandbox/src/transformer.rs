//! Transformers: batches in, batches out.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmill_contract::binding::TransformBinding;
use wasmill_contract::bindings::{transform as wit, transformer::Transformer as Bindings, types};
use wasmill_contract::processed::{OutputLimits, Processed};
use wasmill_contract::schema;
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::accounting::Usage;
use crate::component::{LinkError, Plugin, PluginKind};
use crate::crossing::Returned;
use crate::fault::Fault;
use crate::guest::{Environment, Guest, GuestState, Position};
use crate::limits::Limits;
use crate::lowering::LoweredBatch;
use crate::opened::opened;
use crate::step::{BatchFunc, Descriptor, Exports, Step};

/// A transformer in its place.
#[derive(Clone)]
pub struct Transformer {
    step: Step,
}

struct TransformExports {
    bindings: Bindings,
    process: BatchFunc<wit::Processed>,
}

impl Exports for TransformExports {
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self> {
        let bindings = Bindings::new(&mut *store, instance)?;
        let interface = PluginKind::Transformer.versioned_interface();
        let process = BatchFunc::find(store, instance, &interface, "process")?;
        Ok(Self { bindings, process })
    }

    async fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<types::Descriptor> {
        self.bindings.wasmill_plugin_transform().call_describe(store).await
    }
}

impl Transformer {
    /// Puts a plugin in its place: checks its kind and its grants.
    pub fn new(plugin: &Plugin, environment: Environment) -> Result<Self, LinkError> {
        Ok(Self { step: Step::new(plugin, PluginKind::Transformer, environment)? })
    }

    /// Adds source lines to a fault of this step: see [`Plugin::locate`].
    pub async fn locate(&self, fault: &mut Fault) {
        self.step.locate(fault).await;
    }

    /// What each instance may use up.
    pub fn limits(&self) -> &Limits {
        self.step.limits()
    }

    /// What the plugin says of itself.
    pub async fn describe(&self) -> Result<Descriptor, Fault> {
        self.step.describe::<TransformExports>().await
    }

    /// What the plugin will do with batches of this schema.
    pub async fn bind(&self, input: SchemaRef) -> Result<TransformBinding, Fault> {
        const EXPORT: &str = "bind";
        let mut guest = self.step.instantiate::<TransformExports>(0).await?;
        let input_schema = schema::to_wit(&input);
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let transform = exports.bindings.wasmill_plugin_transform();
        let result = call.run(transform.call_bind(store, self.step.config(), &input_schema)).await;
        let binding = guest.end(call, result)?;
        TransformBinding::new(binding, input).map_err(|breach| guest.breach(EXPORT, breach))
    }

    /// A fresh instance, opened. `seed` is that of its virtual randomness.
    pub async fn open(
        &self,
        binding: Arc<TransformBinding>,
        seed: u64,
    ) -> Result<OpenTransformer, Fault> {
        let mut guest = self.step.instantiate::<TransformExports>(seed).await?;
        let input_schema = schema::to_wit(&binding.input);
        let (call, store, exports) = guest.begin("open", 0, Position::Start)?;
        let transform = exports.bindings.wasmill_plugin_transform();
        let result = call.run(transform.call_open(store, self.step.config(), &input_schema)).await;
        guest.end(call, result)?;
        Ok(OpenTransformer { guest, binding, rows: 0, returned: Returned::default() })
    }
}

/// An instance of a transformer that was opened.
pub struct OpenTransformer {
    guest: Guest<TransformExports>,
    binding: Arc<TransformBinding>,
    rows: usize,
    returned: Returned,
}

opened!(OpenTransformer);

impl OpenTransformer {
    /// Processes one batch of the bound input schema. `first_row` is the position of its first row in the input.
    ///
    /// After any fault that is not [`Fault::Failure`], the instance is gone.
    pub async fn process(
        &mut self,
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<Processed, Fault> {
        const EXPORT: &str = "process";
        let lowered = LoweredBatch::new(EXPORT, batch, &self.binding.reading)?;
        self.guest.hold(EXPORT, lowered.held_bytes())?;
        let nodes = lowered.nodes();
        let (call, store, exports) =
            self.guest.begin(EXPORT, batch.num_rows(), Position::Row(first_row))?;
        let result = call.run(exports.process.call(store, lowered.param(&nodes))).await;
        let processed = self.guest.end(call, result)?;
        self.returned.observe(&processed.outputs, &processed.bad_rows);
        self.guest.crossed(EXPORT, lowered.byte_count(), self.returned.bytes)?;
        let limits = self.guest.limits();
        let limits = OutputLimits {
            rows: limits.output_rows(batch.num_rows()),
            copied_bytes: limits.output_bytes,
        };
        self.rows += batch.num_rows();
        Processed::new(&self.binding, batch, processed, limits)
            .map_err(|breach| self.guest.breach(EXPORT, breach))
    }

    /// What the plugin still holds back at the end of its input.
    pub async fn finish(&mut self) -> Result<Processed, Fault> {
        const EXPORT: &str = "finish";
        let (call, store, exports) = self.guest.begin(EXPORT, self.rows, Position::End)?;
        let transform = exports.bindings.wasmill_plugin_transform();
        let result = call.run(transform.call_finish(store)).await;
        let outputs = self.guest.end(call, result)?;
        self.returned.observe(&outputs, &[]);
        self.guest.crossed(EXPORT, 0, self.returned.bytes)?;
        let row_limit = self.guest.limits().output_rows(self.rows);
        Processed::from_finish(&self.binding, outputs, row_limit)
            .map_err(|breach| self.guest.breach(EXPORT, breach))
    }

    /// For each new column, whether the last call handed it back as an input column that is kept, so that its values did
    /// not cross. Shorter than the columns, or empty, where the rest did.
    pub fn kept_by_last_call(&self) -> &[bool] {
        &self.returned.kept
    }

    /// What the instance has used up.
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }
}
