//! `wasmill shadow`: a new version of a step beside the old one: what differs is found, what it does harms nobody, and nothing
//! is published.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace};

fn run(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    let all = [&["shadow", "pipeline.toml", "--output", "json"], arguments].concat();
    workspace.wasmill(&all)
}

/// The differences, and the last line.
fn shadow(workspace: &Workspace, arguments: &[&str]) -> (Vec<Value>, Value) {
    let outcome = run(workspace, arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let mut events = outcome.events();
    let last = events.pop().unwrap();
    assert_eq!(last["event"], "shadow.finished");
    assert_eq!(last["differences"], events.len());
    assert!(events.iter().all(|event| event["event"] == "shadow.difference"), "{events:#?}");
    (events, last)
}

fn counts(last: &Value) -> [u64; 4] {
    ["rows", "rows_equal", "rows_different", "rows_not_compared"]
        .map(|key| last[key].as_u64().unwrap())
}

fn of_kind<'a>(differences: &'a [Value], kind: &str) -> Vec<&'a Value> {
    differences.iter().filter(|difference| difference["kind"] == kind).collect()
}

/// Each change of fate as `old > new: rows`.
fn fates(differences: &[Value]) -> Vec<String> {
    let word = |fate: &Value, key: &str| fate[key].as_str().unwrap().to_owned();
    let fates = of_kind(differences, "fate").into_iter();
    fates
        .map(|fate| format!("{} > {}: {}", word(fate, "old"), word(fate, "new"), fate["rows"]))
        .collect()
}

fn everything(workspace: &Workspace) -> BTreeSet<PathBuf> {
    workspace.files("").into_iter().collect()
}

// ---------------------------------------------------------------- transformers

#[test]
fn the_same_component_makes_no_difference() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let before = everything(&workspace);
    let (differences, last) =
        shadow(&workspace, &["--step", "gross", "--with", "gross", "--fail-on-difference"]);
    assert_eq!(differences, [Value::Null; 0]);
    assert_eq!(last["status"], "same");
    assert_eq!(counts(&last), [3, 3, 0, 0]);
    assert_eq!(last["fuel_ratio"], 1.0);
    assert_eq!(last["old"]["digest"], last["new"]["digest"]);
    // All but the time is the same: calls, bytes, memory.
    let figures = |version: &str| {
        let mut figures = last[version].clone();
        figures.as_object_mut().unwrap().remove("call_us").unwrap();
        figures
    };
    assert_eq!(figures("old"), figures("new"));
    assert_eq!(everything(&workspace), before, "nothing is published, and nothing is left");
}

#[test]
fn the_same_rows_from_another_language_cost_something_else() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    for other in ["gross-js", "gross-python"] {
        let (differences, last) = shadow(&workspace, &["--step", "gross", "--with", other]);
        assert_eq!(differences, [Value::Null; 0], "{other}");
        assert_eq!(counts(&last), [3, 3, 0, 0], "{other}");
        assert!(last["fuel_ratio"].as_f64().unwrap() > 1.5, "{last:#}");
        assert_ne!(last["old"]["digest"], last["new"]["digest"]);
    }
}

#[test]
fn values_that_differ_are_shown_with_their_rows() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let config = "{ \"net\": \"net\", \"rate\": 0.75 }";
    let with = ["--step", "gross", "--with", "gross", "--config", config];
    let (differences, last) = shadow(&workspace, &[&with[..], &["--examples", "2"]].concat());
    assert_eq!(counts(&last), [3, 0, 3, 0]);
    assert_eq!(last["status"], "different");
    let examples = json!([
        { "split": "orders-00000", "row": 0, "old": "3.0", "new": "3.5" },
        { "split": "orders-00000", "row": 1, "old": "6.0", "new": "7.0" },
    ]);
    let expected = json!({
        "event": "shadow.difference", "kind": "values", "column": "gross", "rows": 3,
        "examples": examples,
    });
    assert_eq!(differences, [expected]);
    let failing = run(&workspace, &[&with[..], &["--fail-on-difference"]].concat());
    assert_eq!(failing.code, Some(65), "{failing:#?}");
    // A configuration in a file, and what a person reads.
    workspace.write("config.json", config);
    let arguments = [
        "shadow",
        "pipeline.toml",
        "--step",
        "gross",
        "--with",
        "gross",
        "--config",
        "config.json",
    ];
    let text = workspace.wasmill(&arguments).stdout;
    assert!(text.contains("\n  3 rows: other values of gross\n"), "{text}");
    assert!(text.contains("\n    orders-00000 row 2: 9.0 -> 10.5\n"), "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(
        last,
        "different: 3 rows of `gross` compared, 0 equal, 3 different; nothing was published"
    );
}

