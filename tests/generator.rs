//! The standard plugin `generator`: the same rows however they are divided, dirt in the shares configured,
//! and labels that are true, which the standard plugin `clean` is scored against.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use arrow::util::display::array_value_to_string;
use serde_json::{Value, json};
use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::extracted::{ExtractBinding, ExtractSplit};
use wasmill_sandbox::extractor::Extractor;
use wasmill_sandbox::fault::FaultKind;
use wasmill_sandbox::transformer::Transformer;
use wasmill_tests::{component, sandbox};

async fn load(name: &str) -> Plugin {
    sandbox(4).load(component(name)).await.unwrap()
}

fn environment(config: &Value) -> Environment {
    let config = config.as_object().expect("a config is an object").clone();
    Environment { config: Arc::new(config), ..Environment::default() }
}

fn extractor(plugin: &Plugin, config: &Value) -> Extractor {
    Extractor::new(plugin, environment(config)).unwrap()
}

/// All rows of one split.
async fn read(
    extractor: &Extractor,
    binding: &Arc<ExtractBinding>,
    split: &ExtractSplit,
    max_rows: u32,
) -> RecordBatch {
    let mut open = extractor.open(Arc::clone(binding), split, 7).await.unwrap();
    let mut batches = Vec::new();
    while let Some(extracted) = open.next(max_rows).await.unwrap() {
        assert!(extracted.bad_records.is_empty());
        assert!(extracted.batch.num_rows() > 0);
        batches.push(extracted.batch);
    }
    assert_eq!(open.cursor().await.unwrap(), None);
    concat_batches(&binding.schema, &batches).unwrap()
}

/// All rows, in the order of the splits, read in batches of at most `max_rows`.
async fn generate(plugin: &Plugin, config: &Value, max_rows: u32) -> RecordBatch {
    let extractor = extractor(plugin, config);
    let binding = Arc::new(extractor.bind().await.unwrap());
    let mut tables = Vec::new();
    for split in extractor.plan(&[]).await.unwrap() {
        let table = read(&extractor, &binding, &split, max_rows).await;
        assert_eq!(Some(table.num_rows() as u64), split.rows);
        tables.push(table);
    }
    concat_batches(&binding.schema, &tables).unwrap()
}

/// The config `base` with the keys of `more`.
fn with(base: &Value, more: Value) -> Value {
    let mut config = base.as_object().unwrap().clone();
    config.extend(more.as_object().unwrap().clone());
    Value::Object(config)
}

fn dirty() -> Value {
    let dirt = json!({
        "null": 0.05, "bad_date": 0.06, "duplicate": 0.07, "encoding": 0.08, "spaces": 0.09, "case": 0.1,
    });
    json!({"rows": 20_000, "seed": 11, "customers": 500, "dirt": dirt})
}

/// The kinds of dirt of each row.
fn labels(table: &RecordBatch) -> Vec<Vec<&str>> {
    let labels = table.column_by_name("dirt").unwrap().as_string::<i32>();
    labels
        .iter()
        .map(|label| label.map_or(Vec::new(), |label| label.split(',').collect()))
        .collect()
}

fn order_ids(table: &RecordBatch) -> Vec<i64> {
    table.column_by_name("order_id").unwrap().as_primitive::<Int64Type>().values().to_vec()
}

#[tokio::test]
async fn the_rows_do_not_depend_on_the_splits() {
    let plugin = load("generator").await;
    let one = generate(&plugin, &with(&dirty(), json!({"splits": 1})), 8_192).await;
    assert_eq!(one.num_rows(), 20_000);
    for (splits, max_rows) in [(3, 8_192), (8, 1_000), (8, 8_192)] {
        let config = with(&dirty(), json!({ "splits": splits }));
        assert!(generate(&plugin, &config, max_rows).await == one, "{splits} splits");
    }
    let shorter = generate(&plugin, &with(&dirty(), json!({"rows": 5_000})), 8_192).await;
    assert!(shorter == one.slice(0, 5_000));
    let other = generate(&plugin, &with(&dirty(), json!({"seed": 12})), 8_192).await;
    assert!(other != one);
}

#[tokio::test]
async fn a_split_can_be_read_again() {
    let plugin = load("generator").await;
    let extractor = extractor(&plugin, &dirty());
    let binding = Arc::new(extractor.bind().await.unwrap());
    let splits = extractor.plan(&[]).await.unwrap();
    assert_eq!(splits, extractor.plan(&[]).await.unwrap());
    let first = read(&extractor, &binding, &splits[5], 500).await;
    assert_eq!(order_ids(&first).len(), 2_500);
    assert!(read(&extractor, &binding, &splits[5], 500).await == first);
}

