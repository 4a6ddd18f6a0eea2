//! Each step in its turn: connector opened or plugin bound, against the columns that its inputs give.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::execution::memory_pool::MemoryPool;
use indexmap::IndexMap;
use serde_json::{Map, Value};
use wasmill_connect::http::Connections;
use wasmill_sandbox::Descriptor;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::{LinkError, Plugin};
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::loader::Loader;
use wasmill_sandbox::notifier::Notifier;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::Validator;

use crate::cassette::recorder::Recordable;
use crate::checked::{
    NotifierStep, SinkStep, SinkTarget, SourceReader, SourceWork, SqlWork, Step, TransformWork,
    ValidateWork, Work,
};
use crate::events::{Observer, StepLog};
use crate::exec::memory::StepMemory;
use crate::exec::rows::ROW;
use crate::explain::{Case, Explanation};
use crate::file::diagnostic::{Cause, Diagnostic, unknown_name_hint};
use crate::file::document::{Document, child};
use crate::file::plugin_schema;
use crate::file::reader::violations;
use crate::file::secrets::{self, Redaction};
use crate::file::sections::{
    LimitsSection, PipelineFile, PluginUse, ProfileSection, Reality, SqlOptions, TransformKind,
    TransformOptions, Unresolved,
};
use crate::metrics::Meters;

use super::graph::Table;
use super::plugins::Plugins;
use super::sources::{connector_diagnostic, open_sink, open_source};
use super::sql::plan_query;

/// Checks steps one after another; what is found is in `diagnostics`.
pub(super) struct Checker<'a> {
    file: &'a PipelineFile,
    document: &'a Document,
    base: &'a Path,
    plugins: &'a Plugins,
    observer: Arc<dyn Observer>,
    memory: Arc<dyn MemoryPool>,
    meters: Meters,
    diagnostics: &'a mut Vec<Diagnostic>,
    outbound: Arc<Connections>,
    /// Where virtual clocks start.
    pub(super) start_time: Duration,
    steps: IndexMap<String, Step>,
    secrets: Redaction,
    /// Whether calls that fail are kept.
    pub(super) keeps_cassettes: bool,
}

/// What the check of all steps leads to.
pub(super) struct CheckedSteps {
    pub(super) steps: IndexMap<String, Step>,
    pub(super) meters: Meters,
    pub(super) secrets: Redaction,
}

