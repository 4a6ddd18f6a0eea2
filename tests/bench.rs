//! `wasmill bench`: figures that add up, hints that hold, and nothing left behind.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::Value;
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace};

fn component(name: &str) -> String {
    root().join("dist/plugins").join(format!("{name}.wasm")).display().to_string()
}

/// The events of a bench that succeeds.
fn bench(workspace: &Workspace, arguments: &[&str]) -> Vec<Value> {
    let all: Vec<&str> = ["bench"]
        .into_iter()
        .chain(arguments.iter().copied())
        .chain(["--output", "json"])
        .collect();
    let outcome = workspace.wasmill(&all);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome.events()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

fn step<'a>(events: &'a [Value], name: &str) -> &'a Value {
    let steps = of_kind(events, "bench.step");
    steps.into_iter().find(|step| step["step"] == name).unwrap_or_else(|| panic!("{events:#?}"))
}

/// Each hint as `step kind column`.
fn hints(events: &[Value]) -> Vec<String> {
    let word = |hint: &Value, key: &str| hint[key].as_str().unwrap_or_default().to_owned();
    let hints = of_kind(events, "bench.hint").into_iter();
    hints.map(|hint| ["step", "kind", "column"].map(|key| word(hint, key)).join(" ")).collect()
}

/// All that lies in the folder of a test.
fn everything(workspace: &Workspace) -> BTreeSet<PathBuf> {
    workspace.files("").into_iter().collect()
}

