//! How many rows of each step are needed to show some of the steps.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use crate::checked::Step;
use crate::plan::{Flow, flow};

/// Of what rows are looked up in, so many are read: the first thousand of two tables seldom belong together.
const LOOKUP_ROWS: usize = 100_000;

/// For each step that is needed to show `shown`, how many rows its sources are read for.
pub(super) fn windows(
    steps: &IndexMap<String, Step>,
    shown: &BTreeSet<String>,
    rows: usize,
) -> BTreeMap<String, usize> {
    let mut windows: BTreeMap<String, usize> =
        shown.iter().map(|step| (step.clone(), rows)).collect();
    for step in steps.values().rev() {
        let Some(&own) = windows.get(&step.name) else { continue };
        let flow = flow(step);
        for input in &step.inputs {
            let needed = match &flow {
                Flow::Over(streamed) if streamed != input => own.max(LOOKUP_ROWS),
                _ => own,
            };
            let window = windows.entry(input.clone()).or_default();
            *window = needed.max(*window);
        }
    }
    windows
}
