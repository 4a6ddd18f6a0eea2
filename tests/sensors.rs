//! The scenario `pipelines/sensors`, run by the binary: `expected.py`, which knows nothing of Wasmill, makes every hour, day, excursion and
//! stay anew, and compares them value by value. The device registry is served over HTTP, to those who have the token.

use std::fs::File;
use std::path::Path;

use arrow::array::AsArray as _;
use arrow::datatypes::Float64Type;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use wasmill_tests::receiver::Receiver;
use wasmill_tests::scenario::{Scenario, summary};
use wasmill_tests::served::{Request, Served};

const DATABASE: &str = "out/fleet.db";

#[tokio::test]
async fn what_was_measured_is_there_once_and_a_broken_probe_changes_nothing() {
    let fleet = Fleet::new();
    fleet.succeeds("first.jsonl");
    let tables = fleet.tables().await;
    let lengths: Vec<usize> = tables.iter().map(Vec::len).collect();
    assert!(lengths[0] > 1_000 && lengths[1] > 3 && lengths[2] > 50, "{lengths:?}");
    fleet.compare_readings();

    // Who is told learns that the share of hours above their limits is too high, although nothing is held back for it.
    let (kind, details) = fleet.event();
    assert_eq!(kind, "run.succeeded");
    let gates = details["gates"].as_array().expect("a list of gates");
    let cold_chain = gates.iter().find(|gate| gate["step"] == "cold_chain").expect("a gate");
    let rules = cold_chain["conclusion"]["rules"].as_array().expect("a list of rules");
    let within_limit = rules.iter().find(|rule| rule["rule"] == "within-limit").expect("a rule");
    assert_eq!(within_limit["outcome"], "warn", "{within_limit}");

    // Another run merges into what is there: no hour comes twice, and nothing changes.
    fleet.succeeds("second.jsonl");
    assert_eq!(fleet.tables().await, tables);
    assert_eq!(fleet.event().0, "run.succeeded");

    // A probe that came loose: too much for the gate, so nothing is published, and somebody is told.
    let gateway = fleet.scenario.folder().join("data/trucks/gateway-south.csv");
    let readings = read_bytes(&gateway);
    std::fs::write(&gateway, without_probe(&readings, b"KT-104")).expect("a file");
    let refused = fleet.run("refused.jsonl");
    assert_eq!(refused.status.code(), Some(65), "{}", summary(&refused));
    assert_eq!(summary(&refused)["status"], "refused");
    assert_eq!(fleet.tables().await, tables);
    let (kind, details) = fleet.event();
    assert_eq!(kind, "gate.refused");
    assert!(details.to_string().contains("gate.max_quarantined is 2%"), "{details}");

    // Mended, and all is as before.
    std::fs::write(&gateway, readings).expect("a file");
    fleet.succeeds("mended.jsonl");
    assert_eq!(fleet.tables().await, tables);
}

#[tokio::test]
async fn without_the_token_of_the_registry_nothing_is_published() {
    let fleet = Fleet::new();
    std::fs::write(fleet.scenario.folder().join("demo-registry.token"), "Bearer stolen-and-wrong")
        .expect("a file");
    let failed = fleet.run("failed.jsonl");
    let summary = summary(&failed);
    assert_eq!(failed.status.code(), Some(70), "{summary}");
    assert!(summary["problem"].to_string().contains("the server answered 401"), "{summary}");
    assert!(!summary.to_string().contains("stolen-and-wrong"), "{summary}");
    assert!(fleet.registry.requests().iter().all(|request| request.status == 401));
    assert!(!fleet.scenario.folder().join(DATABASE).exists());
    assert_eq!(fleet.event().0, "run.failed");
}

/// The scenario, the registry that it asks, and who receives its events.
struct Fleet {
    scenario: Scenario,
    registry: Served,
    receiver: Receiver,
}

impl Fleet {
    fn new() -> Self {
        let scenario = Scenario::copy_of("sensors");
        let token = read_bytes(&scenario.folder().join("demo-registry.token"));
        let token = String::from_utf8(token).expect("a token is text");
        let registry = Served::start(scenario.folder().join("served"), token.trim_end());
        Self { scenario, registry, receiver: Receiver::new() }
    }

    fn run(&self, events: &str) -> std::process::Output {
        let variables = [
            ("WASMILL_DEMO_SERVED", self.registry.url.as_str()),
            ("WASMILL_DEMO_WEBHOOK", self.receiver.url.as_str()),
        ];
        self.scenario.run("pipeline.toml", events, &variables)
    }

    /// Runs, and has the run judged. The registry is asked once by each instance.
    fn succeeds(&self, events: &str) {
        self.registry.requests();
        let output = self.run(events);
        assert!(output.status.success(), "{}", summary(&output));
        self.scenario.judged(events);
        let requests = self.registry.requests();
        let asked = Request { path: "/devices.json".to_owned(), status: 200 };
        assert!(!requests.is_empty() && requests.iter().all(|request| *request == asked));
    }

    /// What `expected.py` does not read: the Parquet file, by its rows and the sums of what was calibrated and of what was placed.
    fn compare_readings(&self) {
        let golden = read_bytes(&self.scenario.folder().join("golden/totals.json"));
        let golden: Value = serde_json::from_slice(&golden).expect("golden/totals.json is JSON");
        let golden = &golden["readings"];
        let folder = self.scenario.folder().join("out/readings");
        let files: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
        let [Ok(file)] = &files[..] else { panic!("one file, not {files:?}") };
        let file = File::open(file.path()).expect("a readable file");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.build())
            .expect("a Parquet file");
        let (mut rows, mut temperature, mut km_from_home) = (0, 0.0, 0.0);
        for batch in reader {
            let batch = batch.expect("a readable batch");
            let sum = |name: &str| -> f64 {
                let column = batch.column_by_name(name).expect("a column");
                column.as_primitive::<Float64Type>().iter().flatten().sum()
            };
            rows += batch.num_rows();
            temperature += sum("temperature");
            km_from_home += sum("km_from_home");
        }
        assert_eq!(json!(rows), golden["rows"]);
        for (name, found) in [("temperature", temperature), ("km_from_home", km_from_home)] {
            let expected = golden[name].as_f64().expect("a number");
            assert!(
                (found - expected).abs() <= 1e-9 * expected.abs(),
                "{name}: {found}, not {expected}"
            );
        }
    }

    /// The hours, excursions and stays.
    async fn tables(&self) -> [Vec<String>; 3] {
        [
            self.scenario.table(DATABASE, "hourly").await,
            self.scenario.table(DATABASE, "excursions").await,
            self.scenario.table(DATABASE, "stays").await,
        ]
    }

    /// The kind of the next event, and its details.
    fn event(&self) -> (String, Value) {
        let delivery = self.receiver.next().expect("the webhook is called");
        let mut event: Value = serde_json::from_slice(&delivery.body).expect("events are JSON");
        assert_eq!(event["pipeline"], json!("sensors"));
        (event["kind"].as_str().unwrap_or_default().to_owned(), event["details"].take())
    }
}

/// The lines of a gateway, in which the probe of a device is not connected. Lines need not be UTF-8, nor whole.
fn without_probe(lines: &[u8], device: &[u8]) -> Vec<u8> {
    let changed = |line: &[u8]| {
        let mut fields: Vec<&[u8]> = line.split(|&byte| byte == b',').collect();
        if fields[0] == device && fields.len() > 3 {
            fields[3] = b"-127.00";
        }
        fields.join(&b',')
    };
    lines.split(|&byte| byte == b'\n').map(changed).collect::<Vec<_>>().join(&b'\n')
}

fn read_bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
