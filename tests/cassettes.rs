//! Batches that make a plugin fail: kept, replayed, shrunk, and tried with other components.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::FileWriter;
use serde_json::{Value, json};
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace};

/// The key of a cassette's metadata, as the documentation tells it.
const METADATA: &str = "wasmill.cassette";

/// Entries with poison at some positions.
fn entries(rows: usize, poison: &[(usize, i64)]) -> Workspace {
    wasmill_tests::entries::entries(rows, &poison.iter().copied().collect())
}

/// The guest `balance` over the entries.
fn balance(sees: &str, settings: &str) -> String {
    format!(
        "{settings}\n[sources.entries]\ntype = \"csv\"\npath = \"entries.csv\"\ntypes = {{ amount = \"int64\" }}\n\
         [transforms.balance]\nplugin = \"balance\"\ninputs = [\"entries\"]\npartitions = 1\n\
         config = {{ sees = \"{sees}\" }}\n\
         limits = {{ fuel_per_call = 20000000, fuel_per_row = 20000, memory = \"8MiB\" }}\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"balance\"]\npath = \"out\"\n"
    )
}

/// The guest `hostile` over some numbers, with an attack.
fn hostile(workspace: &Workspace, attack: &str, more: &str) {
    let rows: String = (0..40).map(|row| format!("{row},text\n")).collect();
    workspace.write("numbers.csv", format!("value,text\n{rows}"));
    workspace.pipeline(&format!(
        "[sources.numbers]\ntype = \"csv\"\npath = \"numbers.csv\"\ntypes = {{ value = \"int64\" }}\n\
         [transforms.hostile]\nplugin = \"hostile\"\ninputs = [\"numbers\"]\nconfig = {{ attack = \"{attack}\" }}\n{more}\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"hostile\"]\npath = \"out\"\n"
    ));
}

/// Kinds of faults, and the amounts that make `balance` fail with them.
const KINDS: [(&str, i64); 4] = [("trap", -1), ("fuel", -2), ("memory", -3), ("failure", -4)];

const RUN: [&str; 6] = ["run", "pipeline.toml", "--cassettes", "failed", "--output", "json"];

/// Runs the pipeline, and returns the events about cassettes.
fn record(workspace: &Workspace) -> Vec<Value> {
    kept(&workspace.wasmill(&RUN))
}

fn kept(outcome: &Outcome) -> Vec<Value> {
    let events = outcome.events().into_iter();
    let kept: Vec<Value> = events.filter(|event| event["event"] == "cassette").collect();
    assert!(!kept.is_empty(), "{outcome:#?}");
    kept
}

fn file(event: &Value) -> &str {
    event["file"].as_str().unwrap()
}

/// Replays a cassette, with more arguments; panics unless the exit code is the expected one.
fn replay(workspace: &Workspace, file: &str, more: &[&str], code: i32) -> Value {
    let arguments = [&["replay", file, "--output", "json"], more].concat();
    let outcome = workspace.wasmill(&arguments);
    assert_eq!(outcome.code, Some(code), "{file}: {outcome:#?}");
    outcome.events().pop().expect("a replay ends with a line")
}

/// The JSON in a cassette, changed by `change`, with the rows as they are.
fn rewrite(path: &Path, change: impl FnOnce(&mut Value)) {
    let (schema, batches) = read(path);
    let mut header: Value = serde_json::from_str(&schema.metadata[METADATA]).unwrap();
    change(&mut header);
    write(path, &schema, &header, &batches);
}

fn read(path: &Path) -> (Schema, Vec<RecordBatch>) {
    let reader = FileReader::try_new(std::fs::File::open(path).unwrap(), None).unwrap();
    let schema = Schema::clone(&reader.schema());
    (schema, reader.map(Result::unwrap).collect())
}

fn write(path: &Path, schema: &Schema, header: &Value, batches: &[RecordBatch]) {
    let mut schema = schema.clone();
    schema.metadata.insert(METADATA.to_owned(), header.to_string());
    let mut writer = FileWriter::try_new(std::fs::File::create(path).unwrap(), &schema).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
}

fn plugin(name: &str) -> PathBuf {
    root().join(format!("dist/plugins/{name}.wasm"))
}

