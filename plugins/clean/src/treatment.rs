//! What is to be done with each column: the configuration, turned from one list of columns for each operation into
//! one list of operations for each column, and checked against the input schema.

use std::collections::BTreeMap;

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;

use crate::config::{BadValuePolicy, CleanConfig, DefaultConfig, TrimConfig};
use crate::edits::{Edits, NullTokens};
use wasmill_plugin_values::config::pointer_to;
use wasmill_plugin_values::target::Target;

/// What is to be done with one column.
#[derive(Debug, Clone)]
pub struct Treatment {
    pub column: String,
    pub data_type: DataType,
    pub edits: Edits,
    /// None where the column is of this type already.
    pub target: Option<Target>,
    pub on_bad_value: BadValuePolicy,
    pub default: Option<DefaultConfig>,
    pub required: bool,
    /// Whether the output lacks the column. It may still decide which rows are rejected.
    pub dropped: bool,
}

impl Treatment {
    /// Whether neither values nor rows depend on it.
    pub fn is_void(&self) -> bool {
        let rejects = self.target.is_some() && self.on_bad_value == BadValuePolicy::Reject;
        let changes = !self.edits.is_empty() || self.target.is_some() || self.default.is_some();
        !self.required && !rejects && (self.dropped || !changes)
    }
}

/// A treatment for each column, in the order of the input.
///
/// # Errors
///
/// [`Error::BadSchema`] for columns that do not exist, or that are not of the type that an operation needs;
/// [`Error::BadConfig`] for what cannot work whatever the input is.
pub fn treatments(config: &CleanConfig, schema: &Schema) -> Result<Vec<Treatment>> {
    check_names(config, schema)?;
    let targets = targets(config)?;
    let null_tokens = NullTokens::new(&config.null_tokens);
    if config.null_tokens.is_empty() && config.null_columns.is_some() {
        let message = "names columns, but `null_tokens` does not say what is null there";
        return Err(Error::bad_config("/null_columns", message));
    }
    let mut treatments = Vec::new();
    for column in schema.columns() {
        let (name, data_type) = (column.name(), column.data_type());
        let is_text = matches!(data_type, DataType::Utf8);
        let is_in = |columns: &[String]| columns.iter().any(|column| column == name);
        let trim = match &config.trim {
            Some(TrimConfig::All(all)) => *all && is_text,
            Some(TrimConfig::Named(columns)) => is_in(columns),
            None => false,
        };
        let has_null_tokens = match &config.null_columns {
            Some(columns) => is_in(columns),
            None => is_text,
        };
        let edits = Edits {
            trim,
            fix_encoding: is_in(&config.fix_encoding),
            null_tokens: if has_null_tokens { null_tokens.clone() } else { NullTokens::default() },
            case: config.case.get(name).copied(),
        };
        treatments.push(Treatment {
            column: name.to_owned(),
            data_type: data_type.clone(),
            edits,
            target: match targets.get(name) {
                Some(target) => needed(target, name, data_type)?,
                None => None,
            },
            on_bad_value: config.on_bad_value,
            default: config.defaults.get(name).cloned(),
            required: is_in(&config.required),
            dropped: is_in(&config.drop),
        });
    }
    Ok(treatments)
}

/// Every name must be that of a column, and text operations need text.
fn check_names(config: &CleanConfig, schema: &Schema) -> Result<()> {
    let trimmed = match &config.trim {
        Some(TrimConfig::Named(columns)) => columns.as_slice(),
        _ => &[],
    };
    let in_text: [(&str, Vec<&String>); 4] = [
        ("trim", trimmed.iter().collect()),
        ("fix_encoding", config.fix_encoding.iter().collect()),
        ("null_columns", config.null_columns.iter().flatten().collect()),
        ("case", config.case.keys().collect()),
    ];
    for (key, columns) in in_text {
        for name in columns {
            let data_type = schema.column(schema.position(name)?).data_type();
            if !matches!(data_type, DataType::Utf8) {
                let message =
                    format!("is {}, but `{key}` needs utf8; remove it there", type_name(data_type));
                return Err(Error::bad_column(name, message));
            }
        }
    }
    let of_any_type = config
        .types
        .keys()
        .chain(config.defaults.keys())
        .chain(&config.required)
        .chain(config.deduplicate.iter().flat_map(|deduplicate| &deduplicate.by))
        .chain(config.rename.keys())
        .chain(&config.drop);
    for name in of_any_type {
        schema.position(name)?;
    }
    Ok(())
}

/// The types by column, checked whether or not the columns are of these types already.
fn targets(config: &CleanConfig) -> Result<BTreeMap<&str, Target>> {
    let mut targets = BTreeMap::new();
    for (name, target) in &config.types {
        targets.insert(name.as_str(), target.check(&pointer_to("types", name))?);
    }
    Ok(targets)
}

/// The target, where the column is not of this type already.
fn needed(target: &Target, name: &str, data_type: &DataType) -> Result<Option<Target>> {
    let (actual, wanted) = (type_name(data_type), type_name(&target.arrow_type()));
    if actual == wanted {
        return Ok(None);
    }
    if !matches!(data_type, DataType::Utf8) {
        let message = format!(
            "the column is {actual}, and only utf8 is parsed into {wanted}; cast it in an SQL step instead"
        );
        return Err(Error::bad_config(pointer_to("types", name), message));
    }
    Ok(Some(target.clone()))
}
