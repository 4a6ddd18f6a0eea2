//! What becomes of rows: kept, dropped, reordered, multiplied, held back, rejected; and new columns beside them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::take_record_batch;
use arrow::datatypes::Float64Type;
use serde_json::json;
use wasmill_sandbox::contract::binding::Scope;

use super::{Made, WAYS, config, made};
use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds, same_batch, same_column};
use crate::plugins::Plugins;
use crate::tables::{ids, ids_from, ids_of, no_ids, of_columns, slice_of_ids, with_columns};

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    cases.run("keep", each(plugins, "keep", "columns", |input| Ok(input.clone()))).await;
    cases
        .run(
            "rename",
            each(plugins, "rename", "columns", |input| {
                let kept: Vec<(String, ArrayRef)> = (0..input.num_columns() - 1)
                    .map(|index| {
                        (
                            if index == 0 {
                                "renamed".to_owned()
                            } else {
                                input.schema().field(index).name().clone()
                            },
                            input.column(index).clone(),
                        )
                    })
                    .collect();
                RecordBatch::try_from_iter(kept).map_err(|error| error.to_string())
            }),
        )
        .await;
    for way in WAYS {
        let name = |case: &str| format!("{case}/{way}");
        cases
            .run(
                name("even"),
                each(plugins, "even", way, |input| {
                    let even = ids_of(input)
                        .iter()
                        .enumerate()
                        .filter(|(_, id)| **id % 2 == 0)
                        .map(|(row, _)| row as u64)
                        .collect();
                    taken(input, even)
                }),
            )
            .await;
        cases
            .run(name("reverse"), each(plugins, "reverse", way, |input| reversed(input, way)))
            .await;
        cases
            .run(
                name("explode"),
                each(plugins, "explode", way, |input| {
                    let parts: Vec<(i64, i64)> = ids_of(input)
                        .iter()
                        .flat_map(|id| (0..id % 4).map(|part| (*id, part)))
                        .collect();
                    let id = parts.iter().map(|(id, _)| *id).collect::<Int64Array>();
                    let part = parts.iter().map(|(_, part)| *part).collect::<Int64Array>();
                    Ok(of_columns(vec![("id", Arc::new(id)), ("part", Arc::new(part))]))
                }),
            )
            .await;
        cases
            .run(
                name("words"),
                each(plugins, "words", way, |input| {
                    let text = input.column_by_name("text").expect("a column").as_string::<i32>();
                    let length = text
                        .iter()
                        .map(|text| text.map(|text| text.chars().count() as i64))
                        .collect::<Int64Array>();
                    let shout = text
                        .iter()
                        .map(|text| text.map(|text| format!("{text}!é🦀")))
                        .collect::<StringArray>();
                    Ok(with_columns(
                        input,
                        vec![("length", Arc::new(length)), ("shout", Arc::new(shout))],
                    ))
                }),
            )
            .await;
        cases.run(name("add"), each(plugins, "add", way, added)).await;
        cases.run(name("reject"), rejected(plugins, way)).await;
        cases.run(name("hold"), held(plugins, way)).await;
    }
    cases.run("add/specials", add_specials(plugins)).await;
    cases.run("unchanged", unchanged(plugins)).await;
    cases.run("running", running(plugins)).await;
    cases.run("count", counted(plugins)).await;
    for (case, scope) in [
        ("even", Scope::Rows),
        ("running", Scope::Keyed(vec![1])),
        ("count", Scope::Single),
        ("hold", Scope::Single),
    ] {
        cases
            .run(format!("scope/{case}"), async move {
                let transformer = plugins.transformer(config(case, "columns"))?;
                let binding =
                    transformer.bind(ids(1).schema()).await.map_err(|fault| faulted(&fault))?;
                equal("scope", binding.scope, scope)
            })
            .await;
    }
    cases
        .run("reads-only-what-it-needs", async {
            let transformer = plugins.transformer(config("add", "columns"))?;
            let binding =
                transformer.bind(ids(1).schema()).await.map_err(|fault| faulted(&fault))?;
            equal("columns that are read", binding.reading.positions, vec![3])?;
            let binding = plugins
                .transformer(config("keep", "columns"))?
                .bind(ids(1).schema())
                .await
                .map_err(|fault| faulted(&fault))?;
            equal("columns that are read", binding.reading.positions, vec![])
        })
        .await;
    cases.run("many-batches", many_batches(plugins)).await;
}