#[test]
fn each_kind_of_fault_is_reproduced_to_the_unit_of_fuel() {
    let poison = [(100, -1), (200, -2), (300, -3), (400, -4)];
    for sees in ["rows", "accounts", "everything"] {
        let workspace = entries(1_000, &poison);
        workspace.pipeline(&balance(sees, "batch_rows = 256"));
        let kept = record(&workspace);
        let mut kinds: Vec<&str> =
            kept.iter().map(|event| event["kind"].as_str().unwrap()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["failure", "fuel", "memory", "trap"], "{sees}");
        // All that it takes is in the folder.
        let elsewhere = Workspace::new();
        for path in workspace.files("failed") {
            let name = path.file_name().unwrap().to_str().unwrap();
            elsewhere.write(name, std::fs::read(&path).unwrap());
        }
        for event in &kept {
            let name = file(event).rsplit('/').next().unwrap();
            let report = replay(&elsewhere, name, &[], 0);
            let failed = &report["replayed"]["failed"];
            assert_eq!(report["status"], "reproduced", "{report:#}");
            assert_eq!(report["recorded"], report["replayed"]);
            assert_eq!(failed["kind"], event["kind"]);
            assert!(failed["fuel"].as_u64().unwrap() > 1_000, "{failed}");
            // Where all calls before are made once more, it is just as in the run. Where they are not, an instance that had
            // worked before may have used other fuel.
            let is_as_seen = report["seen"]["fuel"] == failed["fuel"];
            assert!(is_as_seen || sees == "rows", "{report:#}");
            let before = report["calls_before"].as_u64().unwrap();
            assert_eq!(before > 0, sees != "rows" && event["kind"] != "trap", "{sees}: {report:#}");
            // Among the rows that fail by themselves is the one of this kind.
            let shown = report["shown"].as_array().unwrap();
            let amount = KINDS.iter().find(|(kind, _)| event["kind"] == *kind).unwrap().1;
            let row = shown.iter().find(|row| row["values"]["amount"] == amount).unwrap();
            assert!(row["blamed"].is_string());
            let position = row["position"].as_u64().unwrap() as usize;
            assert!(sees != "rows" || poison.contains(&(position, amount)), "{row}");
        }
    }
}

#[test]
fn two_replays_say_the_same_to_the_byte() {
    let workspace = entries(300, &[(17, -1)]);
    workspace.pipeline(&balance("accounts", ""));
    let kept = record(&workspace);
    let replay = || workspace.wasmill(&["replay", file(&kept[0]), "--output", "json"]).stdout;
    assert_eq!(replay(), replay());
}

#[test]
fn lies_exits_and_ends_are_reproduced() {
    for (attack, kind, export) in [
        ("abort", "trap", "process"),
        ("exit", "trap", "process"),
        ("bad-utf8", "contract", "process"),
        ("huge-output", "output-bytes", "process"),
        ("recurse", "stack", "process"),
        ("finish-attached", "contract", "finish"),
    ] {
        let workspace = Workspace::new();
        hostile(&workspace, attack, "limits = { output_bytes = \"1MiB\" }");
        let kept = record(&workspace);
        let report = replay(&workspace, file(&kept[0]), &[], 0);
        let failed = &report["replayed"]["failed"];
        assert_eq!(
            (&failed["kind"], &failed["export"]),
            (&kind.into(), &export.into()),
            "{attack}"
        );
        assert_eq!(report["recorded"], report["replayed"], "{attack}");
        // Rows that were not found to fail by themselves are not blamed.
        let shown = report["shown"].as_array().unwrap();
        assert_eq!(shown.len(), if export == "finish" { 0 } else { 5 }, "{attack}");
        assert!(shown.iter().all(|row| row["blamed"].is_null()));
    }
}

#[test]
fn an_instance_that_cannot_be_opened_is_reproduced() {
    let workspace = Workspace::new();
    hostile(&workspace, "trap\", export = \"open", "");
    let kept = record(&workspace);
    let report = replay(&workspace, file(&kept[0]), &[], 0);
    let failed = &report["replayed"]["failed"];
    assert_eq!((&failed["kind"], &failed["export"]), (&"trap".into(), &"open".into()));
    assert_eq!((&report["rows"], &report["shown"]), (&0.into(), &json!([])));
    let report = replay(&workspace, file(&kept[0]), &["--shrink"], 78);
    assert!(report["problem"]["message"].as_str().unwrap().contains("before any row"));
}

