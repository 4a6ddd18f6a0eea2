//! Every type goes in and comes out as it was: by values and by buffers, whole, sliced and empty, with nulls and without; and what
//! another implementation of Arrow wrote.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, TimeUnit};
use serde_json::json;
use wasmill_sandbox::contract::schema::crossing_type;

use super::made;
use crate::expect::{Outcome, equal, same_batch};
use crate::plugins::Plugins;
use crate::tables::{self, ROWS};
use crate::types::{batch_of, flat, golden, nested, without_nulls};
use crate::{Cases, types};

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    let columns: Vec<types::Named> = flat().into_iter().chain(nested()).collect();
    for by in ["values", "buffers"] {
        for (name, column) in &columns {
            cases.run(format!("copy/{by}/{name}"), column_copied(plugins, by, name, column)).await;
        }
        cases.run(format!("copy/{by}/all"), all_copied(plugins, by, &columns)).await;
        cases.run(format!("copy/{by}/golden"), golden_copied(plugins, by)).await;
    }
    for (name, column) in of_json() {
        cases
            .run(
                format!("copy/rows/{name}"),
                copied(
                    plugins,
                    json!({"case": "copy", "way": "rows"}),
                    batch_of(&name, &column).slice(5, ROWS as usize),
                ),
            )
            .await;
    }
    cases
        .run(
            "copy/rows/ids",
            copied(plugins, json!({"case": "copy", "way": "rows"}), tables::slice_of_ids()),
        )
        .await;
    cases
        .run(
            "copy/rows/empty",
            copied(plugins, json!({"case": "copy", "way": "rows"}), tables::no_ids()),
        )
        .await;
}

fn config(by: &str) -> serde_json::Value {
    json!({"case": "copy", "by": by})
}

async fn column_copied(plugins: &Plugins, by: &str, name: &str, column: &ArrayRef) -> Outcome {
    let batch = batch_of(name, column);
    let mut inputs = vec![
        ("a slice", batch.slice(5, ROWS as usize)),
        ("one row", batch.slice(6, 1)),
        ("no row", batch.slice(9, 0)),
    ];
    if let Some(column) = without_nulls(column) {
        let batch = batch_of(name, &column);
        copied(plugins, config(by), batch)
            .await
            .map_err(|error| format!("without nulls: {error}"))?;
    }
    // All in one instance: nothing is left over from one batch to the next.
    let transformer = plugins.transformer(config(by))?;
    let batches: Vec<RecordBatch> = inputs.iter().map(|(_, batch)| batch.clone()).collect();
    let made = made(&transformer, &batches).await?;
    for ((what, input), output) in inputs.drain(..).zip(&made.batches) {
        same_field_and_values(output, &input).map_err(|error| format!("{what}: {error}"))?;
    }
    Ok(())
}

async fn copied(plugins: &Plugins, config: serde_json::Value, batch: RecordBatch) -> Outcome {
    let made = made(&plugins.transformer(config)?, std::slice::from_ref(&batch)).await?;
    same_field_and_values(&made.batches[0], &batch)
}

/// All columns at once: their nodes come one after another.
async fn all_copied(plugins: &Plugins, by: &str, columns: &[types::Named]) -> Outcome {
    let arrays: Vec<ArrayRef> = columns.iter().map(|(_, column)| column.slice(3, 64)).collect();
    let fields = columns
        .iter()
        .map(|(name, column)| batch_of(name, column).schema().field(0).clone().with_nullable(true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let batch =
        RecordBatch::try_new(Arc::new(schema), arrays).map_err(|error| error.to_string())?;
    copied(plugins, config(by), batch).await
}

async fn golden_copied(plugins: &Plugins, by: &str) -> Outcome {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let files = golden(&folder)?;
    if files.len() < 10 {
        return Err(format!("{} golden batches only", files.len()));
    }
    for (name, batch) in files {
        copied(plugins, config(by), batch).await.map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// Views cross as plain text; everything else is the same, metadata included.
fn same_field_and_values(actual: &RecordBatch, input: &RecordBatch) -> Outcome {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in input.schema().fields().iter().zip(input.columns()) {
        let data_type = crossing_type(column.data_type())
            .map_err(|data_type| format!("{data_type} does not cross"))?;
        columns.push(cast(column, &data_type).map_err(|error| error.to_string())?);
        fields.push(field.as_ref().clone().with_data_type(data_type));
    }
    let expected = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| error.to_string())?;
    same_batch(actual, &expected)?;
    for (actual, expected) in actual.schema().fields().iter().zip(expected.schema().fields()) {
        equal("field", actual, expected)?;
    }
    Ok(())
}

/// Columns whose values JSON can hold, and every language's numbers.
fn of_json() -> Vec<types::Named> {
    let mut columns: Vec<types::Named> = flat()
        .into_iter()
        .chain(nested())
        .filter(|(name, _)| {
            let kept = [
                "boolean",
                "int8",
                "int16",
                "int32",
                "uint8",
                "uint16",
                "uint32",
                "utf8",
                "large-utf8",
                "binary",
                "date32",
                "time32-s",
                "timestamp-ms",
                "timestamp-us",
                "timestamp-us-utc",
                "list",
                "large-list",
                "struct",
                "list-of-structs",
                "struct-of-lists",
                "dictionary-int32",
            ];
            kept.contains(&name.as_str())
        })
        .collect();
    let length = ROWS + 13;
    // Up to 2 to the power of 53, which all languages have.
    let whole = (0..length)
        .map(|row| (row % 7 != 6).then_some(row * 60_000_000_000_000 - 4_000_000_000_000_000));
    columns.push(("int64".to_owned(), Arc::new(whole.collect::<Int64Array>())));
    let float = (0..length).map(|row| (row % 7 != 6).then_some(row as f64 / 7.0 - 3.0));
    columns.push(("float64".to_owned(), Arc::new(float.collect::<Float64Array>())));
    let texts = (0..length).map(|row| format!("{row} \u{7f}\u{80}\u{2028}\u{ffff}"));
    columns.push(("escapes".to_owned(), Arc::new(StringArray::from_iter_values(texts))));
    let seconds = (0..length).map(|row| (row % 7 != 6).then_some(row * 1000));
    let seconds: ArrayRef = Arc::new(seconds.collect::<Int64Array>());
    let data_type = DataType::Timestamp(TimeUnit::Second, Some("+02:00".into()));
    columns.push(("timestamp-s-offset".to_owned(), cast(&seconds, &data_type).expect("instants")));
    columns
}