/// Gives one instance a slice, no row, one row and a whole batch; compares each with what is expected.
async fn each(
    plugins: &Plugins,
    case: &str,
    way: &str,
    expected: impl Fn(&RecordBatch) -> Result<RecordBatch, String>,
) -> Outcome {
    let inputs = [slice_of_ids(), no_ids(), ids(1), ids_from(9, 20)];
    let Made { batches, finished, bad_rows } =
        made(&plugins.transformer(config(case, way))?, &inputs).await?;
    for (input, actual) in inputs.iter().zip(&batches) {
        let about = |error| format!("{} rows: {error}", input.num_rows());
        same_batch(actual, &expected(input)?).map_err(about)?;
    }
    equal("rows of `finish`", finished.num_rows(), 0)?;
    holds(bad_rows.iter().all(Vec::is_empty), || format!("bad rows: {bad_rows:?}"))
}

fn taken(input: &RecordBatch, rows: Vec<u64>) -> Result<RecordBatch, String> {
    take_record_batch(input, &UInt64Array::from(rows)).map_err(|error| error.to_string())
}

fn reversed(input: &RecordBatch, way: &str) -> Result<RecordBatch, String> {
    let mut rows: Vec<u64> = (0..input.num_rows() as u64).rev().collect();
    rows.extend(rows.last().copied());
    let position = Int64Array::from_iter_values(0..rows.len() as i64);
    let rows = taken(input, rows)?;
    let rows = if way == "rows" { of_columns(vec![("id", rows.column(0).clone())]) } else { rows };
    Ok(with_columns(&rows, vec![("position", Arc::new(position))]))
}

fn added(input: &RecordBatch) -> Result<RecordBatch, String> {
    let x = input.column_by_name("x").expect("a column").as_primitive::<Float64Type>();
    let y: Float64Array = x.iter().map(|x| x.map(|x| x + 1.0)).collect();
    Ok(with_columns(input, vec![("y", Arc::new(y))]))
}

/// What JSON has no words for.
async fn add_specials(plugins: &Plugins) -> Outcome {
    let x: Float64Array = [
        Some(f64::NAN),
        Some(f64::INFINITY),
        None,
        Some(f64::NEG_INFINITY),
        Some(f64::MAX),
        Some(-1.0),
    ]
    .into_iter()
    .collect();
    let input = of_columns(vec![("x", Arc::new(x))]);
    let made =
        made(&plugins.transformer(config("add", "columns"))?, std::slice::from_ref(&input)).await?;
    same_batch(&made.batches[0], &added(&input)?)
}

async fn rejected(plugins: &Plugins, way: &str) -> Outcome {
    let inputs = [slice_of_ids(), no_ids(), ids_from(1, 2)];
    let made = made(&plugins.transformer(config("reject", way))?, &inputs).await?;
    for ((input, output), bad_rows) in inputs.iter().zip(&made.batches).zip(&made.bad_rows) {
        let ids = ids_of(input);
        let good = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| **id % 3 != 0)
            .map(|(row, _)| row as u64)
            .collect();
        same_batch(output, &taken(input, good)?)?;
        let mut said: Vec<(u32, String)> = Vec::new();
        for finding in bad_rows {
            equal("rule", finding.rule.as_str(), "third")?;
            equal("column", finding.column.as_deref(), Some("id"))?;
            said.extend(finding.rows.iter().map(|row| (*row, finding.message.clone())));
        }
        said.sort();
        let expected: Vec<(u32, String)> = ids
            .iter()
            .enumerate()
            .filter(|(_, id)| **id % 3 == 0)
            .map(|(row, id)| (row as u32, format!("{id} is divisible by 3")))
            .collect();
        equal("bad rows", said, expected)?;
    }
    Ok(())
}

