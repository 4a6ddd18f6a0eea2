//! Rows that were held back: put through again exactly once, wherever processes die; removed; taken elsewhere; and always
//! accounted for. Real processes, over the smallest pipelines that show it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::workspace::{Outcome, Workspace, step};

const APPEND: &str =
    "[sinks.out]\ntype = \"csv\"\ninputs = [\"rules\"]\npath = \"out\"\nmode = \"append\"\n";
const REPLACE: &str = "[sinks.out]\ntype = \"csv\"\ninputs = [\"rules\"]\npath = \"out\"\n";
const MERGE: &str = "[sinks.table]\ntype = \"sqlite\"\ninputs = [\"rules\"]\npath = \"out.db\"\ntable = \"t\"\n\
                     mode = \"merge\"\nkey = [\"id\"]\n";
/// In several splits.
const ORDERS: &str = "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\nsplit_bytes = 10\n\
                      types = { id = \"int64\", net = \"int64\" }\n";

/// Twelve orders, the net of each being its id.
fn workspace() -> Workspace {
    let workspace = Workspace::new();
    let rows: String = (1..=12).map(|id| format!("{id},{id}\n")).collect();
    workspace.write("orders.csv", format!("id,net\n{rows}"));
    workspace
}

fn rules(max: i64) -> String {
    format!(
        "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\n\
         config = {{ rules = [{{ name = \"limit\", column = \"net\", max = {max} }}] }}\n"
    )
}

/// Orders up to `max` go to the sinks.
fn pipeline(workspace: &Workspace, max: i64, sinks: &str) {
    workspace.pipeline(&[ORDERS, &rules(max), sinks].concat());
}

fn quarantine(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    workspace.wasmill(&[&["quarantine"], arguments].concat())
}

fn ok(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome
}

fn replay(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    quarantine(workspace, &[&["replay", "pipeline.toml"], arguments].concat())
}

/// The summary of a replay that succeeds.
fn replayed(workspace: &Workspace, arguments: &[&str]) -> Value {
    let outcome = ok(replay(workspace, &[arguments, &["--output", "json"]].concat()));
    let last = outcome.events().pop().expect("it ends with a summary");
    assert_eq!(last["status"], "succeeded", "{last:#}");
    last
}

/// The first column of all rows in `out`, in order.
fn ids(workspace: &Workspace) -> Vec<i64> {
    let text = workspace.published("out");
    let lines = text.lines().filter(|line| !line.starts_with("id"));
    let mut ids: Vec<i64> =
        lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

/// The ids in the table of `out.db`, in order.
fn table_ids(workspace: &Workspace) -> Vec<i64> {
    let rows = on_database(workspace, "out.db", "select id from t order by id");
    rows.into_iter().map(Option::unwrap).collect()
}

/// Runs a query on a database of the workspace, and returns the first column.
fn on_database(workspace: &Workspace, name: &str, query: &str) -> Vec<Option<i64>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options =
            SqliteConnectOptions::new().filename(workspace.path(name)).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        let query = sqlx::raw_sql(sqlx::AssertSqlSafe(query.to_owned()));
        let rows = query.fetch_all(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    })
}

/// Of each step of a run: rows, put through, purged, left. They reconcile, by step and by rule.
fn fates(workspace: &Workspace, run: &str) -> BTreeMap<String, [u64; 4]> {
    let list = ok(quarantine(workspace, &["list", run, "--output", "json"]));
    let mut fates = BTreeMap::new();
    for line in list.events() {
        let count = |key: &str| line[key].as_u64().unwrap();
        let [rows, put_through, purged, left] =
            ["rows", "put_through", "purged", "left"].map(count);
        assert_eq!(rows, put_through + purged + left, "{line:#}");
        assert_eq!(line["lost"], 0, "{line:#}");
        if line.get("rule").is_none() {
            let step = line["step"].as_str().unwrap().to_owned();
            fates.insert(step, [rows, put_through, purged, left]);
        }
    }
    fates
}

/// The same of `rules`.
fn fates_of_rules(workspace: &Workspace, run: &str) -> [u64; 4] {
    fates(workspace, run).remove("rules").unwrap_or_default()
}

/// Of all runs, every step accounts for every row.
fn assert_balanced(workspace: &Workspace) {
    let runs = ok(workspace.wasmill(&["runs", "list", "--output", "json"])).events();
    for run in runs.iter().filter(|run| run["status"] == "succeeded") {
        let steps = run["summary"]["steps"].as_array().unwrap();
        let held = fates(workspace, run["id"].as_str().unwrap());
        for step in steps {
            let count = |key: &str| step[key].as_u64().unwrap();
            assert_eq!(
                count("rows_in") + count("added"),
                count("rows_out") + count("quarantined") + count("dropped"),
                "{step:#}"
            );
            let rows = held.get(step["step"].as_str().unwrap()).map_or(0, |fates| fates[0]);
            assert_eq!(count("quarantined"), rows, "{step:#}");
        }
    }
}

