//! What to look at, or to do: what is odd about the row, what well-known panics mean, which limit to raise.
//!
//! A hint says what is there, not what must be the cause: that the column is null, not that the plugin forgot it.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::contract::processed::OutputBreach;
use wasmill_sandbox::fault::{Breach, Fault};
use wasmill_sandbox::frames::one_line;

use super::row::text;
use super::{Case, name};
use crate::numbers::grouped;

/// How many oddities of a row are told.
const MAX_ODDITIES: usize = 6;
/// Text from here on is called long.
const LONG_TEXT_BYTES: usize = 10_000;
/// A message inside of a hint is cut, in characters.
const MAX_QUOTED_CHARS: usize = 120;

/// All hints, those about the row first.
pub(super) fn hints(fault: &Fault, case: &Case<'_>, said: Option<&str>) -> Vec<String> {
    let mut hints = Vec::new();
    if fault.kind().may_be_a_row()
        && let Some(row) = case.seen.filter(|seen| seen.num_rows() == 1)
    {
        hints = oddities(row, case.reads, divides_by_zero(fault, said));
    }
    hints.extend(of_cause(fault, case, said));
    let is_unlocated = fault.stack().iter().all(|frame| frame.location.is_none());
    if !fault.stack().is_empty() && is_unlocated {
        hints.push("a plugin that is built with line tables shows source lines here".to_owned());
    }
    hints
}

fn divides_by_zero(fault: &Fault, said: Option<&str>) -> bool {
    let by_zero = |text: &str| {
        ["divide by zero", "division by zero", "divisor of zero"]
            .iter()
            .any(|words| text.contains(words))
    };
    matches!(fault, Fault::Trap { cause, .. } if by_zero(cause)) || said.is_some_and(by_zero)
}

/// What is unusual about the values of the one row: of the columns that are read, or of all where those are not known.
fn oddities(row: &RecordBatch, reads: &[String], is_zero_odd: bool) -> Vec<String> {
    let schema = row.schema();
    let read = |name: &String| reads.is_empty() || reads.contains(name);
    let columns = schema.fields().iter().zip(row.columns()).filter(|(field, _)| read(field.name()));
    let columns: Vec<_> = columns.collect();
    let nulls: Vec<String> = columns
        .iter()
        .filter(|(_, column)| column.is_null(0))
        .map(|(field, _)| format!("`{}`", name(field.name())))
        .collect();
    let mut odd = Vec::new();
    match &nulls[..] {
        [] => {}
        [one] => odd.push(format!("column {one} is null here")),
        [some @ .., last] if some.len() < MAX_ODDITIES => {
            odd.push(format!("columns {} and {last} are null here", some.join(", ")));
        }
        many => odd.push(format!(
            "columns {} and {} others are null here",
            many[..MAX_ODDITIES].join(", "),
            many.len() - MAX_ODDITIES
        )),
    }
    for (field, column) in columns {
        if odd.len() == MAX_ODDITIES {
            break;
        }
        if let Some(what) = oddity(column.as_ref(), is_zero_odd) {
            odd.push(format!("column `{}` {what} here", name(field.name())));
        }
    }
    odd
}

