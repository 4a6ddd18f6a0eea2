//! Runs that were stopped, or failed, and are gone on with: what is redone, what is kept, what is refused. With real processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;
use wasmill_tests::outputs::Outputs;
use wasmill_tests::prices::PriceList;
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace};

/// How many files, and so splits, the source `articles` has where nothing else is said.
const FILES: usize = 12;
const ROWS_OF_EACH: usize = 5;
/// Places where a run dies before it publishes, with the least number of splits that are accepted by then.
const BEFORE_PUBLISHING: [(&str, usize); 5] = [
    ("after-stage#3", 0),
    ("before-manifest#9", 0),
    ("after-manifest#5", 5),
    ("after-manifest#12", FILES),
    ("before-commit", FILES),
];
/// Places where a run dies while it publishes.
const WHILE_PUBLISHING: [&str; 6] =
    ["commit-begun", "mid-commit", "mid-commit#9", "after-commit", "after-commit#3", "before-end"];

/// Articles that a server knows the prices of, to two folders of files and a table; and, beside them, entries that no server is asked
/// for.
fn shop(prices: &PriceList) -> Workspace {
    shop_of(prices, FILES)
}

fn shop_of(prices: &PriceList, files: usize) -> Workspace {
    let workspace = Workspace::new();
    for file in 0..files {
        let mut text = "article,quantity\n".to_owned();
        for row in 0..ROWS_OF_EACH {
            writeln!(text, "{},{}", article(file, row), file * row).unwrap();
        }
        workspace.write(&format!("articles/{file:03}.csv"), text);
    }
    workspace.write("entries.csv", "account,amount\na,1\nb,2\na,3\n");
    let pipeline = pipeline(prices, &root().join("dist/plugins"));
    workspace.write("pipeline.toml", pipeline);
    workspace
}

fn article(file: usize, row: usize) -> String {
    format!("f{file}-{}", "x".repeat(row))
}

fn pipeline(prices: &PriceList, plugins: &Path) -> String {
    let url = &prices.url;
    format!(
        "[pipeline]\nname = \"shop\"\nplugins = [{plugins:?}]\nretry = \"once\"\nworkers = 2\n\
         [retries.once]\nattempts = 1\n\
         [connections.shop]\nurl = \"{url}\"\n\
         [sources.articles]\ntype = \"csv\"\npath = \"articles/*.csv\"\ntypes = {{ quantity = \"int64\" }}\n\
         [sources.entries]\ntype = \"csv\"\npath = \"entries.csv\"\ntypes = {{ amount = \"int64\" }}\n\
         [transforms.lookup]\nplugin = \"pricing\"\ninputs = [\"articles\"]\n\
         config = {{ connection = \"shop\", token = \"t\" }}\ngrants = {{ http = [\"shop\"] }}\n\
         [transforms.balance]\nplugin = \"balance\"\ninputs = [\"entries\"]\nconfig = {{ sees = \"accounts\" }}\n\
         [sinks.files]\ntype = \"parquet\"\ninputs = [\"lookup\"]\npath = \"out/files\"\nmode = \"replace\"\n\
         [sinks.lines]\ntype = \"jsonl\"\ninputs = [\"lookup\"]\npath = \"out/lines\"\nmode = \"append\"\n\
         [sinks.table]\ntype = \"sqlite\"\ninputs = [\"lookup\"]\npath = \"out/shop.db\"\ntable = \"prices\"\nmode = \"append\"\n\
         [sinks.balances]\ntype = \"csv\"\ninputs = [\"balance\"]\npath = \"out/balances\"\n"
    )
}

fn run(workspace: &Workspace, id: &str) -> Outcome {
    workspace.wasmill(&["run", "pipeline.toml", "--run-id", id, "--output", "json"])
}

/// Runs until it dies at a point.
fn crash(workspace: &Workspace, id: &str, at: &str) {
    let arguments = ["run", "pipeline.toml", "--run-id", id, "--output", "json"];
    let outcome = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", at)]);
    assert_eq!(outcome.code, None, "it did not die at {at}: {outcome:#?}");
}

fn resume(workspace: &Workspace, id: &str, more: &[&str]) -> Outcome {
    let arguments = ["run", "pipeline.toml", "--resume", id, "--output", "json"];
    workspace.wasmill(&[&arguments, more].concat())
}

