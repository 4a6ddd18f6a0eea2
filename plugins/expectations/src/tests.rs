//! The plugin as the host calls it: states cross as bytes, and are merged in any order.

use serde_json::json;
use wasmill_plugin_sdk::bindings::types::{Batch, DataType, Field, Node, Payload, Schema};
use wasmill_plugin_sdk::bindings::validate::{Conclusion, Outcome};
use wasmill_plugin_sdk::validator::{Opened, bind, open};

use crate::Expectations;
use crate::random::Random;

fn schema() -> Schema {
    let field = |name: &str, data_type| Field {
        name: name.to_owned(),
        data_type,
        nullable: true,
        children: 0,
        metadata: Vec::new(),
    };
    Schema {
        fields: vec![
            field("id", DataType::Int64),
            field("price", DataType::Float64),
            field("city", DataType::Utf8),
        ],
    }
}

type Row = (Option<i64>, Option<f64>, Option<String>);

fn validity(present: impl Iterator<Item = bool>) -> Vec<u8> {
    let present: Vec<bool> = present.collect();
    present
        .chunks(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, &bit| byte << 1 | u8::from(bit)))
        .collect()
}

/// The columns `names` of the rows.
fn batch(rows: &[Row], names: &[&str]) -> Batch {
    let node =
        |validity, offsets, values| Node { length: rows.len() as u32, validity, offsets, values };
    let columns = names.iter().map(|&name| match name {
        "id" => node(
            validity(rows.iter().map(|row| row.0.is_some())),
            Vec::new(),
            rows.iter().flat_map(|row| row.0.unwrap_or(0).to_le_bytes()).collect(),
        ),
        "price" => node(
            validity(rows.iter().map(|row| row.1.is_some())),
            Vec::new(),
            rows.iter().flat_map(|row| row.1.unwrap_or(0.0).to_le_bytes()).collect(),
        ),
        _ => {
            let (mut offsets, mut text) = (0_i32.to_le_bytes().to_vec(), String::new());
            for row in rows {
                text.push_str(row.2.as_deref().unwrap_or(""));
                offsets.extend((text.len() as i32).to_le_bytes());
            }
            node(validity(rows.iter().map(|row| row.2.is_some())), offsets, text.into_bytes())
        }
    });
    Batch { rows: rows.len() as u32, values: Payload::Columns(columns.collect()) }
}

/// Rows with some nulls, repetitions, and prices of very different sizes.
fn random_rows(random: &mut Random, count: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    for _ in 0..count {
        let id = random.below(300) as i64 - 150;
        let price =
            (random.below(1_000) as f64 - 300.0) * 1e17_f64.powi(random.below(3) as i32 - 1);
        let city = format!("city {}", random.below(40));
        let mut present = || random.below(10) > 0;
        rows.push((present().then_some(id), present().then_some(price), present().then_some(city)));
    }
    rows
}

fn conclude(opened: &mut Opened<Expectations>, state: Vec<u8>) -> Conclusion {
    opened.conclude(state).unwrap()
}

const ALL_COLUMNS: [&str; 3] = ["id", "price", "city"];

fn open_all() -> Opened<Expectations> {
    let rules = json!({"rules": [
        {"column": "id", "not_null": true, "mostly": 0.9},
        {"column": "price", "min": 0, "mostly": 0.5},
        {"column": "city", "length": [6, 6]},
        {"column": "id", "unique": true},
        {"columns": ["id", "city"], "unique": true},
        {"column": "id", "sum": {"min": 0}},
        {"column": "id", "mean": {"min": 0}},
        {"column": "price", "sum": {"min": 0}},
        {"column": "price", "mean": {"min": 0}},
        {"column": "price", "min_value": {"min": 0}, "severity": "warn"},
        {"column": "id", "max_value": {"max": 148}},
        {"column": "city", "null_share": {"max": 0.1}},
        {"row_count": {"max": 400}, "where": {"column": "city", "not_equals": "city 1"}},
    ]});
    open(&rules.to_string(), schema()).unwrap()
}