fn run_as(workspace: &Workspace, id: &str) -> Vec<Value> {
    let run = workspace.wasmill(&["run", "pipeline.toml", "--run-id", id, "--output", "json"]);
    ok(run).events()
}

#[test]
fn rows_join_those_that_are_published_whatever_the_mode() {
    for sinks in [APPEND, REPLACE] {
        let workspace = workspace();
        let sinks = [sinks, MERGE].concat();
        pipeline(&workspace, 5, &sinks);
        run_as(&workspace, "first");
        assert_eq!(ids(&workspace), [1, 2, 3, 4, 5]);
        assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 0, 7]);

        // Some fail again: they are held back again, by the replay.
        pipeline(&workspace, 9, &sinks);
        let summary = replayed(&workspace, &["--run-id", "second"]);
        assert_eq!(summary["replays"], "first");
        let counts = step(std::slice::from_ref(&summary), "rules");
        assert_eq!((&counts["rows_in"], &counts["quarantined"]), (&json!(7), &json!(3)));
        assert_eq!(ids(&workspace), (1..=9).collect::<Vec<_>>());
        assert_eq!(table_ids(&workspace), (1..=9).collect::<Vec<_>>());
        assert_eq!(fates_of_rules(&workspace, "first"), [7, 7, 0, 0]);
        assert_eq!(fates_of_rules(&workspace, "second"), [3, 0, 0, 3]);

        // Those of the replay, which is the latest run that has succeeded.
        pipeline(&workspace, 100, &sinks);
        assert_eq!(replayed(&workspace, &["--run-id", "third"])["replays"], "second");
        assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
        assert_eq!(table_ids(&workspace), (1..=12).collect::<Vec<_>>());
        assert_eq!(fates_of_rules(&workspace, "second"), [3, 3, 0, 0]);

        for run in ["first", "second", "third"] {
            let again = ok(replay(&workspace, &[run]));
            assert!(again.stdout.contains("nothing left to put through"), "{again:#?}");
        }
        assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
        assert_balanced(&workspace);

        let shown = ok(quarantine(&workspace, &["show", "first", "--limit", "100"])).stdout;
        assert_eq!(shown.matches("put through again by run second").count(), 7, "{shown}");
        let run = ok(workspace.wasmill(&["runs", "show", "second"])).stdout;
        assert!(run.contains("replays   rows that run first had held back"), "{run}");
        assert!(workspace.files(".wasmill/runs").is_empty());
    }
}

#[test]
fn rows_go_on_from_the_plugin_that_held_them_back() {
    let workspace = workspace();
    workspace.write("orders.csv", "id,day\n1,2026-01-02\n2,03.01.2026\n3,2026-13-13\n");
    let pipeline = |formats: &str| {
        workspace.pipeline(&format!(
            "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\n\
             [transforms.clean]\nplugin = \"clean\"\ninputs = [\"orders\"]\n\
             config = {{ types = {{ day = {{ type = \"date\", formats = [{formats}] }} }} }}\n\
             [transforms.named]\ntype = \"sql\"\ninputs = [\"clean\"]\n\
             query = \"select cast(id as bigint) as id, day from clean\"\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"named\"]\npath = \"out\"\n"
        ));
    };
    pipeline("\"%Y-%m-%d\"");
    run_as(&workspace, "first");
    assert_eq!(workspace.published("out"), "id,day\n1,2026-01-02\n");
    pipeline("\"%Y-%m-%d\", \"%d.%m.%Y\"");
    let summary = replayed(&workspace, &["first", "--run-id", "second"]);
    let summary = std::slice::from_ref(&summary);
    // Nothing is read but what was held back.
    assert_eq!(step(summary, "clean.held")["rows_out"], 2);
    assert_eq!(step(summary, "clean")["quarantined"], 1);
    assert_eq!(step(summary, "named")["rows_out"], 1);
    assert_eq!(ids(&workspace), [1, 2]);
    assert!(workspace.published("out").contains("2,2026-01-03\n"));
    assert_balanced(&workspace);
}