/// The summary that a run ends with; panics unless it ends with that exit code.
fn summary(outcome: &Outcome, code: i32) -> Value {
    assert_eq!(outcome.code, Some(code), "{outcome:#?}");
    outcome.events().pop().expect("a run ends with its summary")
}

fn message(summary: &Value) -> &str {
    summary["problem"]["message"].as_str().unwrap_or_else(|| panic!("no problem: {summary:#}"))
}

/// What the ledger knows of a run.
fn show(workspace: &Workspace, id: &str) -> Value {
    let outcome = workspace.wasmill(&["runs", "show", id, "--output", "json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome.events().pop().unwrap()
}

fn status(workspace: &Workspace, id: &str) -> String {
    show(workspace, id)["run"]["status"].as_str().unwrap().to_owned()
}

/// How often each split of a phase was tried.
fn attempts(workspace: &Workspace, id: &str, phase: &str) -> BTreeMap<String, i64> {
    let shown = show(workspace, id);
    let splits = shown["splits"].as_array().unwrap().iter();
    let of_phase = splits.filter(|split| split["phase"] == phase);
    of_phase
        .map(|split| {
            (split["split"].as_str().unwrap().to_owned(), split["attempts"].as_i64().unwrap())
        })
        .collect()
}

fn accepted(workspace: &Workspace, id: &str) -> usize {
    accepted_of(workspace, id, "")
}

/// How many splits are accepted, of all phases whose name begins so.
fn accepted_of(workspace: &Workspace, id: &str, phase: &str) -> usize {
    let shown = show(workspace, id);
    let splits = shown["splits"].as_array().unwrap().iter();
    splits
        .filter(|split| split["accepted"] == true)
        .filter(|split| split["phase"].as_str().unwrap().starts_with(phase))
        .count()
}

/// What a run without any accident publishes under that id.
fn undisturbed(prices: &PriceList, id: &str, files: usize) -> Outputs {
    let workspace = shop_of(prices, files);
    summary(&run(&workspace, id), 0);
    prices.asked();
    let outputs = Outputs::read(&workspace, "out");
    let table = outputs.text("shop.db prices");
    assert_eq!(table.lines().count(), files * ROWS_OF_EACH);
    assert_eq!(outputs.names().iter().filter(|name| name.starts_with("lines/")).count(), files);
    outputs
}

/// Nothing but the target, the ledger and the inputs is there.
fn assert_swept(workspace: &Workspace, id: &str) {
    for file in workspace.files("") {
        let name = file.strip_prefix(workspace.path("")).unwrap().display().to_string();
        let is_staged = name.starts_with(&format!(".wasmill/runs/{id}"))
            || name.contains(&format!("/.wasmill/{id}"));
        assert!(!is_staged, "{name} is left");
    }
    assert!(!workspace.path(&format!(".wasmill/runs/{id}")).exists());
}

#[test]
fn of_a_hundred_splits_three_that_failed_are_done_again_and_no_other() {
    let prices = PriceList::start();
    let expected = undisturbed(&prices, "r1", 100);
    let workspace = shop_of(&prices, 100);
    prices.fail_for(&[&article(31, 2), &article(60, 0), &article(97, 4)]);
    let failed = summary(&run(&workspace, "r1"), 75);
    assert_eq!(failed["status"], "failed", "{failed:#}");
    assert!(Outputs::read(&workspace, "out").is_empty(), "nothing is published");
    let before = attempts(&workspace, "r1", "lookup");
    assert!(before.len() == 100 && before.values().all(|&attempts| attempts == 1), "{before:?}");
    prices.fail_for(&[]);
    prices.asked();
    let resumed = summary(&resume(&workspace, "r1", &[]), 0);
    // Beside them, the split of the entries and the shares of the keyed step, if they were reached.
    let kept = resumed["resumed"]["kept"].as_u64().unwrap();
    assert_eq!(resumed["resumed"]["planned"].as_u64().unwrap() - kept, 3, "{resumed:#}");
    let again: BTreeMap<String, i64> =
        attempts(&workspace, "r1", "lookup").into_iter().filter(|entry| entry.1 != 1).collect();
    let expected_again =
        ["articles-00031", "articles-00060", "articles-00097"].map(|split| (split.to_owned(), 2));
    assert_eq!(again, BTreeMap::from(expected_again));
    let mut asked = prices.asked();
    asked.sort();
    let mut of_three: Vec<String> = [31, 60, 97]
        .iter()
        .flat_map(|&file| (0..ROWS_OF_EACH).map(move |row| article(file, row)))
        .collect();
    of_three.sort();
    assert_eq!(asked, of_three, "the server is asked for their rows, once");
    Outputs::read(&workspace, "out").assert_same(&expected, "after three splits were done again");
    assert_swept(&workspace, "r1");
}

/// Where it is not chance, the rest is not tried.
#[test]
fn a_run_in_which_most_splits_fail_stops_early() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    let all: Vec<String> = (0..FILES).map(|file| article(file, 0)).collect();
    prices.fail_for(&all.iter().map(String::as_str).collect::<Vec<_>>());
    summary(&run(&workspace, "r1"), 75);
    let tried = attempts(&workspace, "r1", "lookup").values().sum::<i64>();
    assert!((3..=6).contains(&tried), "{tried} attempts");
}

#[test]
fn a_run_that_died_anywhere_publishes_the_same_when_it_is_resumed() {
    let prices = PriceList::start();
    let expected = undisturbed(&prices, "r1", FILES);
    let points = BEFORE_PUBLISHING.iter().copied();
    for (point, least) in points.chain(WHILE_PUBLISHING.map(|point| (point, FILES))) {
        let workspace = shop(&prices);
        crash(&workspace, "r1", point);
        let before = accepted(&workspace, "r1");
        assert!(before >= least, "{point}: {before} accepted");
        let priced = accepted_of(&workspace, "r1", "lookup");
        prices.asked();
        let resumed = summary(&resume(&workspace, "r1", &[]), 0);
        assert_eq!(resumed["resumed"]["kept"], before, "{point}: {resumed:#}");
        assert_eq!(resumed["resumed"]["dropped"], serde_json::json!([]), "{point}");
        assert_eq!(prices.asked().len(), (FILES - priced) * ROWS_OF_EACH, "{point}");
        Outputs::read(&workspace, "out").assert_same(&expected, point);
        assert_swept(&workspace, "r1");
    }
}

#[test]
fn a_run_that_died_while_publishing_is_finished_by_the_next() {
    let prices = PriceList::start();
    let calm = shop(&prices);
    summary(&run(&calm, "r1"), 0);
    summary(&run(&calm, "r2"), 0);
    let expected = Outputs::read(&calm, "out");
    for point in WHILE_PUBLISHING {
        let workspace = shop(&prices);
        crash(&workspace, "r1", point);
        assert_eq!(status(&workspace, "r1"), "committing", "{point}");
        let second = run(&workspace, "r2");
        summary(&second, 0);
        assert_eq!(status(&workspace, "r1"), "succeeded", "{point}");
        let finished = second.events().iter().any(|event| event["event"] == "run.earlier_finished");
        assert!(finished || second.stdout.contains("r1"), "{point}: {}", second.stdout);
        Outputs::read(&workspace, "out").assert_same(&expected, point);
        assert_swept(&workspace, "r1");
        assert_swept(&workspace, "r2");
    }
}

/// Rows of several steps come to a sink in the order in which the steps are worked on, also when somebody else publishes them.
#[test]
fn whoever_finishes_publishes_in_the_same_order() {
    let pipeline = "[sources.zebra]\ntype = \"csv\"\npath = \"zebra.csv\"\n\
         [sources.ant]\ntype = \"csv\"\npath = \"ant.csv\"\n\
         [sinks.animals]\ntype = \"sqlite\"\ninputs = [\"zebra\", \"ant\"]\npath = \"out/zoo.db\"\ntable = \"animals\"\n\
         mode = \"merge\"\nkey = [\"id\"]\n";
    let made = || {
        let workspace = Workspace::new();
        workspace.write("zebra.csv", "id,name\n1,zebra\n2,zebra\n");
        workspace.write("ant.csv", "id,name\n2,ant\n3,ant\n");
        workspace.pipeline(pipeline);
        workspace
    };
    let calm = made();
    summary(&run(&calm, "r1"), 0);
    let expected = Outputs::read(&calm, "out");
    for point in ["before-commit", "commit-begun", "mid-commit"] {
        let workspace = made();
        crash(&workspace, "r1", point);
        summary(&resume(&workspace, "r1", &[]), 0);
        Outputs::read(&workspace, "out").assert_same(&expected, point);
    }
}

/// A file may be named in many ways.
#[test]
fn a_run_is_resumed_by_another_name_of_the_same_file() {
    let prices = PriceList::start();
    let expected = undisturbed(&prices, "r1", FILES);
    let link = tempfile::tempdir().unwrap();
    for way in ["dotted", "absolute", "link"] {
        let workspace = shop(&prices);
        crash(&workspace, "r1", "after-manifest#12");
        let file = match way {
            "dotted" => workspace.path("articles/../pipeline.toml"),
            "absolute" => workspace.path("pipeline.toml"),
            _ => {
                let linked = link.path().join("linked");
                std::os::unix::fs::symlink(workspace.path(""), &linked).unwrap();
                linked.join("pipeline.toml")
            }
        };
        let file = file.to_str().unwrap();
        let outcome = workspace.wasmill(&["run", file, "--resume", "r1", "--output", "json"]);
        let resumed = summary(&outcome, 0);
        assert!(resumed["resumed"]["kept"].as_u64().unwrap() >= 12, "{way}: {resumed:#}");
        Outputs::read(&workspace, "out").assert_same(&expected, way);
    }
}

/// What a run is made of has changed since: it is told, nothing is touched, and what was there can be gone on with.
#[test]
fn a_run_whose_file_plugins_or_inputs_changed_is_refused_with_the_difference() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    let plugins = workspace.path("plugins");
    std::fs::create_dir_all(&plugins).unwrap();
    for plugin in ["pricing", "balance"] {
        let name = format!("{plugin}.wasm");
        std::fs::copy(root().join("dist/plugins").join(&name), plugins.join(&name)).unwrap();
    }
    let text = pipeline(&prices, &plugins);
    workspace.write("pipeline.toml", &text);
    crash(&workspace, "r1", "after-manifest#12");
    let before = show(&workspace, "r1");
    let refused = |code: i32, expected: &[&str]| {
        let refused = summary(&resume(&workspace, "r1", &[]), code);
        let message = message(&refused);
        for expected in expected {
            assert!(message.contains(expected), "{expected}: {message}");
        }
        assert_eq!(show(&workspace, "r1"), before, "nothing is touched");
        let accept = refused["problem"]["hint"].as_str().unwrap();
        assert!(accept.contains("--accept-changes"), "{accept}");
    };

    // The file.
    workspace.write("pipeline.toml", text.replace("\"accounts\"", "\"everything\""));
    refused(78, &["transforms.balance has changed"]);
    workspace
        .write("pipeline.toml", text.replace("mode = \"append\"\n[sinks.table]", "[sinks.table]"));
    refused(78, &["sinks.lines has changed"]);
    workspace.write("pipeline.toml", &text);

    // A plugin, which does the same and is not the same.
    let plugin = plugins.join("balance.wasm");
    let bytes = std::fs::read(&plugin).unwrap();
    std::fs::write(&plugin, [&bytes[..], &[0, 4, 1, b'x', 1, 2]].concat()).unwrap();
    refused(78, &["plugin of balance: "]);
    std::fs::write(&plugin, bytes).unwrap();

    // Inputs: another size, another time, a file more, a file less.
    let path = workspace.path("articles/007.csv");
    let (content, modified) = (std::fs::read(&path).unwrap(), path.metadata().unwrap().modified());
    let put_back = || {
        std::fs::write(&path, &content).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(modified.as_ref().copied().unwrap()).unwrap();
    };
    std::fs::write(&path, "article,quantity\n").unwrap();
    refused(65, &["source `articles`: ", "articles/007.csv has changed: 17 bytes, which were "]);
    std::fs::write(&path, &content).unwrap();
    refused(65, &["articles/007.csv was written since"]);
    std::fs::remove_file(&path).unwrap();
    refused(65, &["articles/007.csv is gone"]);
    put_back();
    workspace.write("articles/100.csv", "article,quantity\nnew,1\n");
    refused(65, &["articles/100.csv is new"]);
    std::fs::remove_file(workspace.path("articles/100.csv")).unwrap();

    // As it was.
    let resumed = summary(&resume(&workspace, "r1", &[]), 0);
    assert!(resumed["resumed"]["kept"].as_u64().unwrap() >= 12, "{resumed:#}");
}

