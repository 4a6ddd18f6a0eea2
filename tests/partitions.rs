//! A run divided among processes by somebody else's scheduler: `plan`, `run --partition`, `commit`, `abort`, as real processes.
//!
//! In any order, repeated, at the same time: the outputs are those of one run, byte for byte.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use wasmill_tests::outputs::Outputs;
use wasmill_tests::workspace::{Outcome, Workspace};

const ID: &str = "nightly-7";
/// Files of entries; with what is cut from `orders.csv` these are the splits of sources.
const FILES: usize = 6;

/// Level 0 reads entries and orders, level 1 keeps balances, share by share, and level 2 adds them up. Each level has a sink, and what is
/// read has dirt in it.
const PIPELINE: &str = "workers = 2\n\
    [sources.entries]\ntype = \"csv\"\npath = \"entries/*.csv\"\ntypes = { amount = \"int64\" }\n\
    [sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\ntypes = { id = \"int64\", net = \"float64\" }\nsplit_bytes = \"256B\"\n\
    [transforms.gross]\nplugin = \"gross\"\ninputs = [\"orders\"]\nconfig = { net = \"net\", rate = 0.5 }\n\
    [transforms.balance]\nplugin = \"balance\"\ninputs = [\"entries\"]\nconfig = { sees = \"accounts\" }\npartitions = 3\n\
    [transforms.totals]\ntype = \"sql\"\ninputs = [\"balance\"]\n\
    query = \"select account, sum(amount) as total, max(balance) as highest from balance group by account order by account\"\n\
    [sinks.files]\ntype = \"parquet\"\ninputs = [\"gross\"]\npath = \"out/files\"\n\
    [sinks.merged]\ntype = \"sqlite\"\ninputs = [\"gross\"]\npath = \"out/shop.db\"\ntable = \"orders\"\nmode = \"merge\"\nkey = [\"name\"]\n\
    [sinks.balances]\ntype = \"jsonl\"\ninputs = [\"balance\"]\npath = \"out/balances\"\nmode = \"append\"\n\
    [sinks.appended]\ntype = \"sqlite\"\ninputs = [\"balance\"]\npath = \"out/shop.db\"\ntable = \"balances\"\nmode = \"append\"\n\
    [sinks.totals_csv]\ntype = \"csv\"\ninputs = [\"totals\"]\npath = \"out/totals\"\n\
    [sinks.totals_table]\ntype = \"sqlite\"\ninputs = [\"totals\"]\npath = \"out/shop.db\"\ntable = \"totals\"\nmode = \"replace\"\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    for file in 0..FILES {
        let mut text = "account,amount\n".to_owned();
        for row in 0..20 {
            writeln!(text, "{},{}", ["a", "b", "c", "d", "e"][(file + row) % 5], row + file)
                .unwrap();
        }
        text.push_str("f,none of these\n");
        workspace.write(&format!("entries/{file}.csv"), text);
    }
    let mut orders = "id,name,net\n".to_owned();
    for id in 0..80 {
        writeln!(orders, "{id},name {},{}.25", id % 30, id * 3).unwrap();
    }
    workspace.write("orders.csv", orders);
    workspace.pipeline(PIPELINE);
    workspace
}

fn succeeded(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome
}

fn plan(workspace: &Workspace, more: &[&str]) -> Outcome {
    let arguments = ["plan", "pipeline.toml", "--run-id", ID, "--output", "json"];
    workspace.wasmill(&[&arguments, more].concat())
}

/// The arguments for one share of a level.
fn share(index: usize, of: usize, level: usize) -> Vec<String> {
    let share = format!("{index}/{of}");
    let level = level.to_string();
    let arguments =
        ["run", "pipeline.toml", "--run-id", ID, "--partition", &share, "--level", &level];
    arguments.map(str::to_owned).to_vec()
}

