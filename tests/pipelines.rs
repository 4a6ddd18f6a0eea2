//! Pipelines from end to end: gates, rows that fault, formats, queries, fan-out, notifiers that fail.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use serde_json::Value;
use wasmill_tests::object_store::ObjectStore;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace, step};

/// Runs a pipeline and returns how it ended, with the last event.
fn ended(workspace: &Workspace) -> (Outcome, Value) {
    let outcome = workspace.wasmill(&["run", "pipeline.toml", "--output", "json"]);
    let last = outcome.events().pop().expect("a run ends with a line");
    (outcome, last)
}

#[test]
fn a_gate_that_refuses_publishes_nothing() {
    let workspace = workspace();
    let validator = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
                     config = { rules = [{ column = \"gross\", between = [0, 5] }] }\n\
                     gate = { max_quarantined = \"10%\" }\n";
    let sink = SINK.replace("gross", "rules");
    workspace.pipeline(&[SOURCE, GROSS, validator, &sink].concat());
    let (outcome, last) = ended(&workspace);
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    assert_eq!(last["status"], "refused");
    assert!(last["problem"]["message"].as_str().unwrap().contains("`rules` rejected 2 of 3 rows"));
    assert_eq!(workspace.published("out"), "");
    let list = workspace.wasmill(&["quarantine", "list", "--output", "json"]);
    assert_eq!(list.events()[0]["rows"], 2, "{list:#?}");
    // What was held back stays to be looked at.
    let show = workspace.wasmill(&["quarantine", "show", "--output", "json"]).events();
    assert_eq!(show[0]["row"]["gross"], 6.0);
    assert_eq!(show[0]["position"], 1);
    // Without the limit, the rows that pass are published.
    workspace.pipeline(&[SOURCE, GROSS, &validator.replace("10%", "90%"), &sink].concat());
    workspace.run();
    assert_eq!(workspace.published("out"), "id,name,net,gross\n1,a,2.0,3.0\n");
}

#[test]
fn a_row_that_makes_a_plugin_trap_costs_one_row() {
    let workspace = workspace();
    let rows: String = (0..1_000).map(|row| format!("{row},text\n")).collect();
    workspace.write("numbers.csv", format!("value,text\n{rows}"));
    let source = "[sources.numbers]\ntype = \"csv\"\npath = \"numbers.csv\"\ntypes = { value = \"int64\" }\n";
    let step_of = |policy: &str| {
        format!(
            "[transforms.gross]\nplugin = \"hostile\"\ninputs = [\"numbers\"]\n\
             config = {{ attack = \"poison\" }}\non_fault = \"{policy}\"\n"
        )
    };
    workspace.pipeline(&[source, &step_of("quarantine"), SINK].concat());
    let events = workspace.run();
    let counts = step(&events, "gross");
    assert_eq!((&counts["rows_in"], &counts["rows_out"]), (&1_000.into(), &999.into()));
    assert_eq!(counts["quarantined"], 1);
    let show = workspace.wasmill(&["quarantine", "show", "--output", "json"]).events();
    assert_eq!(show[0]["row"]["value"], 13);
    let reason = &show[0]["reasons"][0];
    assert_eq!(reason["rule"], "trap");
    assert!(reason["message"].as_str().unwrap().contains("`process` trapped"), "{reason}");
    // The run fails where the file says so.
    std::fs::remove_dir_all(workspace.path("out")).unwrap();
    workspace.pipeline(&[source, &step_of("fail"), SINK].concat());
    let (outcome, last) = ended(&workspace);
    assert_eq!((outcome.code, &last["status"]), (Some(70), &"failed".into()), "{outcome:#?}");
    assert!(last["problem"]["message"].as_str().unwrap().contains("step `gross`"), "{last:#}");
    assert!(workspace.files("out").is_empty());
}

#[test]
fn rows_survive_every_format() {
    let workspace = Workspace::new();
    workspace.write(
        "in.jsonl",
        "{\"id\":1,\"name\":\"ä, \\\"b\\\"\",\"price\":1.5,\"day\":\"2025-02-28\"}\n\
         {\"id\":2,\"name\":null,\"price\":null,\"day\":null}\n",
    );
    workspace.pipeline(
        "[sources.in]\ntype = \"jsonl\"\npath = \"in.jsonl\"\n\
         types = { id = \"int64\", name = \"utf8\", price = \"float64\", day = \"date\" }\n\
         [sinks.parquet]\ntype = \"parquet\"\ninputs = [\"in\"]\npath = \"parquet\"\n\
         [sinks.csv]\ntype = \"csv\"\ninputs = [\"in\"]\npath = \"csv\"\n\
         [sinks.sqlite]\ntype = \"sqlite\"\ninputs = [\"in\"]\npath = \"db\"\ntable = \"t\"\nmode = \"merge\"\nkey = [\"id\"]\n",
    );
    // A merge can be repeated; files are added.
    workspace.run();
    let types = "types = { id = \"int64\", price = \"float64\", day = \"date\" }\n";
    let second: String = [
        ("parquet", "path = \"parquet/*.parquet\"\n".to_owned()),
        ("csv", format!("path = \"csv/*.csv\"\n{types}")),
        ("sqlite", format!("path = \"db\"\ntable = \"t\"\n{types}")),
    ]
    .iter()
    .map(|(format, keys)| {
        format!(
            "[sources.{format}]\ntype = \"{format}\"\n{keys}\
             [sinks.from_{format}]\ntype = \"jsonl\"\ninputs = [\"{format}\"]\npath = \"from-{format}\"\n"
        )
    })
    .collect();
    workspace.pipeline(&second);
    workspace.run();
    let expected =
        "{\"id\":1,\"name\":\"ä, \\\"b\\\"\",\"price\":1.5,\"day\":\"2025-02-28\"}\n{\"id\":2}\n";
    for format in ["parquet", "csv", "sqlite"] {
        let found = workspace.published(&format!("from-{format}"));
        let without_nulls: String = found
            .lines()
            .map(|line| {
                let mut row: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
                row.retain(|_, value| !value.is_null());
                format!("{}\n", Value::Object(row))
            })
            .collect();
        assert_eq!(without_nulls, expected, "{format}");
    }
}

#[test]
fn a_step_that_several_read_is_computed_once() {
    let workspace = workspace();
    let more = "[transforms.total]\ntype = \"sql\"\ninputs = [\"gross\"]\n\
                query = \"select count(*) as orders, sum(gross) as revenue from gross\"\n\
                [transforms.large]\ntype = \"sql\"\ninputs = [\"gross\"]\n\
                query = \"select id from gross where gross > 5\"\n\
                [sinks.total_out]\ntype = \"csv\"\ninputs = [\"total\"]\npath = \"total\"\n\
                [sinks.large_out]\ntype = \"csv\"\ninputs = [\"large\"]\npath = \"large\"\n";
    workspace.pipeline(&[SOURCE, GROSS, SINK, more].concat());
    let events = workspace.run();
    assert_eq!(step(&events, "orders")["rows_in"], 3);
    assert_eq!(step(&events, "gross")["rows_in"], 3);
    assert_eq!(workspace.published("total"), "orders,revenue\n3,18.0\n");
    assert_eq!(workspace.published("large"), "id\n2\n3\n");
}

#[test]
fn two_runs_give_the_same_rows() {
    let outputs = [0, 1].map(|_| {
        let workspace = Workspace::new();
        workspace.pipeline(
            "[sources.orders]\nplugin = \"generator\"\nconfig = { rows = 20000, splits = 3, dirt = { null = 0.1 } }\n\
             [transforms.best]\ntype = \"sql\"\ninputs = [\"orders\"]\n\
             query = \"select country, count(*) as orders, min(email) as first from orders group by country\"\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"best\"]\npath = \"out\"\n",
        );
        workspace.run();
        workspace.published("out")
    });
    assert!(outputs[0].lines().count() > 2, "{}", outputs[0]);
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn files_are_found_by_pattern_and_decompressed() {
    let workspace = Workspace::new();
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    workspace.write("in/a.csv", "id\n1\n");
    workspace.write("in/b.csv.gz", gzip("id\n2\n"));
    workspace.write("in/c.csv.zst", zstd::encode_all(&b"id\n3\n"[..], 3).unwrap());
    workspace.write("in/d.jsonl.gz", gzip("{\"id\": 4}\n"));
    let column: ArrayRef = Arc::new(Int64Array::from(vec![5, 6]));
    let batch = RecordBatch::try_from_iter([("id", column)]).unwrap();
    let file = File::create(workspace.path("in/e.arrow")).unwrap();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(file, batch.schema_ref()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    workspace.pipeline(
        "[sources.csv]\ntype = \"csv\"\npath = \"in/*.csv*\"\ntypes = { id = \"int64\" }\n\
         [sources.jsonl]\ntype = \"jsonl\"\npath = [\"in/*.jsonl.gz\"]\n\
         [sources.arrow]\ntype = \"arrow\"\npath = \"in/e.arrow\"\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"csv\", \"jsonl\", \"arrow\"]\npath = \"out\"\n",
    );
    workspace.run();
    let text = workspace.published("out");
    let mut ids: Vec<&str> = text.lines().filter(|line| *line != "id").collect();
    ids.sort_unstable();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "6"]);
}

/// A query is streamed over one input where it can be. With an ORDER BY around it, it cannot: both ways give
/// the same rows.
#[test]
fn streamed_queries_give_what_whole_ones_give() {
    let workspace = Workspace::new();
    for part in 0..3 {
        let rows = (0..50).map(|row| format!("{},{},c{}\n", part * 50 + row, row % 7, row % 5));
        workspace.write(&format!("l/{part}.csv"), format!("id,n,k\n{}", rows.collect::<String>()));
    }
    workspace.write("r.csv", "k,label,low\nc1,one,1\nc3,three,2\nc3,trois,3\nc9,nine,0\n");
    let sources = "[sources.l]\ntype = \"csv\"\npath = \"l/*.csv\"\ntypes = { id = \"int64\", n = \"int64\" }\n\
                   [sources.r]\ntype = \"csv\"\npath = \"r.csv\"\ntypes = { low = \"int64\" }\n";
    let queries = [
        "select id * 2 as id, upper(k) as k from l where n > 2",
        "select l.id, r.label from l join r on l.k = r.k",
        "select l.id, r.label from l left join r on l.k = r.k",
        "select l.id, r.label from r right join l on l.k = r.k and l.n > r.low",
        "select l.id, l.k from l left semi join r on l.k = r.k",
        "select l.id, l.k from l left anti join r on l.k = r.k",
        "select l.id, r.label from l, r where l.n = r.low",
        "select a.id, b.label from (select id, k from l where n < 5) a left join (select distinct k, label from r) b on a.k = b.k",
    ];
    let mut sections = sources.to_owned();
    for (index, query) in queries.iter().enumerate() {
        let ordered = format!("select * from ({query}) ordered order by 1, 2");
        for (name, query) in [("streamed", *query), ("whole", ordered.as_str())] {
            sections.push_str(&format!(
                "[transforms.{name}{index}]\ntype = \"sql\"\ninputs = [\"l\", \"r\"]\nquery = {query:?}\n\
                 [sinks.{name}_out{index}]\ntype = \"csv\"\ninputs = [\"{name}{index}\"]\npath = \"{name}-{index}\"\n"
            ));
        }
    }
    workspace.pipeline(&sections);
    workspace.run();
    for (index, query) in queries.iter().enumerate() {
        let sorted = |name: &str| {
            let text = workspace.published(&format!("{name}-{index}"));
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            // Each file begins with the names of the columns.
            lines.dedup_by(|next, line| next == line && line.starts_with(char::is_alphabetic));
            lines
        };
        assert!(sorted("whole").len() > 10, "{query}");
        assert_eq!(sorted("streamed"), sorted("whole"), "{query}");
        // The streamed one is computed split by split, as the three files of its output show.
        assert_eq!(workspace.files(&format!("streamed-{index}")).len(), 3, "{query}");
        assert_eq!(workspace.files(&format!("whole-{index}")).len(), 1, "{query}");
    }
}

#[test]
fn a_notifier_that_fails_never_fails_a_run() {
    let workspace = workspace();
    // Nobody listens on the discard port.
    let notifier = "[connections.ops]\nurl = \"http://127.0.0.1:9/\"\n\
                    [notifiers.ops]\nplugin = \"webhook\"\non = [\"run.succeeded\"]\ngrants = { http = [\"ops\"] }\n\
                    config = { connection = \"ops\", secret = \"sixteen bytes and more\" }\n";
    workspace.pipeline(&[SOURCE, GROSS, SINK, notifier].concat());
    let events = workspace.run();
    let notified = events.iter().find(|event| event["event"] == "notified").expect("an event");
    assert!(notified["error"].as_str().unwrap().contains("Connection refused"), "{notified:#}");
    assert_eq!(events.last().unwrap()["status"], "succeeded");
    // It waits in the outbox, with the reason.
    let shown = workspace.wasmill(&["runs", "show", "--output", "json"]);
    let outbox = &shown.events()[0]["outbox"][0];
    assert_eq!((&outbox["notifier"], &outbox["delivered_ms"]), (&"ops".into(), &Value::Null));
}

#[test]
fn a_plugin_that_fails_on_every_row_fails_the_run() {
    let workspace = workspace();
    let rows: String = (0..5_000).map(|row| format!("{row},text\n")).collect();
    workspace.write("numbers.csv", format!("value,text\n{rows}"));
    let step = "[transforms.gross]\nplugin = \"hostile\"\ninputs = [\"numbers\"]\nconfig = { attack = \"trap\" }\n";
    let source = "[sources.numbers]\ntype = \"csv\"\npath = \"numbers.csv\"\ntypes = { value = \"int64\" }\n";
    workspace.pipeline(&[source, step, SINK].concat());
    let (outcome, last) = ended(&workspace);
    assert_eq!((outcome.code, &last["status"]), (Some(70), &"failed".into()), "{outcome:#?}");
    assert!(workspace.files("out").is_empty());
}

#[test]
fn rows_that_violate_are_dealt_with_as_the_file_says() {
    for (policy, code, out, quarantined, dropped, warned) in [
        ("quarantine", 0, 1, 2, 0, 0),
        ("drop", 0, 1, 0, 2, 0),
        ("warn", 0, 3, 0, 0, 2),
        ("fail", 65, 0, 0, 0, 0),
    ] {
        let workspace = workspace();
        let validator = format!(
            "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"gross\"]\n\
             config = {{ rules = [{{ column = \"gross\", between = [0, 5] }}] }}\non_violation = \"{policy}\"\n"
        );
        workspace.pipeline(&[SOURCE, GROSS, &validator, &SINK.replace("gross", "rules")].concat());
        let (outcome, last) = ended(&workspace);
        assert_eq!(outcome.code, Some(code), "{policy}: {outcome:#?}");
        if policy == "fail" {
            let message = last["problem"]["message"].as_str().unwrap();
            assert!(message.contains("step `rules`") && message.contains("row 1"), "{message}");
            assert!(workspace.files("out").is_empty());
            assert!(workspace.files(".wasmill/quarantine").is_empty());
            continue;
        }
        let events = outcome.events();
        let counts = step(&events, "rules");
        let found = ["rows_out", "quarantined", "dropped"].map(|key| counts[key].as_u64().unwrap());
        assert_eq!(found, [out, quarantined, dropped], "{policy}");
        let warnings = last["warned"].as_array().unwrap();
        let rows = warnings.first().map_or(0, |rule| rule["rows"].as_u64().unwrap());
        assert_eq!(rows, warned, "{policy}");
    }
}

#[test]
fn integers_that_sqlite_cannot_hold_are_held_back() {
    let workspace = workspace();
    workspace.pipeline(&format!(
        "{SOURCE}[transforms.big]\ntype = \"sql\"\ninputs = [\"orders\"]\n\
         query = \"select id, case when id > 1 then arrow_cast('18446744073709551613', 'UInt64') \
                  else arrow_cast(id, 'UInt64') end as big from orders\"\n\
         [sinks.out]\ntype = \"sqlite\"\ninputs = [\"big\"]\npath = \"out.db\"\ntable = \"t\"\nmode = \"append\"\n"
    ));
    let events = workspace.run();
    let counts = step(&events, "out");
    assert_eq!((&counts["rows_out"], &counts["quarantined"]), (&1.into(), &2.into()), "{counts:#}");
    let shown = workspace.wasmill(&["quarantine", "show", "--output", "json"]).events();
    assert_eq!(shown[0]["reasons"][0]["rule"], "out-of-range");
    assert_eq!(shown[0]["row"]["id"], 2);
}

#[test]
fn queries_spill_to_disk_beyond_their_memory() {
    let workspace = Workspace::new();
    let pipeline = |memory: &str| {
        workspace.pipeline(&format!(
            "memory = \"{memory}\"\n\
             [sources.orders]\nplugin = \"generator\"\nconfig = {{ rows = 200000, splits = 4 }}\n\
             [transforms.sorted]\ntype = \"sql\"\ninputs = [\"orders\"]\n\
             query = \"select email, name, order_id from orders order by email, order_id\"\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"sorted\"]\npath = \"out\"\nmode = \"replace\"\n"
        ));
        workspace.run();
        workspace.published("out")
    };
    let roomy = pipeline("1GiB");
    assert_eq!(roomy.lines().count(), 200_001);
    assert_eq!(pipeline("8MiB"), roomy);
    assert!(workspace.files(".wasmill/runs").is_empty(), "nothing is left of what was spilt");
}

/// A pipeline into the store, by way of the loader `keeper`.
fn into_store(workspace: &Workspace, store: &ObjectStore, gate: &str) {
    workspace.pipeline(&format!(
        "{SOURCE}[connections.target]\nurl = \"{}\"\n\
         [validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\n\
         config = {{ rules = [{{ column = \"net\", max = 5 }}] }}\ngate = {{ max_quarantined = {gate} }}\n\
         [sinks.store]\nplugin = \"keeper\"\ninputs = [\"rules\"]\n\
         config = {{ store = \"target\" }}\ngrants = {{ http = [\"target\"] }}\n",
        store.url
    ));
}

#[test]
fn a_split_whose_target_is_away_is_tried_again_and_counts_once() {
    let workspace = workspace();
    let store = ObjectStore::start(1);
    into_store(&workspace, &store, "1");
    let events = workspace.run();
    let retried = events.iter().filter(|event| event["event"] == "split.retried").count();
    assert_eq!(retried, 1, "{events:#?}");
    let counts = step(&events, "store");
    assert_eq!((&counts["rows_in"], &counts["rows_out"]), (&2.into(), &2.into()));
    // The validator held back one row, once, although two attempts saw it.
    assert_eq!(step(&events, "rules")["quarantined"], 1);
    assert_eq!(workspace.files(".wasmill/quarantine").len(), 1, "that of the attempt that counts");
    let objects = store.objects();
    let committed: Vec<&str> = objects
        .iter()
        .filter(|(key, _)| key.starts_with("/committed/"))
        .flat_map(|(_, list)| list.lines())
        .flat_map(|key| objects[key].lines())
        .collect();
    assert_eq!(committed.len(), 2, "{objects:#?}");
}

#[test]
fn a_refused_run_that_is_given_up_leaves_nothing_in_a_loaders_target() {
    let workspace = workspace();
    let store = ObjectStore::start(0);
    into_store(&workspace, &store, "0");
    let (outcome, last) = ended(&workspace);
    assert_eq!((outcome.code, &last["status"]), (Some(65), &"refused".into()), "{outcome:#?}");
    assert_eq!(step(&outcome.events(), "store")["rows_out"], 2, "they were staged");
    assert!(store.objects().keys().all(|key| !key.starts_with("/committed/")));
    let run = last["run"].as_str().unwrap();
    let abort = workspace.wasmill(&["abort", "pipeline.toml", "--run-id", run]);
    assert_eq!(abort.code, Some(0), "{abort:#?}");
    assert!(store.objects().is_empty(), "{:#?}", store.objects());
}
