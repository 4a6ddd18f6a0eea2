//! From a document to typed sections, with everything that is wrong on the way.
//!
//! Each entry is checked against the JSON Schema of its variant, which finds all mistakes at once, and only
//! then read into its types.

use indexmap::IndexMap;
use jsonschema::PatternOptions;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::file::diagnostic::{Diagnostic, unknown_name_hint};
use crate::file::document::{Document, child};
use crate::file::policies::{Broken, Retried};
use crate::file::schema::{self, Variant, schema_of};
use crate::file::sections::{
    Inputs, NotifierSection, PipelineFile, Resilience, SinkKind, SinkSection, SourceKind,
    SourceSection, TransformKind, TransformSection, ValidatorSection,
};

/// What a pattern may be compiled to.
const MAX_PATTERN_BYTES: usize = 1 << 20;

const TABLES: [&str; 9] = [
    "pipeline",
    "connections",
    "retries",
    "breakers",
    "sources",
    "transforms",
    "validators",
    "sinks",
    "notifiers",
];

/// Reads the sections of a document. None when `[pipeline]` itself is unusable; entries that are
/// unusable are left out, with a diagnostic each.
pub fn read(document: &Document, diagnostics: &mut Vec<Diagnostic>) -> Option<PipelineFile> {
    let mut reader = Reader { document, diagnostics };
    for key in document.root().keys().filter(|key| !TABLES.contains(&key.as_str())) {
        let hint = unknown_name_hint(key, TABLES);
        reader.report(
            Diagnostic::error(format!("unknown section `{key}`"))
                .at(document.key_place(&child("", key)))
                .hint(hint),
        );
    }
    let connections = reader.entries("connections", &schema::connections(), |_, entry| {
        serde_path_to_error::deserialize(Value::Object(entry.clone()))
            .map_err(|error: serde_path_to_error::Error<serde_json::Error>| named(&error))
    });
    let retries = reader.entries("retries", &schema::retries(), |_, entry| part(entry));
    let breakers = reader.entries("breakers", &schema::breakers(), |_, entry| part(entry));
    let sources = reader.entries("sources", &schema::sources(), |type_name, entry| {
        let kind = match type_name {
            Some("csv") => SourceKind::Csv(part(entry)?),
            Some("jsonl") => SourceKind::Jsonl(part(entry)?),
            Some("parquet") => SourceKind::Parquet(part(entry)?),
            Some("arrow") => SourceKind::Arrow(part(entry)?),
            Some("sqlite") => SourceKind::Sqlite(part(entry)?),
            _ => SourceKind::Plugin(part(entry)?),
        };
        Ok(SourceSection { common: part(entry)?, kind, resilience: resilience(entry)? })
    });
    let transforms = reader.entries("transforms", &schema::transforms(), |type_name, entry| {
        let kind = match type_name {
            Some("sql") => TransformKind::Sql(part(entry)?),
            _ => TransformKind::Plugin(Box::new(part(entry)?), part(entry)?),
        };
        let inputs = part::<Inputs>(entry)?.inputs;
        Ok(TransformSection { inputs, kind, resilience: resilience(entry)? })
    });
    let validators = reader.entries("validators", &schema::validators(), |_, entry| {
        Ok(ValidatorSection {
            inputs: part::<Inputs>(entry)?.inputs,
            plugin: part(entry)?,
            options: part(entry)?,
            resilience: resilience(entry)?,
        })
    });
    let sinks = reader.entries("sinks", &schema::sinks(), |type_name, entry| {
        let kind = match type_name {
            Some("parquet") => SinkKind::Parquet(part(entry)?),
            Some("csv") => SinkKind::Csv(part(entry)?),
            Some("jsonl") => SinkKind::Jsonl(part(entry)?),
            Some("sqlite") => SinkKind::Sqlite(part(entry)?),
            _ => SinkKind::Plugin(Box::new(part(entry)?)),
        };
        let inputs = part::<Inputs>(entry)?.inputs;
        Ok(SinkSection { inputs, kind, resilience: resilience(entry)? })
    });
    let notifiers = reader.entries("notifiers", &schema::notifiers(), |_, entry| {
        Ok(NotifierSection {
            plugin: part(entry)?,
            options: part(entry)?,
            resilience: resilience(entry)?,
        })
    });
    let pipeline = reader.pipeline()?;
    Some(PipelineFile {
        pipeline,
        connections,
        retries,
        breakers,
        sources,
        transforms,
        validators,
        sinks,
        notifiers,
    })
}

/// The policies that an entry names. Entries that cannot name one were refused by their schema.
fn resilience(entry: &Map<String, Value>) -> Result<Resilience, Unreadable> {
    let Retried { retry } = part(entry)?;
    let Broken { breaker } = part(entry)?;
    Ok(Resilience { retry, breaker })
}