#[test]
fn a_validator_is_reproduced() {
    let workspace = Workspace::new();
    let domain = "a".repeat(60);
    let rows: String = (0..8_000).map(|row| format!("{row}@{domain}.com\n")).collect();
    workspace.write("in.csv", format!("email\n{rows}"));
    workspace.pipeline(
        "[sources.in]\ntype = \"csv\"\npath = \"in.csv\"\n\
         [validators.rules]\nplugin = \"expectations\"\ninputs = [\"in\"]\n\
         config = { rules = [{ column = \"email\", regex = '^[0-9]+@a+[.]com$' }] }\n\
         limits = { fuel_per_call = 2000000, fuel_per_row = 1 }\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"rules\"]\npath = \"out\"\n",
    );
    let kept = record(&workspace);
    let report = replay(&workspace, file(&kept[0]), &[], 0);
    assert_eq!(report["kind"], "validator");
    assert_eq!(report["replayed"]["failed"]["export"], "check");
    assert_eq!(report["replayed"]["failed"]["kind"], "fuel");
}

/// Outputs of calls that passed are compared too, by what they hold.
#[test]
fn another_output_before_the_fault_is_told() {
    let workspace = entries(600, &[(599, -1)]);
    workspace.pipeline(&balance("everything", "batch_rows = 256"));
    let kept = record(&workspace);
    let path = workspace.path(file(&kept[0]));
    rewrite(&path, |header| header["outcome"]["passed"][1]["output"] = json!("sha256:00"));
    let report = replay(&workspace, file(&kept[0]), &[], 70);
    assert_eq!(report["status"], "different");
    let differences = report["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1);
    assert!(differences[0].as_str().unwrap().starts_with("output of call 2: sha256:"));
}

#[test]
fn another_limit_is_told() {
    let workspace = entries(300, &[(17, -2)]);
    workspace.pipeline(&balance("rows", ""));
    let kept = record(&workspace);
    rewrite(&workspace.path(file(&kept[0])), |header| {
        header["limits"]["fuel_per_call"] = json!(30_000_000);
    });
    let report = replay(&workspace, file(&kept[0]), &[], 70);
    let differences = report["differences"].to_string();
    assert!(differences.contains("fuel: 36"), "{differences}");
    assert!(differences.contains("message:"), "{differences}");
}

#[test]
fn another_version_is_a_warning() {
    let workspace = entries(300, &[(17, -1)]);
    workspace.pipeline(&balance("rows", ""));
    let kept = record(&workspace);
    assert_eq!(replay(&workspace, file(&kept[0]), &[], 0)["warnings"], json!([]));
    rewrite(&workspace.path(file(&kept[0])), |header| header["wasmtime"] = json!("47.0.0"));
    let warnings = replay(&workspace, file(&kept[0]), &[], 0)["warnings"].to_string();
    assert!(warnings.contains("recorded by wasmtime 47.0.0"), "{warnings}");
}

#[test]
fn shrinking_finds_the_row_and_what_of_it_matters() {
    for sees in ["rows", "accounts", "everything"] {
        let workspace = entries(2_000, &[(1_234, -1)]);
        workspace.pipeline(&balance(sees, "batch_rows = 512"));
        let kept = record(&workspace);
        let shrunk = &replay(&workspace, file(&kept[0]), &["--shrink"], 0)["shrunk"];
        assert_eq!(shrunk["calls"]["after"], 1, "{shrunk:#}");
        assert_eq!(shrunk["rows"]["after"], 1, "{shrunk:#}");
        assert_eq!(shrunk["is_smallest"], true);
        assert!(shrunk["trials"].as_u64().unwrap() < 100, "{shrunk:#}");
        let smallest = file(shrunk);
        assert!(smallest.ends_with(".min.cassette"));
        let report = replay(&workspace, smallest, &[], 0);
        assert_eq!((&report["rows"], &report["calls_before"]), (&1.into(), &0.into()));
        // The account does not matter, the amount does.
        assert_eq!(report["shown"][0]["values"], json!({ "account": null, "amount": -1 }));
        assert!(report["shown"][0]["position"].is_u64());
    }
}

/// A lone row is not enough where a fault takes several together.
#[test]
fn shrinking_keeps_as_many_rows_as_it_takes() {
    let workspace = orders(2_000);
    let kept = record(&workspace);
    let report = replay(&workspace, file(&kept[0]), &["--shrink"], 0);
    assert_eq!(report["replayed"]["failed"]["kind"], "fuel");
    let shrunk = &report["shrunk"];
    let after = shrunk["rows"]["after"].as_u64().unwrap();
    assert!((2..2_000).contains(&after), "{shrunk:#}");
    replay(&workspace, file(shrunk), &[], 0);
}

/// Orders through a plugin in JavaScript that has too little fuel for a batch.
fn orders(rows: usize) -> Workspace {
    let workspace = Workspace::new();
    let orders: String = (0..rows).map(|row| format!("{row},1.5\n")).collect();
    workspace.write("orders.csv", format!("id,net\n{orders}"));
    workspace.pipeline(
        "[sources.orders]\ntype = \"csv\"\npath = \"orders.csv\"\ntypes = { id = \"int64\", net = \"float64\" }\n\
         [transforms.gross]\nplugin = \"gross-js\"\ninputs = [\"orders\"]\nconfig = { net = \"net\", rate = 0.5 }\n\
         limits = { fuel_per_call = 1000000, fuel_per_row = 100 }\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"gross\"]\npath = \"out\"\n",
    );
    workspace
}

#[test]
fn another_component_mends_the_fault_or_does_not() {
    let workspace = orders(2_000);
    let kept = record(&workspace);
    let with = |component: &Path, code| {
        let component = component.to_str().unwrap();
        replay(&workspace, file(&kept[0]), &["--with", component], code)
    };
    // The same in Rust, which takes a hundredth of the fuel.
    let report = with(&plugin("gross"), 0);
    assert_eq!(
        (&report["status"], &report["with"]["verdict"]),
        (&"reproduced".into(), &"mended".into())
    );
    // The same component with an empty custom section at its end, which changes nothing but the digest.
    let mut bytes = std::fs::read(plugin("gross-js")).unwrap();
    bytes.extend([0, 2, 1, b'x']);
    let report = with(&workspace.write("copy.wasm", bytes), 70);
    assert_eq!(report["with"]["verdict"], "same", "{report:#}");
    assert_ne!(report["with"]["component"], report["component"]);
    // One that wants other columns.
    let report = with(&plugin("balance"), 70);
    assert_eq!(report["with"]["verdict"], "other", "{report:#}");
    assert_eq!(report["with"]["outcome"]["failed"]["export"], "bind");
    // One of another kind, and none at all.
    let report = with(&plugin("expectations"), 78);
    let message = report["problem"]["message"].as_str().unwrap();
    assert!(message.contains("cannot take the place"), "{message}");
    with(Path::new("missing.wasm"), 66);
}

#[test]
fn another_configuration_mends_the_fault_or_does_not() {
    let workspace = Workspace::new();
    hostile(&workspace, "poison", "");
    let kept = record(&workspace);
    let with = |attack: &str, code| {
        let config = format!("{{\"attack\": \"{attack}\"}}");
        let report = replay(&workspace, file(&kept[0]), &["--config", &config], code);
        report["with"]["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(with("none", 0), "mended");
    assert_eq!(with("poison", 70), "same");
    assert_eq!(with("recurse", 70), "other");
}

#[test]
fn what_is_no_cassette_is_told_from_what_is_a_broken_one() {
    let workspace = entries(300, &[(17, -1)]);
    workspace.pipeline(&balance("rows", ""));
    let kept = record(&workspace);
    let good = std::fs::read(workspace.path(file(&kept[0]))).unwrap();
    let message = |name: &str, code| {
        let report = replay(&workspace, name, &[], code);
        report["problem"]["message"].as_str().unwrap().to_owned()
    };
    for length in [0, 1, 8, good.len() / 3, good.len() - 1] {
        workspace.write("failed/cut.cassette", &good[..length]);
        let message = message("failed/cut.cassette", 78);
        assert!(message.contains("no cassette, or only a part of one"), "{length}: {message}");
    }
    workspace.write("failed/text.cassette", "column\n1\n");
    assert!(message("failed/text.cassette", 78).contains("no cassette"));
    message("failed/missing.cassette", 66);
    // Whatever byte is not as it was: an error, or the same replay, and never a crash.
    for position in (0..good.len()).step_by(good.len() / 60) {
        let mut bytes = good.clone();
        bytes[position] ^= 0x55;
        workspace.write("failed/bit.cassette", bytes);
        let outcome = workspace.wasmill(&["replay", "failed/bit.cassette", "--output", "json"]);
        assert!(matches!(outcome.code, Some(0 | 66 | 70 | 78)), "byte {position}: {outcome:#?}");
        assert!(outcome.events().len() == 1, "byte {position}: {outcome:#?}");
    }
    let path = workspace.write("failed/later.cassette", &good);
    rewrite(&path, |header| header["format"] = json!(2));
    assert!(message("failed/later.cassette", 78).contains("of format 2"));
    // Rows that are not those that were recorded.
    let (schema, mut batches) = read(&path);
    rewrite(&path, |header| header["format"] = json!(1));
    let header: Value = serde_json::from_str(&read(&path).0.metadata[METADATA]).unwrap();
    batches[0] = arrow::compute::concat_batches(
        &batches[0].schema(),
        [&batches[0].slice(1, batches[0].num_rows() - 1), &batches[0].slice(0, 1)],
    )
    .unwrap();
    write(&path, &schema, &header, &batches);
    assert!(message("failed/later.cassette", 78).contains("was changed or damaged"));
    // A component that is not there, or another one.
    workspace.write("elsewhere/a.cassette", &good);
    assert!(message("elsewhere/a.cassette", 66).contains("cannot read the component"));
    let gross = plugin("gross");
    let report =
        replay(&workspace, "elsewhere/a.cassette", &["--component", gross.to_str().unwrap()], 78);
    assert!(report["problem"]["hint"].as_str().unwrap().contains("--with"));
    let balance = plugin("balance");
    replay(&workspace, "elsewhere/a.cassette", &["--component", balance.to_str().unwrap()], 0);
}

#[test]
fn a_run_keeps_a_bounded_number() {
    let poison: Vec<(usize, i64)> = (0..30).map(|batch| (batch * 10 + 3, -1)).collect();
    let workspace = entries(300, &poison);
    workspace.pipeline(&balance("rows", "batch_rows = 10"));
    let outcome = workspace.wasmill(&RUN);
    assert_eq!(kept(&outcome).len(), 20);
    let missed = outcome.events().into_iter().filter(|event| event["event"] == "cassette.missed");
    let missed: Vec<u64> = missed.map(|event| event["missed"].as_u64().unwrap()).collect();
    assert_eq!(missed, (1..=10).collect::<Vec<_>>());
    // And none without being asked to.
    let outcome = workspace.wasmill(&["run", "pipeline.toml", "--output", "json"]);
    assert!(!outcome.stdout.contains("cassette"), "{outcome:#?}");
}

#[test]
fn a_deadline_is_not_pretended_to_be_exact() {
    let workspace = Workspace::new();
    hostile(
        &workspace,
        "sleep",
        "profile = \"guarded\"\nlimits = { deadline = \"50ms\", search_calls = 4 }\n",
    );
    let kept = record(&workspace);
    assert_eq!(kept[0]["kind"], "deadline");
    let report = replay(&workspace, file(&kept[0]), &[], 0);
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("guarded") && warnings.contains("a matter of the clock"),
        "{warnings}"
    );
    assert_eq!(report["replayed"]["failed"]["kind"], "deadline");
    assert_eq!(report["replayed"]["failed"]["fuel"], 0);
}

/// A server that knows the prices of some articles; its thread ends with the test process.
struct PriceList {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl PriceList {
    /// `status` and, for the article `a13`, what it is not.
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                let lines = BufReader::new(&stream).lines().map(Result::unwrap);
                let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
                counted.fetch_add(1, Ordering::SeqCst);
                // A server that tells what it was told, credentials included.
                let body = if head[0].contains("/prices/a13 ") {
                    head.join(" | ")
                } else {
                    "7".to_owned()
                };
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        });
        Self { url, requests }
    }
}