#[tokio::test]
async fn there_are_no_more_splits_than_rows() {
    let plugin = load("generator").await;
    for rows in [0, 1, 5] {
        let config = json!({ "rows": rows });
        assert_eq!(extractor(&plugin, &config).plan(&[]).await.unwrap().len(), rows);
        assert_eq!(generate(&plugin, &config, 100).await.num_rows(), rows);
    }
}

#[tokio::test]
async fn dirt_comes_in_the_shares_configured() {
    let plugin = load("generator").await;
    let table = generate(&plugin, &dirty(), 8_192).await;
    let labels = labels(&table);
    let rows = labels.len() as f64;
    let duplicates = labels.iter().filter(|kinds| kinds[..] == ["duplicate"]).count() as f64;
    for (kind, share) in dirty()["dirt"].as_object().unwrap() {
        let hit = labels.iter().filter(|kinds| kinds.contains(&kind.as_str())).count() as f64;
        let share = share.as_f64().unwrap();
        let (among, slack) = if kind == "duplicate" {
            // The first of every 500 rows is never one.
            (rows * 499.0 / 500.0, 0.0)
        } else {
            // Duplicates have no other dirt. With 500 customers, the names that the wrong encoding can hit
            // are not exactly three quarters: five standard deviations are 13 % of them.
            (rows - duplicates, if kind == "encoding" { 0.13 * share * rows } else { 0.0 })
        };
        let five_deviations = 5.0 * (among * share * (1.0 - share)).sqrt();
        let expected = among * share;
        assert!((hit - expected).abs() < five_deviations + slack, "{kind}: {hit}, {expected}");
    }
    let clean = generate(&plugin, &with(&dirty(), json!({"dirt": {}})), 8_192).await;
    assert_eq!(clean.column_by_name("dirt").unwrap().null_count(), 20_000);
    assert!(clean.columns()[..10].iter().all(|column| column.null_count() == 0));
    assert!(order_ids(&clean).into_iter().eq(1..=20_000));
}

#[tokio::test]
async fn duplicates_repeat_a_row_that_is_near() {
    let plugin = load("generator").await;
    let table = generate(&plugin, &dirty(), 8_192).await;
    let clean = generate(&plugin, &with(&dirty(), json!({"dirt": {}})), 8_192).await;
    let ids = order_ids(&table);
    for (row, kinds) in labels(&table).iter().enumerate() {
        let original = ids[row] as usize - 1;
        if kinds.contains(&"duplicate") {
            assert!(original < row && row - original <= 1_000);
            for column in 0..10 {
                let (repeated, said) = (table.column(column), clean.column(column));
                assert_eq!(&repeated.slice(row, 1), &said.slice(original, 1), "row {row}");
            }
        } else {
            assert_eq!(original, row);
        }
    }
}

#[tokio::test]
async fn wrong_configs_are_refused_by_name() {
    let plugin = load("generator").await;
    for (config, place) in [
        (json!({}), "rows"),
        (json!({"rows": 1, "splits": 0}), "/splits"),
        (json!({"rows": 1, "from": "2025-02-30"}), "/from"),
        (json!({"rows": 1, "dirt": {"null": 2}}), "/dirt/null"),
        (json!({"rows": 1, "dirt": {"nil": 0.1}}), "nil"),
    ] {
        let fault = extractor(&plugin, &config).bind().await.unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Refused);
        assert!(fault.to_string().contains(place), "{config}: {fault}");
    }
}

/// What came of the dirty rows.
struct Cleaned {
    table: RecordBatch,
    /// Positions of rows in the input.
    rejected: HashSet<usize>,
    dropped: HashSet<usize>,
}

async fn clean(input: &RecordBatch) -> Cleaned {
    let config = json!({
        "trim": true,
        "fix_encoding": ["name"],
        "case": {"email": "lower", "country": "upper", "channel": "lower"},
        "types": {
            "quantity": "int64",
            "unit_price": {"type": "decimal", "precision": 10, "scale": 2},
            "ordered_at": {"type": "timestamp", "formats": ["%Y-%m-%d %H:%M:%S"]},
        },
        "required": ["customer_id", "product_id", "quantity", "unit_price", "ordered_at"],
        "deduplicate": {"by": ["order_id"]},
    });
    let transformer = Transformer::new(&load("clean").await, environment(&config)).unwrap();
    let binding = Arc::new(transformer.bind(input.schema()).await.unwrap());
    let mut open = transformer.open(Arc::clone(&binding), 7).await.unwrap();
    let mut batches = Vec::new();
    let mut rejected = HashSet::new();
    let mut dropped = HashSet::new();
    for first in (0..input.num_rows()).step_by(4_096) {
        let rows = (input.num_rows() - first).min(4_096);
        let processed = open.process(&input.slice(first, rows), first as u64).await.unwrap();
        let mut gone: HashSet<usize> = (first..first + rows).collect();
        for output in processed.outputs {
            output.rows.for_each_input_row(|row| assert!(gone.remove(&(first + row))));
            batches.push(output.batch);
        }
        for &row in processed.bad_rows.iter().flat_map(|finding| &finding.rows) {
            gone.remove(&(first + row as usize));
            rejected.insert(first + row as usize);
        }
        dropped.extend(gone);
    }
    for output in open.finish().await.unwrap().outputs {
        batches.push(output.batch);
    }
    let table = concat_batches(&binding.output_schema, &batches).unwrap();
    Cleaned { table, rejected, dropped }
}