/// A mistake that only reading into the type finds: where below the entry, and what.
struct Unreadable {
    pointer: String,
    message: String,
}

fn named(error: &serde_path_to_error::Error<serde_json::Error>) -> Unreadable {
    let mut pointer = String::new();
    for segment in error.path() {
        match segment {
            serde_path_to_error::Segment::Seq { index } => {
                pointer = child(&pointer, &index.to_string());
            }
            serde_path_to_error::Segment::Map { key } => pointer = child(&pointer, key),
            _ => {}
        }
    }
    Unreadable { pointer, message: error.inner().to_string() }
}

/// Reads those keys of an entry that belong to the type `T`.
fn part<T: JsonSchema + DeserializeOwned>(entry: &Map<String, Value>) -> Result<T, Unreadable> {
    let schema = schema_of::<T>();
    let own = |key: &String| schema["properties"].get(key).is_some();
    let keys: Map<String, Value> = entry
        .iter()
        .filter(|(key, _)| own(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    serde_path_to_error::deserialize(Value::Object(keys)).map_err(|error| named(&error))
}

struct Reader<'a> {
    document: &'a Document,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn pipeline<T: JsonSchema + DeserializeOwned>(&mut self) -> Option<T> {
        let Some(section) = self.document.root().get("pipeline") else {
            self.report(
                Diagnostic::error("there is no section [pipeline]")
                    .at(self.document.value_place(""))
                    .hint("begin the file with:\n  [pipeline]\n  name = \"my-pipeline\""),
            );
            return None;
        };
        if !self.valid("/pipeline", section, &schema::pipeline()) {
            return None;
        }
        match serde_path_to_error::deserialize(section.clone()) {
            Ok(section) => Some(section),
            Err(error) => {
                self.unreadable("/pipeline", &named(&error));
                None
            }
        }
    }

    /// The entries of one table, such as `[sources.*]`.
    fn entries<T>(
        &mut self,
        table: &str,
        variants: &[Variant],
        read: impl Fn(Option<&str>, &Map<String, Value>) -> Result<T, Unreadable>,
    ) -> IndexMap<String, T> {
        let mut entries = IndexMap::new();
        let table_pointer = child("", table);
        let table_entries = match self.document.root().get(table) {
            None => return entries,
            Some(Value::Object(table_entries)) => table_entries,
            Some(_) => {
                let message =
                    format!("`{table}` must be a table of entries such as [{table}.NAME]");
                self.report(
                    Diagnostic::error(message).at(self.document.value_place(&table_pointer)),
                );
                return entries;
            }
        };
        for (name, entry) in table_entries {
            let pointer = child(&table_pointer, name);
            if !is_name(name) {
                self.report(
                    Diagnostic::error(format!("`{name}` is no name"))
                        .at(self.document.key_place(&pointer))
                        .hint("names are made of letters, digits, `_` and `-`, and begin with a letter"),
                );
                continue;
            }
            let Some(variant) = self.variant(&pointer, entry, variants) else { continue };
            if !self.valid(&pointer, entry, &variant.schema) {
                continue;
            }
            let Value::Object(entry) = entry else { continue };
            match read(variant.type_name, entry) {
                Ok(section) => drop(entries.insert(name.clone(), section)),
                Err(unreadable) => self.unreadable(&pointer, &unreadable),
            }
        }
        entries
    }

    /// Which of the variants an entry is meant to be.
    fn variant<'v>(
        &mut self,
        pointer: &str,
        entry: &Value,
        variants: &'v [Variant],
    ) -> Option<&'v Variant> {
        let plugin = variants.iter().find(|variant| variant.type_name.is_none());
        if variants.len() == 1 {
            return variants.first();
        }
        let types = || variants.iter().filter_map(|variant| variant.type_name);
        match (entry.get("type"), entry.get("plugin")) {
            (None, Some(_)) => plugin,
            (Some(Value::String(type_name)), None) => {
                let found = variants.iter().find(|variant| variant.type_name == Some(type_name));
                if found.is_none() {
                    let place = self.document.value_place(&child(pointer, "type"));
                    let hint = unknown_name_hint(type_name, types());
                    self.report(
                        Diagnostic::error(format!("unknown type `{type_name}`"))
                            .at(place)
                            .hint(hint),
                    );
                }
                found
            }
            (Some(Value::String(_)), Some(_)) => {
                let place = self.document.key_place(&child(pointer, "type"));
                self.report(
                    Diagnostic::error("an entry has either a `type` or a `plugin`, not both")
                        .at(place),
                );
                None
            }
            (Some(_), _) => {
                let place = self.document.value_place(&child(pointer, "type"));
                self.report(Diagnostic::error("`type` must be a string").at(place));
                None
            }
            (None, None) => {
                let place = self.document.key_place(pointer);
                let types: Vec<String> = types().map(|name| format!("type = \"{name}\"")).collect();
                self.report(
                    Diagnostic::error("neither a `type` nor a `plugin` is given")
                        .at(place)
                        .hint(format!("one of {}, or plugin = \"NAME\"", types.join(", "))),
                );
                None
            }
        }
    }

    /// Checks a value against a schema; false when an error was found.
    fn valid(&mut self, pointer: &str, value: &Value, schema: &Value) -> bool {
        let found = violations(self.document, pointer, value, schema);
        let valid = found.is_empty();
        self.diagnostics.extend(found);
        valid
    }

    fn unreadable(&mut self, pointer: &str, unreadable: &Unreadable) {
        let place = self.document.value_place(&format!("{pointer}{}", unreadable.pointer));
        self.report(Diagnostic::error(unreadable.message.clone()).at(place));
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
}