fn partition(workspace: &Workspace, index: usize, of: usize, level: usize) -> Outcome {
    let share = share(index, of, level);
    workspace.wasmill(&share.iter().map(String::as_str).collect::<Vec<_>>())
}

fn of_run(workspace: &Workspace, command: &str, more: &[&str]) -> Outcome {
    let arguments = [command, "pipeline.toml", "--run-id", ID, "--output", "json"];
    workspace.wasmill(&[&arguments, more].concat())
}

fn last(outcome: &Outcome) -> Value {
    outcome.events().pop().unwrap_or_else(|| panic!("no line: {outcome:#?}"))
}

fn assert_fails(outcome: &Outcome, code: i32, message: &str) {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    let told = format!("{}{}", outcome.stderr, outcome.stdout);
    assert!(told.contains(message), "`{message}` is not told: {outcome:#?}");
}

/// Everything that a run leaves: what it published, and what it held back.
fn results(workspace: &Workspace) -> (Outputs, Vec<Value>) {
    let shown =
        workspace.wasmill(&["quarantine", "show", ID, "--limit", "1000", "--output", "json"]);
    let mut rows = succeeded(shown).events();
    // Attempts are named at random, and files after them.
    for row in &mut rows {
        let row = row.as_object_mut().unwrap();
        row.remove("attempt");
        row.remove("file");
    }
    rows.sort_by_key(Value::to_string);
    (Outputs::read(workspace, "out"), rows)
}

fn of_one_run(more: &[&str]) -> (Outputs, Vec<Value>) {
    let workspace = workspace();
    if more.is_empty() {
        let arguments = ["run", "pipeline.toml", "--run-id", ID, "--output", "json"];
        succeeded(workspace.wasmill(&arguments));
    } else {
        succeeded(plan(&workspace, more));
        succeeded(partition(&workspace, 0, 1, 0));
        succeeded(of_run(&workspace, "commit", &[]));
    }
    let (outputs, held_back) = results(&workspace);
    assert_eq!(held_back.len(), FILES, "{held_back:#?}");
    let of_folder =
        |folder: &str| outputs.names().iter().filter(|name| name.starts_with(folder)).count();
    assert!(of_folder("files/") > 3 && of_folder("balances/") == 3 && of_folder("totals/") == 1);
    assert_eq!(outputs.text("shop.db orders").lines().count(), 30);
    assert_eq!(outputs.text("shop.db balances").lines().count(), 20 * FILES);
    assert_eq!(outputs.text("shop.db totals").lines().count(), 5);
    (outputs, held_back)
}

fn assert_same(workspace: &Workspace, expected: &(Outputs, Vec<Value>), what: &str) {
    let (outputs, held_back) = results(workspace);
    outputs.assert_same(&expected.0, what);
    assert_eq!(held_back, expected.1, "{what}");
    assert_nothing_staged(workspace, what);
}

fn assert_nothing_staged(workspace: &Workspace, what: &str) {
    let left: Vec<_> = workspace
        .files("")
        .into_iter()
        .map(|file| file.strip_prefix(workspace.path("")).unwrap().display().to_string())
        .filter(|name| name.contains(".wasmill/runs/") || name.contains(&format!(".wasmill/{ID}")))
        .collect();
    assert!(left.is_empty(), "{what}: {left:?}");
}