const RULES: &str = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
                     config = { rules = [{ column = \"net\", between = [3, 100] }] }\n";

#[test]
fn rows_add_up_and_nothing_is_left() {
    let workspace = workspace();
    let sink = SINK.replace("[\"gross\"]", "[\"total\"]");
    let sql = "[transforms.total]\ntype = \"sql\"\ninputs = [\"rules\"]\n\
               query = \"select sum(gross) as gross from rules\"\n";
    workspace.pipeline(&[SOURCE, GROSS, RULES, sql, &sink].concat());
    let before = everything(&workspace);
    let events = bench(&workspace, &["pipeline.toml", "--rounds", "2"]);
    assert_eq!(everything(&workspace), before);

    let rows = |name: &str| {
        let step = step(&events, name);
        ["rows_in", "rows_out", "quarantined"].map(|key| step[key].as_u64().unwrap())
    };
    assert_eq!(rows("orders"), [3, 3, 0]);
    assert_eq!(rows("gross"), [3, 3, 0]);
    assert_eq!(rows("rules"), [3, 2, 1], "a net of 2 is below 3");
    assert_eq!(rows("total"), [2, 1, 0]);
    assert_eq!(of_kind(&events, "bench.step").len(), 4, "sinks are no steps here");

    let gross = step(&events, "gross");
    // 3 doubles each way, without nulls; the other columns do not cross.
    assert_eq!((&gross["bytes_in"], &gross["bytes_out"]), (&24.into(), &24.into()));
    // Instantiated, opened, called once, finished.
    assert_eq!(gross["calls"], 4);
    assert!(gross["fuel"].as_u64().unwrap() > 0, "{gross}");
    let per_row = gross["fuel"].as_f64().unwrap() / 3.0;
    assert!((gross["fuel_per_row"].as_f64().unwrap() - per_row).abs() < 1e-6, "{gross}");
    for key in ["rows_per_s", "bytes_per_s", "call_us", "host_us", "peak_memory"] {
        assert!(gross[key].is_u64(), "{key}: {gross}");
        assert!(step(&events, "total")[key].is_null(), "{key} of a query is not known");
        assert!(step(&events, "orders")[key].is_null(), "{key} of a connector is not known");
    }

    assert_eq!(of_kind(&events, "bench.round").len(), 2);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "bench.finished");
    assert_eq!((&last["status"], &last["rounds"]), (&"measured".into(), &2.into()));
    assert_eq!(last["rows"], 3);
}

/// The ledger, cursors and targets of a pipeline that ran before stay as they were, to the byte.
#[test]
fn what_a_run_left_is_not_touched() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace.run();
    let content = |workspace: &Workspace| -> Vec<(PathBuf, Vec<u8>)> {
        let files = workspace.files("").into_iter();
        files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    };
    let before = content(&workspace);
    assert!(before.iter().any(|(file, _)| file.ends_with(".wasmill/ledger.db")), "{before:?}");
    bench(&workspace, &["pipeline.toml", "--rounds", "1"]);
    assert!(content(&workspace) == before, "a bench changed {:?}", everything(&workspace));
}

/// A loader is not even opened, and a sink whose target cannot be written is not looked at.
#[test]
fn loaders_and_notifiers_are_left_out() {
    let workspace = workspace();
    let store = ObjectStore::start(0);
    let url = &store.url;
    let connection = format!("[connections.store]\nurl = \"{url}\"\nallow_private = true\n");
    let loader = "[sinks.out]\nplugin = \"keeper\"\ninputs = [\"gross\"]\n\
                  grants = { http = [\"store\"] }\nconfig = { store = \"store\" }\n";
    let notifier = "[notifiers.hook]\nplugin = \"webhook\"\non = [\"run.succeeded\"]\n\
                    grants = { http = [\"store\"] }\n\
                    config = { connection = \"store\", secret = \"a secret of 16 bytes\" }\n";
    workspace.write("occupied", "a file, where a folder would have to be");
    let occupied = "[sinks.other]\ntype = \"csv\"\ninputs = [\"gross\"]\npath = \"occupied/out\"\n";
    workspace.pipeline(&[&connection, SOURCE, GROSS, loader, occupied, notifier].concat());
    bench(&workspace, &["pipeline.toml", "--rounds", "1"]);
    assert!(store.objects().is_empty(), "{:?}", store.objects());
    // Both would have come this far.
    workspace.pipeline(&[&connection, SOURCE, GROSS, loader, notifier].concat());
    workspace.run();
    assert!(!store.objects().is_empty());
}

#[test]
fn temporary_files_are_removed_also_when_a_round_fails() {
    let workspace = workspace();
    let failing = RULES.replace("inputs", "on_violation = \"fail\"\ninputs");
    workspace.pipeline(&[SOURCE, GROSS, &failing, &SINK.replace("gross", "rules")].concat());
    workspace.write("tmp/.keep", "");
    let tmp = workspace.path("tmp").display().to_string();
    let outcome = workspace
        .wasmill_with(&["bench", "pipeline.toml", "--output", "json"], &[("TMPDIR", &tmp)]);
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    assert!(outcome.stderr.contains("`rules`"), "{outcome:#?}");
    let events = outcome.events();
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["status"]), (&"bench.finished".into(), &"failed".into()));
    assert_eq!(last["problem"]["exit_code"], 65);
    let left: Vec<_> = std::fs::read_dir(workspace.path("tmp")).unwrap().collect();
    assert_eq!(left.len(), 1, "only what was there before: {left:?}");
}

/// Of an extractor, what its instances used up is known, and what they gave.
#[test]
fn a_source_that_is_a_plugin() {
    let workspace = workspace();
    let source = "[sources.orders]\nplugin = \"generator\"\nconfig = { rows = 100, splits = 2 }\n";
    workspace.pipeline(&[source, &SINK.replace("gross", "orders")].concat());
    let events = bench(&workspace, &["pipeline.toml", "--rounds", "1"]);
    let orders = step(&events, "orders");
    assert_eq!((&orders["rows_in"], &orders["rows_out"]), (&100.into(), &100.into()));
    for key in ["calls", "fuel", "bytes_out", "peak_memory"] {
        assert!(orders[key].as_u64().is_some_and(|figure| figure > 0), "{key}: {orders}");
    }
    assert_eq!(orders["bytes_in"], 0);
    assert!(orders["host_us"].is_null() && orders["rows_per_s"].is_null(), "{orders}");
}

