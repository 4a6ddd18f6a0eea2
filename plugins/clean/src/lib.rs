//! Cleans columns: trims, parses types and dates, fills defaults, renames, drops, removes duplicates.
//!
//! For each value in this order: trim, repair of the encoding, null tokens, case, type, default. Then rows without
//! required values are rejected and rows that repeat others dropped; at last columns are renamed and dropped.
//!
//! Every column that something is done with has one [`step::Step`], which goes through its values once. A column in
//! which nothing changes is passed on without a copy, and one that nothing is done with is not read at all. Rows
//! that are rejected for one column are looked at in the others too, so the quarantine has all reasons.

mod case;
mod config;
mod deduplicate;
mod edits;
mod encoding;
mod fill;
mod output;
mod step;
mod treatment;

use wasmill_plugin_sdk::prelude::*;

use crate::config::CleanConfig;
use crate::deduplicate::Deduplication;
use crate::edits::Scratch;
use crate::output::drop_and_rename;
use crate::step::{Step, step};
use crate::treatment::treatments;
use wasmill_plugin_values::rejections::Rejections;

struct Clean {
    steps: Vec<Box<dyn Step>>,
    deduplication: Option<Deduplication>,
    scratch: Scratch,
}

impl Transformer for Clean {
    type Config = CleanConfig;

    fn bind(config: CleanConfig, plan: &mut Plan) -> Result<Self> {
        let treatments = treatments(&config, plan.schema())?;
        let mut steps = Vec::new();
        for treatment in &treatments {
            steps.extend(step(treatment, plan)?);
        }
        let deduplication = match &config.deduplicate {
            Some(deduplicate) => Some(Deduplication::new(deduplicate, plan)?),
            None => None,
        };
        drop_and_rename(&config, plan)?;
        Ok(Self { steps, deduplication, scratch: Scratch::default() })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let mut rejections = Rejections::new(out, batch.rows());
        for step in &self.steps {
            step.run(batch, &mut rejections, &mut self.scratch);
        }
        if let Some(deduplication) = &mut self.deduplication {
            deduplication.run(batch, &mut rejections);
        }
        Ok(())
    }
}

transformer!(Clean);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plugin_sdk::bindings::transform::{NewColumn, NewValues, Processed, Selection};
    use wasmill_plugin_sdk::bindings::types::{Batch, DataType, Field, Node, Payload, Schema};
    use wasmill_plugin_sdk::transformer::{Opened, open};

    /// The transformer for utf8 columns of these names.
    fn opened(config: serde_json::Value, columns: &[&str]) -> Opened<Clean> {
        let field = |name: &&str| Field {
            name: (*name).to_owned(),
            data_type: DataType::Utf8,
            nullable: true,
            children: 0,
            metadata: Vec::new(),
        };
        let schema = Schema { fields: columns.iter().map(field).collect() };
        open(&config.to_string(), schema).unwrap()
    }

    /// A batch of utf8 columns without nulls.
    fn batch(columns: &[&[&str]]) -> Batch {
        let node = |values: &&[&str]| {
            let mut offsets = 0_i32.to_le_bytes().to_vec();
            let mut bytes = Vec::new();
            for value in *values {
                bytes.extend_from_slice(value.as_bytes());
                offsets.extend_from_slice(&(bytes.len() as i32).to_le_bytes());
            }
            Node { length: values.len() as u32, validity: Vec::new(), offsets, values: bytes }
        };
        let rows = columns.first().map_or(0, |values| values.len() as u32);
        Batch { rows, values: Payload::Columns(columns.iter().map(node).collect()) }
    }

    /// The bitmap of the rows that go on; none where all of them do.
    fn selected(processed: &Processed) -> Option<Vec<u8>> {
        match &processed.outputs[0].rows {
            Selection::All => None,
            Selection::Bitmap(bitmap) => Some(bitmap.clone()),
            other => panic!("{other:?}"),
        }
    }

    /// For each new column whether it is an input column, passed on.
    fn kept(processed: &Processed) -> Vec<bool> {
        let NewValues::Columns(columns) = &processed.outputs[0].values else {
            panic!("columns are expected");
        };
        columns.iter().map(|column| matches!(column, NewColumn::Keep(_))).collect()
    }

    #[test]
    fn columns_without_a_change_are_passed_on() {
        let mut clean = opened(serde_json::json!({"trim": true}), &["a", "b"]);
        let processed = clean.process(batch(&[&["x", "y"], &["x", "y "]])).unwrap();
        assert_eq!(kept(&processed), [true, false]);
        let processed = clean.process(batch(&[&["x"], &["y"]])).unwrap();
        assert_eq!(kept(&processed), [true, true]);
    }

    #[test]
    fn repeated_rows_are_found_over_batches() {
        let config = serde_json::json!({"deduplicate": {"by": ["a"]}});
        let mut clean = opened(config, &["a"]);
        for (values, expected) in [
            (["x", "y", "x"], Some(vec![0b011])),
            (["y", "z", "x"], Some(vec![0b010])),
            (["1", "2", "3"], None),
        ] {
            assert_eq!(selected(&clean.process(batch(&[&values])).unwrap()), expected);
        }
    }

    #[test]
    fn a_flood_of_bad_values_stays_within_the_limit_of_findings() {
        let mut clean = opened(serde_json::json!({"types": {"a": "int64"}}), &["a"]);
        let values: Vec<String> = (0..20_000).map(|number| format!("{number}x")).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let processed = clean.process(batch(&[&values])).unwrap();
        assert_eq!(processed.bad_rows.len(), 10_001);
        let rows: usize = processed.bad_rows.iter().map(|finding| finding.rows.len()).sum();
        assert_eq!(rows, 20_000);
        let messages = [&processed.bad_rows[0], &processed.bad_rows[10_000]];
        let messages = messages.map(|finding| finding.message.as_str());
        assert_eq!(messages, ["\"0x\" is no int64", "a value is no int64"]);
    }
}
