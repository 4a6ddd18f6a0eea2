//! Plugins that fail, in whole pipelines: which rows it costs, what is tried again, and when a plugin is left alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use wasmill_tests::entries::entries;
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::workspace::{Outcome, Workspace, step};

const SINK: &str = "[sinks.out]\ntype = \"csv\"\ninputs = [\"balance\"]\npath = \"out\"\n";

/// Amounts that are poison, with what the guest does about them.
const POISON: [(i64, &str); 4] = [(-1, "trap"), (-2, "fuel"), (-3, "memory"), (-4, "failure")];

fn source(splits: &str) -> String {
    format!(
        "{splits}\n[sources.entries]\ntype = \"csv\"\npath = \"entries.csv\"\ntypes = {{ amount = \"int64\" }}\n"
    )
}

/// The step `balance`, with more keys.
fn balance(sees: &str, more: &str) -> String {
    format!(
        "[transforms.balance]\nplugin = \"balance\"\ninputs = [\"entries\"]\npartitions = 1\n\
         config = {{ sees = \"{sees}\" }}\n\
         limits = {{ fuel_per_call = 20000000, fuel_per_row = 20000, memory = \"8MiB\" }}\n{more}\n"
    )
}

fn run(workspace: &Workspace) -> (Outcome, Value) {
    let outcome = workspace.wasmill(&["run", "pipeline.toml", "--output", "json"]);
    let last = outcome.events().pop().expect("a run ends with a line");
    (outcome, last)
}

fn quarantined(workspace: &Workspace) -> Vec<Value> {
    workspace.wasmill(&["quarantine", "show", "--limit", "100", "--output", "json"]).events()
}

#[test]
fn one_row_among_65536_costs_20_calls_at_most() {
    for position in [0, 32_767, 65_535] {
        let workspace = entries(65_536, &BTreeMap::from([(position, -1)]));
        workspace.pipeline(&[&source("batch_rows = 65536"), &balance("rows", ""), SINK].concat());
        let events = workspace.run();
        let counts = step(&events, "balance");
        assert_eq!((&counts["rows_out"], &counts["quarantined"]), (&json!(65_535), &json!(1)));
        let calls = counts["search_calls"].as_u64().unwrap();
        assert!((2..=20).contains(&calls), "{calls} calls for row {position}");
        assert_eq!(quarantined(&workspace)[0]["position"], position);
    }
}

#[test]
fn ten_rows_of_three_kinds_among_100000_cost_ten_rows() {
    let kinds = &POISON[..3];
    let poison: BTreeMap<usize, i64> =
        (0..10).map(|row| (row * 9_973 + 11, kinds[row % 3].0)).collect();
    let workspace = entries(100_000, &poison);
    workspace.pipeline(&[&source(""), &balance("rows", ""), SINK].concat());
    let events = workspace.run();
    let counts = step(&events, "balance");
    assert_eq!((&counts["rows_out"], &counts["quarantined"]), (&json!(99_990), &json!(10)));
    assert_eq!(workspace.published("out").lines().count(), 99_991);
    let mut found: Vec<(usize, String)> = quarantined(&workspace)
        .iter()
        .map(|row| {
            let rule = row["reasons"][0]["rule"].as_str().unwrap().to_owned();
            (row["position"].as_u64().unwrap() as usize, rule)
        })
        .collect();
    found.sort();
    let name = |amount: &i64| kinds.iter().find(|kind| kind.0 == *amount).unwrap().1.to_owned();
    let expected: Vec<(usize, String)> =
        poison.iter().map(|(row, amount)| (*row, name(amount))).collect();
    assert_eq!(found, expected);
}