/// A gate that refuses says nothing against the figures.
#[test]
fn refused_data_is_measured_all_the_same() {
    let workspace = workspace();
    let gated = format!("{RULES}gate = {{ max_quarantined = 0 }}\n");
    workspace.pipeline(&[SOURCE, GROSS, &gated, &SINK.replace("gross", "rules")].concat());
    let events = bench(&workspace, &["pipeline.toml", "--rounds", "1"]);
    let refused = events.last().unwrap()["refused"].as_str().unwrap();
    assert!(refused.contains("gate.max_quarantined"), "{refused}");
    assert_eq!(step(&events, "rules")["quarantined"], 1);
}

#[test]
fn where_fuel_is_not_metered_it_is_not_known() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, "profile = \"guarded\"\n", SINK].concat());
    let events = bench(&workspace, &["pipeline.toml", "--rounds", "1"]);
    let gross = step(&events, "gross");
    assert!(gross["fuel"].is_null() && gross["fuel_per_row"].is_null(), "{gross}");
    assert!(gross["calls"].is_u64(), "{gross}");
    let text = workspace.wasmill(&["bench", "pipeline.toml", "--rounds", "1"]).stdout;
    let line = text.lines().find(|line| line.starts_with("gross")).unwrap();
    assert!(line.split_whitespace().any(|cell| cell == "-"), "{text}");
}

// ---------------------------------------------------------------- hints

fn rules(workspace: &Workspace, rules: &str) -> Vec<String> {
    let config = format!("{{ \"rules\": [{rules}] }}");
    let component = component("expectations");
    let arguments =
        [&component, "--data", "orders.csv", "--type", "net=float64", "--config", &config];
    hints(&bench(workspace, &[&arguments[..], &["--rounds", "1"]].concat()))
}

#[test]
fn columns_that_do_not_matter_are_found() {
    let workspace = workspace();
    // No row of `name = "zz"`, so `net` is read for nothing; but `name` decides that, as "zz" would show.
    let nobody =
        r#"{ "column": "net", "between": [0, 10], "where": { "column": "name", "equals": "zz" } }"#;
    assert_eq!(rules(&workspace, nobody), ["expectations unused-column net"]);
    let somebody = nobody.replace("zz", "b");
    assert_eq!(rules(&workspace, &somebody), [""; 0]);
}

/// Rules that all rows pass with a wide margin: only values of another world show that they are there.
#[test]
fn columns_of_rules_that_all_rows_pass_are_no_hints() {
    let workspace = workspace();
    for passed in [
        r#"{ "column": "net", "between": [-1000000, 1000000] }"#,
        r#"{ "column": "name", "not_null": true }"#,
        r#"{ "column": "name", "length": [0, 8] }"#,
        r#"{ "column": "id", "unique": true }"#,
    ] {
        assert_eq!(rules(&workspace, passed), [""; 0], "{passed}");
    }
}

#[test]
fn columns_that_come_back_as_they_were_are_found() {
    let workspace = workspace();
    let gross = |rate: &str| {
        workspace.pipeline(&[SOURCE, &GROSS.replace("0.5", rate), SINK].concat());
        bench(&workspace, &["pipeline.toml", "--rounds", "1"])
    };
    let events = gross("0.0");
    assert_eq!(hints(&events), ["gross unchanged-column gross"]);
    let hint = of_kind(&events, "bench.hint")[0];
    assert_eq!(hint["input"], "net");
    let message = hint["message"].as_str().unwrap();
    assert!(message.contains("on the sampled rows") && message.contains("set_unchanged"));
    assert_eq!(hints(&gross("0.5")), [""; 0]);
    let text = workspace.wasmill(&["bench", "pipeline.toml", "--rounds", "1"]).stdout;
    assert!(!text.contains("hints:"), "{text}");
}

