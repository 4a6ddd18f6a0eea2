//! A plugin in its place: linked under its grants, configured, ready to be instantiated.

use std::marker::PhantomData;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmill_contract::bindings::types as wit;
use wasmill_contract::finding::bounded_text;
use wasmill_contract::lower::BatchParam;
use wasmtime::Store;
use wasmtime::component::{ComponentType, Func, Instance, InstancePre, Lift, TypedFunc};

use crate::component::{LinkError, Plugin, PluginKind};
use crate::fault::{Breach, Fault};
use crate::guest::{Environment, Guest, GuestState, Position};
use crate::limits::Limits;

/// The longest config schema that a plugin may declare, in bytes.
const MAX_SCHEMA_BYTES: usize = 256 << 10;

/// What all kinds of steps share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Step {
    plugin: Plugin,
    component: InstancePre<GuestState>,
    environment: Arc<Environment>,
    config: Arc<str>,
    /// Of instances at once.
    places: Arc<Semaphore>,
}

impl Step {
    pub(crate) fn new(
        plugin: &Plugin,
        expected: PluginKind,
        environment: Environment,
    ) -> Result<Self, LinkError> {
        if plugin.kind() != expected {
            return Err(LinkError::Kind { expected, actual: plugin.kind() });
        }
        let component = plugin.link(&environment.grants)?;
        let config = environment.config_text().into();
        let places = Arc::new(Semaphore::new(environment.limits.instances.max(1)));
        let environment = Arc::new(environment);
        Ok(Self { plugin: plugin.clone(), component, environment, config, places })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.environment.limits
    }

    pub(crate) fn config(&self) -> &str {
        &self.config
    }

    /// Creates an instance, when there is a place for it. `seed` is that of its virtual randomness.
    pub(crate) async fn instantiate<E: Exports>(&self, seed: u64) -> Result<Guest<E>, Fault> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("nobody closes the semaphore");
        let engine = self.plugin.engine();
        let script = self.plugin.script();
        Guest::new(engine, &self.component, script, &self.environment, seed, place, E::find).await
    }

    /// See [`Plugin::locate`].
    pub(crate) async fn locate(&self, fault: &mut Fault) {
        self.plugin.locate(fault).await;
    }

    /// What the plugin says of itself.
    pub(crate) async fn describe<E: Exports>(&self) -> Result<Descriptor, Fault> {
        const EXPORT: &str = "describe";
        let mut guest = self.instantiate::<E>(0).await?;
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let result = call.run(exports.call_describe(store)).await;
        let descriptor = guest.end(call, result.map(Ok))?;
        Descriptor::new(descriptor).map_err(|breach| guest.breach(EXPORT, breach))
    }
}

/// The typed exports of one world.
pub(crate) trait Exports: Sized {
    /// Finds them in an instance and compares their types.
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self>;

    /// Calls `describe`, which every world has.
    fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> impl Future<Output = wasmtime::Result<wit::Descriptor>> + Send;
}

/// Finds an exported function that takes a batch, and compares its type with the borrowed parameter
/// type and the given result: with this done, [`BatchFunc::call`] is sound.
pub(crate) struct BatchFunc<R> {
    function: Func,
    result: PhantomData<fn() -> R>,
}

impl<R: ComponentType + Lift + Send + Sync + 'static> BatchFunc<R> {
    pub(crate) fn find(
        store: &mut Store<GuestState>,
        instance: &Instance,
        interface: &str,
        name: &str,
    ) -> wasmtime::Result<Self> {
        let missing = || wasmtime::format_err!("the component does not export {interface}#{name}");
        let interface =
            instance.get_export_index(&mut *store, None, interface).ok_or_else(missing)?;
        let function =
            instance.get_export_index(&mut *store, Some(&interface), name).ok_or_else(missing)?;
        let function = instance.get_func(&mut *store, function).ok_or_else(missing)?;
        function.typed::<(BatchParam<'static>,), (Result<R, wit::Failure>,)>(&*store)?;
        Ok(Self { function, result: PhantomData })
    }

    /// Calls the function. wasmtime's own bindings would copy the batch into owned vectors first.
    #[expect(unsafe_code, reason = "a typed function cannot be kept for a lifetime yet to come")]
    pub(crate) async fn call(
        &self,
        store: &mut Store<GuestState>,
        batch: BatchParam<'_>,
    ) -> wasmtime::Result<Result<R, wit::Failure>> {
        // SAFETY: `find` compared these types with the function's; only a lifetime differs.
        let function = unsafe {
            TypedFunc::<(BatchParam<'_>,), (Result<R, wit::Failure>,)>::new_unchecked(self.function)
        };
        let (result,) = function.call_async(store, (batch,)).await?;
        Ok(result)
    }
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Descriptor {
    pub name: String,
    pub version: String,
    pub summary: String,
    /// JSON Schema of the configuration.
    pub config_schema: serde_json::Value,
}

impl Descriptor {
    pub(crate) fn new(descriptor: wit::Descriptor) -> Result<Self, Breach> {
        if descriptor.config_schema.len() > MAX_SCHEMA_BYTES {
            return Err(Breach::Descriptor(format!(
                "a config schema of {} bytes; the limit is {MAX_SCHEMA_BYTES}",
                descriptor.config_schema.len()
            )));
        }
        let config_schema: serde_json::Value = serde_json::from_str(&descriptor.config_schema)
            .map_err(|error| {
                Breach::Descriptor(format!("its config schema is not JSON: {error}"))
            })?;
        if !config_schema.is_object() {
            return Err(Breach::Descriptor("its config schema is not a JSON object".to_owned()));
        }
        Ok(Self {
            name: bounded_text(descriptor.name),
            version: bounded_text(descriptor.version),
            summary: bounded_text(descriptor.summary),
            config_schema,
        })
    }
}