#[test]
fn wherever_a_replay_dies_its_rows_are_published_once() {
    let points = [
        "after-stage",
        "after-stage#3",
        "before-manifest#2",
        "after-manifest",
        "after-manifest#2",
        "before-commit",
        "commit-begun",
        "mid-commit",
        "mid-commit#3",
        "after-commit",
        "after-commit#2",
        "before-end",
        "mid-sweep",
    ];
    let sinks = [APPEND, MERGE].concat();
    for point in points {
        let workspace = workspace();
        pipeline(&workspace, 5, &sinks);
        run_as(&workspace, "first");
        pipeline(&workspace, 100, &sinks);
        let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
        let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", point)]);
        assert_eq!(died.code, None, "{point}: {died:#?}");
        // Whoever asks for the same rows meanwhile gets none of them.
        let other = ok(replay(&workspace, &["first"]));
        assert!(other.stdout.contains("nothing left to put through"), "{point}: {other:#?}");
        ok(workspace.wasmill(&["run", "pipeline.toml", "--resume", "again"]));
        assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>(), "{point}");
        assert_eq!(table_ids(&workspace), (1..=12).collect::<Vec<_>>(), "{point}");
        assert_eq!(fates_of_rules(&workspace, "first"), [7, 7, 0, 0], "{point}");
        let other = ok(replay(&workspace, &["first"]));
        assert!(other.stdout.contains("nothing left to put through"), "{point}: {other:#?}");
        assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>(), "{point}");
        assert_balanced(&workspace);
        assert!(workspace.files(".wasmill/runs").is_empty(), "{point}");
    }
}

/// A run of the whole pipeline publishes to sinks with which a replay has nothing to do; it must not take their rows away when it
/// finishes one.
#[test]
fn a_replay_that_died_while_it_published_is_finished_by_the_next_run() {
    let workspace = workspace();
    let sinks = "[sinks.all]\ntype = \"csv\"\ninputs = [\"others\"]\npath = \"all\"\n\
                 [sources.others]\ntype = \"csv\"\npath = \"others.csv\"\n";
    workspace.write("others.csv", "id\n77\n");
    let sinks = [APPEND, sinks].concat();
    pipeline(&workspace, 5, &sinks);
    run_as(&workspace, "first");
    pipeline(&workspace, 100, &sinks);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "mid-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    let outcome = ok(replay(&workspace, &["first"]));
    assert!(outcome.stdout.contains("nothing left to put through"), "{outcome:#?}");
    let shown = ok(workspace.wasmill(&["runs", "show", "again", "--output", "json"])).events();
    assert_eq!(shown[0]["run"]["status"], "succeeded");
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
    assert_eq!(workspace.published("all"), "id\n77\n");
}

/// What is staged only has to be published: the steps have nothing to do with that any more.
#[test]
fn a_replay_that_died_while_it_published_is_finished_whatever_became_of_its_steps() {
    let workspace = workspace();
    pipeline(&workspace, 5, APPEND);
    run_as(&workspace, "first");
    pipeline(&workspace, 100, APPEND);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "mid-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    // The columns of the rows are not those that the step takes by now.
    let text = ORDERS.replace("net = \"int64\"", "net = \"utf8\"");
    let not_null = rules(100).replace("max = 100", "not_null = true");
    workspace.pipeline(&[&text, &not_null, APPEND].concat());
    ok(workspace.wasmill(&["run", "pipeline.toml", "--resume", "again"]));
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 7, 0, 0]);
}

#[test]
fn of_two_replays_at_the_same_time_each_row_goes_with_one() {
    for _ in 0..3 {
        let workspace = workspace();
        pipeline(&workspace, 5, APPEND);
        run_as(&workspace, "first");
        pipeline(&workspace, 100, APPEND);
        let start = || workspace.start(&["quarantine", "replay", "pipeline.toml", "first"]);
        let children = [start(), start(), start()];
        let ended = children.map(|child| Outcome::new(&child.wait_with_output().unwrap()));
        for outcome in &ended {
            match outcome.code {
                Some(0) => {}
                Some(75) => {
                    assert!(outcome.stderr.contains("put through again by run"), "{ended:#?}")
                }
                _ => panic!("{ended:#?}"),
            }
        }
        assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>(), "{ended:#?}");
        assert_eq!(fates_of_rules(&workspace, "first"), [7, 7, 0, 0]);
    }
}

#[test]
fn a_replay_that_is_given_up_lets_its_rows_go() {
    let workspace = workspace();
    pipeline(&workspace, 5, APPEND);
    run_as(&workspace, "first");
    pipeline(&workspace, 100, APPEND);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "before-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    let outcome = ok(replay(&workspace, &["first"]));
    assert!(outcome.stdout.contains("7 are in run again, which has not ended"), "{outcome:#?}");
    // Rows in a replay stay where they are.
    let purge = ok(quarantine(&workspace, &["purge", "first", "--yes"]));
    assert!(purge.stdout.contains("7 rows stay, which run again is about to"), "{purge:#?}");
    // It is not divided among processes.
    let plan = workspace.wasmill(&["plan", "pipeline.toml", "--run-id", "again"]);
    assert_eq!(plan.code, Some(78), "{plan:#?}");
    assert!(plan.stderr.contains("it is not divided among processes"), "{plan:#?}");

    ok(workspace.wasmill(&["abort", "pipeline.toml", "--run-id", "again"]));
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 0, 7]);
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5]);
    replayed(&workspace, &["first"]);
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
    let resumed = workspace.wasmill(&["run", "pipeline.toml", "--resume", "again"]);
    assert_eq!(resumed.code, Some(65), "{resumed:#?}");
}