/// What is unusual about the one value of a column.
fn oddity(column: &dyn Array, is_zero_odd: bool) -> Option<String> {
    if column.is_null(0) {
        return None;
    }
    if let Some(text) = text(column) {
        return odd_text(text);
    }
    macro_rules! odd_integer {
        ($($variant:ident: $type:ty),*) => {
            match column.data_type() {
                $(DataType::$variant => {
                    let value = column.as_primitive::<$type>().value(0);
                    if value == 0 {
                        return is_zero_odd.then(|| "is 0".to_owned());
                    }
                    // The smallest of a type without sign is 0, which is usual.
                    let extreme = if value.checked_add(1).is_none() {
                        "the largest"
                    } else if value.checked_sub(1).is_none() {
                        "the smallest"
                    } else {
                        return None;
                    };
                    return Some(format!("is {value}, {extreme} that its type holds,"));
                })*
                _ => {}
            }
        };
    }
    odd_integer!(
        Int8: Int8Type, Int16: Int16Type, Int32: Int32Type, Int64: Int64Type,
        UInt8: UInt8Type, UInt16: UInt16Type, UInt32: UInt32Type, UInt64: UInt64Type
    );
    let number = match column.data_type() {
        DataType::Float32 => f64::from(column.as_primitive::<Float32Type>().value(0)),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(0),
        DataType::Binary if column.as_binary::<i32>().value(0).is_empty() => {
            return Some("is empty".to_owned());
        }
        DataType::List(_) if column.as_list::<i32>().value(0).is_empty() => {
            return Some("is an empty list".to_owned());
        }
        _ => return None,
    };
    match number {
        number if number.is_nan() => Some("is NaN".to_owned()),
        number if number.is_infinite() => Some("is infinite".to_owned()),
        number if number == 0.0 && is_zero_odd => Some("is 0".to_owned()),
        _ => None,
    }
}

fn odd_text(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("is empty".to_owned());
    }
    if text.len() >= LONG_TEXT_BYTES {
        return Some(format!("has {} bytes", grouped(text.len() as u64)));
    }
    if text.trim().is_empty() {
        return Some("is blank".to_owned());
    }
    if text.contains('\u{fffd}') {
        return Some("holds U+FFFD, which is what is left of text in another encoding,".to_owned());
    }
    let control =
        text.chars().find(|char| char.is_control() && !matches!(char, '\t' | '\r' | '\n'));
    control.map(|char| format!("holds a control character, U+{:04X},", u32::from(char)))
}

/// What the cause means, and what can be done about it.
fn of_cause(fault: &Fault, case: &Case<'_>, said: Option<&str>) -> Vec<String> {
    let step = name(case.step);
    let raise = |key: &str, now: Option<String>| {
        let now = now.map(|now| format!(" (now {now})")).unwrap_or_default();
        format!(
            "if the plugin is right to take that much, raise {key}{now} in the limits of `{step}`"
        )
    };
    let limits = case.limits;
    match fault {
        Fault::Trap { cause, .. } => of_trap(cause, said.unwrap_or_default()).into_iter().collect(),
        Fault::Fuel { budget, .. } => {
            let keys = match limits {
                Some(limits) => format!(
                    "fuel_per_row (now {}) or fuel_per_call (now {})",
                    grouped(limits.fuel_per_row),
                    grouped(limits.fuel_per_call)
                ),
                None => "fuel_per_row or fuel_per_call".to_owned(),
            };
            let mut hints = vec![raise(&keys, None)];
            if case.seen.is_some_and(|seen| seen.num_rows() == 1) {
                hints.push(format!(
                    "{} units for one row are a great deal: the plugin may be in an endless loop",
                    grouped(*budget)
                ));
            }
            hints
        }
        Fault::Deadline { deadline, .. } => {
            let mut hints = vec![raise("deadline", Some(format!("{deadline:?}")))];
            if case.fuel.is_some_and(|fuel| limits.is_some_and(|limits| fuel < limits.fuel(1) / 100)) {
                hints.push("it computed little: it was waiting, or the machine was busy".to_owned());
            }
            hints
        }
        Fault::Memory { limit, .. } => vec![raise("memory", Some(bytes(*limit)))],
        Fault::OutputBytes { limit, .. } => {
            vec![format!(
                "raise output_bytes (now {}) in the limits of `{step}`, or lower pipeline.batch_rows",
                bytes(*limit)
            )]
        }
        Fault::Stack { .. } => vec![
            "a stack of 512 KiB is what each guest has: recursion whose depth the data decides has to become a loop"
                .to_owned(),
        ],
        Fault::Contract {
            breach: Breach::Output(OutputBreach::TooManyRows { .. }), ..
        } => {
            let now = limits.map(|limits| grouped(limits.output_rows_per_row));
            vec![raise("output_rows_per_row", now)]
        }
        Fault::Contract { .. } => {
            vec!["this is a mistake of the plugin, which no setting mends".to_owned()]
        }
        Fault::Failure { failure: Failure::BadConfig { pointer, .. }, .. } if !pointer.is_empty() => {
            vec![format!("look at config{} of `{step}`", one_line(pointer, MAX_QUOTED_CHARS))]
        }
        Fault::Failure { failure: Failure::Retryable { after: Some(after), .. }, .. } => {
            vec![format!("the plugin asks to be called again after {after:?}")]
        }
        Fault::Busy => {
            vec!["lower pipeline.workers: there are more calls at once than slots".to_owned()]
        }
        Fault::Crowded { .. } => vec![
            "raise pipeline.memory, which plugins and queries share, or lower pipeline.workers".to_owned(),
        ],
        Fault::Unrepeatable { .. } => vec![
            "a plugin that keeps state is only searched for bad rows where it has no real randomness, clock or connection"
                .to_owned(),
        ],
        Fault::Failure { .. } | Fault::Gone { .. } | Fault::Host { .. } => Vec::new(),
    }
}