/// Which share of what was found should have been, and which share of what should have been found was.
fn precision_and_recall(found: &HashSet<usize>, expected: &HashSet<usize>) -> (f64, f64) {
    let hits = found.intersection(expected).count() as f64;
    (hits / found.len() as f64, hits / expected.len() as f64)
}

/// Everything here is deterministic, and each kind of dirt can be told from clean values: so nothing less than
/// all is good enough.
#[tokio::test]
async fn cleaning_scores_full_precision_and_recall() {
    let plugin = load("generator").await;
    let input = generate(&plugin, &dirty(), 8_192).await;
    let labels = labels(&input);
    let ids = order_ids(&input);
    let mut expected_rejected = HashSet::new();
    let mut expected_dropped = HashSet::new();
    let mut expected_kept = Vec::new();
    let mut seen = HashSet::new();
    for (row, kinds) in labels.iter().enumerate() {
        if kinds.contains(&"null") || kinds.contains(&"bad_date") {
            expected_rejected.insert(row);
        } else if seen.insert(ids[row]) {
            expected_kept.push(ids[row]);
        } else {
            // A duplicate; one whose original was rejected is the first good copy instead.
            assert_eq!(kinds[..], ["duplicate"]);
            expected_dropped.insert(row);
        }
    }
    assert!(expected_rejected.len() > 1_000 && expected_dropped.len() > 1_000);

    let cleaned = clean(&input).await;
    let rejection = precision_and_recall(&cleaned.rejected, &expected_rejected);
    assert_eq!(rejection, (1.0, 1.0), "precision and recall of rejection");
    let deduplication = precision_and_recall(&cleaned.dropped, &expected_dropped);
    assert_eq!(deduplication, (1.0, 1.0), "precision and recall of deduplication");

    // What is left equals the rows as they are without dirt, types included.
    assert_eq!(order_ids(&cleaned.table), expected_kept);
    let undamaged = with(&dirty(), json!({"dirt": {}, "typed": true}));
    let undamaged = generate(&plugin, &undamaged, 8_192).await;
    let places = UInt64Array::from_iter_values(expected_kept.iter().map(|id| *id as u64 - 1));
    let expected = take_record_batch(&undamaged, &places).unwrap();
    assert_eq!(expected.column(8).data_type(), &timestamp());
    let mut wrong = Vec::new();
    for (index, field) in expected.schema().fields().iter().enumerate().take(10) {
        let actual = cleaned.table.column_by_name(field.name()).unwrap();
        for (row, id) in expected_kept.iter().enumerate() {
            if actual.slice(row, 1) != expected.column(index).slice(row, 1) {
                let text = |column| array_value_to_string(column, row).unwrap();
                let (is, should_be) = (text(actual), text(expected.column(index)));
                wrong.push(format!("{} of order {id}: {is:?}, not {should_be:?}", field.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} values are wrong: {wrong:#?}", wrong.len());
    let dirty_and_kept =
        cleaned.table.num_rows() - cleaned.table.column_by_name("dirt").unwrap().null_count();
    assert!(dirty_and_kept > 4_000, "{dirty_and_kept} repaired rows");
}

fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// How fast it is, in rows per second and fuel per row: printed, and checked against far less than there is.
#[tokio::test]
async fn a_row_is_cheap() {
    let plugin = load("generator").await;
    let config = with(&dirty(), json!({"rows": 200_000, "splits": 1}));
    let extractor = extractor(&plugin, &config);
    let binding = Arc::new(extractor.bind().await.unwrap());
    let splits = extractor.plan(&[]).await.unwrap();
    let mut open = extractor.open(binding, &splits[0], 7).await.unwrap();
    let before = open.usage();
    while open.next(8_192).await.unwrap().is_some() {}
    let usage = open.usage();
    let fuel = (usage.fuel - before.fuel) / 200_000;
    println!("{fuel} fuel per row, {:?} for 200,000 rows", usage.time - before.time);
    assert!(fuel < 5_000, "{fuel} fuel per row");
}
