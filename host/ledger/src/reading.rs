//! Reading rows: a value of another type than expected, as damage or somebody's hand may leave it, is an error and no panic.

use std::borrow::Cow;

use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row as _, Type};

use crate::LedgerError;

/// The value of a column.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: &'static str) -> Result<T, LedgerError>
where
    T: Decode<'r, Any> + Type<Any>,
{
    row.try_get(column).map_err(|source| LedgerError::Query { action: "read a row", source })
}

/// The value of a column that counts something small.
pub(crate) fn small(row: &AnyRow, column: &'static str) -> Result<u32, LedgerError> {
    let value: i64 = get(row, column)?;
    u32::try_from(value)
        .map_err(|_| LedgerError::Corrupt { what: column, value: value.to_string() })
}

/// The value of a column that holds JSON.
pub(crate) fn json(row: &AnyRow, column: &'static str) -> Result<serde_json::Value, LedgerError> {
    let text: &str = get(row, column)?;
    parse(text, column)
}

/// Comes before a text that is stored as JSON, because PostgreSQL would not take it as it is.
const ESCAPED: char = '\u{1}';

/// A text of a plugin, which may hold anything, as both databases store it; [`unescaped`] gives it back.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains('\0') || text.starts_with(ESCAPED) {
        return format!("{ESCAPED}{}", serde_json::Value::from(text)).into();
    }
    text.into()
}

/// A text that was stored as [`escaped`] says.
pub(crate) fn unescaped(row: &AnyRow, column: &'static str) -> Result<String, LedgerError> {
    let stored: String = get(row, column)?;
    match stored.strip_prefix(ESCAPED) {
        Some(json) => parse(json, column),
        None => Ok(stored),
    }
}

/// What a text holds as JSON.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(
    text: &str,
    what: &'static str,
) -> Result<T, LedgerError> {
    serde_json::from_str(text)
        .map_err(|_| LedgerError::Corrupt { what, value: text.chars().take(200).collect() })
}