#[test]
fn batches_may_be_cut_and_merged_in_any_way() {
    let mut random = Random::new(5);
    let mut opened = open_all();
    for round in 0..30 {
        let mut rows = random_rows(&mut random, 50 + round * 10);
        let whole = opened.check(batch(&rows, &ALL_COLUMNS)).unwrap().partial;
        let expected = format!("{:?}", conclude(&mut opened, whole));

        random.shuffle(&mut rows);
        let mut partials = Vec::new();
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(1 + random.below(40) as usize));
            partials.push(opened.check(batch(part, &ALL_COLUMNS)).unwrap().partial);
            rest = after;
        }
        // The state of an empty task is merged like any other.
        partials.push(opened.merge(Vec::new()).unwrap());
        while partials.len() > 1 {
            random.shuffle(&mut partials);
            let merged =
                partials.split_off(partials.len().saturating_sub(1 + random.below(5) as usize));
            partials.push(opened.merge(merged).unwrap());
        }
        let state = partials.pop().unwrap();
        assert_eq!(format!("{:?}", conclude(&mut opened, state)), expected, "round {round}");
    }
}

#[test]
fn an_empty_table_is_concluded() {
    let mut opened = open_all();
    let state = opened.merge(Vec::new()).unwrap();
    let conclusion = conclude(&mut opened, state);
    assert_eq!(conclusion.rules.len(), 13);
    assert!(conclusion.rules.iter().all(|rule| rule.checked == 0 && rule.violated == 0));
    // The sums are zero, and there is nothing else to judge.
    assert!(conclusion.rules.iter().all(|rule| matches!(rule.outcome, Outcome::Pass)));
    assert_eq!(conclusion.metrics[0].name, "rows");
}

#[test]
fn messages_say_what_was_demanded_and_what_was_seen() {
    let rules = json!({"rules": [
        {"column": "id", "between": [1, 2], "mostly": 0.75},
        {"column": "price", "mean": {"max": 1}},
        {"column": "city", "in_set": ["a", "b", "c", "d", "e", "f", "g"], "severity": "warn"},
        {"columns": ["id", "city"], "unique": true},
    ]});
    let mut opened = open::<Expectations>(&rules.to_string(), schema()).unwrap();
    let rows: Vec<Row> = vec![
        (Some(1), Some(1.5), Some("a".to_owned())),
        (Some(3), Some(2.0), Some("x".to_owned())),
    ];
    let verdict = opened.check(batch(&rows, &ALL_COLUMNS)).unwrap();
    let messages: Vec<&str> =
        verdict.violations.iter().map(|violation| violation.finding.message.as_str()).collect();
    assert_eq!(
        messages,
        ["must be between 1 and 2", "must be one of \"a\", \"b\", \"c\", \"d\", \"e\" and 2 more"]
    );
    let conclusion = conclude(&mut opened, verdict.partial);
    let messages: Vec<&str> = conclusion.rules.iter().map(|rule| rule.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "must be between 1 and 2; 1 of 2 rows do not pass: 50% do, and 75% must",
            "the mean must be at most 1; it is 1.75",
            "must be one of \"a\", \"b\", \"c\", \"d\", \"e\" and 2 more; 1 of 2 rows do not pass",
            "no combination of id, city may occur twice; 0 of 2 rows repeat an earlier one",
        ]
    );
    let metrics: Vec<(&str, f64)> =
        conclusion.metrics.iter().map(|metric| (metric.name.as_str(), metric.value)).collect();
    assert_eq!(
        metrics,
        [
            ("rows", 2.0),
            ("between(id)", 1.0),
            ("mean(price)", 1.75),
            ("in-set(city)", 1.0),
            ("unique(id, city)", 0.0),
        ]
    );
}

#[test]
fn only_what_rules_look_at_is_read() {
    let rules = json!({"rules": [
        {"column": "city", "not_null": true},
        {"column": "city", "not_blank": true},
        {"column": "id", "min": 1},
    ]});
    let binding = bind::<Expectations>(&rules.to_string(), schema()).unwrap();
    assert_eq!(binding.reads, [2, 0]);
}