#[test]
fn a_replay_is_resumed_with_the_pipeline_that_it_was_begun_with() {
    let workspace = workspace();
    pipeline(&workspace, 5, APPEND);
    run_as(&workspace, "first");
    pipeline(&workspace, 8, APPEND);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "after-manifest#2")]);
    assert_eq!(died.code, None, "{died:#?}");
    pipeline(&workspace, 100, APPEND);
    let resume = ["run", "pipeline.toml", "--resume", "again"];
    let refused = workspace.wasmill(&resume);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    assert!(refused.stderr.contains("validators.rules has changed"), "{refused:#?}");
    ok(workspace.wasmill(&[&resume[..], &["--accept-changes"]].concat()));
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
}

#[test]
fn records_that_never_became_rows_are_read_again() {
    let workspace = Workspace::new();
    workspace.write("orders.csv", "id,net\n1,1\n2,n/a\n3,many\n");
    workspace.write("more.jsonl", "{\"id\":4,\"net\":4}\n{\"id\":5,\"net\":\"n/a\"}\n{\"id\":6\n");
    let pipeline = |nulls: &str, net: &str| {
        workspace.pipeline(&format!(
            "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\nnull_values = [{nulls}]\n\
             types = {{ id = \"int64\", net = \"int64\" }}\n\
             [sources.more]\ntype = \"jsonl\"\npath = \"more.jsonl\"\ninfer_rows = 0\n\
             types = {{ id = \"int64\", net = \"{net}\" }}\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"orders\"]\npath = \"out\"\n\
             [sinks.texts]\ntype = \"csv\"\ninputs = [\"more\"]\npath = \"texts\"\n"
        ));
    };
    pipeline("\"\"", "int64");
    run_as(&workspace, "first");
    let expected = [("orders".to_owned(), [2, 0, 0, 2]), ("more".to_owned(), [2, 0, 0, 2])];
    assert_eq!(fates(&workspace, "first"), BTreeMap::from(expected));
    pipeline("\"\", \"n/a\"", "utf8");
    replayed(&workspace, &["--run-id", "again"]);
    assert_eq!(ids(&workspace), [1, 2]);
    assert!(workspace.published("out").contains("2,\n"), "{}", workspace.published("out"));
    assert!(workspace.published("texts").contains("5,n/a\n"), "{}", workspace.published("texts"));
    // Those that are still bad know where they come from.
    let shown = ok(quarantine(&workspace, &["show", "again", "--output", "json"])).events();
    let mut places: Vec<&str> = shown.iter().map(|row| row["place"].as_str().unwrap()).collect();
    places.sort_unstable();
    assert_eq!(places.len(), 2, "{shown:#?}");
    assert!(places[0].ends_with("more.jsonl line 3"), "{places:?}");
    assert!(places[1].ends_with("orders.csv line 4"), "{places:?}");
    assert_balanced(&workspace);

    // As they were found, for whoever repairs them by hand.
    ok(quarantine(&workspace, &["export", "again", "--to", "held"]));
    assert_eq!(std::fs::read_to_string(workspace.path("held/more.raw")).unwrap(), "{\"id\":6\n");
    assert_eq!(std::fs::read_to_string(workspace.path("held/orders.raw")).unwrap(), "3,many\n");
}

#[test]
fn rows_that_a_sink_refused_go_to_that_sink_only() {
    let workspace = Workspace::new();
    workspace.write("orders.csv", "id,name\n1,a\n,b\n");
    let pipeline = |key: &str| {
        workspace.pipeline(&format!(
            "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\ntypes = {{ id = \"int64\" }}\n\
             [sinks.table]\ntype = \"sqlite\"\ninputs = [\"orders\"]\npath = \"out.db\"\ntable = \"t\"\n\
             mode = \"merge\"\nkey = [\"{key}\"]\n\
             [sinks.copy]\ntype = \"csv\"\ninputs = [\"orders\"]\npath = \"copy\"\n"
        ));
    };
    pipeline("id");
    run_as(&workspace, "first");
    assert_eq!(workspace.published("copy"), "id,name\n1,a\n,b\n");
    assert_eq!(on_database(&workspace, "out.db", "select id from t"), [Some(1)]);
    on_database(&workspace, "out.db", "drop index wasmill_key_of_t");
    pipeline("name");
    let summary = replayed(&workspace, &["--step", "table"]);
    assert_eq!(step(std::slice::from_ref(&summary), "table")["rows_out"], 1);
    assert_eq!(on_database(&workspace, "out.db", "select id from t order by id"), [None, Some(1)]);
    assert_eq!(workspace.published("copy"), "id,name\n1,a\n,b\n");
}