#[test]
fn floats_that_are_near_enough_are_the_same() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let config = "{ \"net\": \"net\", \"rate\": 0.5000000001 }";
    let with = ["--step", "gross", "--with", "gross", "--config", config];
    assert_eq!(counts(&shadow(&workspace, &with).1), [3, 0, 3, 0]);
    let (_, last) = shadow(&workspace, &[&with[..], &["--tolerance", "1e-9"]].concat());
    assert_eq!((&last["status"], counts(&last)), (&"same".into(), [3, 3, 0, 0]));
    let (_, last) = shadow(&workspace, &[&with[..], &["--tolerance", "1e-12"]].concat());
    assert_eq!(counts(&last), [3, 0, 3, 0]);
}

/// Columns are matched by name: those that only one has are named, and the others are compared.
#[test]
fn columns_that_differ_are_named() {
    let workspace = workspace();
    workspace.write("orders.csv", "id,name,net\n1,1,2.0\n2,2,4.0\n3,3,6.0\n");
    let clean = |config: &str| {
        let step = "[transforms.clean]\nplugin = \"clean\"\ninputs = [\"orders\"]\n";
        format!("{step}config = {config}\n{}", SINK.replace("gross", "clean"))
    };
    let config = "{ types = { name = { type = \"int64\" } }, rename = { id = \"key\" } }";
    workspace.pipeline(&[SOURCE, &clean(config)].concat());
    let with = ["--step", "clean", "--with", "clean", "--config", "{}"];
    let (differences, last) = shadow(&workspace, &with);
    let columns: Vec<[Value; 3]> = of_kind(&differences, "column")
        .into_iter()
        .map(|change| ["column", "old", "new"].map(|key| change[key].clone()))
        .collect();
    let column = |name: &str, old: Value, new: Value| [name.into(), old, new];
    assert_eq!(
        columns,
        [
            column("key", "Int64".into(), Value::Null),
            column("name", "Int64".into(), "Utf8".into()),
            column("id", Value::Null, "Int64".into()),
        ]
    );
    // What can be compared, `net`, is the same; the versions are not.
    assert_eq!((&last["status"], counts(&last)), (&"different".into(), [3, 3, 0, 0]));
}

#[test]
fn rows_that_fare_otherwise_are_counted_with_the_reason() {
    let workspace = workspace();
    workspace.write("orders.csv", "id,name,net\n1,1,2.0\n2,b,4.0\n3,3,6.0\n");
    let step = "[transforms.clean]\nplugin = \"clean\"\ninputs = [\"orders\"]\n";
    workspace.pipeline(&[SOURCE, step, &SINK.replace("gross", "clean")].concat());
    let config = "{ \"types\": { \"name\": { \"type\": \"int64\" } } }";
    let (differences, last) =
        shadow(&workspace, &["--step", "clean", "--with", "clean", "--config", config]);
    assert_eq!(fates(&differences), ["passed > rejected: 1"]);
    let example = &of_kind(&differences, "fate")[0]["examples"][0];
    assert_eq!((&example["row"], &example["old"]), (&1.into(), &Value::Null));
    assert!(example["new"].as_str().unwrap().contains("name"), "{example}");
    let rule = of_kind(&differences, "rule")[0];
    assert_eq!(
        (&rule["old_rows"], &rule["new_rows"], &rule["rows"]),
        (&0.into(), &1.into(), &1.into())
    );
    assert_eq!(counts(&last), [3, 2, 1, 0]);
    assert_eq!((&last["old"]["rows_out"], &last["new"]["rows_out"]), (&3.into(), &2.into()));
}