/// What is known of the call is kept with the row.
#[test]
fn a_blamed_row_is_kept_with_all_that_is_known() {
    let workspace = entries(500, &BTreeMap::from([(77, -1), (200, -2)]));
    workspace.pipeline(&[&source(""), &balance("rows", ""), SINK].concat());
    workspace.run();
    let rows = quarantined(&workspace);
    let [trapped, spent] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!(trapped["row"], json!({ "account": "c", "amount": -1 }));
    assert!(trapped["plugin"].as_str().unwrap().starts_with("sha256:"));
    let texts = |value: &Value| value.to_string();
    let fault = &trapped["fault"];
    assert!(texts(&fault["log"]).contains("the amount is poison"), "{fault:#}");
    assert!(texts(&fault["stack"]).contains("transform@0.1.0#process"), "{fault:#}");
    let fuel = fault["fuel"].as_u64().unwrap();
    assert!((1..1_000_000).contains(&fuel), "{fuel}");
    // The whole budget of a call on one row.
    assert_eq!(spent["fault"]["fuel"], 20_020_000);
    assert_eq!(spent["reasons"][0]["rule"], "fuel");
}

/// Plugins that keep state are brought to where they were, without the rows that were blamed.
#[test]
fn a_plugin_with_state_loses_its_bad_rows_and_nothing_else() {
    for sees in ["accounts", "everything"] {
        let poison = BTreeMap::from([(0, -1), (700, -2), (701, -3), (2_999, -4)]);
        let workspace = entries(3_000, &poison);
        workspace.pipeline(&[&source("batch_rows = 256"), &balance(sees, ""), SINK].concat());
        let events = workspace.run();
        let counts = step(&events, "balance");
        assert_eq!(
            (&counts["rows_out"], &counts["quarantined"]),
            (&json!(2_996), &json!(4)),
            "{sees}"
        );
        let mut rules: Vec<String> = quarantined(&workspace)
            .iter()
            .map(|row| row["reasons"][0]["rule"].as_str().unwrap().to_owned())
            .collect();
        rules.sort();
        assert_eq!(rules, ["failure", "fuel", "memory", "trap"]);
        let mut balances = BTreeMap::new();
        let mut expected = "account,amount,balance\n".to_owned();
        for row in (0..3_000).filter(|row| !poison.contains_key(row)) {
            let (account, amount) = (["a", "b", "c"][row % 3], row as i64 % 100 + 1);
            let balance = balances.entry(account).or_insert(0);
            *balance += amount;
            writeln!(expected, "{account},{amount},{balance}").unwrap();
        }
        assert_eq!(workspace.published("out"), expected, "{sees}");
    }
}

#[test]
fn a_plugin_with_state_and_moods_cannot_be_searched() {
    let workspace = entries(2_000, &BTreeMap::from([(1_500, -1)]));
    let step = balance("everything", "grants = { random = \"real\" }\nretry = \"never\"")
        .replace("sees = \"everything\"", "sees = \"everything\", moody = true");
    let retries = "[retries.never]\nattempts = 1\n";
    workspace.pipeline(&[&source("batch_rows = 256"), retries, &step, SINK].concat());
    let (outcome, last) = run(&workspace);
    assert_eq!(outcome.code, Some(70), "{outcome:#?}");
    let message = last["problem"]["message"].as_str().unwrap();
    assert!(message.contains("does not give the same answer to the same rows"), "{message}");
    assert!(workspace.files("out").is_empty());
}

mod retries {
    use super::*;

    /// Rows into a store that is away for some requests.
    fn into_store(policy: &str, outages: usize) -> (Outcome, Value) {
        let store = ObjectStore::start(outages);
        let workspace = Workspace::new();
        workspace.write("rows.csv", "id,name\n1,a\n2,b\n3,c\n");
        workspace.pipeline(&format!(
            "{policy}\n[connections.store]\nurl = \"{}\"\n\
             [sources.rows]\ntype = \"csv\"\npath = \"rows.csv\"\ntypes = {{ id = \"int64\" }}\n\
             [sinks.keeper]\nplugin = \"keeper\"\ninputs = [\"rows\"]\nconfig = {{ store = \"store\" }}\n\
             grants = {{ http = [\"store\"] }}\nretry = \"store\"\n",
            store.url
        ));
        run(&workspace)
    }

    fn retried(outcome: &Outcome) -> usize {
        outcome.events().iter().filter(|event| event["event"] == "split.retried").count()
    }