#[test]
fn a_loader_gets_the_rows_in_a_commit_of_their_own() {
    let workspace = workspace();
    let rows: String = (1..=12).map(|id| format!("{id},{id},a\n")).collect();
    workspace.write("orders.csv", format!("id,net,name\n{rows}"));
    let store = ObjectStore::start(0);
    let sink = format!(
        "[connections.target]\nurl = \"{}\"\n[sinks.store]\nplugin = \"keeper\"\ninputs = [\"rules\"]\n\
         config = {{ store = \"target\" }}\ngrants = {{ http = [\"target\"] }}\n",
        store.url
    );
    let committed = || -> usize {
        let objects = store.objects();
        let lists = objects.iter().filter(|(key, _)| key.starts_with("/committed/"));
        lists.flat_map(|(_, list)| list.lines()).map(|key| objects[key].lines().count()).sum()
    };
    pipeline(&workspace, 5, &sink);
    run_as(&workspace, "first");
    assert_eq!(committed(), 5);
    pipeline(&workspace, 100, &sink);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "mid-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    ok(workspace.wasmill(&["run", "pipeline.toml", "--resume", "again"]));
    assert_eq!(committed(), 12, "{:#?}", store.objects());
}

/// What is looked up is read again, and what that holds back belongs to the run that read it first.
#[test]
fn rows_are_joined_with_what_is_there_and_nothing_else_is_held_back() {
    let workspace = workspace();
    workspace.write("names.csv", "id,name\n1,a\n6,f\nx,y\n");
    let pipeline = |max: i64| {
        workspace.pipeline(&format!(
            "{ORDERS}{}[sources.names]\ntype = \"csv\"\npath = \"names.csv\"\ntypes = {{ id = \"int64\" }}\n\
             [transforms.named]\ntype = \"sql\"\ninputs = [\"rules\", \"names\"]\n\
             query = \"select rules.id, names.name from rules left join names on rules.id = names.id\"\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"named\"]\npath = \"out\"\n",
            rules(max)
        ));
    };
    pipeline(5);
    run_as(&workspace, "first");
    assert_eq!(fates(&workspace, "first")["names"], [1, 0, 0, 1]);
    pipeline(100);
    let summary = replayed(&workspace, &["--step", "rules", "--run-id", "again"]);
    let counts = step(std::slice::from_ref(&summary), "names");
    assert_eq!((&counts["dropped"], &counts["quarantined"]), (&json!(1), &json!(0)));
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
    assert!(workspace.published("out").contains("6,f\n"));
    assert!(fates(&workspace, "again").is_empty());
    assert_balanced(&workspace);

    // Rows that would be looked up themselves.
    let refused = replay(&workspace, &["first"]);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    assert!(refused.stderr.contains("`named` looks things up in `names`"), "{refused:#?}");
}

#[test]
fn what_cannot_be_put_through_is_refused_and_nothing_is_entered() {
    let workspace = workspace();
    let runs = || ok(workspace.wasmill(&["runs", "list", "--output", "json"])).events().len();
    let refused = |sections: &[&str], arguments: &[&str], code: i32, said: &[&str]| {
        workspace.pipeline(&sections.concat());
        let before = runs();
        let dry = replay(&workspace, &[arguments, &["--dry-run"]].concat());
        for outcome in [dry, replay(&workspace, arguments)] {
            assert_eq!(outcome.code, Some(code), "{outcome:#?}");
            for part in said {
                assert!(outcome.stderr.contains(part), "{part}: {outcome:#?}");
            }
        }
        assert_eq!(runs(), before);
    };
    pipeline(&workspace, 5, REPLACE);
    run_as(&workspace, "first");
    let fixed = rules(100);

    let sums = "[transforms.sums]\ntype = \"sql\"\ninputs = [\"rules\"]\nquery = \"select sum(net) as net from rules\"\n\
                [sinks.all_sums]\ntype = \"csv\"\ninputs = [\"sums\"]\npath = \"sums\"\n";
    let again = "run the pipeline again instead";
    let needs = ["`sums` needs all rows, and would take", again];
    refused(&[ORDERS, &fixed, REPLACE, sums], &["first"], 78, &needs);

    let unique = "[transforms.unique]\nplugin = \"clean\"\ninputs = [\"rules\"]\nconfig = { deduplicate = { by = [\"net\"] } }\n\
                  [sinks.all_unique]\ntype = \"csv\"\ninputs = [\"unique\"]\npath = \"unique\"\n";
    let needs = ["`unique` needs all rows of `net`", again];
    refused(&[ORDERS, &fixed, REPLACE, unique], &["first"], 78, &needs);

    let text = ORDERS.replace("net = \"int64\"", "net = \"utf8\"");
    let not_null = fixed.replace("max = 100", "not_null = true");
    let columns = ["column `net` is utf8 and was int64", "wasmill quarantine export"];
    refused(&[&text, &not_null, REPLACE], &["first"], 78, &columns);

    let other = REPLACE.replace("\"rules\"", "\"orders\"");
    refused(&[ORDERS, &other], &["first"], 78, &["step `rules`, which held rows back, is gone"]);

    // A later run has put its rows in the place of those to which these belong.
    pipeline(&workspace, 6, REPLACE);
    run_as(&workspace, "later");
    let replaced = ["sink `out` replaces its rows with each run, and run `later` has succeeded"];
    refused(&[ORDERS, &fixed, REPLACE], &["first"], 65, &replaced);
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5, 6]);
    // Where rows are added, that is no matter.
    pipeline(&workspace, 100, MERGE);
    replayed(&workspace, &["first"]);
    assert_eq!(table_ids(&workspace), [6, 7, 8, 9, 10, 11, 12]);

    // A run that has published nothing.
    let gated = format!("{}gate = {{ max_quarantined = 0 }}\n", rules(5));
    workspace.pipeline(&[ORDERS, &gated, APPEND].concat());
    let run = workspace.wasmill(&["run", "pipeline.toml", "--run-id", "refused"]);
    assert_eq!(run.code, Some(65), "{run:#?}");
    let unpublished = ["run `refused` is refused: it has published no rows", "--resume refused"];
    refused(&[ORDERS, &fixed, APPEND], &["refused"], 65, &unpublished);
    let purge = quarantine(&workspace, &["purge", "refused", "--yes"]);
    assert_eq!(purge.code, Some(75), "{purge:#?}");
}

