//! The cases, by what they are about.

pub mod copy;
pub mod describe;
pub mod extract;
pub mod failures;
pub mod load;
pub mod notify;
pub mod rows;
pub mod surroundings;
pub mod validate;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use serde_json::{Value, json};
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::transformer::Transformer;

use crate::expect::faulted;

/// Both ways of every SDK.
const WAYS: [&str; 2] = ["columns", "rows"];

/// What a transformer made of some batches, on one instance.
struct Made {
    /// The rows of each call of `process`, one after another.
    batches: Vec<RecordBatch>,
    /// Of `finish`.
    finished: RecordBatch,
    /// Of each call of `process`.
    bad_rows: Vec<Vec<Finding>>,
}

/// Gives batches to a fresh instance, and finishes it.
async fn made(transformer: &Transformer, batches: &[RecordBatch]) -> Result<Made, String> {
    let schema = batches[0].schema();
    let binding = Arc::new(transformer.bind(schema).await.map_err(|fault| faulted(&fault))?);
    let whole = |outputs: Vec<RecordBatch>| {
        concat_batches(&binding.output_schema, &outputs).map_err(|error| error.to_string())
    };
    let mut open =
        transformer.open(Arc::clone(&binding), 7).await.map_err(|fault| faulted(&fault))?;
    let (mut made, mut bad_rows, mut first_row) = (Vec::new(), Vec::new(), 0);
    for batch in batches {
        let processed = open.process(batch, first_row).await.map_err(|fault| faulted(&fault))?;
        first_row += batch.num_rows() as u64;
        made.push(whole(processed.outputs.into_iter().map(|output| output.batch).collect())?);
        bad_rows.push(processed.bad_rows);
    }
    let finished = open.finish().await.map_err(|fault| faulted(&fault))?;
    let finished = whole(finished.outputs.into_iter().map(|output| output.batch).collect())?;
    Ok(Made { batches: made, finished, bad_rows })
}

/// A configuration of the transformer.
fn config(case: &str, way: &str) -> Value {
    json!({ "case": case, "way": way })
}
