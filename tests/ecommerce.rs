//! The scenario `pipelines/ecommerce`, run by the binary, against what `expected.py` computed from the raw
//! files without Wasmill: rows of each step, the quarantine row by row, revenue to the cent, every column
//! of the orders, and the event that the webhook receives.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use hmac::{Hmac, KeyInit as _, Mac as _};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use wasmill_tests::receiver::{Delivery, Receiver};
use wasmill_tests::scenario::Scenario;

#[tokio::test]
async fn a_run_gives_what_was_computed_without_wasmill() {
    let scenario = Ecommerce::new();
    let golden = scenario.golden();

    let summary = scenario.run();
    compare_summary(&summary, &golden);
    assert_eq!(scenario.quarantine(&summary), golden["quarantine"]);
    scenario.compare_outputs(&golden).await;
    let event = scenario.receiver.next().expect("the webhook is called");
    check(&event, &scenario.webhook_key(), &summary);

    // Another run replaces files and merges tables: everything is there once, as before.
    let again = scenario.run();
    assert_ne!(again["run"], summary["run"]);
    compare_summary(&again, &golden);
    scenario.compare_outputs(&golden).await;
    let event_again = scenario.receiver.next().expect("the webhook is called");
    check(&event_again, &scenario.webhook_key(), &again);
    assert!(scenario.receiver.next().is_none(), "one event a run, and no repeats");
}

/// The scenario, and who receives its events.
struct Ecommerce {
    scenario: Scenario,
    receiver: Receiver,
}

impl Ecommerce {
    fn new() -> Self {
        Self { scenario: Scenario::copy_of("ecommerce"), receiver: Receiver::new() }
    }

    fn folder(&self) -> PathBuf {
        self.scenario.folder()
    }

    fn golden(&self) -> Value {
        let text = read_text(&self.folder().join("golden/totals.json"));
        serde_json::from_str(&text).expect("golden/totals.json is JSON")
    }

    fn webhook_key(&self) -> String {
        read_text(&self.folder().join("demo-webhook.key")).trim_end().to_owned()
    }

    /// Runs the pipeline; the summary, which is the last line of its output.
    fn run(&self) -> Value {
        let output = Command::new(wasmill())
            .args(["run", "pipeline.toml", "--output", "json"])
            .current_dir(self.folder())
            .env("WASMILL_DEMO_WEBHOOK", &self.receiver.url)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", wasmill().display()));
        let printed = String::from_utf8(output.stdout).expect("UTF-8");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{printed}\n{errors}");
        let last = printed.lines().last().expect("at least one line");
        let summary: Value = serde_json::from_str(last).expect("lines of JSON");
        assert_eq!(summary["event"], "run.finished", "{summary}");
        assert_eq!(summary["status"], "succeeded", "{summary}");
        summary
    }

    /// The rows that a run held back, by step, in the form of `golden/totals.json`.
    fn quarantine(&self, summary: &Value) -> Value {
        let run = summary["run"].as_str().expect("the summary names the run");
        let folder = self.folder().join(".wasmill/quarantine").join(run);
        let mut steps: BTreeMap<String, Quarantine> = BTreeMap::new();
        for file in files_below(&folder, "arrow") {
            let reader = arrow::ipc::reader::FileReader::try_new_buffered(open(&file), None)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            for batch in reader {
                let batch = batch.expect("a readable file");
                let step = text(&batch, "step").value(0).to_owned();
                steps.entry(step).or_default().add(&batch);
            }
        }
        steps.into_iter().map(|(step, quarantine)| (step, quarantine.into_json())).collect()
    }

    async fn compare_outputs(&self, golden: &Value) {
        self.compare_daily_revenue().await;
        self.compare_orders_db(&golden["orders"]).await;
        self.compare_parquet(golden);
    }

    /// The days and channels in CSV and SQLite, to the cent.
    async fn compare_daily_revenue(&self) {
        let expected = read_text(&self.folder().join("golden/daily_revenue.csv"));
        let files = files_below(&self.folder().join("out/daily_revenue"), "csv");
        let [file] = &files[..] else { panic!("one file, not {files:?}") };
        assert_eq!(read_text(file), expected);
        let rows = self
            .query(
                "SELECT day || ',' || channel || ',' || orders || ',' || items || ',' \
                 || printf('%.2f', revenue) FROM daily_revenue ORDER BY day, channel",
            )
            .await;
        let expected: Vec<&str> = expected.lines().skip(1).collect();
        assert_eq!(rows, expected);
    }

