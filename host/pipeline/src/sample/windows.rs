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

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Schema, SchemaRef};
    use std::sync::Arc;

    use super::*;
    use crate::checked::{SqlWork, Work};

    fn step(name: &str, inputs: &[&str], streamed: Option<&str>) -> (String, Step) {
        let work =
            SqlWork { query: String::new(), partitions: 1, streamed: streamed.map(str::to_owned) };
        let schema: SchemaRef = Arc::new(Schema::empty());
        let inputs = inputs.iter().map(|input| (*input).to_owned()).collect();
        let (name, work) = (name.to_owned(), Work::Sql(Arc::new(work)));
        (name.clone(), Step { name, inputs, schema, work })
    }

    #[test]
    fn what_is_looked_up_is_read_further() {
        let steps = IndexMap::from([
            step("orders", &[], None),
            step("customers", &[], None),
            step("regular", &["customers"], Some("customers")),
            step("joined", &["orders", "regular"], Some("orders")),
            step("other", &["orders"], None),
        ]);
        let shown = BTreeSet::from(["joined".to_owned()]);
        let windows = windows(&steps, &shown, 1_000);
        let of = |step: &str| windows.get(step).copied();
        assert_eq!(["joined", "orders"].map(of), [Some(1_000); 2]);
        assert_eq!(["regular", "customers"].map(of), [Some(LOOKUP_ROWS); 2]);
        assert_eq!(of("other"), None, "it is not needed");
    }
}