#[test]
fn partitions_in_any_order_give_what_one_run_gives() {
    let expected = of_one_run(&[]);
    for order in [&[0, 1, 2, 3][..], &[3, 1, 0, 2], &[2, 2, 0, 3, 1, 0, 3]] {
        let workspace = workspace();
        let planned = succeeded(plan(&workspace, &[])).events();
        let mut worked = BTreeMap::new();
        for &index in order {
            let lines = succeeded(partition(&workspace, index, 4, 0)).events();
            let own: Vec<&Value> = planned
                .iter()
                .filter(|split| split["position"].as_u64().unwrap() as usize % 4 == index)
                .collect();
            assert_eq!(lines.len(), own.len(), "a line for each split of the share");
            for (line, split) in lines.iter().zip(own) {
                assert_eq!((&line["run"], &line["split"]), (&json!(ID), &split["split"]));
                let attempt = line["attempt"].as_str().unwrap().to_owned();
                let first = worked.entry(split["split"].to_string()).or_insert(attempt.clone());
                assert_eq!(*first, attempt, "the first attempt counts");
                let is_first = order.iter().position(|&other| other == index);
                assert!(line["kept"].is_boolean() && is_first.is_some());
            }
        }
        assert_eq!(worked.len(), planned.len());
        assert!(Outputs::read(&workspace, "out").is_empty(), "nothing is published by partitions");
        let summary = last(&succeeded(of_run(&workspace, "commit", &[])));
        assert_eq!(summary["status"], "succeeded");
        assert_same(&workspace, &expected, &format!("{order:?}"));
    }
}

#[test]
fn partitions_at_the_same_time_give_what_one_run_gives() {
    let expected = of_one_run(&[]);
    let workspace = workspace();
    // Several schedulers plan it, too.
    let arguments = ["plan", "pipeline.toml", "--run-id", ID, "--output", "json"];
    let planning: Vec<_> = (0..3).map(|_| workspace.start(&arguments)).collect();
    let mut plans = BTreeSet::new();
    for process in planning {
        let outcome = Outcome::new(&process.wait_with_output().unwrap());
        // Who comes while another one plans is told so.
        if outcome.code == Some(75) {
            continue;
        }
        plans.insert(succeeded(outcome).stdout);
    }
    assert_eq!(plans.len(), 1, "{plans:#?}");
    let shares: Vec<_> = [0, 1, 2, 0, 1, 2]
        .map(|index| share(index, 3, 0))
        .iter()
        .map(|share| workspace.start(&share.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let mut attempts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for process in shares {
        let outcome = succeeded(Outcome::new(&process.wait_with_output().unwrap()));
        for line in outcome.events() {
            let attempt = line["attempt"].as_str().unwrap().to_owned();
            attempts.entry(line["split"].to_string()).or_default().insert(attempt);
        }
    }
    assert!(attempts.values().all(|counting| counting.len() == 1), "{attempts:#?}");
    let commits: Vec<_> = (0..3)
        .map(|_| workspace.start(&["commit", "pipeline.toml", "--run-id", ID, "--output", "json"]))
        .collect();
    let codes: Vec<Option<i32>> = commits
        .into_iter()
        .map(|process| Outcome::new(&process.wait_with_output().unwrap()).code)
        .collect();
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 75))), "{codes:?}");
    assert_same(&workspace, &expected, "all at the same time");
}

#[test]
fn all_levels_can_be_divided() {
    let expected = of_one_run(&[]);
    let workspace = workspace();
    succeeded(plan(&workspace, &[]));
    assert_fails(&plan(&workspace, &["--level", "1"]), 75, "cannot be planned before all splits");
    for index in [1, 0] {
        succeeded(partition(&workspace, index, 2, 0));
    }
    assert_fails(&partition(&workspace, 0, 1, 1), 78, "has no level 1; its highest is 0");
    for (level, of) in [(1, 3), (2, 1)] {
        let planned = succeeded(plan(&workspace, &["--level", &level.to_string()])).events();
        assert_eq!(planned.len(), of, "{planned:#?}");
        assert!(planned.iter().all(|split| split["level"] == level && split["accepted"] == false));
        for index in (0..of).rev() {
            let lines = succeeded(partition(&workspace, index, of, level)).events();
            assert_eq!((lines.len(), &lines[0]["level"]), (1, &json!(level)));
        }
    }
    assert_fails(&plan(&workspace, &["--level", "3"]), 78, "has no level 3");
    let summary = last(&succeeded(of_run(&workspace, "commit", &[])));
    assert_eq!(summary["resumed"]["planned"], summary["resumed"]["kept"], "nothing was left to do");
    assert_same(&workspace, &expected, "level by level");
}