#[test]
fn what_depends_on_accepted_changes_is_done_again_and_the_rest_is_kept() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    crash(&workspace, "r1", "before-commit");
    prices.asked();
    // The entries, and what becomes of them.
    workspace.write("entries.csv", "account,amount\na,10\nb,20\na,30\nb,40\n");
    summary(&resume(&workspace, "r1", &[]), 65);
    let resumed = summary(&resume(&workspace, "r1", &["--accept-changes"]), 0);
    assert!(prices.asked().is_empty(), "the articles are kept");
    assert_eq!(resumed["resumed"]["kept"], FILES, "{resumed:#}");
    let dropped = resumed["resumed"]["dropped"].to_string();
    assert!(dropped.contains("entries: source `entries`: "), "{dropped}");
    assert!(dropped.contains("balance: it reads `entries`"), "{dropped}");
    let outputs = Outputs::read(&workspace, "out");
    let balances: Vec<String> = outputs
        .names()
        .iter()
        .filter(|name| name.starts_with("balances/"))
        .flat_map(|name| outputs.text(name).lines().skip(1).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut sorted = balances.clone();
    sorted.sort();
    assert_eq!(sorted, ["a,10,10", "a,30,40", "b,20,20", "b,40,60"]);
    assert_eq!(outputs.text("shop.db prices").lines().count(), FILES * ROWS_OF_EACH);
    assert_swept(&workspace, "r1");
}