    /// The orders in SQLite: each once, with the revenue by channel and country.
    async fn compare_orders_db(&self, golden: &Value) {
        let counts = self.query("SELECT count(*) || ' ' || count(DISTINCT order_id) FROM orders");
        assert_eq!(counts.await, [format!("{0} {0}", golden["rows"])]);
        for column in ["channel", "country"] {
            // SQLite keeps decimals as floats: cents are whole, and so is their sum.
            let query = format!(
                "SELECT {column} || ' ' || count(*) || ' ' || sum(quantity) || ' ' \
                 || printf('%.2f', sum(CAST(round(amount * 100) AS INTEGER)) / 100.0) \
                 FROM orders GROUP BY {column} ORDER BY {column}"
            );
            let groups = golden[format!("by_{column}")].as_object().expect("groups");
            let expected: Vec<String> = groups
                .iter()
                .map(|(key, totals)| {
                    let revenue = totals["revenue"].as_str().expect("text");
                    format!("{key} {} {} {revenue}", totals["orders"], totals["items"])
                })
                .collect();
            assert_eq!(self.query(&query).await, expected);
        }
    }

    /// Every value of every column of the orders in Parquet, by digests.
    fn compare_parquet(&self, golden: &Value) {
        let mut batches = Vec::new();
        for file in files_below(&self.folder().join("out/orders"), "parquet") {
            let builder = ParquetRecordBatchReaderBuilder::try_new(open(&file));
            let reader = builder.and_then(|builder| builder.build()).expect("a Parquet file");
            batches.extend(reader.map(|batch| batch.expect("a readable batch")));
        }
        let orders = &golden["orders"];
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(json!(rows), orders["rows"]);
        let cents: i128 = batches
            .iter()
            .map(|batch| {
                let amounts = batch.column_by_name("amount").expect("a column `amount`");
                assert_eq!(amounts.data_type(), &DataType::Decimal128(12, 2));
                let amounts = amounts.as_primitive::<arrow::datatypes::Decimal128Type>();
                amounts.values().iter().sum::<i128>()
            })
            .sum();
        assert_eq!(json!(format!("{}.{:02}", cents / 100, cents % 100)), orders["revenue"]);
        let schema = batches[0].schema();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let columns = golden["columns"].as_array().expect("a list of columns");
        assert!(names.eq(columns.iter().map(|column| &column["name"])), "{schema}");
        let differing: Vec<&str> = columns
            .iter()
            .map(|column| (column["name"].as_str().expect("a name"), &column["digest"]))
            .filter(|(name, expected)| **expected != digest(&batches, name))
            .map(|(name, _)| name)
            .collect();
        assert!(
            differing.is_empty(),
            "{differing:?} differ; `expected.py orders.csv` writes what they should be"
        );
    }

    /// The first column of a query on the database that the run wrote.
    async fn query(&self, query: &str) -> Vec<String> {
        let options = SqliteConnectOptions::new().filename(self.folder().join("out/shop.db"));
        let mut connection = options.connect().await.expect("the database is there");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()));
        let rows = query.fetch_all(&mut connection).await.expect("the query is sound");
        connection.close().await.expect("nothing is left to write");
        rows
    }
}