    #[test]
    fn a_policy_by_name_says_how_often() {
        let policy = "[retries.store]\nattempts = 6\nbase = \"1ms\"\n";
        let (outcome, _) = into_store(policy, 5);
        assert_eq!((outcome.code, retried(&outcome)), (Some(0), 5), "{outcome:#?}");
        let (outcome, last) = into_store(policy, 6);
        assert_eq!((outcome.code, retried(&outcome)), (Some(75), 5), "{last:#}");
        let (outcome, _) = into_store("[retries.store]\nattempts = 1\n", 1);
        assert_eq!((outcome.code, retried(&outcome)), (Some(75), 0));
    }

    /// However many attempts are left, there is no time for them.
    #[test]
    fn all_attempts_together_have_so_much_time() {
        let policy = "[retries.store]\nattempts = 1000\nbase = \"20ms\"\nmax = \"20ms\"\ntotal = \"100ms\"\n";
        let (outcome, _) = into_store(policy, 1_000);
        assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    }

    #[test]
    fn what_is_no_chance_is_not_tried_again() {
        let workspace = entries(100, &(0..100).map(|row| (row, -1)).collect());
        let retries = "[retries.often]\nattempts = 9\nbase = \"1ms\"\n";
        let step = balance("rows", "retry = \"often\"");
        workspace.pipeline(&[&source(""), retries, &step, SINK].concat());
        let (outcome, last) = run(&workspace);
        assert_eq!((outcome.code, retried(&outcome)), (Some(70), 0), "{last:#}");
    }
}

mod breakers {
    use super::*;

    /// Forty batches of fifty rows, of which the first twenty hold a bad row each.
    fn flaky() -> Workspace {
        entries(2_000, &(0..20).map(|batch| (batch * 50 + 7, -1)).collect())
    }

    fn states(events: &[Value]) -> Vec<&str> {
        let breakers = events.iter().filter(|event| event["event"] == "breaker");
        breakers.map(|event| event["state"].as_str().unwrap()).collect()
    }

    fn pipeline(workspace: &Workspace, breaker: &str) {
        let breakers = format!("[breakers.flaky]\nwindow = 10\nfailure_rate = 0.8\n{breaker}\n");
        let step = balance("rows", "breaker = \"flaky\"");
        let source = source("batch_rows = 50\nworkers = 1");
        workspace.pipeline(&[&source, &breakers, &step, SINK].concat());
    }

    #[test]
    fn pause_waits_and_tries_until_a_batch_goes_well() {
        let workspace = flaky();
        pipeline(&workspace, "open_for = \"1ms\"\nprobes = 50");
        let events = workspace.run();
        let states = states(&events);
        assert_eq!(states[..2], ["open", "half-open"]);
        assert_eq!(states.last(), Some(&"closed"));
        // Ten batches fill the window; ten are tried and fail; the next one goes well.
        assert_eq!(states.iter().filter(|state| **state == "half-open").count(), 11);
        let last = events.last().unwrap();
        let expected =
            json!([{ "step": "balance", "state": "closed", "opened": 11, "diverted": 0 }]);
        assert_eq!(last["breakers"], expected);
        let counts = step(&events, "balance");
        assert_eq!((&counts["rows_out"], &counts["quarantined"]), (&json!(1_980), &json!(20)));
        let shown = workspace.wasmill(&["runs", "show"]).stdout;
        assert!(shown.contains("breakers:\n  balance: closed, opened 11 times"), "{shown}");
    }

    /// Whether the run goes on or ends with it, and although nobody can be reached.
    #[test]
    fn an_opening_is_an_event_for_notifiers() {
        for (on_open, code) in [("divert", 0), ("fail", 70)] {
            let workspace = flaky();
            pipeline(&workspace, &format!("on_open = \"{on_open}\"\nopen_for = \"1h\""));
            let pipeline = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
            let notifier = "[connections.nowhere]\nurl = \"http://127.0.0.1:9\"\n\
                            [notifiers.ops]\nplugin = \"webhook\"\non = [\"breaker.opened\"]\n\
                            grants = { http = [\"nowhere\"] }\n\
                            config = { connection = \"nowhere\", secret = \"01234567890123456789012345678901\" }\n";
            workspace.write("pipeline.toml", format!("{pipeline}{notifier}"));
            let (outcome, _) = run(&workspace);
            assert_eq!(outcome.code, Some(code), "{outcome:#?}");
            let shown = workspace.wasmill(&["runs", "show", "--output", "json"]).events();
            let outbox = shown[0]["outbox"].as_array().unwrap();
            let [entry] = &outbox[..] else { panic!("{outbox:#?}") };
            assert_eq!(entry["event"]["kind"], "breaker.opened");
            let summary = entry["event"]["summary"].as_str().unwrap();
            assert!(
                summary.contains("the breaker of `balance` is open: 10 of the last 10"),
                "{summary}"
            );
            assert!(entry["last_error"].as_str().is_some(), "it was tried: {entry:#}");
        }
    }