/// What was accepted once is what the run is made of from then on, for whoever goes on with it or finishes it.
#[test]
fn accepted_changes_are_accepted_for_good() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    crash(&workspace, "r1", "before-commit");
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("pipeline.toml", text.replace("out/lines", "out/elsewhere"));
    summary(&resume(&workspace, "r1", &[]), 78);
    let accepting =
        ["run", "pipeline.toml", "--resume", "r1", "--accept-changes", "--output", "json"];
    for point in ["before-commit", "mid-commit#2"] {
        let outcome = workspace.wasmill_with(&accepting, &[("WASMILL_CRASH_AT", point)]);
        assert_eq!(outcome.code, None, "{point}: {outcome:#?}");
        if point == "before-commit" {
            // The old file is the one that differs now.
            let changed = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
            workspace.write("pipeline.toml", &text);
            let refused = summary(&resume(&workspace, "r1", &[]), 78);
            assert!(message(&refused).contains("sinks.lines has changed"), "{refused:#}");
            workspace.write("pipeline.toml", changed);
        }
    }
    assert_eq!(status(&workspace, "r1"), "committing");
    summary(&resume(&workspace, "r1", &[]), 0);
    let outputs = Outputs::read(&workspace, "out");
    let published =
        |folder: &str| outputs.names().iter().filter(|name| name.starts_with(folder)).count();
    assert_eq!((published("elsewhere/"), published("lines/")), (FILES, 0));
    assert_eq!(outputs.text("shop.db prices").lines().count(), FILES * ROWS_OF_EACH);
}