/// A run that succeeds between the beginning of a replay and its end.
#[test]
fn rows_are_not_added_to_those_of_a_later_run() {
    let workspace = workspace();
    pipeline(&workspace, 5, REPLACE);
    run_as(&workspace, "first");
    pipeline(&workspace, 100, REPLACE);
    let arguments = ["quarantine", "replay", "pipeline.toml", "--run-id", "again"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "before-commit")]);
    assert_eq!(died.code, None, "{died:#?}");
    run_as(&workspace, "later");
    let resumed = workspace.wasmill(&["run", "pipeline.toml", "--resume", "again"]);
    assert_eq!(resumed.code, Some(65), "{resumed:#?}");
    assert!(resumed.stderr.contains("run `later` has succeeded after run `first`"), "{resumed:#?}");
    assert_eq!(ids(&workspace), (1..=12).collect::<Vec<_>>());
    ok(workspace.wasmill(&["abort", "pipeline.toml", "--run-id", "again"]));
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 0, 7]);
}

#[test]
fn records_that_were_kept_for_people_are_only_exported() {
    let workspace = Workspace::new();
    on_database(&workspace, "in.db", "create table t (id); insert into t values (1), ('two')");
    workspace.pipeline(
        "[sources.orders]\ntype = \"sqlite\"\npath = \"in.db\"\ntable = \"t\"\ntypes = { id = \"int64\" }\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"orders\"]\npath = \"out\"\n",
    );
    run_as(&workspace, "first");
    assert_eq!(fates(&workspace, "first")["orders"], [1, 0, 0, 1]);
    let refused = replay(&workspace, &[]);
    assert_eq!(refused.code, Some(78), "{refused:#?}");
    assert!(
        refused.stderr.contains("source `orders` held back cannot be read again"),
        "{refused:#?}"
    );
    assert!(refused.stderr.contains("wasmill quarantine export"), "{refused:#?}");
    ok(quarantine(&workspace, &["export", "--to", "held"]));
    let raw = std::fs::read_to_string(workspace.path("held/orders.raw")).unwrap();
    assert!(raw.contains("two"), "{raw}");
}

/// Rules on both columns: orders 6 to 12 are over the limit, and 8 to 12 have no name.
fn two_rules(workspace: &Workspace, limit: i64) {
    let rows: String =
        (1..=12).map(|id| format!("{id},{id},{}\n", if id < 8 { "a" } else { "" })).collect();
    workspace.write("orders.csv", format!("id,net,name\n{rows}"));
    workspace.pipeline(&format!(
        "{ORDERS}[validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\nconfig = {{ rules = [\
         {{ name = \"limit\", column = \"net\", max = {limit} }},\
         {{ name = \"named\", column = \"name\", not_null = true }}] }}\n{APPEND}"
    ));
}