/// A version that gathers from row to row sees the shares of the old one, and one that does not can take its place.
#[test]
fn versions_that_see_all_rows_of_a_key() {
    let workspace = workspace();
    let rows: String = (0..100).map(|id| format!("{id},n{},2.0\n", id % 10)).collect();
    workspace.write("orders.csv", format!("id,name,net\n{rows}"));
    let by = |column: &str| format!("{{ deduplicate = {{ by = [\"{column}\"] }} }}");
    let step = format!(
        "[transforms.clean]\nplugin = \"clean\"\ninputs = [\"orders\"]\nconfig = {}\n",
        by("name")
    );
    let source = SOURCE.replace("[sources", "batch_rows = 8\n[sources");
    workspace.pipeline(&[source.as_str(), &step, &SINK.replace("gross", "clean")].concat());
    let with = ["--step", "clean", "--with", "clean"];
    let (differences, last) = shadow(&workspace, &with);
    assert_eq!(differences, [Value::Null; 0]);
    assert_eq!(counts(&last), [100, 100, 0, 0]);
    assert_eq!((&last["new"]["rows_out"], &last["fuel_ratio"]), (&10.into(), &1.0.into()));
    let (differences, last) = shadow(&workspace, &[&with[..], &["--config", "{}"]].concat());
    assert_eq!(fates(&differences), ["dropped > passed: 90"]);
    assert_eq!(counts(&last), [100, 10, 90, 0]);
    let other = by("id").replace(" = ", ": ").replace("deduplicate", "\"deduplicate\"");
    let other = other.replace("by", "\"by\"");
    refused(
        &workspace,
        &[&with[..], &["--config", &other]].concat(),
        78,
        &["all rows of another key"],
    );
    workspace.pipeline(
        &[SOURCE, &step.replace(&by("name"), "{}"), &SINK.replace("gross", "clean")].concat(),
    );
    refused(
        &workspace,
        &[&with[..], &["--config", &other]].concat(),
        78,
        &["it wants all rows of a key, and the old one takes each batch by itself"],
    );
}

// ---------------------------------------------------------------- hostile

/// Rows with the values 0 to 19, in so many files, and an honest step.
fn hostile(files: u32) -> Workspace {
    let workspace = Workspace::new();
    for file in 0..files {
        let rows: String = (0..20).map(|value| format!("{value},x\n")).collect();
        workspace.write(&format!("in/{file}.csv"), format!("value,text\n{rows}"));
    }
    workspace.pipeline(
        "workers = 1\n[sources.values]\ntype = \"csv\"\npath = \"in/*.csv\"\ntypes = { value = \"int64\" }\n\
         [transforms.step]\nplugin = \"hostile\"\ninputs = [\"values\"]\nconfig = { attack = \"none\" }\n\
         limits = { deadline = \"500ms\", memory = \"32MiB\", fuel_per_row = 1000000, fuel_per_call = 50000000 }\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"step\"]\npath = \"out\"\n",
    );
    workspace
}

fn attack(workspace: &Workspace, name: &str) -> (Vec<Value>, Value) {
    let config = format!("{{ \"attack\": \"{name}\" }}");
    shadow(workspace, &["--step", "step", "--with", "hostile", "--config", &config])
}

#[test]
fn one_row_at_fault_is_one_difference() {
    let workspace = hostile(1);
    let (differences, last) = attack(&workspace, "poison");
    assert_eq!(fates(&differences), ["passed > fault: trap: 1"]);
    assert_eq!(differences.len(), 1, "{differences:#?}");
    let example = &differences[0]["examples"][0];
    assert_eq!(example["row"], 13);
    assert!(example["new"].as_str().unwrap().contains("`process` trapped"), "{example}");
    assert_eq!(counts(&last), [20, 19, 1, 0]);
    assert!(last["new"]["search_calls"].as_u64().unwrap() > 0, "{last:#}");
    assert_eq!(last["old"]["search_calls"], 0);
}