/// A staged file that is gone, or is another one, costs its split.
#[test]
fn splits_whose_files_were_damaged_are_done_again() {
    let prices = PriceList::start();
    let expected = undisturbed(&prices, "r1", FILES);
    let workspace = shop(&prices);
    crash(&workspace, "r1", "before-commit");
    prices.asked();
    let staged = workspace.files("out/lines/.wasmill/r1");
    assert_eq!(staged.len(), FILES);
    std::fs::remove_file(&staged[3]).unwrap();
    let content = std::fs::read_to_string(&staged[7]).unwrap();
    std::fs::write(&staged[7], content.replace('x', "y")).unwrap();
    let resumed = summary(&resume(&workspace, "r1", &[]), 0);
    let dropped: Vec<&str> = resumed["resumed"]["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert_eq!(dropped.len(), 2, "{dropped:?}");
    assert!(dropped[0].starts_with("lookup articles-00003: "), "{dropped:?}");
    assert!(dropped[1].starts_with("lookup articles-00007: "), "{dropped:?}");
    assert_eq!(prices.asked().len(), 2 * ROWS_OF_EACH);
    Outputs::read(&workspace, "out").assert_same(&expected, "after damage");
}

#[test]
fn of_two_who_resume_a_run_one_does_and_the_other_says_so() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    prices.fail_for(&[&article(4, 1)]);
    summary(&run(&workspace, "r1"), 75);
    prices.fail_for(&[]);
    prices.asked();
    prices.keep_waiting(&[&article(4, 1)]);
    let mut arguments = ["run", "pipeline.toml", "--resume", "r1", "--output", "json"];
    let first = workspace.start(&arguments);
    prices.wait_for(&article(4, 1));
    let second = resume(&workspace, "r1", &[]);
    let busy = summary(&second, 75);
    let who = format!("is being worked on by process {} on ", first.id());
    assert!(message(&busy).contains(&who), "{busy:#}");
    for command in ["commit", "abort"] {
        let outcome = workspace.wasmill(&[command, "pipeline.toml", "--run-id", "r1"]);
        assert_eq!(outcome.code, Some(75), "{command}: {outcome:#?}");
    }
    prices.keep_waiting(&[]);
    let first = Outcome::new(&first.wait_with_output().unwrap());
    summary(&first, 0);
    let outputs = Outputs::read(&workspace, "out");
    assert_eq!(outputs.text("shop.db prices").lines().count(), FILES * ROWS_OF_EACH);
    // Many at the same moment, of a run that has succeeded.
    arguments[3] = "r1";
    let several: Vec<_> = (0..4).map(|_| workspace.start(&arguments)).collect();
    for process in several {
        let outcome = Outcome::new(&process.wait_with_output().unwrap());
        assert!(matches!(outcome.code, Some(0 | 75)), "{outcome:#?}");
    }
    Outputs::read(&workspace, "out").assert_same(&outputs, "after all");
}