#[test]
fn rows_are_chosen_by_rule_and_time() {
    let workspace = Workspace::new();
    two_rules(&workspace, 5);
    run_as(&workspace, "first");
    let list = ok(quarantine(&workspace, &["list", "--output", "json"])).events();
    let of = |rule: &str| list.iter().find(|line| line["rule"] == rule).unwrap()["rows"].clone();
    assert_eq!((of("limit"), of("named")), (json!(7), json!(5)));
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 0, 7]);

    let count = |arguments: &[&str]| {
        let arguments = [arguments, &["--output", "json", "--limit", "100"]].concat();
        ok(quarantine(&workspace, &[&["show"], &arguments[..]].concat())).events().len()
    };
    assert_eq!(count(&["--rule", "named"]), 5);
    assert_eq!(count(&["--rule", "named", "--rule", "limit"]), 7);
    assert_eq!(count(&["--since", "1h"]), 7);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(count(&["--all", "--pipeline", "test", "--step", "rules"]), 7);
    assert_eq!(count(&["--all", "--step", "orders"]), 0);

    // All that violate the rule; 8 to 12 have no name still.
    two_rules(&workspace, 100);
    let none = ok(replay(&workspace, &["--until", "1h"]));
    assert_eq!(none.stdout, "", "{none:#?}");
    let dry = ok(replay(&workspace, &["--since", "1h", "--rule", "named", "--dry-run"]));
    assert!(dry.stdout.contains("5 rows would be put through"), "{dry:#?}");
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5]);
    replayed(&workspace, &["--since", "1h", "--rule", "named"]);
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5]);
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 5, 0, 2]);
    // Of both runs: 6 and 7 of the first, and those that were held back again.
    let both = ok(replay(&workspace, &["--all", "--dry-run", "--output", "json"])).events();
    let rows: Vec<&Value> = both.iter().map(|line| &line["steps"]["rules"]).collect();
    assert_eq!(rows, [&json!(2), &json!(5)], "{both:#?}");
    let all = ok(replay(&workspace, &["--all", "--output", "json"]));
    let ended = all.events().iter().filter(|event| event["event"] == "run.finished").count();
    assert_eq!(ended, 2, "{all:#?}");
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5, 6, 7]);
    assert_balanced(&workspace);
}

#[test]
fn rows_are_purged_by_rule_and_those_that_stay_are_still_the_same() {
    let workspace = Workspace::new();
    two_rules(&workspace, 5);
    run_as(&workspace, "first");
    let files = workspace.files(".wasmill/quarantine");
    // Nothing happens by accident.
    let told = ok(quarantine(&workspace, &["purge", "--rule", "named"]));
    assert!(told.stdout.contains("5 rows would be removed"), "{told:#?}");
    assert!(told.stdout.contains("nothing was removed: --yes removes it"), "{told:#?}");
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 0, 7]);

    // A process that dies before it comes to the files has removed the rows all the same.
    let arguments = ["quarantine", "purge", "--rule", "named", "--yes"];
    let died = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", "mid-sweep")]);
    assert_eq!(died.code, None, "{died:#?}");
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 5, 2]);
    assert_eq!(workspace.files(".wasmill/quarantine"), files);
    let shown = ok(quarantine(&workspace, &["show", "--output", "json"])).events();
    assert_eq!(shown.len(), 2, "{shown:#?}");
    let again = ok(workspace.wasmill(&arguments));
    assert!(again.stdout.contains("there is nothing to remove"), "{again:#?}");
    assert!(workspace.files(".wasmill/quarantine").len() < files.len());
    let text: String = workspace
        .files(".wasmill/quarantine")
        .iter()
        .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned())
        .collect();
    assert!(!text.contains("purging"), "nothing is left beside the files");
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 0, 5, 2]);

    // The rows that are left are those that they were.
    let shown = ok(quarantine(&workspace, &["show", "--output", "json"])).events();
    let mut left: Vec<i64> = shown.iter().map(|row| row["row"]["id"].as_i64().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, [6, 7]);
    two_rules(&workspace, 6);
    replayed(&workspace, &["first", "--run-id", "again"]);
    assert_eq!(ids(&workspace), [1, 2, 3, 4, 5, 6]);
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 2, 5, 0]);
    assert_eq!(fates_of_rules(&workspace, "again"), [1, 0, 0, 1]);

    // Everything, those that were put through too: they still count as that.
    let purged = ok(quarantine(&workspace, &["purge", "--all", "--yes"]));
    assert!(purged.stdout.contains("2 of them were put through before"), "{purged:#?}");
    assert!(workspace.files(".wasmill/quarantine").is_empty());
    assert_eq!(fates_of_rules(&workspace, "first"), [7, 2, 5, 0]);
    assert_eq!(fates_of_rules(&workspace, "again"), [1, 0, 1, 0]);
    let again = ok(quarantine(&workspace, &["purge", "--all", "--yes"]));
    assert_eq!(again.stdout, "there is nothing to remove\n");
    let nothing = ok(replay(&workspace, &["again"]));
    assert!(nothing.stdout.contains("1 are purged"), "{nothing:#?}");
    assert_balanced(&workspace);
}

