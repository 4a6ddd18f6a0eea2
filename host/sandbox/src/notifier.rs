//! Notifiers: events delivered, each on an instance of its own.

use wasmill_contract::bindings::{notifier::Notifier as Bindings, notify as wit, types};
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::component::{LinkError, Plugin, PluginKind};
use crate::fault::Fault;
use crate::guest::{Environment, GuestState, Position};
use crate::step::{Descriptor, Exports, Step};

/// A notifier in its place.
#[derive(Clone)]
pub struct Notifier {
    step: Step,
}

struct NotifyExports {
    bindings: Bindings,
}

impl Exports for NotifyExports {
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self> {
        Ok(Self { bindings: Bindings::new(&mut *store, instance)? })
    }

    async fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<types::Descriptor> {
        self.bindings.wasmill_plugin_notify().call_describe(store).await
    }
}

/// How much an event matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum EventSeverity {
    Info,
    Warning,
    Error,
}

/// Something that happened, to be told to somebody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Event {
    /// Such as `run.failed`.
    pub kind: String,
    pub severity: EventSeverity,
    pub pipeline: String,
    pub run: String,
    /// The same for each delivery of the same event.
    pub dedup_key: String,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: u64,
    /// One line for a person.
    pub summary: String,
    /// A JSON object.
    pub details: String,
}

impl Notifier {
    /// Puts a plugin in its place: checks its kind and its grants.
    pub fn new(plugin: &Plugin, environment: Environment) -> Result<Self, LinkError> {
        Ok(Self { step: Step::new(plugin, PluginKind::Notifier, environment)? })
    }

    /// Adds source lines to a fault of this step: see [`Plugin::locate`].
    pub async fn locate(&self, fault: &mut Fault) {
        self.step.locate(fault).await;
    }

    /// What the plugin says of itself.
    pub async fn describe(&self) -> Result<Descriptor, Fault> {
        self.step.describe::<NotifyExports>().await
    }

    /// Whether the configuration can work.
    pub async fn bind(&self) -> Result<(), Fault> {
        let mut guest = self.step.instantiate::<NotifyExports>(0).await?;
        let (call, store, exports) = guest.begin("bind", 0, Position::Start)?;
        let notify = exports.bindings.wasmill_plugin_notify();
        let result = call.run(notify.call_bind(store, self.step.config())).await;
        guest.end(call, result)
    }

    /// Delivers one event.
    pub async fn notify(&self, event: &Event) -> Result<(), Fault> {
        let event = wit::Event {
            kind: event.kind.clone(),
            severity: match event.severity {
                EventSeverity::Info => wit::Severity::Info,
                EventSeverity::Warning => wit::Severity::Warning,
                EventSeverity::Error => wit::Severity::Error,
            },
            pipeline: event.pipeline.clone(),
            run: event.run.clone(),
            dedup_key: event.dedup_key.clone(),
            time_ms: event.time_ms,
            summary: event.summary.clone(),
            details: event.details.clone(),
        };
        let mut guest = self.step.instantiate::<NotifyExports>(0).await?;
        let (call, store, exports) = guest.begin("notify", 0, Position::End)?;
        let notify = exports.bindings.wasmill_plugin_notify();
        let result = call.run(notify.call_notify(store, self.step.config(), &event)).await;
        guest.end(call, result)
    }
}