/// Everything in `value`, which is at `pointer` of the document, that does not fit `schema`.
pub fn violations(
    document: &Document,
    pointer: &str,
    value: &Value,
    schema: &Value,
) -> Vec<Diagnostic> {
    // Patterns of plugins are matched by an engine that takes linear time.
    let patterns = PatternOptions::regex().size_limit(MAX_PATTERN_BYTES);
    let options = jsonschema::draft202012::options().with_pattern_options(patterns);
    let validator = match options.build(schema) {
        Ok(validator) => validator,
        Err(error) => {
            let message = format!("the schema to check it against is no JSON Schema: {error}");
            return vec![Diagnostic::error(message).at(document.key_place(pointer))];
        }
    };
    validator
        .iter_errors(value)
        .flat_map(|error| {
            let at = format!("{pointer}{}", error.instance_path().as_str());
            violation(document, &at, error.instance(), error.kind(), &error.to_string(), || {
                let path = error.schema_path().as_str();
                path.rsplit_once('/').and_then(|(parent, _)| schema.pointer(parent)).cloned()
            })
        })
        .collect()
}

/// One violation, in the words of whoever writes pipeline files.
fn violation(
    document: &Document,
    pointer: &str,
    instance: &Value,
    kind: &ValidationErrorKind,
    otherwise: &str,
    schema: impl Fn() -> Option<Value>,
) -> Vec<Diagnostic> {
    let key = pointer.rsplit('/').next().unwrap_or_default();
    let here = || document.value_place(pointer);
    match kind {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let schema = schema().unwrap_or_default();
            let known: Vec<&str> = schema["properties"]
                .as_object()
                .map(|properties| properties.keys().map(String::as_str).collect())
                .unwrap_or_default();
            unexpected
                .iter()
                .map(|name| {
                    Diagnostic::error(format!("unknown key `{name}`"))
                        .at(document.key_place(&child(pointer, name)))
                        .hint(unknown_name_hint(name, known.iter().copied()))
                })
                .collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let schema = schema().unwrap_or_default();
            let diagnostic = Diagnostic::error(format!("the key `{name}` is missing"))
                .at(document.key_place(pointer));
            match schema["properties"][name]["description"].as_str() {
                Some(description) => vec![diagnostic.hint(format!("{name}: {description}"))],
                None => vec![diagnostic],
            }
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(expected) => expected.to_string(),
                TypeKind::Multiple(expected) => {
                    expected.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
                }
            };
            let message = format!("`{key}` must be a {expected}, not {}", type_of(instance));
            vec![Diagnostic::error(message).at(here())]
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> =
                options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let written = instance.as_str().unwrap_or_default();
            let message = format!("`{key}` cannot be {instance}");
            let hint = unknown_name_hint(written, options.iter().copied());
            vec![Diagnostic::error(message).at(here()).hint(hint)]
        }
        // Where one of several forms is asked for, the one that comes nearest has the most to say.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let options: Vec<String> = context
                .iter()
                .flatten()
                .filter_map(|error| match error.kind() {
                    ValidationErrorKind::Constant { expected_value } => {
                        expected_value.as_str().map(str::to_owned)
                    }
                    _ => None,
                })
                .collect();
            if let (Some(written), false) = (instance.as_str(), options.is_empty()) {
                let hint = unknown_name_hint(written, options.iter().map(String::as_str));
                let message = format!("`{key}` cannot be {instance}");
                return vec![Diagnostic::error(message).at(here()).hint(hint)];
            }
            let nearest = context.iter().max_by_key(|errors| {
                errors.iter().map(|error| error.instance_path().as_str().len()).max().unwrap_or(0)
            });
            let reasons: Vec<String> =
                nearest.into_iter().flatten().map(ToString::to_string).collect();
            let message = format!("`{key}` has none of the forms that it can have");
            vec![Diagnostic::error(message).at(here()).hint(reasons.join("; "))]
        }
        _ => vec![Diagnostic::error(format!("`{key}`: {otherwise}")).at(here())],
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "a table",
    }
}