/// A scheduler says into how many splits; the same number gives the same, however the splits are shared.
#[test]
fn the_number_of_splits_can_be_asked_for() {
    let asked = ["--splits", "12"];
    let expected = of_one_run(&asked);
    let workspace = workspace();
    let planned = succeeded(plan(&workspace, &asked)).events();
    let of_orders = planned.iter().filter(|split| split["phase"] == "gross").count();
    assert!((10..=14).contains(&of_orders), "{of_orders} splits of orders");
    for index in [4, 0, 3, 1, 2] {
        succeeded(partition(&workspace, index, 5, 0));
    }
    succeeded(of_run(&workspace, "commit", &[]));
    assert_same(&workspace, &expected, "12 splits in 5 shares");
    // The rows are those of a run that was not asked for anything.
    let sorted = |outputs: &Outputs| {
        let mut rows: Vec<String> =
            outputs.text("shop.db balances").lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&expected.0), sorted(&of_one_run(&[]).0));
}

#[test]
fn a_partition_that_died_is_repeated() {
    let expected = of_one_run(&[]);
    for point in ["after-stage", "before-manifest#2", "after-manifest", "after-manifest#3"] {
        let workspace = workspace();
        succeeded(plan(&workspace, &[]));
        let arguments = share(0, 2, 0);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", point)]);
        assert_eq!(died.code, None, "{point}: {died:#?}");
        succeeded(partition(&workspace, 1, 2, 0));
        let missing = of_run(&workspace, "commit", &[]);
        assert_fails(&missing, 75, "have no accepted manifest yet");
        let lines = succeeded(partition(&workspace, 0, 2, 0)).events();
        let kept = lines.iter().filter(|line| line["kept"] == true).count();
        let least = if point.starts_with("after-manifest") { 1 } else { 0 };
        assert!(kept >= least && kept < lines.len(), "{point}: {kept} kept");
        succeeded(of_run(&workspace, "commit", &[]));
        assert_same(&workspace, &expected, point);
    }
}

#[test]
fn a_commit_that_died_is_repeated() {
    let expected = of_one_run(&[]);
    for point in ["before-commit", "commit-begun", "mid-commit#4", "after-commit#5", "mid-sweep"] {
        let workspace = workspace();
        succeeded(plan(&workspace, &[]));
        succeeded(partition(&workspace, 0, 1, 0));
        let arguments = ["commit", "pipeline.toml", "--run-id", ID, "--output", "json"];
        let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", point)]);
        assert_eq!(died.code, None, "{point}: {died:#?}");
        for _ in 0..2 {
            let summary = last(&succeeded(of_run(&workspace, "commit", &[])));
            assert_eq!(summary["status"], "succeeded", "{point}");
            assert_same(&workspace, &expected, point);
        }
    }
}

