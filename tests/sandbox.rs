//! The same transformer, `gross`, written in three languages: with the Rust SDK, and by hand against the
//! generated bindings in Python and JavaScript. All give the same results, by columns and by JSON rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use serde_json::json;
use wasmill_sandbox::Environment;
use wasmill_sandbox::engine::Sandbox;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::transformer::Transformer;
use wasmill_tests::{component, sandbox};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("net", DataType::Float64, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

fn batch(rows: i64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(0..rows)),
        Arc::new(Float64Array::from_iter(
            (0..rows).map(|row| (row % 3 != 1).then_some(row as f64)),
        )),
        Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("näme {row}")))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn environment(config: serde_json::Value) -> Environment {
    let config = config.as_object().expect("a config is an object").clone();
    Environment { config: Arc::new(config), ..Environment::default() }
}

async fn gives_gross(sandbox: &Sandbox, component_name: &str, config: serde_json::Value) {
    let started = std::time::Instant::now();
    let plugin = sandbox.load(component(component_name)).await.unwrap();
    println!("{component_name}: compiled in {:?}", started.elapsed());
    let transformer = Transformer::new(&plugin, environment(config)).unwrap();
    let binding = Arc::new(transformer.bind(schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    for rows in [10_000, 3, 0] {
        let input = batch(rows);
        // A slice: offsets and bitmaps then start in the middle.
        let input = input.slice(rows as usize / 3, rows as usize - rows as usize / 3);
        let processed = open.process(&input, 0).await.unwrap();
        let [output] = &processed.outputs[..] else { panic!("one output") };
        let net = input.column(1).as_any().downcast_ref::<Float64Array>().unwrap();
        let expected: Float64Array = net.iter().map(|net| net.map(|net| net * 1.5)).collect();
        assert_eq!(
            output.batch.column(3).as_any().downcast_ref::<Float64Array>().unwrap(),
            &expected
        );
        assert_eq!(&output.batch.columns()[..3], input.columns());
        assert_eq!(processed.tally.selected, input.num_rows());
        println!("{component_name} {rows} {:?}", open.usage());
    }
    assert!(open.finish().await.unwrap().outputs.is_empty());
}

#[tokio::test]
async fn rust_by_columns() {
    gives_gross(&sandbox(4), "gross", json!({"net": "net", "rate": 0.5})).await;
}

/// A column with a dictionary crosses as it is, is read as what it stands for, and is kept with its dictionary.
#[tokio::test]
async fn dictionaries_are_read_and_kept() {
    let plain = batch(1_000);
    let net = cast(
        plain.column(1),
        &DataType::Dictionary(DataType::Int16.into(), DataType::Float64.into()),
    );
    let net = net.unwrap();
    let columns = [("id", plain.column(0)), ("net", &net), ("name", plain.column(2))];
    let columns = columns.map(|(name, column)| (name, Arc::clone(column)));
    let input = RecordBatch::try_from_iter(columns).unwrap().slice(100, 800);
    let plugin = sandbox(2).load(component("gross")).await.unwrap();
    let config = json!({"net": "net", "rate": 0.5});
    let transformer = Transformer::new(&plugin, environment(config)).unwrap();
    let binding = Arc::new(transformer.bind(input.schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    let processed = open.process(&input, 0).await.unwrap();
    let output = &processed.outputs[0].batch;
    let net = plain.column(1).slice(100, 800);
    let expected: Float64Array =
        net.as_primitive::<Float64Type>().iter().map(|net| net.map(|net| net * 1.5)).collect();
    assert_eq!(output.column(3).as_primitive::<Float64Type>(), &expected);
    assert_eq!(&output.columns()[..3], input.columns());
}

/// Of a column with a dictionary, `set_unchanged` gives back what was read: the output has no dictionary.
#[tokio::test]
async fn dictionaries_come_back_as_what_they_stand_for() {
    let dictionary = DataType::Dictionary(DataType::Int8.into(), DataType::Utf8.into());
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("ada"), None, Some("ada")]));
    let input = RecordBatch::try_from_iter([("name", cast(&names, &dictionary).unwrap())]).unwrap();
    let plugin = sandbox(2).load(component("clean")).await.unwrap();
    let transformer = Transformer::new(&plugin, environment(json!({"trim": ["name"]}))).unwrap();
    let binding = Arc::new(transformer.bind(input.schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    let processed = open.process(&input, 0).await.unwrap();
    assert_eq!(processed.outputs[0].batch.column(0), &names);
}

/// What a batch takes up in the guest is free again when its call has returned.
#[tokio::test]
async fn memory_does_not_creep() {
    let plugin = sandbox(1).load(component("gross")).await.unwrap();
    let config = json!({"net": "net", "rate": 0.5});
    let transformer = Transformer::new(&plugin, environment(config)).unwrap();
    let binding = Arc::new(transformer.bind(schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    let batches = [batch(40), batch(7), batch(23)];
    let mut settled = 0;
    for round in 0..100_000 {
        open.process(&batches[round % batches.len()], 0).await.unwrap();
        if round == 100 {
            settled = open.usage().peak_memory;
        }
    }
    assert_eq!(open.usage().peak_memory, settled);
}

#[tokio::test]
async fn javascript_by_columns_and_by_rows() {
    let sandbox = sandbox(4);
    gives_gross(&sandbox, "gross-js", json!({"net": "net", "rate": 0.5})).await;
    gives_gross(&sandbox, "gross-js", json!({"net": "net", "rate": 0.5, "encoding": "json"})).await;
}

#[tokio::test]
async fn python_by_columns_and_by_rows() {
    let sandbox = sandbox(4);
    gives_gross(&sandbox, "gross-python", json!({"net": "net", "rate": 0.5})).await;
    gives_gross(&sandbox, "gross-python", json!({"net": "net", "rate": 0.5, "encoding": "json"}))
        .await;
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_named() {
    let sandbox = sandbox(4);
    for name in ["gross", "gross-js", "gross-python"] {
        let plugin = sandbox.load(component(name)).await.unwrap();
        let transformer =
            Transformer::new(&plugin, environment(json!({"net": "name", "rate": 0.5}))).unwrap();
        match transformer.bind(schema()).await {
            Err(fault @ Fault::Failure { .. }) => {
                assert!(fault.to_string().contains("`name`"), "{name}: {fault}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}