/// A plugin that is in its place, with what places of it are called.
struct Placed<'a> {
    plugin: &'a Plugin,
    pointer: String,
    environment: Environment,
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        file: &'a PipelineFile,
        document: &'a Document,
        base: &'a Path,
        plugins: &'a Plugins,
        observer: Arc<dyn Observer>,
        memory: Arc<dyn MemoryPool>,
        diagnostics: &'a mut Vec<Diagnostic>,
    ) -> Self {
        Self {
            file,
            document,
            base,
            plugins,
            observer,
            memory,
            meters: Meters::new(&file.pipeline.tenant, &file.pipeline.name),
            diagnostics,
            outbound: Arc::default(),
            start_time: Duration::ZERO,
            steps: IndexMap::new(),
            secrets: Redaction::default(),
            keeps_cassettes: false,
        }
    }

    pub(super) fn into_steps(self) -> CheckedSteps {
        CheckedSteps { steps: self.steps, meters: self.meters, secrets: self.secrets }
    }

    /// Adds a finding. Plugins and JSON Schema quote values, so secrets are taken out.
    fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.message = self.secrets.apply(&diagnostic.message);
        diagnostic.hint = diagnostic.hint.map(|hint| self.secrets.apply(&hint));
        self.diagnostics.push(diagnostic);
    }

    /// Makes the ways out of the sandbox.
    pub(super) fn connections(&mut self) {
        let mut connections = Connections::default();
        for (name, section) in &self.file.connections {
            let pointer = child("/connections", name);
            let config = match section.resolved(self.base) {
                Ok((config, secrets)) => {
                    self.secrets.extend(secrets);
                    config
                }
                Err(Unresolved::Missing(missing)) => {
                    for missing in missing {
                        let place =
                            self.document.value_place(&format!("{pointer}{}", missing.pointer));
                        self.report(Diagnostic::error(missing.message).at(place));
                    }
                    continue;
                }
                Err(Unresolved::NoText) => {
                    let message = Unresolved::NoText.to_string();
                    self.report(Diagnostic::error(message).at(self.document.key_place(&pointer)));
                    continue;
                }
            };
            if let Err(error) = connections.add(name, &config) {
                let place = self.document.value_place(&child(&pointer, error.key));
                self.report(Diagnostic::error(error.to_string()).at(place));
            }
        }
        self.outbound = Arc::new(connections);
    }

    /// Replaces what a value refers to; false when something is not there.
    fn resolve_secrets(&mut self, pointer: &str, value: &mut Value) -> bool {
        let resolved = secrets::resolve(value, self.base);
        let complete = resolved.missing.is_empty();
        self.secrets.extend(resolved.secrets);
        for missing in resolved.missing {
            let place = self.document.value_place(&format!("{pointer}{}", missing.pointer));
            self.report(Diagnostic::error(missing.message).at(place));
        }
        complete
    }

    /// Checks a source, transform or validator whose inputs were all found good.
    pub(super) async fn step(&mut self, table: Table, name: &str) {
        let pointer = table.pointer(name);
        let found = match table {
            Table::Sources => self.source(name, &pointer).await,
            Table::Transforms => self.transform(name, &pointer).await,
            Table::Validators => self.validator(name, &pointer).await,
            Table::Sinks | Table::Notifiers => None,
        };
        let Some(step) = found else { return };
        let mut seen = std::collections::HashSet::new();
        for field in step.schema.fields() {
            let place = self.document.key_place(&pointer);
            if field.name() == ROW {
                let message = format!("the column name `{ROW}` is reserved");
                self.report(Diagnostic::error(message).at(place));
                return;
            }
            if !seen.insert(field.name().clone()) {
                let message = format!("two columns that it gives are called `{}`", field.name());
                let hint = "in a query, name one of them otherwise with AS";
                self.report(Diagnostic::error(message).at(place).hint(hint));
                return;
            }
        }
        self.steps.insert(name.to_owned(), step);
    }

    async fn source(&mut self, name: &str, pointer: &str) -> Option<Step> {
        let section = self.file.sources.get(name)?;
        let (reader, schema) = match open_source(&section.kind, self.base).await {
            Ok(Some(source)) => {
                let schema = source.schema();
                (SourceReader::Connector(source), schema)
            }
            Ok(None) => {
                let crate::file::sections::SourceKind::Plugin(used) = &section.kind else {
                    return None;
                };
                self.extractor(name, pointer, used).await?
            }
            Err(error) => {
                let diagnostic = connector_diagnostic(self.document, pointer, &error);
                self.report(diagnostic);
                return None;
            }
        };
        let work = SourceWork { reader, on_bad_row: section.common.on_bad_row };
        Some(Step {
            name: name.to_owned(),
            inputs: Vec::new(),
            schema,
            work: Work::Source(Arc::new(work)),
        })
    }

    async fn extractor(
        &mut self,
        name: &str,
        pointer: &str,
        used: &PluginUse,
    ) -> Option<(SourceReader, SchemaRef)> {
        let placed = self.place(name, pointer, used)?;
        let extractor =
            self.linked(&placed, Extractor::new(placed.plugin, placed.environment.clone()))?;
        self.described(&placed, extractor.describe().await).await?;
        let binding = self.bound(&placed, extractor.bind().await).await?;
        let schema = Arc::clone(&binding.schema);
        let (binding, digest) = (Arc::new(binding), placed.plugin.digest());
        Some((SourceReader::Plugin { extractor, binding, digest }, schema))
    }

    async fn transform(&mut self, name: &str, pointer: &str) -> Option<Step> {
        let section = self.file.transforms.get(name)?;
        let (schema, work) = match &section.kind {
            TransformKind::Plugin(used, options) => {
                let input = self.one_schema(pointer, &section.inputs)?;
                self.transformer(name, pointer, used, options, input).await?
            }
            TransformKind::Sql(options) => self.query(pointer, options, &section.inputs).await?,
        };
        Some(Step { name: name.to_owned(), inputs: section.inputs.clone(), schema, work })
    }

    async fn transformer(
        &mut self,
        name: &str,
        pointer: &str,
        used: &PluginUse,
        options: &TransformOptions,
        input: SchemaRef,
    ) -> Option<(SchemaRef, Work)> {
        let placed = self.place(name, pointer, used)?;
        let transformer =
            self.linked(&placed, Transformer::new(placed.plugin, placed.environment.clone()))?;
        self.described(&placed, transformer.describe().await).await?;
        let binding = self.bound(&placed, transformer.bind(input).await).await?;
        let schema = Arc::clone(&binding.output_schema);
        let recordable = self.recordable(name, used, &placed, &binding.input);
        let work = TransformWork {
            transformer,
            binding: Arc::new(binding),
            digest: placed.plugin.digest(),
            on_fault: options.on_fault,
            search: used.limits.search(),
            on_bad_row: options.on_bad_row,
            partitions: options.partitions,
            config: Arc::clone(&placed.environment.config),
            recordable,
            is_connected: !used.grants.http.is_empty(),
        };
        Some((schema, Work::Transform(Arc::new(work))))
    }

    async fn query(
        &mut self,
        pointer: &str,
        options: &SqlOptions,
        inputs: &[String],
    ) -> Option<(SchemaRef, Work)> {
        let mut tables = Vec::with_capacity(inputs.len());
        for input in inputs {
            tables.push((input.clone(), Arc::clone(&self.steps.get(input)?.schema)));
        }
        match plan_query(&options.query, &tables).await {
            Ok(planned) => {
                let work = SqlWork {
                    query: options.query.clone(),
                    partitions: options.partitions,
                    streamed: planned.streamed,
                };
                Some((planned.schema, Work::Sql(Arc::new(work))))
            }
            Err(error) => {
                let place = self.document.value_place(&child(pointer, "query"));
                let message = format!("the query cannot be planned: {}", error.strip_backtrace());
                let names: Vec<&str> = inputs.iter().map(String::as_str).collect();
                let hint = format!("its tables are its inputs: {}", names.join(", "));
                self.report(Diagnostic::error(message).at(place).hint(hint));
                None
            }
        }
    }

    async fn validator(&mut self, name: &str, pointer: &str) -> Option<Step> {
        let section = self.file.validators.get(name)?;
        let schema = self.one_schema(pointer, &section.inputs)?;
        let placed = self.place(name, pointer, &section.plugin)?;
        let validator =
            self.linked(&placed, Validator::new(placed.plugin, placed.environment.clone()))?;
        self.described(&placed, validator.describe().await).await?;
        let binding = self.bound(&placed, validator.bind(Arc::clone(&schema)).await).await?;
        let recordable = self.recordable(name, &section.plugin, &placed, &schema);
        let work = ValidateWork {
            validator,
            binding: Arc::new(binding),
            digest: placed.plugin.digest(),
            on_violation: section.options.on_violation,
            on_fault: section.options.on_fault,
            search: section.plugin.limits.search(),
            max_quarantined: section.options.gate.max_quarantined,
            config: Arc::clone(&placed.environment.config),
            recordable,
            is_connected: !section.plugin.grants.http.is_empty(),
        };
        Some(Step {
            name: name.to_owned(),
            inputs: section.inputs.clone(),
            schema,
            work: Work::Validate(Arc::new(work)),
        })
    }

    /// Checks all sinks.
    pub(super) async fn sinks(&mut self) -> IndexMap<String, Arc<SinkStep>> {
        let mut sinks = IndexMap::new();
        let mut targets: BTreeMap<String, String> = BTreeMap::new();
        let file = self.file;
        for (name, section) in &file.sinks {
            let pointer = Table::Sinks.pointer(name);
            let Some(schema) = self.one_schema(&pointer, &section.inputs) else { continue };
            let target = match open_sink(&section.kind, self.base) {
                Ok(Some(sink)) => {
                    let target = sink.target();
                    if let Some(other) = targets.insert(target.clone(), name.clone()) {
                        let message = format!("`{other}` writes to {target} too");
                        let place = self.document.value_place(&child(&pointer, "path"));
                        self.report(Diagnostic::error(message).at(place));
                    }
                    if let Err(error) = sink.check(Arc::clone(&schema)).await {
                        let diagnostic = connector_diagnostic(self.document, &pointer, &error);
                        self.report(diagnostic);
                        continue;
                    }
                    Some(SinkTarget::Connector(sink))
                }
                Ok(None) => match &section.kind {
                    crate::file::sections::SinkKind::Plugin(used) => {
                        self.loader(name, &pointer, used, Arc::clone(&schema)).await
                    }
                    _ => None,
                },
                Err(error) => {
                    let diagnostic = connector_diagnostic(self.document, &pointer, &error);
                    self.report(diagnostic);
                    None
                }
            };
            let Some(target) = target else { continue };
            let inputs = section.inputs.clone();
            let sink = SinkStep { name: name.clone(), inputs, schema, target };
            sinks.insert(name.clone(), Arc::new(sink));
        }
        sinks
    }

    async fn loader(
        &mut self,
        name: &str,
        pointer: &str,
        used: &PluginUse,
        schema: SchemaRef,
    ) -> Option<SinkTarget> {
        let placed = self.place(name, pointer, used)?;
        let loader =
            self.linked(&placed, Loader::new(placed.plugin, placed.environment.clone()))?;
        self.described(&placed, loader.describe().await).await?;
        let binding = self.bound(&placed, loader.bind(schema).await).await?;
        let digest = placed.plugin.digest();
        Some(SinkTarget::Plugin { loader, binding: Arc::new(binding), digest })
    }

    /// Checks all notifiers.
    pub(super) async fn notifiers(&mut self) -> IndexMap<String, NotifierStep> {
        let mut notifiers = IndexMap::new();
        let file = self.file;
        for (name, section) in &file.notifiers {
            let pointer = Table::Notifiers.pointer(name);
            if let Some(notifier) = self.notifier(name, &pointer, &section.plugin).await {
                let on = section.options.on.clone();
                notifiers.insert(name.clone(), NotifierStep { notifier, on });
            }
        }
        notifiers
    }

    async fn notifier(&mut self, name: &str, pointer: &str, used: &PluginUse) -> Option<Notifier> {
        let placed = self.place(name, pointer, used)?;
        let notifier =
            self.linked(&placed, Notifier::new(placed.plugin, placed.environment.clone()))?;
        self.described(&placed, notifier.describe().await).await?;
        self.bound(&placed, notifier.bind().await).await?;
        Some(notifier)
    }

    /// The columns that all inputs have in common: the same names and types in the same order. A column that one of
    /// them may leave null may be null.
    fn one_schema(&mut self, pointer: &str, inputs: &[String]) -> Option<SchemaRef> {
        let mut schemas = Vec::with_capacity(inputs.len());
        for input in inputs {
            schemas.push(Arc::clone(&self.steps.get(input)?.schema));
        }
        let mut fields: Vec<Field> =
            schemas.first()?.fields().iter().map(|field| field.as_ref().clone()).collect();
        for (index, schema) in schemas.iter().enumerate().skip(1) {
            if let Some(difference) = difference(&fields, schema, &inputs[0], &inputs[index]) {
                let message =
                    format!("`{}` and `{}` have different columns", inputs[0], inputs[index]);
                let place = self.document.value_place(&format!("{pointer}/inputs/{index}"));
                self.report(Diagnostic::error(message).at(place).hint(difference));
                return None;
            }
            for (field, other) in fields.iter_mut().zip(schema.fields()) {
                *field = field.clone().with_nullable(field.is_nullable() || other.is_nullable());
            }
        }
        Some(Arc::new(Schema::new(fields)))
    }

    /// A plugin with its configuration, grants and limits.
    fn place(&mut self, name: &str, pointer: &str, used: &PluginUse) -> Option<Placed<'a>> {
        let plugin = self.plugins.get(used)?;
        self.limits_without_effect(pointer, used);
        let mut config = Value::Object(used.config.clone());
        let complete = self.resolve_secrets(&child(pointer, "config"), &mut config);
        let grants = self.grants(pointer, used);
        let (true, Some(grants), Value::Object(config)) = (complete, grants, config) else {
            return None;
        };
        let logs = StepLog {
            step: name.to_owned(),
            observer: Arc::clone(&self.observer),
            secrets: self.secrets.clone(),
        };
        let environment = Environment {
            config: Arc::new(config),
            limits: used.limits.limits(),
            grants,
            logs: Arc::new(logs),
            usage: self.meters.plugin(name, plugin.kind(), plugin.digest()),
            memory: Arc::new(StepMemory::new(name, &self.memory)),
            start_time: self.start_time,
        };
        Some(Placed { plugin, pointer: pointer.to_owned(), environment })
    }

    /// What calls of a step depend on beside their rows, if it is to be kept.
    fn recordable(
        &self,
        name: &str,
        used: &PluginUse,
        placed: &Placed<'_>,
        input: &SchemaRef,
    ) -> Option<Arc<Recordable>> {
        let component = self.plugins.file(used).filter(|_| self.keeps_cassettes)?;
        Some(Arc::new(Recordable {
            pipeline: self.file.pipeline.name.clone(),
            name: name.to_owned(),
            plugin: placed.plugin.clone(),
            component: component.to_owned(),
            environment: placed.environment.clone(),
            config: used.config.clone(),
            profile: used.profile.profile(),
            input: Arc::clone(input),
        }))
    }

    /// Where fuel is not metered, it cannot be limited.
    fn limits_without_effect(&mut self, pointer: &str, used: &PluginUse) {
        if used.profile == ProfileSection::Metered {
            return;
        }
        let LimitsSection { fuel_per_row, fuel_per_call, .. } = used.limits;
        for (key, limit) in [("fuel_per_row", fuel_per_row), ("fuel_per_call", fuel_per_call)] {
            if limit.is_some() {
                let place = self.document.key_place(&format!("{pointer}/limits/{key}"));
                let message = format!("`{key}` has no effect under `profile = \"guarded\"`");
                let hint = "`deadline` holds under each profile";
                self.report(Diagnostic::warning(message).at(place).hint(hint));
            }
        }
    }

    fn grants(&mut self, pointer: &str, used: &PluginUse) -> Option<Grants> {
        let known = &self.file.connections;
        let mut complete = true;
        for (index, name) in used.grants.http.iter().enumerate() {
            if !known.contains_key(name) {
                let place = self.document.value_place(&format!("{pointer}/grants/http/{index}"));
                let hint = unknown_name_hint(name, known.keys().map(String::as_str));
                let message = format!("there is no connection `{name}`");
                self.report(Diagnostic::error(message).at(place).hint(hint));
                complete = false;
            }
        }
        let outbound = Arc::clone(&self.outbound);
        let http = HttpGrant::new(used.grants.http.iter().cloned(), outbound);
        complete.then(|| Grants {
            http: if self.keeps_cassettes { http.recorded() } else { http },
            real_clocks: used.grants.clock == Reality::Real,
            real_randomness: used.grants.random == Reality::Real,
            pure: used.grants.pure,
        })
    }

    fn linked<T>(&mut self, placed: &Placed<'_>, linked: Result<T, LinkError>) -> Option<T> {
        let error = match linked {
            Ok(linked) => return Some(linked),
            Err(error) => error,
        };
        let at_plugin = self.document.value_place(&child(&placed.pointer, "plugin"));
        let diagnostic = Diagnostic::error(error.to_string()).at(at_plugin);
        self.report(match &error {
            LinkError::NotGranted(refused) => {
                diagnostic.caused_by(Cause::NotGranted).hint(refused.hint)
            }
            LinkError::Kind { actual, .. } => diagnostic
                .hint(format!("a {actual} is declared under [{}.NAME]", table_of(*actual))),
            LinkError::Mismatch { .. } => diagnostic,
        });
        None
    }

    /// Checks the configuration against the schema that the plugin itself declares.
    async fn described(
        &mut self,
        placed: &Placed<'_>,
        described: Result<Descriptor, Fault>,
    ) -> Option<()> {
        let descriptor = self.bound(placed, described).await?;
        let config: Map<String, Value> = placed.environment.config.as_ref().clone();
        if let Err(refused) = plugin_schema::check(&descriptor.config_schema) {
            let message = format!("the config schema of the plugin cannot be applied: {refused}");
            let place = self.document.value_place(&child(&placed.pointer, "plugin"));
            let hint = "this is a mistake of the plugin, which no setting mends";
            self.report(Diagnostic::error(message).at(place).caused_by(Cause::Plugin).hint(hint));
            return None;
        }
        let pointer = child(&placed.pointer, "config");
        let found =
            violations(self.document, &pointer, &Value::Object(config), &descriptor.config_schema);
        if found.is_empty() {
            return Some(());
        }
        let hint = format!("`wasmill inspect` shows the config schema of `{}`", descriptor.name);
        for diagnostic in found {
            let hinted = diagnostic.hint.is_some();
            self.report(if hinted { diagnostic } else { diagnostic.hint(&hint) });
        }
        None
    }

    /// What a plugin answered, or what is wrong, at the place that is at fault.
    async fn bound<T>(&mut self, placed: &Placed<'_>, answer: Result<T, Fault>) -> Option<T> {
        let mut fault = match answer {
            Ok(answer) => return Some(answer),
            Err(fault) => fault,
        };
        let at = |path: &str| self.document.value_place(&format!("{}{path}", placed.pointer));
        let diagnostic = match &fault {
            Fault::Failure { failure: Failure::BadConfig { pointer, message }, .. } => {
                let key = pointer.rsplit('/').next().unwrap_or_default();
                let message = if key.is_empty() {
                    format!("the plugin refuses the config: {message}")
                } else {
                    format!("the plugin refuses the config: `{key}`: {message}")
                };
                Diagnostic::error(message).at(at(&format!("/config{pointer}")))
            }
            Fault::Failure { failure: failure @ Failure::BadSchema { .. }, .. } => {
                let columns = match self.input_columns(&placed.pointer) {
                    Some(columns) => format!("its input has the columns {columns}"),
                    None => "the step before it gives other columns".to_owned(),
                };
                Diagnostic::error(format!(
                    "the plugin refuses the columns that it would read: {failure}"
                ))
                .at(at("/inputs"))
                .hint(columns)
            }
            _ => {
                placed.plugin.locate(&mut fault).await;
                let case = Case {
                    step: placed.pointer.rsplit('/').next().unwrap_or_default(),
                    limits: Some(&placed.environment.limits),
                    ..Case::default()
                };
                let hints = Explanation::new(&fault, &case).hints.join("; ");
                let causes = match std::error::Error::source(&fault) {
                    Some(_) => crate::error::chain(&fault),
                    None => fault.explained(),
                };
                let diagnostic = Diagnostic::error(format!("the plugin failed: {causes}"))
                    .at(at("/plugin"))
                    .caused_by(Cause::Plugin);
                if hints.is_empty() { diagnostic } else { diagnostic.hint(hints) }
            }
        };
        self.report(diagnostic);
        None
    }

    /// The columns of the first input of the entry at `pointer`, for a person.
    fn input_columns(&self, pointer: &str) -> Option<String> {
        let root = Value::Object(self.document.root().clone());
        let first = root.pointer(&format!("{pointer}/inputs/0"))?.as_str()?.to_owned();
        let schema = &self.steps.get(&first)?.schema;
        let columns =
            schema.fields().iter().map(|field| format!("{} ({})", field.name(), field.data_type()));
        Some(columns.collect::<Vec<_>>().join(", "))
    }
}

