//! The inputs: made up, and the same each time.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};

/// Pseudo-random numbers (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    // Nullable throughout: what a peer is told of a column then does not depend on the data.
    let columns = columns.map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// As in arrow-udf's own benchmark: each number, and its double.
pub fn pairs(rows: usize) -> RecordBatch {
    let a = Int32Array::from_iter_values(0..rows as i32);
    let b = Int32Array::from_iter_values((0..rows as i32).map(|value| 2 * value));
    batch([("a", Arc::new(a)), ("b", Arc::new(b))])
}

/// As in datafusion-udf-wasm's benchmark `add_one`: numbers, half of them null.
pub fn numbers(rows: usize) -> RecordBatch {
    let mut random = Random(1);
    let values: Int64Array =
        (0..rows).map(|_| (random.below(2) == 0).then(|| random.next() as i64)).collect();
    batch([("value", Arc::new(values))])
}

/// As in datafusion-udf-wasm's benchmark `sub_str`: two segments of 97 characters with a dot between, a quarter null.
pub fn texts(rows: usize) -> RecordBatch {
    let mut random = Random(2);
    let mut text = || {
        let mut segment =
            || -> String { (0..97).map(|_| char::from(b'a' + random.below(26) as u8)).collect() };
        format!("{}.{}", segment(), segment())
    };
    let values: StringArray = (0..rows).map(|row| (row % 4 != 3).then(&mut text)).collect();
    batch([("text", Arc::new(values))])
}

/// One int32, two float64, nine int64 and four utf8 columns; of `a`, 17 % lie from 9,000 to 9,499.
pub fn wide(rows: usize) -> RecordBatch {
    let mut random = Random(3);
    let a = Int32Array::from_iter_values((0..rows).map(|_| 8_000 + random.below(2_941) as i32));
    let b = Float64Array::from_iter_values((0..rows).map(|_| 1_000.0 * random.unit()));
    let d = Float64Array::from_iter_values((0..rows).map(|_| random.unit() / 10.0));
    let mut columns: Vec<(String, ArrayRef)> =
        vec![("a".into(), Arc::new(a)), ("b".into(), Arc::new(b)), ("d".into(), Arc::new(d))];
    for index in 0..9 {
        let values = Int64Array::from_iter_values((0..rows).map(|_| random.below(1 << 40) as i64));
        columns.push((format!("i{index}"), Arc::new(values)));
    }
    for index in 0..4 {
        let texts = (0..rows).map(|_| format!("text {}", random.below(1 << (8 * (index + 1)))));
        columns.push((format!("s{index}"), Arc::new(StringArray::from_iter_values(texts))));
    }
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
}

/// How many bytes the values of a batch have, as they would cross.
pub fn bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
}