const TOKEN: &str = "\"of-the-plugin\"-4711";
const KEY: &str = "of-the-connection-0815";

fn priced(url: &str) -> Workspace {
    let workspace = Workspace::new();
    let articles: String = (0..20).map(|row| format!("a{row}\n")).collect();
    workspace.write("articles.csv", format!("article\n{articles}"));
    workspace.pipeline(&format!(
        "[connections.shop]\nurl = \"{url}\"\nheaders = {{ authorization = {{ env = \"KEY\" }} }}\n\
         [sources.articles]\ntype = \"csv\"\npath = \"articles.csv\"\n\
         [transforms.lookup]\nplugin = \"pricing\"\ninputs = [\"articles\"]\n\
         config = {{ connection = \"shop\", token = {{ env = \"TOKEN\" }} }}\ngrants = {{ http = [\"shop\"] }}\n\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"lookup\"]\npath = \"out\"\n"
    ));
    workspace
}

/// What an instance does may depend on what it did before. A cassette says so, and claims nothing else.
#[test]
fn a_fault_of_an_instance_that_has_worked_before_is_called_that() {
    let server = PriceList::start("200 OK");
    let workspace = priced(&server.url);
    workspace.write("articles.csv", "article\nb0\nb1\nb2\nb3\nb4\nb5\n");
    let text = std::fs::read_to_string(workspace.path("pipeline.toml")).unwrap();
    let text = text.replace("\"TOKEN\" } }", "\"TOKEN\" }, patience = 3 }");
    workspace.write("pipeline.toml", text.replace("[connections", "batch_rows = 2\n[connections"));
    let kept = kept(&workspace.wasmill_with(&RUN, &[("TOKEN", TOKEN), ("KEY", KEY)]));
    assert_eq!(kept[0]["kind"], "trap");
    let asked = server.requests.load(Ordering::SeqCst);
    let replay = |more: &[&str]| {
        let arguments = [&["replay", file(&kept[0]), "--output", "json"], more].concat();
        let outcome = workspace.wasmill_with(&arguments, &[("TOKEN", TOKEN)]);
        (outcome.code, outcome.events().pop().unwrap())
    };
    let (code, report) = replay(&[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["seen"]["kind"], "trap");
    assert_eq!(report["replayed"]["failed"], Value::Null);
    assert_eq!(report["replayed"]["passed"].as_array().unwrap().len(), 1);
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("a fresh instance does not fail"), "{warnings}");
    assert_eq!(server.requests.load(Ordering::SeqCst), asked, "nobody was asked");
    let (code, report) = replay(&["--shrink"]);
    assert_eq!(code, Some(78), "{report:#}");
    assert!(report["problem"]["message"].as_str().unwrap().contains("nothing to shrink"));
}

