//! What steps cost and how their plugins fail: in the summary of a run, and as metrics.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};
use wasmill_sandbox::accounting::{CallTimes, UsageSink};
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::{Environment, Usage};
use wasmill_tests::exposition::Exposition;
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace, step};
use wasmill_tests::{component, root, sandbox};

const NUMBERS: &str = "[sources.numbers]\ntype = \"csv\"\npath = \"numbers.csv\"\n\
                       types = { value = \"int64\" }\n";

/// A transformer that attacks, below a thousand numbers.
fn attacked(attack: &str) -> Workspace {
    let workspace = Workspace::new();
    let rows: String = (0..1_000).map(|row| format!("{row},text\n")).collect();
    workspace.write("numbers.csv", format!("value,text\n{rows}"));
    let step = format!(
        "tenant = \"acme\"\n{NUMBERS}[transforms.gross]\nplugin = \"hostile\"\n\
         inputs = [\"numbers\"]\nconfig = {{ attack = \"{attack}\" }}\n"
    );
    workspace.pipeline(&[step.as_str(), SINK].concat());
    workspace
}

/// Runs the pipeline and reads the metrics that it leaves.
fn metered(workspace: &Workspace) -> (Outcome, Exposition) {
    let outcome = workspace.wasmill(&[
        "run",
        "pipeline.toml",
        "--output",
        "json",
        "--metrics",
        "wasmill.prom",
    ]);
    let text = std::fs::read_to_string(workspace.path("wasmill.prom"))
        .unwrap_or_else(|error| panic!("{error}: {outcome:#?}"));
    (outcome, Exposition::parse(&text))
}

fn number(counts: &Value, key: &str) -> f64 {
    counts[key].as_f64().unwrap_or_else(|| panic!("{key}: {counts:#}"))
}

#[test]
fn a_row_that_makes_a_plugin_trap_is_accounted_for() {
    let runs = [0, 1].map(|_| {
        let workspace = attacked("poison");
        let (outcome, metrics) = metered(&workspace);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        (workspace, outcome.events(), metrics)
    });
    for (workspace, events, metrics) in &runs {
        let counts = step(events, "gross");
        let inspected = workspace.wasmill(&[
            "inspect",
            root().join("dist/plugins/hostile.wasm").to_str().unwrap(),
            "--output",
            "json",
        ]);
        assert_eq!(counts["plugin"], inspected.events()[0]["digest"], "{inspected:#?}");
        assert_eq!(step(events, "numbers")["plugin"], Value::Null);
        assert_eq!(events.last().unwrap()["tenant"], "acme");
        // The batch, and at least one part of it.
        let traps = counts["faults"]["trap"].as_u64().unwrap();
        assert!(traps >= 2, "{counts:#}");
        assert_eq!(counts["faults"].as_object().unwrap().len(), 1, "{counts:#}");
        assert_eq!(step(events, "numbers")["faults"], json!({}));
        assert!(number(counts, "cpu_ms") <= number(counts, "time_ms"), "{counts:#}");
        assert!(number(counts, "bytes_in") >= 999.0 * 8.0, "{counts:#}");
        assert!(number(counts, "bytes_out") > 0.0, "{counts:#}");

        let labels = [("tenant", "acme"), ("pipeline", "test"), ("step", "gross")];
        let digest = ("plugin", counts["plugin"].as_str().unwrap());
        let labels = [&labels[..], &[("step_kind", "transform"), digest]].concat();
        let trap = [&labels[..], &[("kind", "trap")]].concat();
        assert_eq!(metrics.sum("wasm_traps_total", &trap), traps as f64);
        assert_eq!(metrics.sum("wasm_traps_total", &[]), traps as f64, "nothing else");
        let error = [&labels[..], &[("error_type", "trap"), ("stage", "processing")]].concat();
        assert_eq!(metrics.sum("component_errors_total", &error), traps as f64);
        let held_back = [&labels[..], &[("rule", "trap")]].concat();
        assert_eq!(metrics.sum("quarantined_rows_total", &held_back), 1.0);
        // One that traps is never used again.
        assert!(metrics.sum("wasm_cpu_seconds_count", &labels) > traps as f64);

        let shown = workspace.wasmill(&["runs", "show"]).stdout;
        assert!(shown.contains(&format!("\nfaults:\n  gross: {traps} x trap\n")), "{shown}");
    }
    let [first, second] = runs.each_ref().map(|(_, events, _)| {
        ["calls", "fuel", "bytes_in", "bytes_out", "peak_memory", "faults"]
            .map(|key| step(events, "gross")[key].clone())
    });
    assert_eq!(first, second, "the same work costs the same");
}

