//! Loaders: batches staged by attempts, receipts committed.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmill_contract::binding::Reading;
use wasmill_contract::bindings::{load as wit, loader::Loader as Bindings, types};
use wasmill_contract::finding::Finding;
use wasmill_contract::receipt::rows_without_finding;
use wasmill_contract::schema;
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::accounting::Usage;
use crate::component::{LinkError, Plugin, PluginKind};
use crate::crossing;
use crate::fault::Fault;
use crate::guest::{Environment, Guest, GuestState, Position};
use crate::lowering::LoweredBatch;
use crate::step::{BatchFunc, Descriptor, Exports, Step};

pub use wasmill_contract::receipt::Receipt;

/// A loader in its place.
#[derive(Clone)]
pub struct Loader {
    step: Step,
}

struct LoadExports {
    bindings: Bindings,
    write: BatchFunc<Vec<types::Finding>>,
}

impl Exports for LoadExports {
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self> {
        let bindings = Bindings::new(&mut *store, instance)?;
        let interface = PluginKind::Loader.versioned_interface();
        let write = BatchFunc::find(store, instance, &interface, "write")?;
        Ok(Self { bindings, write })
    }

    async fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<types::Descriptor> {
        self.bindings.wasmill_plugin_load().call_describe(store).await
    }
}

/// What a loader reads of one input schema.
#[derive(Debug, Clone)]
pub struct LoadBinding {
    pub input: SchemaRef,
    pub reading: Reading,
}

/// One attempt at one split of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub run: String,
    pub split: String,
    /// Unique among all attempts at all splits.
    pub attempt: String,
}

impl Loader {
    /// Puts a plugin in its place: checks its kind and its grants.
    pub fn new(plugin: &Plugin, environment: Environment) -> Result<Self, LinkError> {
        Ok(Self { step: Step::new(plugin, PluginKind::Loader, environment)? })
    }

    /// Adds source lines to a fault of this step: see [`Plugin::locate`].
    pub async fn locate(&self, fault: &mut Fault) {
        self.step.locate(fault).await;
    }

    /// What the plugin says of itself.
    pub async fn describe(&self) -> Result<Descriptor, Fault> {
        self.step.describe::<LoadExports>().await
    }

    /// Which columns the plugin wants to see.
    pub async fn bind(&self, input: SchemaRef) -> Result<LoadBinding, Fault> {
        const EXPORT: &str = "bind";
        let mut guest = self.step.instantiate::<LoadExports>(0).await?;
        let input_schema = schema::to_wit(&input);
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let load = exports.bindings.wasmill_plugin_load();
        let result = call.run(load.call_bind(store, self.step.config(), &input_schema)).await;
        let binding = guest.end(call, result)?;
        match Reading::new(&binding.reads, binding.encoding, &input) {
            Ok(reading) => Ok(LoadBinding { input, reading }),
            Err(breach) => Err(guest.breach(EXPORT, breach)),
        }
    }

    /// A fresh instance, opened to stage one attempt at one split.
    pub async fn open(
        &self,
        binding: Arc<LoadBinding>,
        attempt: &Attempt,
        seed: u64,
    ) -> Result<OpenLoader, Fault> {
        let attempt = wit::Attempt {
            run: attempt.run.clone(),
            split: attempt.split.clone(),
            attempt: attempt.attempt.clone(),
        };
        let mut guest = self.step.instantiate::<LoadExports>(seed).await?;
        let input_schema = schema::to_wit(&binding.input);
        let (call, store, exports) = guest.begin("open", 0, Position::Start)?;
        let load = exports.bindings.wasmill_plugin_load();
        let result =
            call.run(load.call_open(store, self.step.config(), &input_schema, &attempt)).await;
        guest.end(call, result)?;
        Ok(OpenLoader { guest, binding, staged: 0 })
    }

    /// Makes the rows of these receipts visible, once however often it is called.
    pub async fn commit(&self, run: &str, receipts: &[Receipt]) -> Result<(), Fault> {
        let (mut guest, receipts) = self.for_receipts(receipts).await?;
        let (call, store, exports) = guest.begin("commit", 0, Position::End)?;
        let load = exports.bindings.wasmill_plugin_load();
        let result = call.run(load.call_commit(store, self.step.config(), run, &receipts)).await;
        guest.end(call, result)
    }

    /// Removes the rows of these receipts from where they were staged.
    pub async fn abort(&self, run: &str, receipts: &[Receipt]) -> Result<(), Fault> {
        let (mut guest, receipts) = self.for_receipts(receipts).await?;
        let (call, store, exports) = guest.begin("abort", 0, Position::End)?;
        let load = exports.bindings.wasmill_plugin_load();
        let result = call.run(load.call_abort(store, self.step.config(), run, &receipts)).await;
        guest.end(call, result)
    }

    async fn for_receipts(
        &self,
        receipts: &[Receipt],
    ) -> Result<(Guest<LoadExports>, Vec<wit::Receipt>), Fault> {
        let guest = self.step.instantiate::<LoadExports>(0).await?;
        let receipts = receipts
            .iter()
            .map(|receipt| wit::Receipt {
                rows: receipt.rows,
                reference: receipt.reference.clone(),
            })
            .collect();
        Ok((guest, receipts))
    }
}

/// An instance of a loader that stages one attempt.
pub struct OpenLoader {
    guest: Guest<LoadExports>,
    binding: Arc<LoadBinding>,
    /// Rows that were written and not refused.
    staged: u64,
}

impl OpenLoader {
    /// Stages one batch. Returns the rows that the target would refuse.
    pub async fn write(
        &mut self,
        batch: &RecordBatch,
        first_row: u64,
    ) -> Result<Vec<Finding>, Fault> {
        const EXPORT: &str = "write";
        let lowered = LoweredBatch::new(EXPORT, batch, &self.binding.reading)?;
        self.guest.hold(EXPORT, lowered.held_bytes())?;
        let nodes = lowered.nodes();
        let (call, store, exports) =
            self.guest.begin(EXPORT, batch.num_rows(), Position::Row(first_row))?;
        let result = call.run(exports.write.call(store, lowered.param(&nodes))).await;
        let findings = self.guest.end(call, result)?;
        self.guest.crossed(EXPORT, lowered.byte_count(), crossing::findings(&findings))?;
        let findings = Finding::all(findings, batch.num_rows())
            .map_err(|breach| self.guest.breach(EXPORT, breach))?;
        self.staged += rows_without_finding(&findings, batch.num_rows()) as u64;
        Ok(findings)
    }

    /// Ends the attempt.
    pub async fn finish(&mut self) -> Result<Receipt, Fault> {
        const EXPORT: &str = "finish";
        let (call, store, exports) = self.guest.begin(EXPORT, 0, Position::End)?;
        let load = exports.bindings.wasmill_plugin_load();
        let result = call.run(load.call_finish(store)).await;
        let receipt = self.guest.end(call, result)?;
        Receipt::new(receipt, self.staged).map_err(|breach| self.guest.breach(EXPORT, breach))
    }

    /// What the instance has used up.
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }
}