/// A folder that cannot be written costs the cassettes, and nothing else.
#[test]
fn a_run_goes_on_without_cassettes() {
    let workspace = entries(300, &[(17, -1)]);
    workspace.pipeline(&balance("rows", ""));
    workspace.write("failed", "no folder");
    let outcome = workspace.wasmill(&RUN);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let events = outcome.events();
    let missed = events.iter().find(|event| event["event"] == "cassette.missed").unwrap();
    assert!(
        missed["reason"].as_str().unwrap().starts_with("cannot make the folder of"),
        "{missed}"
    );
    assert!(events.iter().all(|event| event["event"] != "cassette"));
}

/// Whether any file below the folder holds the text, as it is or as it stands in JSON.
fn holds(workspace: &Workspace, text: &str) -> bool {
    let json = json!(text).to_string();
    let json = json.trim_matches('"').replace("\\\"", "\\\\\\\"");
    workspace.files("failed").iter().any(|path| {
        let bytes = std::fs::read(path).unwrap();
        [text, &json]
            .iter()
            .any(|text| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    })
}

#[test]
fn answers_over_http_are_replayed_and_secrets_are_nowhere() {
    let server = PriceList::start("200 OK");
    let workspace = priced(&server.url);
    let secrets = [("TOKEN", TOKEN), ("KEY", KEY)];
    let kept = kept(&workspace.wasmill_with(&RUN, &secrets));
    assert_eq!(kept[0]["kind"], "trap");
    let asked = server.requests.load(Ordering::SeqCst);
    // The server did tell them, and the plugin did repeat them in its panic.
    assert!(holds(&workspace, "[secret]") && holds(&workspace, "no price: GET /prices/a13"));
    for secret in [TOKEN, KEY, "of-the-plugin", "of-the-connection"] {
        assert!(!holds(&workspace, secret), "{secret}");
    }
    assert!(holds(&workspace, "TOKEN"), "the reference is kept");

    let replay = |variables: &[(&str, &str)]| {
        let arguments = ["replay", file(&kept[0]), "--output", "json"];
        let outcome = workspace.wasmill_with(&arguments, variables);
        (outcome.code, outcome.events().pop().unwrap())
    };
    let (code, report) = replay(&[("TOKEN", TOKEN)]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["recorded"], report["replayed"]);
    assert_eq!(server.requests.load(Ordering::SeqCst), asked, "nobody was asked");
    // Without the secret nothing can be said; with another one that is as long, the same.
    let (code, report) = replay(&[]);
    assert_eq!(code, Some(78));
    assert!(report["problem"]["message"].as_str().unwrap().contains("`TOKEN` is not set"));
    let (code, report) = replay(&[("TOKEN", "\"on-the-plugin\"-1147")]);
    assert_eq!(code, Some(0), "{report:#}");

    // What is asked for instead of what was recorded is told.
    rewrite(&workspace.path(file(&kept[0])), |header| {
        header["calls"][0]["http"][2]["path"] = json!("/prices/a2?all=yes");
    });
    let (code, report) = replay(&[("TOKEN", TOKEN)]);
    assert_eq!(code, Some(70));
    let differences = report["differences"].to_string();
    assert!(differences.contains("instead of GET /prices/a2?all=yes"), "{differences}");
}

#[test]
fn an_outage_is_replayed_when_it_is_long_over() {
    let server = PriceList::start("503 Service Unavailable");
    let workspace = priced(&server.url);
    let kept = kept(&workspace.wasmill_with(&RUN, &[("TOKEN", TOKEN), ("KEY", KEY)]));
    // Each attempt at the split fails on the same call, which is kept once.
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["kind"], "retryable");
    let arguments = ["replay", file(&kept[0]), "--output", "json"];
    let outcome = workspace.wasmill_with(&arguments, &[("TOKEN", TOKEN)]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let report = outcome.events().pop().unwrap();
    assert_eq!(
        report["replayed"]["failed"]["message"],
        "`process` failed: the server answered 503"
    );
}

#[test]
fn a_person_is_told_what_to_do_and_what_there_is() {
    let workspace = entries(300, &[(17, -1)]);
    workspace.pipeline(&balance("rows", ""));
    let outcome = workspace.wasmill(&["run", "pipeline.toml", "--cassettes", "failed"]);
    let line = outcome.stderr.lines().find(|line| line.contains("wasmill replay")).unwrap();
    let file = line.rsplit(' ').next().unwrap();
    let outcome = workspace.wasmill(&["replay", file, "--shrink"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    for expected in [
        "transformer `balance` of the pipeline `test`",
        "error[trap]: `balance` panicked",
        "cause: `process` trapped",
        "wasmill:plugin/transform@0.1.0#process",
        "the amount is poison",
        "position 17 in the split: {\"account\":\"c\",\"amount\":-1}",
        "reproduced: as recorded, after ",
        "shrunk from 300 rows in 1 call to 1 row in 1 call, 1 value made simpler, in ",
        "wasmill replay failed/",
    ] {
        assert!(outcome.stdout.contains(expected), "{expected}: {outcome:#?}");
    }
    let help = workspace.wasmill(&["replay", "--help"]).stdout;
    assert!(help.contains("70  it did not fail as it was recorded"), "{help}");
    assert!(workspace.wasmill(&["run", "--help"]).stdout.contains("--cassettes"));
}
