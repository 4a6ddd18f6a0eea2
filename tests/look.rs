//! `wasmill sample` and `wasmill graph`: what a step does, seen in some rows, and a pipeline, seen as a whole. Neither leaves a trace.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace};

const CLEAN: &str = "[transforms.clean]\nplugin = \"clean\"\ninputs = [\"orders\"]\n\
    config = { trim = true, drop = [\"note\"], types = { day = { type = \"date\", formats = [\"%d/%m/%Y\"] } } }\n";
const RULES: &str = "[validators.rules]\nplugin = \"expectations\"\ninputs = [\"clean\"]\n\
    gate = { max_quarantined = \"50%\" }\n\
    config = { rules = [{ name = \"few\", column = \"net\", between = [0, 100] }] }\n";
const SUMS: &str = "[transforms.sums]\ntype = \"sql\"\ninputs = [\"rules\"]\n\
    query = \"select day, sum(net) as net from rules group by day order by day\"\n";
const SINKS: &str = "[sinks.rows]\ntype = \"csv\"\ninputs = [\"rules\"]\npath = \"out/rows\"\n\
    [sinks.sums_db]\ntype = \"sqlite\"\ninputs = [\"sums\"]\npath = \"out/sums.db\"\ntable = \"sums\"\nmode = \"replace\"\n";

/// Six orders: of the third the day is none, and of the fifth the price is too high.
fn dirty() -> Workspace {
    let workspace = Workspace::new();
    let rows = "id,name,day,net,note\n1,a,01/02/2026,2,x\n2, b ,02/02/2026,3,x\n3,c,soon,4,x\n\
                4,d,02/02/2026,5,x\n5,e,03/02/2026,500,x\n6, f ,03/02/2026,6,x\n";
    workspace.write("orders.csv", rows);
    let source = "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\n\
                  types = { id = \"int64\", net = \"float64\" }\n";
    workspace.pipeline(&[source, CLEAN, RULES, SUMS, SINKS].concat());
    workspace
}

fn everything(workspace: &Workspace) -> BTreeSet<PathBuf> {
    workspace.files("").into_iter().collect()
}

fn sample(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    workspace.wasmill(&[&["sample", "pipeline.toml"], arguments].concat())
}

/// The events of a sample that succeeds: those of sources, those of steps.
fn sampled(workspace: &Workspace, arguments: &[&str]) -> (Vec<Value>, Vec<Value>) {
    let outcome = sample(workspace, &[&["--output", "json"], arguments].concat());
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let mut events = outcome.events();
    let last = events.pop().unwrap();
    assert_eq!((&last["event"], &last["status"]), (&json!("sample.finished"), &json!("ok")));
    events.into_iter().partition(|event| event["event"] == "sample.source")
}

fn rows_of(step: &Value) -> Vec<Option<u64>> {
    step["shown"].as_array().unwrap().iter().map(|row| row["row"].as_u64()).collect()
}

// ---------------------------------------------------------------- sample

#[test]
fn rows_are_shown_before_and_after_each_step() {
    let workspace = dirty();
    let before = everything(&workspace);
    let (sources, steps) = sampled(&workspace, &[]);
    assert_eq!(everything(&workspace), before, "nothing is published, and nothing is left");
    let source = &sources[0];
    assert_eq!((&source["rows"], &source["is_whole"]), (&json!(6), &json!(true)));
    let names: Vec<&Value> = steps.iter().map(|step| &step["step"]).collect();
    assert_eq!(names, ["clean", "rules", "sums"]);

    let clean = &steps[0];
    // Days are written in another form afterwards.
    assert_eq!(clean["fates"], json!({ "rejected": 1, "changed": 5 }));
    assert_eq!((&clean["rows_in"], &clean["rows_out"]), (&json!(6), &json!(5)));
    assert_eq!(clean["on_rejected"], "quarantine");
    assert_eq!(rows_of(clean), [0, 1, 2, 3, 4, 5].map(Some));
    let fate = |name: &str| {
        let columns = clean["columns"].as_array().unwrap();
        columns.iter().find(|column| column["column"] == name).unwrap()["fate"].clone()
    };
    assert_eq!(["id", "day", "note"].map(fate), ["kept", "retyped", "gone"]);
    let [trimmed, bad] = [1, 2].map(|row| &clean["shown"][row]);
    assert_eq!((&trimmed["fate"], &trimmed["split"]), (&json!("changed"), &json!("orders-00000")));
    assert_eq!(trimmed["before"]["name"], " b ");
    assert_eq!(trimmed["after"][0]["name"], "b");
    assert_eq!(trimmed["after"][0]["day"], "2026-02-02");
    assert!(trimmed["changed"].as_array().unwrap().contains(&json!("name")));
    assert_eq!(bad["fate"], "rejected");
    assert_eq!(bad["reasons"][0]["column"], "day");
    assert_eq!(bad["after"], json!([]));

    let rules = &steps[1];
    assert_eq!(rules["fates"], json!({ "rejected": 1, "same": 4 }));
    assert_eq!(
        rules["rules"],
        json!([{ "rule": "few", "column": "net", "is_warning": false, "rows": 1 }])
    );

    let sums = &steps[2];
    assert_eq!((&sums["kind"], &sums["outcome"]), (&json!("sql"), &json!("apart")));
    assert_eq!(sums["input_rows"][0]["rows"], 4);
    let expected = [("2026-02-01", "2.0"), ("2026-02-02", "8.0"), ("2026-02-03", "6.0")];
    let expected = expected.map(|(day, net)| json!({ "day": day, "net": net }));
    assert_eq!(sums["output_rows"]["shown"], json!(expected));
}