#[test]
fn where_no_attempt_fails_metrics_are_the_sums_of_the_summary() {
    let workspace = workspace();
    let rules = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
                 config = { rules = [{ column = \"gross\", between = [0, 5] }] }\n\
                 on_violation = \"drop\"\n";
    workspace.pipeline(&[SOURCE, GROSS, rules, &SINK.replace("gross", "rules")].concat());
    let (outcome, metrics) = metered(&workspace);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let events = outcome.events();
    for name in ["orders", "gross", "rules", "out"] {
        let counts = step(&events, name);
        let labels = [("tenant", "default"), ("step", name)];
        for (metric, key) in [
            ("component_received_events_total", "rows_in"),
            ("component_sent_events_total", "rows_out"),
            ("component_discarded_events_total", "dropped"),
            ("wasm_calls_total", "calls"),
            ("wasm_call_seconds_count", "calls"),
            ("wasm_fuel_total", "fuel"),
            ("wasm_memory_bytes", "peak_memory"),
            ("component_received_bytes_total", "bytes_in"),
        ] {
            assert_eq!(metrics.sum(metric, &labels), number(counts, key), "{name}: {metric}");
        }
        if name != "out" {
            let sent = metrics.sum("component_sent_bytes_total", &labels);
            assert_eq!(sent, number(counts, "bytes_out"), "{name}");
        }
    }
    // What a sink published is what is there.
    let published: u64 = std::fs::read_dir(workspace.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap())
        .filter(std::fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum();
    let sent = metrics.sum("component_sent_bytes_total", &[("step", "out")]);
    assert!(sent > 0.0 && sent <= published as f64, "{sent} of {published}");
    assert_eq!(metrics.sum("runs_total", &[("status", "succeeded")]), 1.0);
    assert_eq!(metrics.series("run_duration_seconds", &[]).count(), 1);
    assert_eq!(metrics.sum("component_errors_total", &[]), 0.0);
}

#[test]
fn attempts_that_came_to_nothing_count_in_metrics_only() {
    let workspace = workspace();
    let store = ObjectStore::start(1);
    workspace.pipeline(&format!(
        "{SOURCE}[connections.target]\nurl = \"{}\"\n\
         [validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\n\
         config = {{ rules = [{{ column = \"net\", max = 5 }}] }}\n\
         [sinks.store]\nplugin = \"keeper\"\ninputs = [\"rules\"]\n\
         config = {{ store = \"target\" }}\ngrants = {{ http = [\"target\"] }}\n",
        store.url
    ));
    let (outcome, metrics) = metered(&workspace);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let events = outcome.events();
    let retried = events.iter().filter(|event| event["event"] == "split.retried").count();
    assert_eq!(retried, 1, "{events:#?}");
    let counts = step(&events, "rules");
    assert_eq!((&counts["rows_in"], &counts["quarantined"]), (&3.into(), &1.into()));
    assert_eq!(step(&events, "store")["faults"], json!({}), "the attempt that counts had none");
    let rules = [("step", "rules")];
    assert_eq!(metrics.sum("component_received_events_total", &rules), 6.0);
    assert_eq!(metrics.sum("quarantined_rows_total", &rules), 2.0);
    let outage = [("step", "store"), ("error_type", "retryable"), ("stage", "sending")];
    assert_eq!(metrics.sum("component_errors_total", &outage), 1.0);
    assert_eq!(metrics.sum("wasm_traps_total", &[]), 0.0, "an error is no trap");
    let store = step(&events, "store");
    let labels = [("step", "store")];
    assert!(metrics.sum("wasm_calls_total", &labels) > number(store, "calls"));
}

#[test]
fn names_of_rules_cannot_break_the_format() {
    let workspace = workspace();
    let rules = r#"[validators.rules]
plugin = "expectations"
inputs = ["gross"]
config = { rules = [{ column = "gross", between = [0, 5], name = "a\" b{c=\"d\"} 1\ne\\" }] }
"#;
    workspace.pipeline(&[SOURCE, GROSS, rules, &SINK.replace("gross", "rules")].concat());
    let (outcome, metrics) = metered(&workspace);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let series: Vec<_> = metrics.series("quarantined_rows_total", &[]).collect();
    let [(labels, rows)] = series[..] else { panic!("{series:#?}") };
    assert_eq!(labels["rule"], "a\" b{c=\"d\"} 1_e_");
    assert_eq!(rows, 2.0);
}

#[test]
fn a_run_that_fails_leaves_metrics_too() {
    let workspace = attacked("trap");
    workspace.write("wasmill.prom", "of an earlier run\n");
    let (outcome, metrics) = metered(&workspace);
    assert_eq!(outcome.code, Some(70), "{outcome:#?}");
    assert_eq!(metrics.sum("runs_total", &[("tenant", "acme"), ("status", "failed")]), 1.0);
    assert!(metrics.sum("wasm_traps_total", &[("kind", "trap")]) > 0.0);
    assert_eq!(metrics.sum("component_received_events_total", &[("step", "numbers")]), 1_000.0);
    let temporary = |path: &std::path::PathBuf| path.to_string_lossy().contains("wasmill-metrics");
    assert!(!workspace.files("").iter().any(temporary), "{:#?}", workspace.files(""));
}

#[test]
fn errors_that_are_no_plugins_are_counted_too() {
    let workspace = workspace();
    let rules = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
                 config = { rules = [{ column = \"gross\", between = [0, 5] }] }\n\
                 on_violation = \"fail\"\n";
    workspace.pipeline(&[SOURCE, GROSS, rules, &SINK.replace("gross", "rules")].concat());
    let (outcome, metrics) = metered(&workspace);
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    let refused = [("step", "rules"), ("error_type", "row-refused"), ("stage", "processing")];
    assert_eq!(metrics.sum("component_errors_total", &refused), 1.0);
    assert_eq!(metrics.sum("component_errors_total", &[]), 1.0, "nothing else");
    // The rows that were read until then have been read.
    assert_eq!(metrics.sum("component_received_events_total", &[("step", "orders")]), 3.0);
}

/// Each metric is in the documentation, with its type.
#[test]
fn the_documentation_names_every_metric() {
    let documentation = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let workspace = attacked("poison");
    let pipeline = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    let broken =
        pipeline.replace("plugin = \"hostile\"", "plugin = \"hostile\"\nbreaker = \"any\"");
    workspace.write("pipeline.toml", format!("{broken}\n[breakers.any]\n"));
    let (_, all) = metered(&workspace);
    for (name, kind) in &all.kinds {
        assert!(documentation.contains(&format!("| `{name}` | {kind} |")), "{name}: {kind}");
    }
    let documented = documentation.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented = documented.filter_map(|line| line.split_once('`'));
    for (name, rest) in documented {
        let is_metric = ["counter", "gauge", "histogram"]
            .iter()
            .any(|kind| rest.starts_with(&format!(" | {kind} |")));
        assert!(!is_metric || all.kinds.contains_key(name), "{name} is not reported");
    }
}

#[test]
fn metrics_that_cannot_be_written_are_found_out_before_the_run() {
    let workspace = attacked("none");
    let arguments = ["run", "pipeline.toml", "--metrics", "nowhere/wasmill.prom"];
    let outcome = workspace.wasmill(&arguments);
    assert_eq!(outcome.code, Some(74), "{outcome:#?}");
    assert!(
        outcome.stderr.contains("cannot create the file of metrics in nowhere"),
        "{outcome:#?}"
    );
    assert!(workspace.files(".wasmill").is_empty() && workspace.files("out").is_empty());
}

#[test]
fn a_tenant_is_written_like_a_name() {
    let workspace = workspace();
    workspace.pipeline(&["tenant = \"Acme Inc.\"\n", SOURCE, GROSS, SINK].concat());
    let outcome = workspace.wasmill(&["check", "pipeline.toml"]);
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    assert!(outcome.stdout.contains("tenant") || outcome.stderr.contains("tenant"), "{outcome:#?}");
}

/// Keeps what instances report.
#[derive(Default)]
struct Told(Mutex<Vec<(Usage, u64)>>);

impl UsageSink for Told {
    fn used(&self, usage: &Usage, calls: &CallTimes) {
        let calls = calls.classes().map(|(calls, _)| calls).sum();
        self.0.lock().unwrap().push((*usage, calls));
    }
}

impl Told {
    fn take(&self) -> Vec<(Usage, u64)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn numbers() -> RecordBatch {
    let value: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let text: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    RecordBatch::try_from_iter([("value", value), ("text", text)]).unwrap()
}

async fn hostile(attack: &str, limits: Limits, told: &Arc<Told>, slots: u32) -> Transformer {
    let plugin = sandbox(slots).load(component("hostile")).await.unwrap();
    let config = json!({ "attack": attack }).as_object().unwrap().clone();
    let environment = Environment {
        config: Arc::new(config),
        limits,
        usage: Arc::clone(told) as _,
        ..Environment::default()
    };
    Transformer::new(&plugin, environment).unwrap()
}

#[tokio::test]
async fn each_instance_tells_once_what_it_used_up() {
    let told = Arc::new(Told::default());
    let transformer = hostile("trap", Limits::default(), &told, 1).await;
    let binding = Arc::new(transformer.bind(numbers().schema()).await.unwrap());
    let of_bind = told.take();
    assert_eq!(
        of_bind.iter().map(|(usage, calls)| (usage.calls, *calls)).collect::<Vec<_>>(),
        [(2, 2)]
    );
    let mut open = transformer.open(Arc::clone(&binding), 7).await.unwrap();
    // An instance for which there is no room is a call that failed.
    assert!(matches!(transformer.open(Arc::clone(&binding), 7).await, Err(Fault::Busy)));
    let refused = told.take();
    let [(refused, 1)] = refused[..] else { panic!("{refused:?}") };
    assert_eq!(refused.faults.iter().collect::<Vec<_>>(), [(FaultKind::Busy, 1)]);
    open.process(&numbers(), 0).await.unwrap_err();
    // One that is not there cannot fail.
    open.process(&numbers(), 0).await.unwrap_err();
    assert!(told.take().is_empty(), "it still lives");
    let usage = open.usage();
    assert_eq!(usage.calls, 3, "made, opened, called");
    assert_eq!(usage.faults.iter().collect::<Vec<_>>(), [(FaultKind::Trap, 1)]);
    drop(open);
    assert_eq!(told.take(), [(usage, 3)]);
}

/// A breach of the contract is found after the call has returned, and is a failed call all the same.
#[tokio::test]
async fn breaches_are_counted() {
    let told = Arc::new(Told::default());
    let transformer = hostile("wrong-type", Limits::default(), &told, 1).await;
    let binding = Arc::new(transformer.bind(numbers().schema()).await.unwrap());
    let mut open = transformer.open(binding, 7).await.unwrap();
    open.process(&numbers(), 0).await.unwrap_err();
    assert_eq!(open.usage().faults.iter().collect::<Vec<_>>(), [(FaultKind::Contract, 1)]);
}

/// A guest that waits holds no thread.
#[tokio::test]
async fn waiting_is_no_cpu_time() {
    let told = Arc::new(Told::default());
    let deadline = Duration::from_millis(200);
    let limits = Limits { deadline, ..Limits::default() };
    let sleeping = hostile("sleep", limits, &told, 1).await;
    let binding = Arc::new(sleeping.bind(numbers().schema()).await.unwrap());
    let mut open = sleeping.open(binding, 7).await.unwrap();
    let opened = open.usage();
    assert!(!opened.cpu_time.is_zero() && opened.cpu_time <= opened.time, "{opened:?}");
    open.process(&numbers(), 0).await.unwrap_err();
    let usage = open.usage();
    assert_eq!(usage.faults.iter().collect::<Vec<_>>(), [(FaultKind::Deadline, 1)]);
    let slept = (usage.time - opened.time) - (usage.cpu_time - opened.cpu_time);
    assert!(usage.time - opened.time >= deadline, "{usage:?}");
    assert!(!slept.is_zero(), "{usage:?}");
}