/// The first row 20,000 times, and no other.
#[test]
fn rows_that_come_out_more_often_are_counted() {
    let (differences, last) = attack(&hostile(1), "amplify");
    assert_eq!(fates(&differences), ["passed > dropped: 19"]);
    let number = of_kind(&differences, "number")[0];
    let example = json!({ "split": "values-00000", "row": 0, "old": "1", "new": "20000" });
    assert_eq!((&number["rows"], &number["examples"]), (&1.into(), &json!([example])));
    assert_eq!(counts(&last), [20, 0, 20, 0]);
    assert_eq!((&last["old"]["rows_out"], &last["new"]["rows_out"]), (&20.into(), &20_000.into()));
}

/// A version that fails on each batch is given up, split by split, and the old one goes on.
#[test]
fn a_version_that_cannot_go_on_is_given_up() {
    for (name, kind) in [
        ("trap", "trap"),
        ("spin", "fuel"),
        ("allocate", "memory"),
        ("recurse", "stack"),
        ("wrong-length", "contract"),
        ("exit", "trap"),
    ] {
        let workspace = hostile(2);
        let (differences, last) = attack(&workspace, name);
        let given_up = of_kind(&differences, "given-up");
        assert_eq!(given_up.len(), 2, "{name}: {differences:#?}");
        assert_eq!(given_up[0]["fault"], kind, "{name}");
        assert_eq!(fates(&differences), [format!("passed > fault: {kind}: 40")], "{name}");
        assert_eq!(counts(&last), [40, 0, 40, 0], "{name}");
        assert_eq!((&last["status"], &last["old"]["rows_out"]), (&"different".into(), &40.into()));
        assert_eq!(last["refused"], Value::Null);
    }
}

/// After some splits there is no hope for it.
#[test]
fn a_version_that_is_given_up_again_and_again_gets_no_more_splits() {
    let workspace = hostile(5);
    let before = everything(&workspace);
    let (differences, last) = attack(&workspace, "trap");
    assert_eq!(of_kind(&differences, "given-up").len(), 3, "{differences:#?}");
    assert_eq!(counts(&last), [60, 0, 60, 40]);
    assert_eq!(last["old"]["rows_in"], 100);
    let note = last["notes"][0].as_str().unwrap();
    assert!(note.starts_with("40 rows were not compared"), "{note}");
    assert_eq!(everything(&workspace), before);
}

/// A fault at the very end of a split: rows are compared by then.
#[test]
fn a_fault_at_the_end_of_a_split_is_told() {
    let (differences, last) = attack(&hostile(1), "finish-attached");
    assert_eq!(differences.len(), 1, "{differences:#?}");
    assert_eq!(
        (&differences[0]["kind"], &differences[0]["fault"]),
        (&"given-up".into(), &"contract".into())
    );
    assert_eq!((&last["status"], counts(&last)), (&"different".into(), [20, 20, 0, 0]));
}

#[test]
fn log_lines_are_counted_and_floods_are_cut() {
    let workspace = hostile(1);
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    // As long as it takes: what is to end the flood is neither fuel nor the clock.
    let text = text.replace("50000000", "5000000000").replace("500ms", "60s");
    workspace.write("pipeline.toml", text);
    let (differences, last) = attack(&workspace, "log-flood");
    assert_eq!(differences, [Value::Null; 0]);
    assert_eq!(last["old"]["log_lines"], 0);
    for key in ["log_lines", "dropped_log_lines"] {
        assert!(last["new"][key].as_u64().unwrap() > 0, "{key}: {last:#}");
    }
}

#[test]
fn only_the_first_rows_of_each_split() {
    let workspace = hostile(2);
    let batches = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("pipeline.toml", batches.replace("workers = 1", "workers = 1\nbatch_rows = 4"));
    let (differences, last) =
        shadow(&workspace, &["--step", "step", "--with", "hostile", "--max-rows", "6"]);
    assert_eq!(differences, [Value::Null; 0]);
    assert_eq!(counts(&last), [16, 16, 0, 24], "6 rows are in two batches of 4, of each split");
    assert_eq!((&last["old"]["rows_in"], &last["new"]["rows_in"]), (&40.into(), &16.into()));
}

