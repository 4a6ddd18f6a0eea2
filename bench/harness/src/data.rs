//! The inputs: made up, and the same each time.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
};

/// As pipelines have it.
pub const BATCH_ROWS: usize = 8_192;

/// Pseudo-random numbers (SplitMix64, <https://prng.di.unimi.it/splitmix64.c>).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `limit`, near enough to even.
    pub fn below(&mut self, limit: u64) -> u64 {
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

/// Numbers, of which `count` at random places carry one of `poison` by turns; all others carry 0.
pub fn poisoned(rows: usize, count: usize, poison: &[i32]) -> RecordBatch {
    let mut random = Random(4);
    let mut marks = vec![0; rows];
    for turn in 0..count {
        let mut row = random.below(rows as u64) as usize;
        while marks[row] != 0 {
            row = random.below(rows as u64) as usize;
        }
        marks[row] = poison[turn % poison.len()];
    }
    let ids = Int64Array::from_iter_values(0..rows as i64);
    batch([("id", Arc::new(ids)), ("poison", Arc::new(Int32Array::from(marks)))])
}

/// Lines of a log as JSON, about 155 bytes each: one of five of level debug, two of a hundred with an escape.
pub fn log_lines(rows: usize) -> RecordBatch {
    const SERVICES: [&str; 6] =
        ["api", "checkout", "catalogue", "payments", "search", "user-sessions"];
    const PATHS: [&str; 5] = ["orders", "carts", "products", "customers", "invoices"];
    const STATUS: [u32; 8] = [200, 200, 200, 200, 201, 304, 404, 500];
    // 2026-11-24T00:00:00Z, in seconds of that day.
    let mut micros = 0_u64;
    let mut random = Random(5);
    let mut line = |row: usize| {
        micros += random.below(2_000_000);
        let (second, micro) = (micros / 1_000_000 % 86_400, micros % 1_000_000);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let level = ["debug", "info", "info", "warn", "error"][random.below(5) as usize];
        let service = SERVICES[random.below(6) as usize];
        let path = PATHS[random.below(5) as usize];
        let (status, id) = (STATUS[random.below(8) as usize], random.below(1_000_000));
        let latency = random.below(2_000_000);
        let (latency, fraction) = (latency / 1_000, latency % 1_000);
        let message = match row % 50 {
            7 => format!(r#"cannot read \"{path}-{id}.json\": no such file"#),
            _ => format!("GET /{path}/{id} by Zoë"),
        };
        format!(
            r#"{{"timestamp":"2026-11-24T{hour:02}:{minute:02}:{second:02}.{micro:06}Z","level":"{level}","service":"{service}","status":{status},"latency_ms":{latency}.{fraction:03},"message":"{message}"}}"#
        )
    };
    let lines = StringArray::from_iter_values((0..rows).map(&mut line));
    batch([("line", Arc::new(lines))])
}

/// Records of customers, in batches. Of the amounts 2 % are not above zero; of the e-mail addresses 1 % are bad, in four ways;
/// of the names 5 % are not only of ASCII.
pub fn records(rows: usize) -> Vec<RecordBatch> {
    const FIRST: [&str; 8] =
        ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Niklaus", "Tony"];
    const LAST: [&str; 8] =
        ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Wirth", "Hoare"];
    const FOREIGN: [&str; 4] = ["José Peña", "Zoë Müller", "Łukasz Wójcik", "Søren Ågård"];
    let mut random = Random::new(6);
    let mut batches = Vec::new();
    for start in (0..rows).step_by(BATCH_ROWS) {
        let count = BATCH_ROWS.min(rows - start);
        let (mut names, mut emails) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let (mut amounts, mut times) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for row in start..start + count {
            let first = FIRST[random.below(8) as usize];
            let last = LAST[random.below(8) as usize];
            names.push(match random.below(20) {
                0 => FOREIGN[random.below(4) as usize].to_owned(),
                _ => format!("{first} {last}"),
            });
            let cents = 1 + random.below(99_999) as i64;
            let sign = if random.below(50) == 0 { -1.0 } else { 1.0 };
            amounts.push(sign * cents as f64 / 100.0);
            let local = format!("{first}.{last}{}", random.below(10_000)).to_lowercase();
            emails.push(match random.below(400) {
                0 => format!("{local}.example.com"),
                1 => format!("{local}@localhost"),
                2 => format!("{local}@example@example.com"),
                3 => "@example.com".to_owned(),
                _ => format!("{local}@example.com"),
            });
            // Milliseconds, a record in each second from 2026-01-01 on.
            times.push(1_767_225_600_000 + 1_000 * row as i64);
        }
        let ids = Int64Array::from_iter_values(start as i64..(start + count) as i64);
        let columns: [(&str, ArrayRef, bool); 5] = [
            ("id", Arc::new(ids), true),
            ("name", Arc::new(StringArray::from(names)), true),
            ("amount", Arc::new(Float64Array::from(amounts)), true),
            ("email", Arc::new(StringArray::from(emails)), true),
            ("ts", Arc::new(Int64Array::from(times)), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns);
        batches.push(batch.expect("columns of one length"));
    }
    batches
}

/// How many bytes the texts of the first column have.
pub fn text_bytes(batch: &RecordBatch) -> usize {
    batch.column(0).as_string::<i32>().value_data().len()
}

/// How many bytes the values of a batch have, as they would cross.
pub fn bytes(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(|column| column.to_data().get_slice_memory_size().unwrap_or(0)).sum()
}
