//! Which columns are searched for what: `detect` of the configuration, checked against the input schema.
//!
//! Each column is searched once, whatever the number of entries that name it; no two entries deal with the
//! same kind in the same column. An entry for `"*"` gives way to entries that name a column.

use std::collections::BTreeMap;

use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::schema::ColumnSchema;
use wasmill_plugin_sdk::types::type_name;

use crate::config::{DetectAction, DetectColumns, DetectConfig, KindName, PiiConfig};

/// What to write instead of each kind that is found; a kind without an action is not looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Actions {
    pub email: Option<DetectAction>,
    pub phone: Option<DetectAction>,
    pub card: Option<DetectAction>,
}

impl Actions {
    fn of_mut(&mut self, kind: KindName) -> &mut Option<DetectAction> {
        match kind {
            KindName::Email => &mut self.email,
            KindName::Phone => &mut self.phone,
            KindName::Card => &mut self.card,
        }
    }
}

/// A column to search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    pub column: String,
    pub actions: Actions,
    /// JSON pointer to an action that hashes, where one does.
    pub hashes_at: Option<String>,
}

/// The columns to search, by name.
pub fn searches(config: &PiiConfig, schema: &Schema) -> Result<Vec<Search>> {
    let mut searches = BTreeMap::new();
    let entries = || config.detect.iter().enumerate();
    for (index, entry) in entries() {
        if entry.kinds.is_empty() {
            let message = "is empty; name what to look for: \"email\", \"phone\", \"card\"";
            return Err(Error::bad_config(format!("/detect/{index}/kinds"), message));
        }
        let DetectColumns::Named(names) = &entry.columns else { continue };
        if names.is_empty() {
            let message = "is empty; name columns, or give \"*\" for every utf8 column";
            return Err(Error::bad_config(format!("/detect/{index}/columns"), message));
        }
        for (place, name) in names.iter().enumerate() {
            let pointer = format!("/detect/{index}/columns/{place}");
            if config.columns.contains_key(name) {
                let message = format!(
                    "`{name}` is dealt with as a whole under `columns`; remove one of them"
                );
                return Err(Error::bad_config(pointer, message));
            }
            schema.position(name)?;
            for &kind in &entry.kinds {
                if !add(&mut searches, name, kind, index, entry) {
                    let message =
                        format!("`{name}` is searched for {kind:?} already; name it once")
                            .to_lowercase();
                    return Err(Error::bad_config(pointer, message));
                }
            }
        }
    }
    let mut searched_everywhere = Vec::new();
    for (index, entry) in entries() {
        let DetectColumns::All(all) = &entry.columns else { continue };
        if all != "*" {
            let message =
                format!("is `{all}`; give \"*\" for every utf8 column, or a list: [\"{all}\"]");
            return Err(Error::bad_config(format!("/detect/{index}/columns"), message));
        }
        for &kind in &entry.kinds {
            if searched_everywhere.contains(&kind) {
                let message =
                    "every column is searched for this already; give each kind once for \"*\"";
                return Err(Error::bad_config(format!("/detect/{index}/kinds"), message));
            }
            searched_everywhere.push(kind);
        }
        for column in schema.columns() {
            if config.columns.contains_key(column.name()) || !is_text(column)? {
                continue;
            }
            for &kind in &entry.kinds {
                add(&mut searches, column.name(), kind, index, entry);
            }
        }
    }
    Ok(searches.into_values().collect())
}

/// Adds what one entry says of one column and kind; false where another entry has said it.
fn add(
    searches: &mut BTreeMap<String, Search>,
    column: &str,
    kind: KindName,
    index: usize,
    entry: &DetectConfig,
) -> bool {
    let search = searches.entry(column.to_owned()).or_insert_with(|| Search {
        column: column.to_owned(),
        actions: Actions::default(),
        hashes_at: None,
    });
    let action = search.actions.of_mut(kind);
    if action.is_some() {
        return false;
    }
    *action = Some(entry.action);
    if entry.action == DetectAction::Hash {
        search.hashes_at = Some(format!("/detect/{index}/action"));
    }
    true
}

/// Whether `"*"` covers the column.
///
/// # Errors
///
/// [`Error::BadSchema`] where the column holds text that cannot be searched: passing it on in silence would
/// let through what the operator wants hidden.
fn is_text(column: &ColumnSchema) -> Result<bool> {
    if matches!(column.data_type(), DataType::Utf8) {
        return Ok(true);
    }
    let holds_text = column
        .fields()
        .iter()
        .any(|field| matches!(field.data_type, DataType::Utf8 | DataType::LargeUtf8));
    if !holds_text {
        return Ok(false);
    }
    let message = format!(
        "is {} and holds text, but only utf8 can be searched: cast or drop it in an earlier step, hash \
         or drop it under `columns`, or name the columns to search instead of \"*\"",
        type_name(column.data_type())
    );
    Err(Error::bad_column(column.name(), message))
}