// ---------------------------------------------------------------- validators

const RULES: &str = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
                     config = { rules = [{ column = \"net\", between = [3, 100] }] }\n";

#[test]
fn validators_are_compared_by_rules_and_tables() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, RULES, &SINK.replace("gross", "rules")].concat());
    let before = everything(&workspace);
    let (differences, last) = shadow(&workspace, &["--step", "rules", "--with", "expectations"]);
    assert_eq!(differences, [Value::Null; 0]);
    assert_eq!((counts(&last), &last["fuel_ratio"]), ([3, 3, 0, 0], &1.0.into()));

    let config = r#"{ "rules": [{ "column": "net", "between": [5, 100] }, { "column": "id", "unique": true }] }"#;
    let (differences, last) =
        shadow(&workspace, &["--step", "rules", "--with", "expectations", "--config", config]);
    assert_eq!(fates(&differences), ["passed > rejected: 1"]);
    let rule = of_kind(&differences, "rule")[0];
    assert_eq!((&rule["rule"], &rule["column"]), (&"between".into(), &"net".into()));
    assert_eq!(
        (&rule["old_rows"], &rule["new_rows"], &rule["rows"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert_eq!(rule["examples"][0]["row"], 1);
    let tables = of_kind(&differences, "table");
    assert_eq!(tables[0]["old"]["violated"], 1);
    assert_eq!(tables[0]["new"]["violated"], 2);
    assert_eq!((&tables[1]["rule"], &tables[1]["old"]), (&"unique".into(), &Value::Null));
    assert_eq!(counts(&last), [3, 2, 1, 0]);
    assert_eq!(everything(&workspace), before, "rows of the old version are quarantined nowhere");
}

/// Where the new version did not see all rows, what it says of the table means nothing.
#[test]
fn tables_are_compared_only_when_all_rows_were_seen() {
    let workspace = workspace();
    let source = SOURCE.replace("[sources", "batch_rows = 1\n[sources");
    workspace.pipeline(&[&source, GROSS, RULES, &SINK.replace("gross", "rules")].concat());
    let config = r#"{ "rules": [{ "column": "id", "unique": true }] }"#;
    let with = ["--step", "rules", "--with", "expectations", "--config", config, "--max-rows", "1"];
    let (differences, last) = shadow(&workspace, &with);
    assert!(of_kind(&differences, "table").is_empty(), "{differences:#?}");
    let notes = last["notes"].to_string();
    assert!(notes.contains("of the table was not compared"), "{notes}");
    assert_eq!(counts(&last), [1, 0, 1, 2]);
}

/// A gate that would refuse the run is a note: the rows were seen.
#[test]
fn a_gate_that_refuses_is_a_note() {
    let workspace = workspace();
    let gated = format!("{RULES}gate = {{ max_quarantined = 0 }}\n");
    workspace.pipeline(&[SOURCE, GROSS, &gated, &SINK.replace("gross", "rules")].concat());
    let (_, last) = shadow(&workspace, &["--step", "rules", "--with", "expectations"]);
    assert_eq!(last["status"], "same");
    assert!(last["refused"].as_str().unwrap().contains("gate.max_quarantined"), "{last:#}");
}

// ---------------------------------------------------------------- nothing is published

/// Not in the ledger, not in sinks, not over HTTP; what a run left before stays as it was, to the byte.
#[test]
fn nothing_is_published() {
    let workspace = workspace();
    let store = ObjectStore::start(0);
    let url = &store.url;
    let connection = format!("[connections.store]\nurl = \"{url}\"\nallow_private = true\n");
    let loader = "[sinks.kept]\nplugin = \"keeper\"\ninputs = [\"gross\"]\n\
                  grants = { http = [\"store\"] }\nconfig = { store = \"store\" }\n";
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace.run();
    workspace.pipeline(&[&connection, SOURCE, GROSS, SINK, loader].concat());
    let content = |workspace: &Workspace| -> Vec<(PathBuf, Vec<u8>)> {
        let files = workspace.files("").into_iter();
        files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    };
    let before = content(&workspace);
    workspace.write("tmp/.keep", "");
    let tmp = workspace.path("tmp").display().to_string();
    let config = "{ \"net\": \"net\", \"rate\": 0.75 }";
    let arguments =
        ["shadow", "pipeline.toml", "--step", "gross", "--with", "gross", "--config", config];
    let outcome = workspace.wasmill_with(&arguments, &[("TMPDIR", &tmp)]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let left: Vec<_> = std::fs::read_dir(&tmp).unwrap().collect();
    assert_eq!(left.len(), 1, "only what was there before: {left:?}");
    std::fs::remove_dir_all(&tmp).unwrap();
    assert!(content(&workspace) == before, "it changed {:?}", everything(&workspace));
    assert!(store.objects().is_empty(), "{:?}", store.objects());
}

/// The run is that of the old version: where it fails, there is nothing to compare.
#[test]
fn a_run_that_fails_fails_the_command() {
    let workspace = workspace();
    let failing = RULES.replace("inputs", "on_violation = \"fail\"\ninputs");
    workspace.pipeline(&[SOURCE, GROSS, &failing, &SINK.replace("gross", "rules")].concat());
    let outcome = run(&workspace, &["--step", "gross", "--with", "gross"]);
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    let last = outcome.events().pop().unwrap();
    assert_eq!((&last["event"], &last["status"]), (&"shadow.finished".into(), &"failed".into()));
}

// ---------------------------------------------------------------- refusals

fn refused(workspace: &Workspace, arguments: &[&str], code: i32, expected: &[&str]) {
    let outcome = workspace.wasmill(&[&["shadow", "pipeline.toml"], arguments].concat());
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    for part in expected {
        assert!(outcome.stderr.contains(part), "{part:?} in {}", outcome.stderr);
    }
    assert!(outcome.stdout.is_empty(), "{outcome:#?}");
}

#[test]
fn a_version_that_does_not_fit_is_told_why() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    workspace.write("broken.wasm", "x");
    let with = |name: &'static str| ["--step", "gross", "--with", name];
    refused(&workspace, &with("expectations"), 78, &["the new version: ", "is a validator"]);
    refused(&workspace, &with("grosss"), 78, &["there is no plugin `grosss`", "`gross`"]);
    refused(&workspace, &with("absent.wasm"), 66, &["there is no plugin file absent.wasm"]);
    refused(&workspace, &with("broken.wasm"), 78, &["the new version: ", "is no plugin"]);
    refused(
        &workspace,
        &[&with("gross")[..], &["--config", "{ \"net\": \"net\" }"]].concat(),
        78,
        &["the new version: ", "`rate`", "gross cannot run beside `gross`: 1 error"],
    );
    refused(
        &workspace,
        &[&with("gross")[..], &["--config", "{ \"net\": \"name\", \"rate\": 1 }"]].concat(),
        78,
        &["the new version: ", "float64 is needed"],
    );
    refused(
        &workspace,
        &[&with("gross")[..], &["--tolerance", "2"]].concat(),
        2,
        &["from 0 to below 1"],
    );
    refused(&workspace, &["--step", "gros", "--with", "gross"], 2, &["did you mean `gross`?"]);
    refused(&workspace, &["--step", "orders", "--with", "gross"], 2, &["such steps are gross"]);
    refused(&workspace, &["--step", "gross"], 2, &["--with"]);
    // A path is meant from the current folder, wherever the pipeline file is.
    let gross = root().join("dist/plugins/gross.wasm");
    std::fs::copy(gross, workspace.path("gross-2.wasm")).unwrap();
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("sub/pipeline.toml", text.replace("orders.csv", "../orders.csv"));
    let arguments = ["shadow", "sub/pipeline.toml", "--step", "gross", "--with", "gross-2.wasm"];
    let outcome = workspace.wasmill(&arguments);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
}