/// The binary: `$WASMILL_BIN`, or the one beside the folder of this test.
fn wasmill() -> PathBuf {
    if let Some(path) = std::env::var_os("WASMILL_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("this test has a path");
    let path = test.ancestors().nth(2).expect("it lies in TARGET/PROFILE/deps").join("wasmill");
    assert!(path.is_file(), "{} is missing; build it: cargo build -p wasmill", path.display());
    path
}

/// Compares the rows of each step, and what was held back or only warned of.
fn compare_summary(summary: &Value, golden: &Value) {
    let steps = summary["steps"].as_array().expect("the summary lists the steps");
    for step in steps {
        let rows = |count: &str| step[count].as_u64().expect("a number of rows");
        assert_eq!(
            rows("rows_in") + rows("added"),
            rows("rows_out") + rows("quarantined") + rows("dropped"),
            "a row is unaccounted for: {step}"
        );
    }
    for (name, expected) in golden["steps"].as_object().expect("steps by name") {
        let step = steps.iter().find(|step| step["step"] == *name);
        let step = step.unwrap_or_else(|| panic!("there is no step `{name}`: {summary}"));
        for (count, rows) in expected.as_object().expect("counts by name") {
            assert_eq!(step[count], *rows, "{count} of {step}");
        }
    }
    let quarantine = golden["quarantine"].as_object().expect("steps by name");
    let quarantined = quarantine.iter().flat_map(|(step, quarantine)| {
        let rules = quarantine["rules"].as_array().into_iter().flatten().cloned();
        rules.map(move |mut rule| {
            rule["step"] = json!(step);
            rule
        })
    });
    assert_eq!(sorted(&summary["quarantined"]), sorted(&quarantined.collect()));
    assert_eq!(sorted(&summary["warned"]), sorted(&golden["warned"]));
}

/// Counts by step, rule and column, in order.
fn sorted(counts: &Value) -> Vec<(String, String, u64)> {
    let counts = counts.as_array().expect("a list of counts").iter().map(|count| {
        let rule = format!("{} {}", count["rule"], count["column"]);
        (count["step"].to_string(), rule, count["rows"].as_u64().expect("a number of rows"))
    });
    let mut counts: Vec<_> = counts.collect();
    counts.sort();
    counts
}

/// The quarantined rows of one step.
#[derive(Default)]
struct Quarantine {
    /// What identifies each row: where it was found, or the order's id.
    rows: Vec<String>,
    rules: BTreeMap<(String, Option<String>), u64>,
}

impl Quarantine {
    fn add(&mut self, batch: &RecordBatch) {
        let places = text(batch, "place");
        let row = batch.column_by_name("row").expect("a column `row`").as_struct();
        let id = ["order_no", "order_id"].iter().find_map(|name| row.column_by_name(name));
        let reasons = batch.column_by_name("reasons").expect("a column `reasons`").as_list::<i32>();
        for index in 0..batch.num_rows() {
            self.rows.push(if places.is_valid(index) {
                places.value(index).to_owned()
            } else {
                id.expect("a row has an id").as_string::<i32>().value(index).to_owned()
            });
            let reasons = reasons.value(index);
            let reasons = reasons.as_struct();
            let field = |name: &str| {
                let field = reasons.column_by_name(name).expect("a field of reasons");
                field.as_string::<i32>().clone()
            };
            let (rules, columns) = (field("rule"), field("column"));
            for reason in 0..reasons.len() {
                let column = columns.is_valid(reason).then(|| columns.value(reason).to_owned());
                *self.rules.entry((rules.value(reason).to_owned(), column)).or_default() += 1;
            }
        }
    }

    fn into_json(mut self) -> Value {
        self.rows.sort();
        let rules: Vec<Value> = self
            .rules
            .into_iter()
            .map(|((rule, column), rows)| json!({ "rule": rule, "column": column, "rows": rows }))
            .collect();
        json!({ "rows": self.rows, "rules": rules })
    }
}

/// The SHA-256 of `order_id TAB value LF` over all orders, ordered by id: as `expected.py` has it.
fn digest(batches: &[RecordBatch], column: &str) -> String {
    let mut lines: Vec<(String, String)> = Vec::new();
    for batch in batches {
        let ids = text(batch, "order_id");
        let values = shown(batch.column_by_name(column).expect("a column of the schema"));
        lines.extend((0..batch.num_rows()).map(|row| {
            let value = if values.is_valid(row) { values.value(row) } else { "" };
            (ids.value(row).to_owned(), value.to_owned())
        }));
    }
    lines.sort();
    let mut hash = Sha256::new();
    for (id, value) in lines {
        hash.update(format!("{id}\t{value}\n"));
    }
    hex(&hash.finalize())
}

/// Values as text; instants as microseconds since 1970.
fn shown(column: &ArrayRef) -> StringArray {
    let column = match column.data_type() {
        DataType::Timestamp(..) => cast(column, &DataType::Int64).expect("instants are numbers"),
        _ => ArrayRef::clone(column),
    };
    cast(&column, &DataType::Utf8).expect("every column can be shown").as_string().clone()
}

fn text<'a>(batch: &'a RecordBatch, column: &str) -> &'a StringArray {
    let column = batch.column_by_name(column).unwrap_or_else(|| panic!("a column `{column}`"));
    column.as_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Checks that the event is the one of the run, and signed with the key.
fn check(delivery: &Delivery, key: &str, summary: &Value) {
    assert!(delivery.request_line.starts_with("POST /hooks"), "{}", delivery.request_line);
    let event: Value = serde_json::from_slice(&delivery.body).expect("a JSON object");
    assert_eq!(event["kind"], "run.succeeded", "{event}");
    assert_eq!(event["pipeline"], "ecommerce", "{event}");
    assert_eq!(event["run"], summary["run"], "{event}");
    let header = |name: &str| {
        let value = delivery.headers.get(name).map(String::as_str);
        value.unwrap_or_else(|| panic!("there is no header `{name}`: {:?}", delivery.headers))
    };
    assert_eq!(event["id"], header("idempotency-key"), "{event}");
    let signature = signature(&delivery.body, key, header("x-wasmill-timestamp"));
    assert_eq!(header("x-wasmill-signature"), signature);
}

/// What only somebody who has the key can write: HMAC-SHA256 of `TIMESTAMP.BODY`.
fn signature(body: &[u8], key: &str, timestamp: &str) -> String {
    let keyed = Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut hash = keyed.expect("HMAC takes keys of any length");
    hash.update(timestamp.as_bytes());
    hash.update(b".");
    hash.update(body);
    format!("v1={}", hex(&hash.finalize().into_bytes()))
}

/// Copies a folder, but for what runs leave in it.
/// The files of this kind in a folder and all folders below, in order; not those of unfinished attempts.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in entries(folder) {
        let name = entry.file_name().expect("an entry has a name").to_string_lossy();
        if entry.is_dir() && !name.starts_with('.') {
            files.extend(files_below(&entry, extension));
        } else if entry.extension().is_some_and(|other| other == extension) {
            files.push(entry);
        }
    }
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    entries.sort();
    entries
}

fn open(path: &Path) -> File {
    File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn read_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
