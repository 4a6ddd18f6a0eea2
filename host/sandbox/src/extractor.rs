//! Extractors: splits planned, then each read on an instance of its own.

use std::sync::Arc;

use wasmill_contract::bindings::{extract as wit, extractor::Extractor as Bindings, types};
use wasmill_contract::extracted::{
    ExtractBinding, ExtractBreach, ExtractSplit, Extracted, checked_cursor,
};
use wasmtime::Store;
use wasmtime::component::Instance;

use crate::accounting::Usage;
use crate::component::{LinkError, Plugin, PluginKind};
use crate::crossing;
use crate::fault::Fault;
use crate::guest::{Environment, Guest, GuestState, Position};
use crate::step::{Descriptor, Exports, Step};

/// How many batches without anything may follow each other: an extractor that never comes to an end holds a split for ever.
const MAX_IDLE: u32 = 10_000;

/// An extractor in its place.
#[derive(Clone)]
pub struct Extractor {
    step: Step,
}

struct ExtractExports {
    bindings: Bindings,
}

impl Exports for ExtractExports {
    fn find(store: &mut Store<GuestState>, instance: &Instance) -> wasmtime::Result<Self> {
        Ok(Self { bindings: Bindings::new(&mut *store, instance)? })
    }

    async fn call_describe(
        &self,
        store: &mut Store<GuestState>,
    ) -> wasmtime::Result<types::Descriptor> {
        self.bindings.wasmill_plugin_extract().call_describe(store).await
    }
}

/// Where an earlier run stopped reading a split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub split: String,
    pub position: String,
}

impl Extractor {
    /// Puts a plugin in its place: checks its kind and its grants.
    pub fn new(plugin: &Plugin, environment: Environment) -> Result<Self, LinkError> {
        Ok(Self { step: Step::new(plugin, PluginKind::Extractor, environment)? })
    }

    /// Adds source lines to a fault of this step: see [`Plugin::locate`].
    pub async fn locate(&self, fault: &mut Fault) {
        self.step.locate(fault).await;
    }

    /// What the plugin says of itself.
    pub async fn describe(&self) -> Result<Descriptor, Fault> {
        self.step.describe::<ExtractExports>().await
    }

    /// The schema of the rows to come.
    pub async fn bind(&self) -> Result<ExtractBinding, Fault> {
        const EXPORT: &str = "bind";
        let mut guest = self.step.instantiate::<ExtractExports>(0).await?;
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let extract = exports.bindings.wasmill_plugin_extract();
        let result = call.run(extract.call_bind(store, self.step.config())).await;
        let binding = guest.end(call, result)?;
        ExtractBinding::new(binding).map_err(|breach| guest.breach(EXPORT, breach))
    }

    /// Divides the work, going on from where the last committed run stopped.
    pub async fn plan(&self, cursors: &[Cursor]) -> Result<Vec<ExtractSplit>, Fault> {
        const EXPORT: &str = "plan";
        let cursors: Vec<wit::CursorPosition> = cursors
            .iter()
            .map(|cursor| wit::CursorPosition {
                split: cursor.split.clone(),
                position: cursor.position.clone(),
            })
            .collect();
        let mut guest = self.step.instantiate::<ExtractExports>(0).await?;
        let (call, store, exports) = guest.begin(EXPORT, 0, Position::Start)?;
        let extract = exports.bindings.wasmill_plugin_extract();
        let result = call.run(extract.call_plan(store, self.step.config(), &cursors)).await;
        let splits = guest.end(call, result)?;
        ExtractSplit::all(splits).map_err(|breach| guest.breach(EXPORT, breach))
    }

    /// A fresh instance, opened to read one split.
    pub async fn open(
        &self,
        binding: Arc<ExtractBinding>,
        split: &ExtractSplit,
        seed: u64,
    ) -> Result<OpenExtractor, Fault> {
        let split = wit::Split {
            id: split.id.clone(),
            descriptor: split.descriptor.clone(),
            rows: split.rows,
            bytes: split.bytes,
        };
        let mut guest = self.step.instantiate::<ExtractExports>(seed).await?;
        let (call, store, exports) = guest.begin("open", 0, Position::Start)?;
        let extract = exports.bindings.wasmill_plugin_extract();
        let result = call.run(extract.call_open(store, self.step.config(), &split)).await;
        guest.end(call, result)?;
        Ok(OpenExtractor { guest, binding, rows: 0, idle: 0 })
    }
}

/// An instance of an extractor that reads one split.
pub struct OpenExtractor {
    guest: Guest<ExtractExports>,
    binding: Arc<ExtractBinding>,
    rows: u64,
    /// Batches without anything since the last one with something.
    idle: u32,
}

impl OpenExtractor {
    /// The next rows, at most `max_rows`; none at the end of the split.
    pub async fn next(&mut self, max_rows: u32) -> Result<Option<Extracted>, Fault> {
        const EXPORT: &str = "next";
        let (call, store, exports) =
            self.guest.begin(EXPORT, max_rows as usize, Position::Row(self.rows))?;
        let extract = exports.bindings.wasmill_plugin_extract();
        let result = call.run(extract.call_next(store, max_rows)).await;
        let Some(extracted) = self.guest.end(call, result)? else { return Ok(None) };
        self.rows += u64::from(extracted.rows);
        self.guest.crossed(EXPORT, 0, crossing::extracted(&extracted))?;
        let is_empty = extracted.rows == 0 && extracted.bad_records.is_empty();
        self.idle = if is_empty { self.idle + 1 } else { 0 };
        if self.idle >= MAX_IDLE {
            return Err(self.guest.breach(EXPORT, ExtractBreach::Idle(self.idle)));
        }
        match Extracted::new(&self.binding, extracted, max_rows) {
            Ok(extracted) => Ok(Some(extracted)),
            Err(breach) => Err(self.guest.breach(EXPORT, breach)),
        }
    }

    /// Where the next run should go on; asked when the split is read to its end.
    pub async fn cursor(&mut self) -> Result<Option<String>, Fault> {
        const EXPORT: &str = "cursor";
        let (call, store, exports) = self.guest.begin(EXPORT, 0, Position::End)?;
        let extract = exports.bindings.wasmill_plugin_extract();
        let result = call.run(extract.call_cursor(store)).await;
        let cursor = self.guest.end(call, result)?;
        checked_cursor(cursor).map_err(|breach| self.guest.breach(EXPORT, breach))
    }

    /// What the instance has used up.
    pub fn usage(&self) -> Usage {
        self.guest.usage()
    }
}