    #[test]
    fn a_breaker_is_in_the_metrics() {
        let workspace = flaky();
        pipeline(&workspace, "on_open = \"divert\"\nopen_for = \"1h\"");
        let outcome = workspace.wasmill(&["run", "pipeline.toml", "--metrics", "metrics.prom"]);
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        let text = std::fs::read_to_string(workspace.path("metrics.prom")).unwrap();
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")));
            line.and_then(|line| line.rsplit_once(' ')).map(|(_, value)| value)
        };
        assert_eq!(value("wasm_breaker_open"), Some("1"), "{text}");
        assert_eq!(value("wasm_breaker_opened_total"), Some("1"));
    }

    #[test]
    fn pause_gives_up_after_so_many_tries() {
        let workspace = flaky();
        pipeline(&workspace, "open_for = \"1ms\"\nprobes = 3");
        let (outcome, last) = run(&workspace);
        assert_eq!(outcome.code, Some(70), "{outcome:#?}");
        let message = last["problem"]["message"].as_str().unwrap();
        assert!(
            message.contains("its breaker is open: try 3 of 3 failed: `process` trapped"),
            "{message}"
        );
        assert_eq!(last["breakers"][0]["state"], "given-up");
        assert!(workspace.files("out").is_empty());
    }

    #[test]
    fn fail_ends_the_run_at_once() {
        let workspace = flaky();
        pipeline(&workspace, "on_open = \"fail\"\nopen_for = \"1h\"");
        let (outcome, last) = run(&workspace);
        assert_eq!(outcome.code, Some(70), "{outcome:#?}");
        let message = last["problem"]["message"].as_str().unwrap();
        assert!(message.contains("10 of the last 10 batches failed"), "{message}");
    }

    #[test]
    fn divert_keeps_the_rows_aside() {
        let workspace = flaky();
        pipeline(&workspace, "on_open = \"divert\"\nopen_for = \"1h\"");
        let events = workspace.run();
        let counts = step(&events, "balance");
        // Of ten batches each lost a row, thirty never reached the plugin.
        assert_eq!((&counts["rows_out"], &counts["quarantined"]), (&json!(490), &json!(1_510)));
        assert_eq!(events.last().unwrap()["breakers"][0]["diverted"], 30);
        let list = workspace.wasmill(&["quarantine", "list", "--output", "json"]).events();
        let diverted = list.iter().find(|entry| entry["rule"] == "breaker-open").unwrap();
        assert_eq!(diverted["rows"], 1_500);
        let show =
            workspace.wasmill(&["quarantine", "show", "--rule", "breaker-open", "--limit", "1"]);
        assert!(show.stdout.contains("the plugin was not called"), "{}", show.stdout);
    }
}

#[test]
fn policies_that_are_not_there_are_found_by_the_check() {
    let workspace = entries(1, &BTreeMap::new());
    let policies = "[retries.patient]\n[breakers.flaky]\non_open = \"divert\"\n";
    let step = balance("rows", "retry = \"patience\"\nbreaker = \"fluky\"");
    workspace.pipeline(&[&source("retry = \"patint\""), policies, &step, SINK].concat());
    let outcome = workspace.wasmill(&["check", "pipeline.toml"]);
    assert_eq!(outcome.code, Some(78));
    for expected in [
        "there is no [retries.patint]",
        "did you mean `patient`?",
        "there is no [retries.patience]",
        "there is no [breakers.fluky]",
        "did you mean `flaky`?",
    ] {
        assert!(outcome.stderr.contains(expected), "{expected}: {}", outcome.stderr);
    }
}