#[test]
fn a_run_that_succeeded_has_nothing_to_resume() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    summary(&run(&workspace, "r1"), 0);
    let (outputs, shown) = (Outputs::read(&workspace, "out"), show(&workspace, "r1"));
    prices.asked();
    let again = summary(&resume(&workspace, "r1", &[]), 0);
    assert_eq!(again["status"], "succeeded");
    assert!(prices.asked().is_empty());
    Outputs::read(&workspace, "out").assert_same(&outputs, "resumed after success");
    assert_eq!(show(&workspace, "r1"), shown);
    assert_swept(&workspace, "r1");
    let taken = run(&workspace, "r1");
    assert!(message(&summary(&taken, 65)).contains("there is a run `r1` already: it is succeeded"));
}

#[test]
fn a_run_that_was_given_up_is_not_resumed() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    prices.fail_for(&[&article(5, 0)]);
    summary(&run(&workspace, "r1"), 75);
    let aborted = workspace.wasmill(&["abort", "pipeline.toml", "--run-id", "r1"]);
    assert_eq!(aborted.code, Some(0), "{aborted:#?}");
    assert_swept(&workspace, "r1");
    let refused = summary(&resume(&workspace, "r1", &[]), 65);
    assert!(message(&refused).contains("run `r1` is aborted: given up"), "{refused:#}");
    assert!(Outputs::read(&workspace, "out").is_empty());
    let unknown = summary(&resume(&workspace, "r7", &[]), 66);
    assert!(message(&unknown).contains("there is no run `r7`"), "{unknown:#}");
}

#[test]
fn a_run_that_succeeds_gives_older_ones_up() {
    let prices = PriceList::start();
    let workspace = shop(&prices);
    prices.fail_for(&[&article(5, 0)]);
    summary(&run(&workspace, "r1"), 75);
    prices.fail_for(&[]);
    summary(&run(&workspace, "r2"), 0);
    let outputs = Outputs::read(&workspace, "out");
    assert_eq!(status(&workspace, "r1"), "aborted");
    assert_swept(&workspace, "r1");
    let refused = summary(&resume(&workspace, "r1", &[]), 65);
    assert!(message(&refused).contains("run r2, which was started later"), "{refused:#}");
    Outputs::read(&workspace, "out").assert_same(&outputs, "nothing old is published");
}

/// What was interrupted keeps what was done, and leaves nothing half done.
#[test]
fn a_run_that_was_stopped_by_a_signal_goes_on() {
    let prices = PriceList::start();
    let expected = undisturbed(&prices, "r1", FILES);
    let workspace = shop(&prices);
    prices.keep_waiting(&[&article(7, 3)]);
    let process = workspace.start(&["run", "pipeline.toml", "--run-id", "r1", "--output", "json"]);
    prices.wait_for(&article(7, 3));
    let pid = rustix::process::Pid::from_child(&process);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    prices.keep_waiting(&[]);
    let interrupted = summary(&Outcome::new(&process.wait_with_output().unwrap()), 130);
    assert_eq!(interrupted["status"], "interrupted");
    let kept = accepted(&workspace, "r1");
    assert!(kept >= 7, "{kept}");
    let resumed = summary(&resume(&workspace, "r1", &[]), 0);
    assert_eq!(resumed["resumed"]["kept"], kept, "{resumed:#}");
    Outputs::read(&workspace, "out").assert_same(&expected, "after a signal");
}