/// `clean` says itself when it changed nothing: its columns do not cross then.
#[test]
fn columns_that_are_handed_back_as_kept_are_no_hints() {
    let workspace = workspace();
    let component = component("clean");
    let arguments = [&component, "--data", "orders.csv", "--config", "{ \"trim\": true }"];
    let events = bench(&workspace, &[&arguments[..], &["--rounds", "1"]].concat());
    assert_eq!(hints(&events), [""; 0]);
    assert_eq!(step(&events, "clean")["bytes_out"], 0);
    // With something to trim in one column, that column crosses.
    workspace.write("orders.csv", "id,name,net\n1, a,2.0\n2,b,4.0\n3,c,6.0\n");
    let events = bench(&workspace, &[&arguments[..], &["--rounds", "1"]].concat());
    assert!(step(&events, "clean")["bytes_out"].as_u64().unwrap() > 0);
}

// ---------------------------------------------------------------- one component

#[test]
fn a_component_over_files() {
    let workspace = workspace();
    workspace.write("more.csv", "id,name,net\n4,d,8.0\n");
    // A name that would be a pattern.
    workspace.write("[x].csv", "id,name,net\n5,e,8.0\n");
    let config = workspace.write("config.json", "{ \"net\": \"net\", \"rate\": 0.5 }");
    let component = component("gross");
    let config = config.display().to_string();
    let mut arguments = vec![component.as_str(), "--type", "net=float64", "--config", &config];
    for data in ["orders.csv", "more.csv", "[x].csv"] {
        arguments.extend(["--data", data]);
    }
    let before = everything(&workspace);
    let events = bench(&workspace, &arguments);
    assert_eq!(everything(&workspace), before);
    let gross = step(&events, "gross");
    assert_eq!((&gross["rows_in"], &gross["rows_out"]), (&5.into(), &5.into()));
    assert_eq!(of_kind(&events, "bench.round").len(), 3, "3 rounds, where nothing is said");
    arguments.extend(["--profile", "guarded"]);
    assert!(step(&bench(&workspace, &arguments), "gross")["fuel"].is_null());
}

#[test]
fn files_of_each_format() {
    let workspace = workspace();
    let fields = [("name", DataType::Utf8), ("net", DataType::Float64)];
    let fields: Vec<Field> = fields.map(|(name, kind)| Field::new(name, kind, false)).to_vec();
    let schema = Arc::new(Schema::new(fields));
    let names = StringArray::from(vec!["a", "b"]);
    let nets = Float64Array::from(vec![1.0, 2.0]);
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(names), Arc::new(nets)]).unwrap();
    let file = std::fs::File::create(workspace.path("orders.arrow")).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    let file = std::fs::File::create(workspace.path("orders.parquet")).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, schema, None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    workspace.write("orders.jsonl", "{\"net\": 1.5}\n{\"net\": 2.5}\n");
    let zipped = zstd::encode_all(&b"{\"net\": 1.5}\n{\"net\": 2.5}\n"[..], 0).unwrap();
    workspace.write("zipped.jsonl.zst", zipped);
    let component = component("gross");
    let config = "{ \"net\": \"net\", \"rate\": 0.5 }";
    for file in ["orders.arrow", "orders.parquet", "orders.jsonl", "zipped.jsonl.zst"] {
        let arguments = [&component, "--data", file, "--config", config, "--rounds", "1"];
        assert_eq!(step(&bench(&workspace, &arguments), "gross")["rows_out"], 2, "{file}");
    }
}

