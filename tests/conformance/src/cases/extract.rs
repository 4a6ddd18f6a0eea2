//! Extractors: splits, batches of any size, bad records, cursors.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::json;
use wasmill_sandbox::extractor::{Cursor, Extractor};

use super::WAYS;
use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds, same_batch};
use crate::plugins::Plugins;

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    for way in WAYS {
        cases.run(format!("extract/{way}"), extracted(plugins, way, 100, 3, 0)).await;
        cases.run(format!("extract/{way}/bad-records"), extracted(plugins, way, 50, 2, 7)).await;
        cases.run(format!("extract/{way}/no-rows"), extracted(plugins, way, 0, 1, 0)).await;
    }
    cases
        .run("extract/schema", async {
            let binding =
                plugins.extractor(json!({}))?.bind().await.map_err(|fault| faulted(&fault))?;
            equal("schema", binding.schema.fields(), schema().fields())
        })
        .await;
}

fn schema() -> Schema {
    Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
    ])
}

/// Reads all splits, then once more from the cursors on.
async fn extracted(
    plugins: &Plugins,
    way: &str,
    rows: i64,
    splits: i64,
    bad_every: i64,
) -> Outcome {
    let config = json!({"rows": rows, "splits": splits, "bad_every": bad_every, "way": way});
    let extractor = plugins.extractor(config)?;
    let mut cursors = Vec::new();
    for round in 0..2 {
        let start = round * rows * splits;
        let planned = extractor.plan(&cursors).await.map_err(|fault| faulted(&fault))?;
        let ids: Vec<&str> = planned.iter().map(|split| split.id.as_str()).collect();
        equal(
            "splits",
            ids,
            (0..splits)
                .map(|split| format!("part-{split}"))
                .collect::<Vec<_>>()
                .iter()
                .map(String::as_str)
                .collect(),
        )?;
        cursors.clear();
        for (number, split) in planned.iter().enumerate() {
            equal("estimate", split.rows, Some(rows as u64))?;
            let first = start + number as i64 * rows;
            let position = read(&extractor, split, first, rows, bad_every).await?;
            equal("cursor", position.as_str(), &(start + splits * rows).to_string())?;
            cursors.push(Cursor { split: split.id.clone(), position });
        }
    }
    Ok(())
}

/// Reads a split; returns its cursor.
async fn read(
    extractor: &Extractor,
    split: &wasmill_sandbox::contract::extracted::ExtractSplit,
    first: i64,
    rows: i64,
    bad_every: i64,
) -> Result<String, String> {
    let binding = Arc::new(extractor.bind().await.map_err(|fault| faulted(&fault))?);
    let mut open =
        extractor.open(Arc::clone(&binding), split, 7).await.map_err(|fault| faulted(&fault))?;
    let (mut batches, mut bad) = (Vec::new(), Vec::new());
    while let Some(extracted) = open.next(16).await.map_err(|fault| faulted(&fault))? {
        holds(extracted.batch.num_rows() <= 16, || "more rows than were asked for".to_owned())?;
        batches.push(extracted.batch);
        bad.extend(
            extracted
                .bad_records
                .into_iter()
                .map(|record| (record.position, record.raw.clone(), record.rule, record.message)),
        );
    }
    let is_bad = |id: &i64| bad_every > 0 && id % bad_every == 0;
    let ids = first..first + rows;
    let expected: Vec<_> = ids
        .clone()
        .filter(is_bad)
        .map(|id| {
            (
                format!("id {id}"),
                format!("bad {id}").into_bytes(),
                "bad".to_owned(),
                format!("{id} is bad"),
            )
        })
        .collect();
    equal("bad records", bad, expected)?;
    let ids: Vec<i64> = ids.filter(|id| !is_bad(id)).collect();
    let names: StringArray =
        ids.iter().map(|id| (id % 5 != 0).then(|| format!("row {id}"))).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(ids)), Arc::new(names)];
    let expected =
        RecordBatch::try_new(Arc::new(schema()), columns).map_err(|error| error.to_string())?;
    let actual = concat_batches(&binding.schema, &batches).map_err(|error| error.to_string())?;
    same_batch(&actual, &expected)?;
    debug_assert_eq!(expected.column(0).null_count(), 0);
    open.cursor().await.map_err(|fault| faulted(&fault))?.ok_or_else(|| "no cursor".to_owned())
}
