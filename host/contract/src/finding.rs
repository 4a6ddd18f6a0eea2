//! Findings: which rows a plugin found wrong, by what rule, and why.

use crate::bindings::types as wit;

/// How many findings one call may return.
pub const MAX_FINDINGS: usize = 100_000;
/// Longer texts from a plugin are cut.
const MAX_TEXT_BYTES: usize = 4_096;

/// Something that is wrong with some rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Rows of the batch, ascending, at least one.
    pub rows: Vec<u32>,
    /// What was violated, such as `not-null`.
    pub rule: String,
    /// The column at fault, where one is.
    pub column: Option<String>,
    pub message: String,
}

/// Findings that do not fit the batch they were returned for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FindingBreach {
    #[error("{0} findings for one batch: the limit is {MAX_FINDINGS}")]
    TooMany(usize),
    #[error("finding `{rule}` names no row")]
    NoRows { rule: String },
    #[error("finding `{rule}` names row {row}; the batch has {rows} rows")]
    OutOfRange { rule: String, row: u32, rows: usize },
    #[error("finding `{rule}` names its rows out of order")]
    Unordered { rule: String },
    #[error("row {row} is reported bad and is selected for the output too")]
    SelectedToo { row: u32 },
}

impl Finding {
    /// Checks one finding about a batch of `rows` rows.
    pub fn new(finding: wit::Finding, rows: usize) -> Result<Self, FindingBreach> {
        let rule = bounded_text(finding.rule);
        if finding.rows.is_empty() {
            return Err(FindingBreach::NoRows { rule });
        }
        if !finding.rows.is_sorted_by(|left, right| left < right) {
            return Err(FindingBreach::Unordered { rule });
        }
        if let Some(&row) = finding.rows.last()
            && row as usize >= rows
        {
            return Err(FindingBreach::OutOfRange { rule, row, rows });
        }
        Ok(Self {
            rows: finding.rows,
            rule,
            column: finding.column.map(bounded_text),
            message: bounded_text(finding.message),
        })
    }

    /// Checks all findings about a batch of `rows` rows.
    pub fn all(findings: Vec<wit::Finding>, rows: usize) -> Result<Vec<Self>, FindingBreach> {
        if findings.len() > MAX_FINDINGS {
            return Err(FindingBreach::TooMany(findings.len()));
        }
        findings.into_iter().map(|finding| Self::new(finding, rows)).collect()
    }
}

/// Text from a plugin that a person will read: cut to a sane length, control characters made visible,
/// so that it can be printed on a terminal and kept in a ledger.
pub fn bounded_text(text: String) -> String {
    let end = text.floor_char_boundary(MAX_TEXT_BYTES);
    let cut = end < text.len();
    let clean = !cut && !text.chars().any(is_unprintable);
    if clean {
        return text;
    }
    let mut printable: String = text[..end]
        .chars()
        .flat_map(|char| {
            let escaped = is_unprintable(char);
            let plain = (!escaped).then_some(char);
            let escape = escaped.then(|| char.escape_default()).into_iter().flatten();
            plain.into_iter().chain(escape)
        })
        .collect();
    if cut {
        printable.push_str(" …");
    }
    printable
}

/// Control characters, other than line breaks and tabs, and the bidirectional overrides.
fn is_unprintable(char: char) -> bool {
    (char.is_control() && !matches!(char, '\n' | '\t'))
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
