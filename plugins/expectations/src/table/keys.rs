//! The keys of rows: 128 bits that are equal where rows agree in some columns.
//!
//! The key of one integer, date, time, decimal or float is the value itself, so no two values share one.
//! Text, bytes, and several columns together are hashed with XXH3 of 128 bits: among a thousand million
//! different rows, the chance that any two share a key is below 2^-68.

use twox_hash::XxHash3_128;

use crate::column::{ColumnValues, Values};
use crate::rows::RowSet;

/// The keys of those rows, in order.
pub fn keys(columns: &[&ColumnValues], rows: &RowSet) -> Vec<u128> {
    let mut keys = Vec::with_capacity(rows.count());
    let Some((first, others)) = columns.split_first() else { return keys };
    for_each_key(&first.values, rows, |key| keys.push(key));
    for column in others {
        let mut index = 0;
        for_each_key(&column.values, rows, |key| {
            let mut pair = [0; 32];
            pair[..16].copy_from_slice(&keys[index].to_le_bytes());
            pair[16..].copy_from_slice(&key.to_le_bytes());
            keys[index] = XxHash3_128::oneshot(&pair);
            index += 1;
        });
    }
    keys
}

fn for_each_key(values: &Values, rows: &RowSet, mut f: impl FnMut(u128)) {
    match values {
        Values::Nothing => {}
        // Sign extension keeps different integers different.
        Values::Ints(values) => rows.for_each(values, |value| f(value as u128)),
        Values::WideInts(values) => rows.for_each(values, |value| f(value as u128)),
        Values::Floats(values) => rows.for_each(values, |value| f(float_key(value).into())),
        Values::Text(values) => {
            rows.for_each(values, |value| f(XxHash3_128::oneshot(value.as_bytes())));
        }
        Values::Bytes(values) => rows.for_each(values, |value| f(XxHash3_128::oneshot(value))),
    }
}

/// Negative zero equals zero, and all NaNs count as one value.
fn float_key(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { (value + 0.0).to_bits() }
}