fn table_of(kind: wasmill_sandbox::component::PluginKind) -> &'static str {
    use wasmill_sandbox::component::PluginKind;
    match kind {
        PluginKind::Extractor => Table::Sources.name(),
        PluginKind::Transformer => Table::Transforms.name(),
        PluginKind::Validator => Table::Validators.name(),
        PluginKind::Loader => Table::Sinks.name(),
        PluginKind::Notifier => Table::Notifiers.name(),
    }
}

/// What differs between two sets of columns, other than what may be null.
fn difference(fields: &[Field], schema: &Schema, first: &str, second: &str) -> Option<String> {
    for (position, field) in fields.iter().enumerate() {
        let Some(other) = schema.fields().get(position) else {
            return Some(format!("`{second}` has no column `{}`", field.name()));
        };
        if field.name() != other.name() {
            return Some(format!(
                "column {} is `{}` in `{first}` and `{}` in `{second}`",
                position + 1,
                field.name(),
                other.name()
            ));
        }
        if field.data_type() != other.data_type() {
            return Some(format!(
                "column `{}` is {} in `{first}` and {} in `{second}`",
                field.name(),
                field.data_type(),
                other.data_type()
            ));
        }
    }
    let extra = schema.fields().get(fields.len())?;
    Some(format!("`{first}` has no column `{}`", extra.name()))
}