/// The first rows of a file are removed: those after them keep their index.
#[test]
fn a_row_keeps_its_index_when_rows_before_it_are_removed() {
    let workspace = Workspace::new();
    workspace.write("orders.csv", "id,net\n1,\n2,20\n3,\n4,40\n");
    let pipeline = |max: i64| {
        workspace.pipeline(&format!(
            "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\ntypes = {{ id = \"int64\", net = \"int64\" }}\n\
             [validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\nconfig = {{ rules = [\
             {{ name = \"limit\", column = \"net\", max = {max} }},\
             {{ name = \"there\", column = \"net\", not_null = true }}] }}\n{APPEND}"
        ));
    };
    let shown = || -> Vec<(i64, i64)> {
        let rows = ok(quarantine(&workspace, &["show", "first", "--output", "json"])).events();
        rows.iter()
            .map(|row| (row["index"].as_i64().unwrap(), row["row"]["id"].as_i64().unwrap()))
            .collect()
    };
    pipeline(5);
    run_as(&workspace, "first");
    assert_eq!(shown(), [(0, 1), (1, 2), (2, 3), (3, 4)]);
    ok(quarantine(&workspace, &["purge", "--rule", "there", "--yes"]));
    assert_eq!(shown(), [(1, 2), (3, 4)]);
    pipeline(30);
    replayed(&workspace, &["first", "--run-id", "again"]);
    assert_eq!(ids(&workspace), [2]);
    let again = ok(quarantine(&workspace, &["show", "again", "--output", "json"])).events();
    assert_eq!((again.len(), &again[0]["row"]["id"]), (1, &json!(4)));
    // The position of a row of a replay is its index among those that were held back.
    assert_eq!(again[0]["position"], 3);
}

#[test]
fn exported_rows_can_be_read_back() {
    let workspace = workspace();
    pipeline(&workspace, 5, APPEND);
    run_as(&workspace, "first");
    for format in ["jsonl", "csv", "parquet", "arrow"] {
        let folder = format!("held-{format}");
        let arguments = ["export", "--to", &folder, "--format", format, "--output", "json"];
        let written = ok(quarantine(&workspace, &arguments)).events();
        assert_eq!((written.len(), &written[0]["rows"]), (1, &json!(7)), "{written:#?}");
        // What is there is not written over.
        let again = quarantine(&workspace, &arguments);
        assert_eq!(again.code, Some(74), "{again:#?}");
        let back = Workspace::new();
        let path = workspace.path(&format!("{folder}/rules.{format}"));
        back.pipeline(&format!(
            "[sources.held]\ntype = \"{format}\"\npath = {path:?}\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"held\"]\npath = \"out\"\n"
        ));
        back.run();
        let text = back.published("out");
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.remove(0), "id,net,_run,_split,_position,_rules", "{format}");
        lines.sort_unstable();
        assert!(lines[0].starts_with("10,10,first,orders-0000"), "{format}: {lines:?}");
        assert!(lines.iter().all(|line| line.ends_with(",limit")), "{format}: {lines:?}");
        assert_eq!(ids(&back), [6, 7, 8, 9, 10, 11, 12], "{format}");
    }
    // Rows that were put through are in the sinks.
    pipeline(&workspace, 10, APPEND);
    replayed(&workspace, &[]);
    let none = ok(quarantine(&workspace, &["export", "first", "--to", "none"]));
    assert!(none.stdout.contains("there are no such rows left"), "{none:#?}");
    ok(quarantine(&workspace, &["export", "--all", "--to", "left"]));
    let left = std::fs::read_to_string(workspace.path("left/rules.jsonl")).unwrap();
    assert_eq!(left.lines().count(), 2, "{left}");
}

#[test]
fn files_that_somebody_removed_are_told_of() {
    let workspace = workspace();
    pipeline(&workspace, 5, APPEND);
    run_as(&workspace, "first");
    let files = workspace.files(".wasmill/quarantine");
    std::fs::remove_file(&files[0]).unwrap();
    let list = ok(quarantine(&workspace, &["list", "--output", "json"])).events();
    let steps = list.iter().find(|line| line.get("rule").is_none()).unwrap();
    let [rows, left, lost] = ["rows", "left", "lost"].map(|key| steps[key].as_u64().unwrap());
    assert_eq!(rows, 7);
    assert!(lost > 0 && left + lost == 7, "{steps:#}");
    let text = ok(quarantine(&workspace, &["list"])).stdout;
    assert!(text.contains("lost rows were in files that somebody has removed"), "{text}");
    pipeline(&workspace, 100, APPEND);
    replayed(&workspace, &[]);
    assert_eq!(ids(&workspace).len() as u64, 5 + left);
}
