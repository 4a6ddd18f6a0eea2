//! `poison`: what one bad row costs. 100,000 rows, ten of which make the plugin panic, spin, or take memory without end:
//! how many of the good ones arrive, and when.
//!
//! The plugin does nothing about it: it doubles a number, and on a poisonous row it faults. What is compared is what hosts
//! make of that. Wasmill runs as people run it, the command line over a pipeline file, from process start to published file.
//! The peers are libraries, so a host is written here ([`peers`]) that does what their interface allows: a call that fails
//! costs its batch, a new instance is created, and the next batch is tried. It runs in a process of its own
//! ([`process`]), because a library may take its process with it, and is stopped when nothing happens for long.
//!
//! All have the same limits where they have them: fuel for a call, a deadline of one second, 64 MiB of memory. arrow-udf
//! has a limit of memory only.

mod peers;
mod process;
mod wasmill;

use arrow::array::RecordBatch;
use serde_json::json;

pub use self::peers::child;
use self::process::Outcome;
use crate::data;
use crate::measure::{Error, Measuring, Report};
use crate::subjects::Installed;

const ROWS: usize = 100_000;
const BATCH_ROWS: usize = 8_192;
const POISONED: usize = 10;

/// Fuel for a call on a whole batch: far more than a good one needs, and spent in milliseconds.
const FUEL_PER_ROW: u64 = 1_000;
const FUEL_PER_CALL: u64 = 1_000_000;
const DEADLINE_SECONDS: u64 = 1;
const MEMORY_MEBIBYTES: u32 = 64;

/// What a poisonous row makes the plugin do. As numbers in the column `poison`: 0 is a good row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poison {
    /// No row is poisonous: what the same work takes without.
    None,
    Panic,
    Spin,
    Allocate,
    /// By turns.
    Mixed,
}

impl Poison {
    const ALL: [Self; 5] = [Self::None, Self::Panic, Self::Spin, Self::Allocate, Self::Mixed];

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Panic => "panic",
            Self::Spin => "spin",
            Self::Allocate => "allocate",
            Self::Mixed => "mixed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|poison| poison.name() == name)
    }

    /// The input, as batches.
    fn batches(self) -> Vec<RecordBatch> {
        let poison = match self {
            Self::None => &[][..],
            Self::Panic => &[1],
            Self::Spin => &[2],
            Self::Allocate => &[3],
            Self::Mixed => &[1, 2, 3],
        };
        let rows = data::poisoned(ROWS, if poison.is_empty() { 0 } else { POISONED }, poison);
        (0..ROWS)
            .step_by(BATCH_ROWS)
            .map(|start| rows.slice(start, BATCH_ROWS.min(ROWS - start)))
            .collect()
    }

    fn good_rows(self) -> usize {
        if self == Self::None { ROWS } else { ROWS - POISONED }
    }
}

/// What became of the rows.
struct Delivery {
    /// Good rows that arrived, each with the right value.
    delivered: usize,
    /// Rows that the host says it has put aside; the peers know no such thing.
    quarantined: Option<u64>,
    seconds: f64,
    outcome: Outcome,
}

pub fn run(installed: &Installed, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    for poison in Poison::ALL {
        if measuring.wants(wasmill::NAME) {
            line(wasmill::NAME, poison, &wasmill::run(installed, poison)?, report);
        }
        for peer in peers::Peer::ALL.into_iter().filter(|peer| measuring.wants(peer.name())) {
            line(peer.name(), poison, &peers::run(peer, poison)?, report);
        }
    }
    Ok(())
}

fn line(subject: &str, poison: Poison, delivery: &Delivery, report: &Report) {
    report.line(&json!({
        "bench": "poison",
        "subject": format!("{subject}: {}", poison.name()),
        "poison": poison.name(),
        "rows": ROWS,
        "good_rows": poison.good_rows(),
        "delivered_rows": delivery.delivered,
        "lost_rows": poison.good_rows() - delivery.delivered,
        "quarantined_rows": delivery.quarantined,
        "seconds": delivery.seconds,
        "outcome": delivery.outcome.to_string(),
    }));
}
