//! Validators: batches in, verdicts out; partial states merged; the table concluded.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use wasmill_contract::binding::Reading;
use wasmill_contract::bindings::{types, validate as wit, validator::Validator as Bindings};
use wasmill_contract::schema;
use wasmill_contract::verdict::{Conclusion, Verdict};
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::accounting::Usage;
use crate::component::{LinkError, Plugin, PluginKind};
use crate::crossing;
use crate::fault::Fault;
use crate::guest::{Environment, Guest, GuestState, Position};
use crate::limits::Limits;
use crate::lowering::LoweredBatch;
use crate::opened::opened;
use crate::step::{BatchFunc, Descriptor, Exports, Step};

/// A validator in its place.
#[derive(Clone)]
pub struct Validator {
    step: Step,
}

struct ValidateExports {
    bindings: Bindings,
    check: BatchFunc<wit::Verdict>,
}

impl Exports for ValidateExports {
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self> {
        let bindings = Bindings::new(&mut *store, instance)?;
        let interface = PluginKind::Validator.versioned_interface();
        let check = BatchFunc::find(store, instance, &interface, "check")?;
        Ok(Self { bindings, check })
    }

    async fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<types::Descriptor> {
        self.bindings.wasmill_plugin_validate().call_describe(store).await
    }
}

/// What a validator reads of one input schema.
#[derive(Debug, Clone)]
pub struct ValidateBinding {
    pub input: SchemaRef,
    pub reading: Reading,
}

impl Validator {
    /// Puts a plugin in its place: checks its kind and its grants.
    pub fn new(plugin: &Plugin, environment: Environment) -> Result<Self, LinkError> {
        Ok(Self { step: Step::new(plugin, PluginKind::Validator, environment)? })
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
        self.step.describe::<ValidateExports>().await
    }

    /// Which columns the plugin wants to see.
    pub async fn bind(&self, input: SchemaRef) -> Result<ValidateBinding, Fault> {
        const EXPORT: &str = "bind";
        let mut guest = self.step.instantiate::<ValidateExports>(0).await?;
        let input_schema = schema::to_wit(&input);
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let validate = exports.bindings.wasmill_plugin_validate();
        let result = call.run(validate.call_bind(store, self.step.config(), &input_schema)).await;
        let binding = guest.end(call, result)?;
        match Reading::new(&binding.reads, binding.encoding, &input) {
            Ok(reading) => Ok(ValidateBinding { input, reading }),
            Err(breach) => Err(guest.breach(EXPORT, breach)),
        }
    }

    /// A fresh instance, opened.
    pub async fn open(
        &self,
        binding: Arc<ValidateBinding>,
        seed: u64,
    ) -> Result<OpenValidator, Fault> {
        let mut guest = self.step.instantiate::<ValidateExports>(seed).await?;
        let input_schema = schema::to_wit(&binding.input);
        let (call, store, exports) = guest.begin("open", 0, Position::Start)?;
        let validate = exports.bindings.wasmill_plugin_validate();
        let result = call.run(validate.call_open(store, self.step.config(), &input_schema)).await;
        guest.end(call, result)?;
        Ok(OpenValidator { guest, binding })
    }
}

/// An instance of a validator that was opened.
pub struct OpenValidator {
    guest: Guest<ValidateExports>,
    binding: Arc<ValidateBinding>,
}

opened!(OpenValidator);

impl OpenValidator {
    /// Judges one batch of the bound input schema. `first_row` is the position of its first row in the input.
    pub async fn check(&mut self, batch: &RecordBatch, first_row: u64) -> Result<Verdict, Fault> {
        const EXPORT: &str = "check";
        let lowered = LoweredBatch::new(EXPORT, batch, &self.binding.reading)?;
        self.guest.hold(EXPORT, lowered.held_bytes())?;
        let nodes = lowered.nodes();
        let (call, store, exports) =
            self.guest.begin(EXPORT, batch.num_rows(), Position::Row(first_row))?;
        let result = call.run(exports.check.call(store, lowered.param(&nodes))).await;
        let verdict = self.guest.end(call, result)?;
        self.guest.crossed(EXPORT, lowered.byte_count(), crossing::verdict(&verdict))?;
        Verdict::new(verdict, batch.num_rows()).map_err(|breach| self.guest.breach(EXPORT, breach))
    }

    /// Merges partial states that stand for `rows` rows.
    pub async fn merge(&mut self, partials: &[Vec<u8>], rows: usize) -> Result<Vec<u8>, Fault> {
        let (call, store, exports) = self.guest.begin("merge", rows, Position::End)?;
        let validate = exports.bindings.wasmill_plugin_validate();
        let result = call.run(validate.call_merge(store, partials)).await;
        self.guest.end(call, result)
    }

    /// Judges the table of `rows` rows by its merged state.
    pub async fn conclude(&mut self, state: &[u8], rows: usize) -> Result<Conclusion, Fault> {
        let (call, store, exports) = self.guest.begin("conclude", rows, Position::End)?;
        let validate = exports.bindings.wasmill_plugin_validate();
        let result = call.run(validate.call_conclude(store, state)).await;
        Ok(Conclusion::new(self.guest.end(call, result)?))
    }

    /// What the instance has used up.
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }
}