#[test]
fn rows_of_each_kind_come_first() {
    let workspace = dirty();
    let shown = |arguments: &[&str]| {
        let (_, steps) = sampled(&workspace, &[&["--step", "clean"], arguments].concat());
        assert_eq!(steps.len(), 1);
        rows_of(&steps[0])
    };
    // One that changes, and the rejected one.
    assert_eq!(shown(&["-n", "2"]), [Some(0), Some(2)]);
    assert_eq!(shown(&["-n", "2", "--all"]), [Some(0), Some(1)]);
}

#[test]
fn a_person_sees_marks() {
    let workspace = dirty();
    let outcome = sample(&workspace, &["--step", "clean"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let text = &outcome.stdout;
    assert!(!text.contains('\u{1b}'), "no colours into a pipe: {text}");
    for expected in [
        "orders: 6 rows, all that there are",
        "~ name Utf8",
        "- note Utf8",
        "\" b \" → b",
        "rejected: ",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let marked = |mark: &str, row: &str| {
        text.lines().any(|line| line.trim_start().starts_with(mark) && line.contains(row))
    };
    assert!(marked("~", "orders-00000 1 "), "{text}");
    assert!(marked("-", "orders-00000 2 "), "{text}");
    // No line is longer than was asked for, but those of reasons.
    let narrow = workspace
        .wasmill_with(&["sample", "pipeline.toml", "--step", "clean"], &[("COLUMNS", "60")]);
    let long: Vec<&str> = narrow
        .stdout
        .lines()
        .filter(|line| line.starts_with("  ") && line.chars().count() > 60)
        .collect();
    assert!(long.iter().all(|line| line.contains("rejected")), "{long:#?}");
    assert!(narrow.stdout.contains(" more"), "{}", narrow.stdout);
}

#[test]
fn only_the_beginning_of_a_large_source_is_read() {
    let workspace = workspace();
    let mut rows = "id,name,net\n".to_owned();
    for id in 0..2_000_000 {
        rows.push_str(&format!("{id},name-{id},1.5\n"));
    }
    workspace.write("orders.csv", rows);
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    // The plugin is compiled before.
    sampled(&workspace, &["--read", "1"]);
    let started = Instant::now();
    let (sources, steps) = sampled(&workspace, &[]);
    assert_eq!((&sources[0]["rows"], &sources[0]["is_whole"]), (&json!(1_000), &json!(false)));
    assert_eq!(steps[0]["rows_in"], 1_000);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn a_row_that_makes_the_plugin_fail_is_shown() {
    let workspace = Workspace::new();
    workspace.write("orders.csv", "id,email\n1,a@b.c\n2,nobody\n3,d@e.f\n");
    let source = "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\n";
    let faulty = "[transforms.gross]\nplugin = \"faulty\"\ninputs = [\"orders\"]\nconfig = { mistake = \"unwrap\" }\n";
    workspace.pipeline(&[source, faulty, SINK].concat());
    let (_, steps) = sampled(&workspace, &[]);
    assert_eq!(steps[0]["fates"], json!({ "fault": 1, "same": 2 }));
    let row = &steps[0]["shown"][1];
    assert_eq!((&row["fate"], &row["reasons"][0]["rule"]), (&json!("fault"), &json!("trap")));
    assert_eq!(steps[0]["shown"][0]["after"][0]["domain"], "b.c");
}

#[test]
fn secrets_are_taken_out() {
    let workspace = workspace();
    let source = "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\n";
    let pii = "[transforms.gross]\nplugin = \"pii\"\ninputs = [\"orders\"]\n\
               config = { key = { env = \"LOOK_KEY\" }, columns = { name = \"hash\" } }\n";
    workspace.write("orders.csv", "id,name,net\n1,open-sesame-open-sesame,2.0\n");
    workspace.pipeline(&[source, pii, SINK].concat());
    let arguments = ["sample", "pipeline.toml", "--output", "json"];
    let outcome = workspace.wasmill_with(&arguments, &[("LOOK_KEY", "open-sesame-open-sesame")]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert!(!outcome.stdout.contains("open-sesame"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("[secret]"), "{}", outcome.stdout);
}

#[test]
fn a_sample_that_cannot_be_says_why() {
    let workspace = dirty();
    for (step, expected) in
        [("claen", "did you mean `clean`?"), ("orders", "such steps are clean, rules, sums")]
    {
        let outcome = sample(&workspace, &["--step", step]);
        assert_eq!(outcome.code, Some(2), "{outcome:#?}");
        assert!(outcome.stderr.contains(expected), "{outcome:#?}");
    }
    let missing = workspace.wasmill(&["sample", "missing.toml"]);
    assert_eq!(missing.code, Some(66), "{missing:#?}");
    // A step that fails as a whole, and the one behind it.
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write(
        "pipeline.toml",
        text.replace("sum(net) as net", "cast(max(10 / (id - 4)) as bigint) as net"),
    );
    let outcome = sample(&workspace, &["--output", "json"]);
    let events = outcome.events();
    assert_eq!(outcome.code, Some(65), "{outcome:#?}");
    let step = events.iter().find(|event| event["step"] == "sums").unwrap();
    assert_eq!(step["outcome"], "failed", "{step:#}");
    assert_eq!(events.last().unwrap()["status"], "failed");
}

// ---------------------------------------------------------------- graph

fn graph(workspace: &Workspace, output: &str) -> Outcome {
    workspace.wasmill(&["graph", "pipeline.toml", "--output", output])
}

#[test]
fn the_graph_has_every_step_and_its_columns() {
    let workspace = dirty();
    let before = everything(&workspace);
    let outcome = graph(&workspace, "json");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_eq!(everything(&workspace), before, "nothing is made, not even the folders of sinks");
    let graph = outcome.events().pop().unwrap();
    assert_eq!((&graph["status"], &graph["is_checked"]), (&json!("ok"), &json!(true)));
    let kinds: Vec<String> = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            format!("{} {}", node["kind"].as_str().unwrap(), node["name"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "source orders",
        "transform clean",
        "sql sums",
        "validator rules",
        "sink rows",
        "sink sums_db",
    ];
    assert_eq!(kinds, expected);
    let edges: Vec<(String, bool)> = graph["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|edge| {
            let name = |key: &str| edge[key].as_str().unwrap().to_owned();
            (format!("{}>{}", name("from"), name("to")), edge["is_staged"].as_bool().unwrap())
        })
        .collect();
    let staged = |name: &str, is_staged| (name.to_owned(), is_staged);
    let expected = [
        staged("orders>clean", false),
        staged("rules>sums", true),
        staged("clean>rules", false),
        staged("rules>rows", false),
        staged("sums>sums_db", false),
    ];
    assert_eq!(edges, expected);
    let day = json!({ "column": "day", "type": "Date32" });
    assert!(graph["edges"][2]["columns"].as_array().unwrap().contains(&day));
    assert_eq!(graph["nodes"][3]["notes"], json!(["gate: at most 50% rejected"]));
}

#[test]
fn the_text_is_a_drawing() {
    let workspace = dirty();
    let outcome = graph(&workspace, "text");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let text = &outcome.stdout;
    for expected in [
        "│ orders ",
        "│ transform clean ",
        "▼",
        "╎",
        "~ day Utf8 → Date32",
        "- note Utf8",
        "phase 2",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let narrow = workspace.wasmill_with(&["graph", "pipeline.toml"], &[("COLUMNS", "10")]);
    assert!(narrow.stdout.contains("characters wide"), "{}", narrow.stdout);
    assert!(!narrow.stdout.contains('▼'), "{}", narrow.stdout);
}

/// The elements of an XML text as `name attributes`; panics where it is not well-formed.
fn elements(xml: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        check_text(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "elements are nested");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a name");
        assert!(name.chars().all(|char| char.is_ascii_alphabetic()), "{tag}");
        assert!(tag.matches('"').count().is_multiple_of(2) && !tag.contains('<'), "{tag}");
        check_text(tag);
        found.push(tag.trim_end_matches('/').to_owned());
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    check_text(rest);
    assert!(open.is_empty(), "{open:?}");
    found
}

fn check_text(text: &str) {
    for (at, _) in text.match_indices('&') {
        let entities = ["&amp;", "&lt;", "&gt;", "&quot;"];
        assert!(entities.iter().any(|entity| text[at..].starts_with(entity)), "{}", &text[at..]);
    }
    assert!(
        text.chars().all(|char| !char.is_control() || char == '\n' || char == '\t'),
        "{text:?}"
    );
}

#[test]
fn the_svg_is_well_formed_and_whole() {
    let workspace = dirty();
    // Names that mean something in XML, and a control character.
    let rows = "id,name,day,net,note\n1,a,01/02/2026,2,x\n".replace("note", "a<b&\"c\"\u{7}");
    workspace.write("orders.csv", rows.replace("a<b&\"c\"\u{7}", "\"a<b&\"\"c\"\"\u{7}\""));
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("pipeline.toml", text.replace("drop = [\"note\"], ", ""));
    let outcome = graph(&workspace, "svg");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let svg = &outcome.stdout;
    let elements = elements(svg);
    assert!(svg.contains("a&lt;b&amp;&quot;c&quot;"), "{svg}");
    for node in ["orders", "clean", "rules", "sums", "rows", "sums_db"] {
        let attribute = format!("data-node=\"{node}\"");
        assert_eq!(
            elements.iter().filter(|element| element.contains(&attribute)).count(),
            1,
            "{node}"
        );
    }
    for (from, to) in [
        ("orders", "clean"),
        ("clean", "rules"),
        ("rules", "sums"),
        ("rules", "rows"),
        ("sums", "sums_db"),
    ] {
        let attributes = format!("data-from=\"{from}\" data-to=\"{to}\"");
        assert_eq!(
            elements.iter().filter(|element| element.contains(&attributes)).count(),
            1,
            "{from} {to}"
        );
    }
    assert_eq!(elements.iter().filter(|element| element.starts_with("path d=\"M")).count(), 5 + 1);
    assert!(svg.contains("prefers-color-scheme: dark"));
    assert!(!svg.contains("<script") && !svg.contains("href"), "it stands alone");
}

#[test]
fn mermaid_has_every_edge() {
    let workspace = dirty();
    let outcome = graph(&workspace, "mermaid");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let text = &outcome.stdout;
    assert!(text.starts_with("flowchart TD\n"), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.contains("--> ") || line.contains("-->|")).count(),
        4,
        "{text}"
    );
    assert_eq!(text.lines().filter(|line| line.contains("-.->")).count(), 1, "{text}");
}

#[test]
fn what_does_not_check_is_drawn_all_the_same() {
    let workspace = dirty();
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    workspace.write("pipeline.toml", text.replace("inputs = [\"clean\"]", "inputs = [\"claen\"]"));
    let outcome = graph(&workspace, "text");
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    assert!(outcome.stderr.contains("there is no step `claen` to read"), "{outcome:#?}");
    assert!(outcome.stdout.contains("│ validator expectations"), "{outcome:#?}");
    let json = graph(&workspace, "json").events().pop().unwrap();
    assert_eq!((&json["status"], &json["is_checked"]), (&json!("invalid"), &json!(false)));
    assert_eq!(json["edges"].as_array().unwrap().len(), 4);
    // Of a text that is no TOML there is nothing to draw.
    workspace.write("pipeline.toml", "[pipeline");
    let outcome = graph(&workspace, "json");
    assert_eq!(outcome.code, Some(78), "{outcome:#?}");
    assert_eq!(outcome.events().pop().unwrap()["status"], "invalid");
}