/// What a trap of WebAssembly means, or a panic of a Rust program.
fn of_trap(cause: &str, said: &str) -> Option<String> {
    if let Some((_, error)) = said.split_once("called `Result::unwrap()` on an `Err` value: ") {
        let error = one_line(error, MAX_QUOTED_CHARS);
        return Some(format!(
            "the plugin takes for granted that this goes well; it did not: {error}"
        ));
    }
    if let Some((_, rest)) = said.split_once("index out of bounds: the len is ")
        && let Some((length, index)) = rest.split_once(" but the index is ")
    {
        let (length, index) = (number(length)?, number(index)?);
        return Some(format!(
            "the plugin looks at position {index}, counted from 0, of something that has {length}"
        ));
    }
    // Words of the message or of the cause, and what they mean.
    const KNOWN: &[(&[&str], &str)] = &[
        (
            &["called `Option::unwrap()` on a `None` value"],
            "the plugin takes for granted that there is a value where there is none",
        ),
        (
            &["out of range for slice", "index starts at", "out of range for str"],
            "the plugin takes a part of something shorter than it expects",
        ),
        (
            &["is not a char boundary"],
            "the plugin cuts text in the middle of a character: not every character is one byte",
        ),
        (
            &["divide by zero", "division by zero", "divisor of zero"],
            "the plugin divides by a number that is 0 here",
        ),
        (
            &["with overflow", "integer overflow"],
            "a result does not fit its type: a wider type, or `checked_` operations, would hold or notice it",
        ),
        (
            &["memory allocation of", "capacity overflow"],
            "the plugin asked for more memory than there can be, which may be a size that was computed wrongly",
        ),
        (&["not yet implemented", "not implemented"], "the plugin's author left this case out"),
        (&["entered unreachable code"], "the plugin's author held this case to be impossible"),
        (&["invalid conversion to integer"], "a number that is NaN or infinite has no integer"),
        (
            &[
                "out of bounds memory access",
                "indirect call type mismatch",
                "uninitialized element",
            ],
            "the plugin's memory is in disorder: look at unsafe code, and at what is not Rust",
        ),
        (
            &["already borrowed", "already mutably borrowed"],
            "the plugin uses a value while it is changing it",
        ),
    ];
    let holds = |words: &str| said.contains(words) || cause.contains(words);
    let known = KNOWN.iter().find(|(all, _)| all.iter().any(|words| holds(words)));
    known.map(|(_, meaning)| (*meaning).to_owned())
}

/// The number that a text begins with.
fn number(text: &str) -> Option<u64> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// As the pipeline file says it, such as `256MiB`.
fn bytes(bytes: u64) -> String {
    for (unit, name) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
        if bytes >= 1 << unit && bytes.is_multiple_of(1 << unit) {
            return format!("{}{name}", bytes >> unit);
        }
    }
    format!("{} bytes", grouped(bytes))
}