async fn held(plugins: &Plugins, way: &str) -> Outcome {
    let transformer = plugins.transformer(config("hold", way))?;
    for inputs in [vec![slice_of_ids(), no_ids(), ids_from(500, 3)], vec![no_ids()]] {
        let made = made(&transformer, &inputs).await?;
        for batch in &made.batches {
            equal("rows of `process`", batch.num_rows(), 0)?;
        }
        let mut expected: Vec<i64> = inputs.iter().flat_map(ids_of).collect();
        expected.sort_unstable_by(|left, right| right.cmp(left));
        equal("ids of `finish`", ids_of(&made.finished), expected)?;
    }
    Ok(())
}

async fn unchanged(plugins: &Plugins) -> Outcome {
    let transformer = plugins.transformer(config("unchanged", "columns"))?;
    let input = slice_of_ids();
    let binding =
        Arc::new(transformer.bind(input.schema()).await.map_err(|fault| faulted(&fault))?);
    let mut open = transformer.open(binding, 7).await.map_err(|fault| faulted(&fault))?;
    let processed = open.process(&input, 0).await.map_err(|fault| faulted(&fault))?;
    same_batch(&processed.outputs[0].batch, &input)?;
    equal("columns that were handed back", open.kept_by_last_call(), &[true])
}

async fn running(plugins: &Plugins) -> Outcome {
    let transformer = plugins.transformer(config("running", "columns"))?;
    let inputs = [slice_of_ids(), no_ids(), ids(40)];
    let made = made(&transformer, &inputs).await?;
    let mut seen: HashMap<Option<String>, i64> = HashMap::new();
    for (input, output) in inputs.iter().zip(&made.batches) {
        let keys = input.column_by_name("key").expect("a column").as_string::<i32>();
        let counts = keys.iter().map(|key| {
            let count = seen.entry(key.map(str::to_owned)).or_default();
            *count += 1;
            *count
        });
        let counts: Int64Array = counts.collect();
        same_batch(output, &with_columns(input, vec![("seen", Arc::new(counts))]))?;
    }
    Ok(())
}

async fn counted(plugins: &Plugins) -> Outcome {
    let transformer = plugins.transformer(config("count", "columns"))?;
    for (inputs, rows) in [(vec![ids(100), no_ids(), ids(31)], 131), (vec![no_ids()], 0)] {
        let made = made(&transformer, &inputs).await?;
        for batch in &made.batches {
            equal("rows of `process`", batch.num_rows(), 0)?;
        }
        let expected: ArrayRef = Arc::new(Int64Array::from(vec![rows]));
        same_column("rows", made.finished.column(0), &expected)?;
    }
    // And without any batch at all.
    let binding =
        Arc::new(transformer.bind(ids(1).schema()).await.map_err(|fault| faulted(&fault))?);
    let mut open = transformer.open(binding, 7).await.map_err(|fault| faulted(&fault))?;
    let finished = open.finish().await.map_err(|fault| faulted(&fault))?;
    let rows: Vec<i64> = finished
        .outputs
        .iter()
        .flat_map(|output| {
            output.batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()
        })
        .collect();
    equal("rows without a batch", rows, vec![0])
}

/// Nothing piles up in an instance: after 300 batches it needs what it needed after 100.
async fn many_batches(plugins: &Plugins) -> Outcome {
    for way in WAYS {
        let transformer = plugins.transformer(json!({"case": "words", "way": way}))?;
        let input = ids(500);
        let binding =
            Arc::new(transformer.bind(input.schema()).await.map_err(|fault| faulted(&fault))?);
        let mut open = transformer.open(binding, 7).await.map_err(|fault| faulted(&fault))?;
        let mut after_a_third = 0;
        for batch in 0..300 {
            if batch == 100 {
                after_a_third = open.usage().peak_memory;
            }
            open.process(&input, 0).await.map_err(|fault| faulted(&fault))?;
        }
        let at_the_end = open.usage().peak_memory;
        holds(at_the_end <= after_a_third + after_a_third / 8 + (1 << 20), || {
            format!("{way}: {after_a_third} bytes after 100 batches, {at_the_end} after 300")
        })?;
    }
    Ok(())
}