/// What a person reads, in one piece.
#[test]
fn the_table() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, &GROSS.replace("0.5", "0.0"), SINK].concat());
    let outcome = workspace.wasmill(&["bench", "pipeline.toml", "--rounds", "2"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let header = "step in out quarantined rows/s MB/s calls fuel/row bytes in bytes out in calls \
                  around peak memory";
    assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>().join(" "), header);
    assert_eq!(
        lines[1].split_whitespace().collect::<Vec<_>>(),
        ["orders", "3", "3", "0", "-", "-", "-", "-", "-", "-", "-", "-", "-"]
    );
    assert!(lines[2].starts_with("gross"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("\nhints:\n  gross gives back column `gross`"));
    assert!(lines.last().unwrap().starts_with("test: 3 rows read in "), "{}", outcome.stdout);
    assert!(lines.last().unwrap().ends_with("(rounds: 2); nothing was published"));
    assert!(outcome.stderr.contains("round 2 of 2: "), "{}", outcome.stderr);
}

// ---------------------------------------------------------------- wrong usage

fn refused(outcome: &Outcome, code: i32, expected: &[&str]) {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    for part in expected {
        assert!(outcome.stderr.contains(part), "{part:?} in {}", outcome.stderr);
    }
    assert!(outcome.stdout.is_empty(), "{outcome:#?}");
}

#[test]
fn wrong_usage_says_what_to_do() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace.write("orders.txt", "x");
    workspace.write("orders.jsonl", "{}\n");
    workspace.write("orders.parquet", "x");
    workspace.write("broken.wasm", "x");
    let gross = component("gross");
    let config = "{ \"net\": \"net\", \"rate\": 0.5 }";
    let cases: [(&[&str], i32, &[&str]); 14] = [
        (&[&gross], 2, &["there are no rows to measure over", "--data FILE"]),
        (&[&component("generator")], 2, &["is an extractor", "transformers and validators"]),
        (&[&component("keeper")], 2, &["is a loader", "wasmill bench PIPELINE"]),
        (&[&component("webhook")], 2, &["is a notifier", "write a pipeline file"]),
        (&["absent.wasm"], 66, &["cannot read absent.wasm"]),
        (&["broken.wasm"], 78, &["broken.wasm is no plugin"]),
        (&["absent.toml"], 66, &["cannot read the pipeline file absent.toml"]),
        (&["pipeline.toml", "--data", "orders.csv"], 2, &["--data is for components"]),
        (&["pipeline.toml", "--config", config], 2, &["--config is for components"]),
        (&[&gross, "--data", "absent.csv"], 66, &["there is no file absent.csv"]),
        (&[&gross, "--data", "orders.txt"], 2, &["does not say what is in it", ".jsonl"]),
        (
            &[&gross, "--data", "orders.csv", "--data", "orders.jsonl"],
            2,
            &["different formats", "the same columns"],
        ),
        (
            &[&gross, "--data", "orders.parquet", "--type", "a=int64"],
            2,
            &["columns of parquet files have types of their own"],
        ),
        (&[&gross, "--data", "orders.csv", "--config", "{"], 2, &["--config is no JSON object"]),
    ];
    for (arguments, code, expected) in cases {
        let all = [&["bench"], arguments].concat();
        refused(&workspace.wasmill(&all), code, expected);
    }
    for arguments in [
        &["bench"][..],
        &["bench", "pipeline.toml", "--rounds", "0"],
        &["bench", &gross, "--data", "orders.csv", "--type", "net"],
        &["bench", &gross, "--data", "orders.csv", "--profile", "free"],
    ] {
        refused(&workspace.wasmill(arguments), 2, &["error: "]);
    }
}

/// What the check finds about a component has no place in a file that the user could open.
#[test]
fn findings_about_a_component() {
    let workspace = workspace();
    let gross = component("gross");
    let data = ["bench", &gross, "--data", "orders.csv", "--config"];
    let outcome = workspace.wasmill(&[&data[..], &["{ \"net\": \"net\" }"]].concat());
    refused(&outcome, 78, &["`rate`", "gross.wasm cannot run: 1 error"]);
    assert!(!outcome.stderr.contains("-->"), "{}", outcome.stderr);
    // Nothing is inferred of CSV.
    let untyped = workspace.wasmill(&[&data[..], &["{ \"net\": \"net\", \"rate\": 1 }"]].concat());
    refused(&untyped, 78, &["float64 is needed", "net (Utf8)"]);
    let events = workspace
        .wasmill(&[&data[..], &["{ \"net\": \"net\" }", "--output", "json"]].concat())
        .events();
    assert_eq!(events[0]["event"], "finding");
    assert!(events[0]["file"].is_null(), "{events:?}");
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["status"]), (&"bench.finished".into(), &"invalid".into()));
}
