//! A log line and what is in it, such as
//!
//! ```text
//! {"timestamp":"2026-11-24T17:29:38.123456Z","level":"info","service":"checkout","status":200,"latency_ms":12.375,"message":"GET /orders/1"}
//! ```
//!
//! Read in one of two ways, with the same result:
//!
//! - `serde_json` into a struct that borrows from the line: what anybody would write first.
//! - [`by_blocks`]: 64 bytes at each turn, with the instructions for vectors that WebAssembly and x86-64 have. That is worth
//!   the more, the more a turn of a loop costs, and a plugin that is metered pays for each. It reads lines as most are;
//!   those with an escape, a space or anything else between the fields are left to `serde_json`.

mod blocks;
mod by_blocks;
mod slow;
mod timestamp;
mod upper;

pub use self::upper::Upper;

/// What is in a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fields<'a> {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub timestamp: i64,
    pub level: &'a str,
    pub service: &'a str,
    pub status: i32,
    pub latency_ms: f64,
    pub message: &'a str,
}

/// How lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parser {
    ByBlocks,
    SerdeJson,
}

impl Parser {
    /// Reads lines: `take` gets the fields of each, by its row, and `refuse` why there are none.
    pub fn read<'a>(
        self,
        lines: impl Iterator<Item = &'a str>,
        take: impl FnMut(usize, &Fields<'_>),
        refuse: impl FnMut(usize, &str),
    ) {
        match self {
            Self::ByBlocks => read_by_blocks(lines, take, refuse),
            Self::SerdeJson => {
                let (mut take, mut refuse) = (take, refuse);
                for (row, line) in lines.enumerate() {
                    read_slowly(row, line, &mut take, &mut refuse);
                }
            }
        }
    }
}

/// One function with the whole loop, so that all that is inlined into it may use the same instructions.
#[cfg_attr(target_arch = "wasm32", target_feature(enable = "simd128"))]
fn read_by_blocks<'a>(
    lines: impl Iterator<Item = &'a str>,
    mut take: impl FnMut(usize, &Fields<'_>),
    mut refuse: impl FnMut(usize, &str),
) {
    for (row, line) in lines.enumerate() {
        match by_blocks::fields(line) {
            Some(fields) => take(row, &fields),
            None => read_slowly(row, line, &mut take, &mut refuse),
        }
    }
}

/// Not inlined: it is not what most lines need.
#[inline(never)]
fn read_slowly(
    row: usize,
    line: &str,
    take: &mut impl FnMut(usize, &Fields<'_>),
    refuse: &mut impl FnMut(usize, &str),
) {
    let record = slow::Record::parse(line);
    match record.as_ref().map_err(|error| error.to_string()).and_then(slow::Record::fields) {
        Ok(fields) => take(row, &fields),
        Err(problem) => refuse(row, &problem),
    }
}
