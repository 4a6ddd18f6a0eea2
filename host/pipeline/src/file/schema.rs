//! JSON Schemas of the sections: one truth for checking a file, for reading it, and for editors.
//!
//! A section is described by the schemas of several types: what all of its kind have (`inputs`), and what this variant has. They
//! are merged into one object schema, which is strict: unknown keys are errors.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};
use wasmill_connect::sink::files::{CsvSinkConfig, JsonlSinkConfig, ParquetSinkConfig};
use wasmill_connect::sink::sqlite::SqliteSinkConfig;
use wasmill_connect::source::arrow_ipc::ArrowSourceConfig;
use wasmill_connect::source::csv::CsvSourceConfig;
use wasmill_connect::source::jsonl::JsonlSourceConfig;
use wasmill_connect::source::parquet::ParquetSourceConfig;
use wasmill_connect::source::sqlite::SqliteSourceConfig;

use crate::file::policies::{BreakerSection, Broken, Retried, RetrySection};
use crate::file::sections::{
    ConnectionSection, Inputs, NotifierOptions, PipelineSection, PluginUse, SourceCommon,
    SqlOptions, TransformOptions, ValidatorOptions,
};

/// One way to write an entry of a kind of sections.
pub(super) struct Variant {
    /// The value of `type`; none where the entry is told by its key `plugin`, or is the only one.
    pub(super) type_name: Option<&'static str>,
    /// A strict object schema.
    pub(super) schema: Value,
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .with(|settings| settings.inline_subschemas = true)
        .into_generator()
}

/// The schema of one type, with everything inlined.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    generator().into_root_schema_for::<T>().to_value()
}

/// Merges object schemas into a strict one. The description is that of the last.
fn merged(type_name: Option<&'static str>, parts: &[Value]) -> Variant {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if let Some(type_name) = type_name {
        properties.insert("type".to_owned(), json!({ "const": type_name }));
        required.push(json!("type"));
    }
    for part in parts {
        if let Some(Value::Object(more)) = part.get("properties") {
            properties.extend(more.clone());
        }
        if let Some(Value::Array(more)) = part.get("required") {
            required.extend(more.clone());
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if let Some(description) = parts.last().and_then(|part| part.get("description")) {
        schema["description"] = description.clone();
    }
    Variant { type_name, schema }
}

pub(super) fn pipeline() -> Value {
    schema_of::<PipelineSection>()
}

pub(super) fn connections() -> Vec<Variant> {
    vec![merged(None, &[schema_of::<ConnectionSection>()])]
}

pub(super) fn retries() -> Vec<Variant> {
    vec![merged(None, &[schema_of::<RetrySection>()])]
}

pub(super) fn breakers() -> Vec<Variant> {
    vec![merged(None, &[schema_of::<BreakerSection>()])]
}

/// What a plugin that batches go through may have beside its own keys.
fn resilience() -> [Value; 2] {
    [schema_of::<Retried>(), schema_of::<Broken>()]
}

pub(super) fn sources() -> Vec<Variant> {
    let common = || merged(None, &[schema_of::<Retried>(), schema_of::<SourceCommon>()]).schema;
    vec![
        merged(Some("csv"), &[common(), schema_of::<CsvSourceConfig>()]),
        merged(Some("jsonl"), &[common(), schema_of::<JsonlSourceConfig>()]),
        merged(Some("parquet"), &[common(), schema_of::<ParquetSourceConfig>()]),
        merged(Some("arrow"), &[common(), schema_of::<ArrowSourceConfig>()]),
        merged(Some("sqlite"), &[common(), schema_of::<SqliteSourceConfig>()]),
        merged(None, &[common(), schema_of::<Broken>(), schema_of::<PluginUse>()]),
    ]
}

pub(super) fn transforms() -> Vec<Variant> {
    vec![
        merged(Some("sql"), &[schema_of::<Inputs>(), schema_of::<SqlOptions>()]),
        plugin_with(&[schema_of::<Inputs>(), schema_of::<TransformOptions>()]),
    ]
}

pub(super) fn validators() -> Vec<Variant> {
    vec![plugin_with(&[schema_of::<Inputs>(), schema_of::<ValidatorOptions>()])]
}

/// A plugin that batches go through, with the keys of its kind.
fn plugin_with(options: &[Value]) -> Variant {
    let parts = [options, &resilience(), &[schema_of::<PluginUse>()]].concat();
    merged(None, &parts)
}

pub(super) fn sinks() -> Vec<Variant> {
    let inputs = || merged(None, &[schema_of::<Retried>(), schema_of::<Inputs>()]).schema;
    vec![
        merged(Some("parquet"), &[inputs(), schema_of::<ParquetSinkConfig>()]),
        merged(Some("csv"), &[inputs(), schema_of::<CsvSinkConfig>()]),
        merged(Some("jsonl"), &[inputs(), schema_of::<JsonlSinkConfig>()]),
        merged(Some("sqlite"), &[inputs(), schema_of::<SqliteSinkConfig>()]),
        plugin_with(&[schema_of::<Inputs>()]),
    ]
}

pub(super) fn notifiers() -> Vec<Variant> {
    let parts = [schema_of::<Retried>(), schema_of::<NotifierOptions>(), schema_of::<PluginUse>()];
    vec![merged(None, &parts)]
}

/// The JSON Schema of pipeline files.
pub fn pipeline_file_schema() -> Value {
    let table = |variants: Vec<Variant>, description: &str| {
        let mut schemas: Vec<Value> = variants.into_iter().map(|variant| variant.schema).collect();
        let entry = match schemas.len() {
            1 => schemas.remove(0),
            _ => json!({ "oneOf": schemas }),
        };
        json!({
            "type": "object",
            "description": description,
            "additionalProperties": entry,
        })
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wasmill pipeline",
        "type": "object",
        "additionalProperties": false,
        "required": ["pipeline", "sources", "sinks"],
        "properties": {
            "pipeline": pipeline(),
            "connections": table(connections(), "Ways out of the sandbox, by name."),
            "retries": table(retries(), "How often something is tried, by name."),
            "breakers": table(breakers(), "When a plugin is left alone, by name."),
            "sources": table(sources(), "Where rows come from, by name."),
            "transforms": table(transforms(), "Steps that change rows, by name."),
            "validators": table(validators(), "Steps that judge rows, by name."),
            "sinks": table(sinks(), "Where rows go, by name."),
            "notifiers": table(notifiers(), "Who is told what happened, by name."),
        },
    })
}
