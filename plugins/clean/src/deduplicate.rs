//! Drops rows that repeat others, in the order of the input, over all batches that an instance sees.
//!
//! Of the rows seen only a hash of 128 bits is kept. Two of a billion different rows share one with a probability
//! of about 10^-21.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use siphasher::sip128::SipHasher13;
use wasmill_plugin_sdk::any::AnyColumn;
use wasmill_plugin_sdk::bindings::types::DataType;
use wasmill_plugin_sdk::column::Column;
use wasmill_plugin_sdk::prelude::*;

use crate::config::DeduplicateConfig;
use wasmill_plugin_values::rejections::Rejections;

/// Drops rows with a key that was seen before.
pub struct Deduplication {
    columns: Vec<KeyInput>,
    seen: SeenKeys,
    hasher: SipHasher13,
    key: Vec<u8>,
}

/// A column of the key. Text has a case of its own, which checks its encoding once for the batch instead of once
/// for each value.
enum KeyInput {
    Text(Input<str>),
    Any(AnyInput),
}

enum KeyColumn<'a> {
    Text(Column<'a, str>),
    Any(AnyColumn<'a>),
}

impl Deduplication {
    pub fn new(config: &DeduplicateConfig, plan: &mut Plan) -> Result<Self> {
        if config.by.is_empty() {
            let message = "is empty; name the columns in which repeated rows are equal";
            return Err(Error::bad_config("/deduplicate/by", message));
        }
        let mut columns = Vec::with_capacity(config.by.len());
        for name in &config.by {
            let position = plan.schema().position(name)?;
            columns.push(match plan.schema().column(position).data_type() {
                DataType::Utf8 => KeyInput::Text(plan.read(name)?),
                _ => KeyInput::Any(plan.read_any(name)?),
            });
        }
        plan.keyed_by(&config.by)?;
        Ok(Self { columns, seen: SeenKeys::default(), hasher: SipHasher13::new(), key: Vec::new() })
    }

    /// Drops repeated rows. Rejected ones are not seen: a later row with their key may be all right.
    pub fn run(&mut self, batch: &Batch, rejections: &mut Rejections) {
        let columns: Vec<KeyColumn> = self
            .columns
            .iter()
            .map(|column| match column {
                KeyInput::Text(input) => KeyColumn::Text(batch.column(*input)),
                KeyInput::Any(input) => KeyColumn::Any(batch.any_column(input)),
            })
            .collect();
        for row in 0..batch.rows() {
            if rejections.contains(row) {
                continue;
            }
            self.key.clear();
            for column in &columns {
                column.value(row).write_key(&mut self.key);
            }
            let is_new = self.seen.insert(self.hasher.hash(&self.key).as_u128());
            if !is_new {
                rejections.rows.drop_row(row);
            }
        }
    }
}

impl KeyColumn<'_> {
    fn value(&self, row: usize) -> Scalar<'_> {
        match self {
            Self::Text(column) => column.get(row).map_or(Scalar::Null, Scalar::Str),
            Self::Any(column) => column.value(row),
        }
    }
}

/// The hashes of keys, in shards: a set that grows needs room for its old and its new table at once, which is
/// little where it is one of many.
struct SeenKeys {
    shards: Vec<HashSet<u128, BuildHasherDefault<LowHalf>>>,
}

const SHARD_BITS: u32 = 6;

impl Default for SeenKeys {
    fn default() -> Self {
        Self { shards: vec![HashSet::default(); 1 << SHARD_BITS] }
    }
}

impl SeenKeys {
    /// Whether the key is seen for the first time.
    fn insert(&mut self, hash: u128) -> bool {
        let shard = (hash >> (u128::BITS - SHARD_BITS)) as usize;
        self.shards[shard].insert(hash)
    }
}

/// Hashes what is a hash already, by its low half.
#[derive(Default)]
struct LowHalf(u64);

impl Hasher for LowHalf {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only 128-bit hashes are hashed");
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_new_once() {
        let mut seen = SeenKeys::default();
        let hasher = SipHasher13::new();
        let hash = |number: u32| hasher.hash(&number.to_le_bytes()).as_u128();
        for number in 0..10_000 {
            assert!(seen.insert(hash(number)), "{number}");
        }
        for number in 0..10_000 {
            assert!(!seen.insert(hash(number)), "{number}");
        }
        assert!(seen.shards.iter().all(|shard| (100..250).contains(&shard.len())));
    }
}