#[test]
fn what_is_out_of_order_is_refused_with_its_exit_code() {
    let workspace = workspace();
    assert_fails(&partition(&workspace, 0, 2, 0), 66, "");
    assert_fails(&of_run(&workspace, "commit", &[]), 66, "");
    assert_fails(&of_run(&workspace, "abort", &[]), 66, "");
    let invalid = ["plan", "pipeline.toml", "--run-id", "../up"];
    assert_fails(&workspace.wasmill(&invalid), 78, "../up");
    for share in ["2/2", "0/0", "1", "a/b", "-1/2"] {
        let arguments = ["run", "pipeline.toml", "--run-id", ID, "--partition", share];
        assert_eq!(workspace.wasmill(&arguments).code, Some(2), "{share}");
    }

    let planned = succeeded(plan(&workspace, &[])).stdout;
    assert_eq!(succeeded(plan(&workspace, &[])).stdout, planned, "a plan stays as it is");
    assert_eq!(succeeded(plan(&workspace, &["--splits", "3"])).stdout, planned);
    // Another run whose id only begins alike is another run.
    for command in ["commit", "abort"] {
        let other = [command, "pipeline.toml", "--run-id", "nightly"];
        assert_fails(&workspace.wasmill(&other), 66, "there is no run `nightly`");
    }
    let other = ["run", "pipeline.toml", "--run-id", "nightly", "--partition", "0/1"];
    assert_fails(&workspace.wasmill(&other), 66, "there is no run `nightly`");
    let begun = ["run", "pipeline.toml", "--run-id", ID];
    assert_fails(
        &workspace.wasmill(&begun),
        65,
        "there is a run `nightly-7` already: it is running",
    );
    assert_fails(&partition(&workspace, 0, 1, 9), 78, "has no level 9");
    let missing = of_run(&workspace, "commit", &[]);
    assert_fails(&missing, 75, "splits of run `nightly-7` have no accepted manifest yet");

    // The file changes between plan and work.
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("pipeline.toml", text.replace("rate = 0.5", "rate = 0.75"));
    for outcome in [plan(&workspace, &[]), partition(&workspace, 0, 1, 0)] {
        assert_fails(&outcome, 78, "transforms.gross has changed");
    }
    workspace.write("pipeline.toml", &text);

    succeeded(partition(&workspace, 0, 1, 0));
    succeeded(of_run(&workspace, "commit", &[]));
    assert_fails(&partition(&workspace, 0, 1, 0), 65, "run `nightly-7` is succeeded");
    assert_fails(&plan(&workspace, &[]), 65, "run `nightly-7` is succeeded");
    assert_fails(&of_run(&workspace, "abort", &[]), 65, "run `nightly-7` is succeeded");
}

#[test]
fn a_run_that_is_given_up_leaves_nothing() {
    let workspace = workspace();
    let files = |workspace: &Workspace| -> BTreeSet<String> {
        let relative = |file: std::path::PathBuf| {
            file.strip_prefix(workspace.path("")).unwrap().display().to_string()
        };
        let names = workspace.files("").into_iter().map(relative);
        names.filter(|name| !name.starts_with(".wasmill/ledger.db")).collect()
    };
    let before = files(&workspace);
    succeeded(plan(&workspace, &[]));
    succeeded(partition(&workspace, 0, 2, 0));
    assert!(files(&workspace).len() > before.len(), "something is staged");
    let aborted = last(&succeeded(of_run(&workspace, "abort", &[])));
    assert_eq!(aborted["status"], "aborted", "{aborted:#}");
    // Rows that were held back are kept: they are evidence, and nothing of a target.
    let left: Vec<String> = files(&workspace)
        .difference(&before)
        .filter(|name| !name.starts_with(".wasmill/quarantine/"))
        .cloned()
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(last(&succeeded(of_run(&workspace, "abort", &[])))["status"], "aborted");
    for outcome in
        [of_run(&workspace, "commit", &[]), partition(&workspace, 1, 2, 0), plan(&workspace, &[])]
    {
        assert_fails(&outcome, 65, "run `nightly-7` is aborted");
    }
    assert!(Outputs::read(&workspace, "out").is_empty());
}

/// What has begun to be published is given up only by force, and what is published by then stays.
#[test]
fn a_run_that_is_being_published_is_given_up_by_force_only() {
    let workspace = workspace();
    succeeded(plan(&workspace, &[]));
    succeeded(partition(&workspace, 0, 1, 0));
    let arguments = ["commit", "pipeline.toml", "--run-id", ID];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "after-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    let refused = of_run(&workspace, "abort", &[]);
    assert_fails(&refused, 75, "that cannot be taken back, only finished");
    succeeded(of_run(&workspace, "abort", &["--force"]));
    let outputs = Outputs::read(&workspace, "out");
    let names = outputs.names();
    assert!(!names.is_empty() && names.iter().all(|name| name.starts_with("files/")), "{names:?}");
    assert_nothing_staged(&workspace, "after --force");
}
