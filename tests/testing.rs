//! `wasmill test` and `wasmill dev`, as the author of a plugin uses them: cases that pass and fail, differences, rewriting, recording, random
//! rows, and a change that is seen when a file is saved.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use wasmill_tests::receiver::Receiver;
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace, wasmill_program};

const CASES: &str = r#"# Prices.
[defaults]
config = { net = "net", rate = 0.5 }
schema = { id = "int64", net = "float64" }

[[case]]
name = "a price with tax"
rows = [{ id = 1, net = 2.0 }, { id = 2 }]
expect.rows = [{ id = 1, net = 2.0, gross = 3.0 }, { id = 2 }]

[[case]]
name = "a price that is expected to be another one"
rows = [{ id = 1, net = 2.0 }]
expect.rows = [{ id = 1, net = 2.0, gross = 2.5 }] # why not
"#;

fn plugin(name: &str) -> String {
    root().join("dist/plugins").join(format!("{name}.wasm")).display().to_string()
}

/// Runs the cases of the folder for a plugin that was built.
fn test(workspace: &Workspace, name: &str, arguments: &[&str]) -> Outcome {
    let plugin = plugin(name);
    workspace.wasmill(&[&["test", "--plugin", &plugin], arguments].concat())
}

#[test]
fn what_fails_is_shown_and_can_be_made_what_is_expected() {
    let workspace = Workspace::new();
    let file = workspace.write("tests/gross.toml", CASES);
    let failed = test(&workspace, "gross", &["--junit", "results.xml"]);
    assert_eq!(failed.code, Some(65), "{failed:#?}");
    let shown = "  FAILED  a price that is expected to be another one  (line 11)
          rows: 1 of 1 rows differ
              row  id  net  gross
            -   0  1   2.0  2.5
            +   0  1   2.0  3.0
                            ^^^^^
";
    assert!(failed.stdout.contains(shown), "{}", failed.stdout);
    assert!(failed.stdout.contains("1 passed, 1 failed"), "{}", failed.stdout);
    let junit = std::fs::read_to_string(workspace.path("results.xml")).unwrap();
    assert!(junit.contains("tests=\"2\" failures=\"1\""), "{junit}");

    let part = test(&workspace, "gross", &["--case", "with tax", "--output", "json"]);
    assert_eq!(part.code, Some(0), "{part:#?}");
    let events = part.events();
    assert_eq!(
        (&events[0]["case"], &events[0]["status"]),
        (&"a price with tax".into(), &"ok".into())
    );
    assert_eq!(events[1]["passed"], 1);

    let updated = test(&workspace, "gross", &["--update"]);
    assert_eq!(updated.code, Some(0), "{updated:#?}");
    let expected = CASES.replace("gross = 2.5 }] # why not", "gross = 3.0 }] # why not");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), expected);
    assert_eq!(test(&workspace, "gross", &[]).code, Some(0));
}

#[test]
fn budgets_of_fuel_and_limits_hold() {
    let workspace = Workspace::new();
    let case = |more: &str| {
        format!(
            "[[case]]\nname = \"x\"\nconfig = {{ net = \"net\", rate = 0.5 }}\nschema = {{ net = \"float64\" }}\nrows = [{{ net = 1.0 }}]\n{more}\n"
        )
    };
    for (more, what) in [
        ("expect.max_fuel_per_row = 10", "fuel: "),
        ("limits = { fuel_per_call = 10, fuel_per_row = 1 }", "used up its fuel"),
    ] {
        workspace.write("tests/gross.toml", case(more));
        let outcome = test(&workspace, "gross", &[]);
        assert_eq!(outcome.code, Some(65), "{outcome:#?}");
        assert!(outcome.stdout.contains(what), "{}", outcome.stdout);
    }
    workspace.write("tests/gross.toml", case("expect.max_fuel_per_row = 10_000_000"));
    assert_eq!(test(&workspace, "gross", &[]).code, Some(0));
}

#[test]
fn random_rows_find_what_nobody_thought_of_and_keep_the_smallest() {
    let workspace = Workspace::new();
    let case = "[[case]]\nname = \"a domain\"\nconfig = { mistake = \"unwrap\" }\nschema = { id = \"int64\", email = \"utf8\" }\n\
                rows = [{ id = 1, email = \"a@b\" }]\nexpect.rows = [{ id = 1, email = \"a@b\", domain = \"b\" }]\n";
    workspace.write("tests/faulty.toml", case);
    assert_eq!(test(&workspace, "faulty", &[]).code, Some(0));
    let broken = test(&workspace, "faulty", &["--fuzz", "60"]);
    assert_eq!(broken.code, Some(65), "{broken:#?}");
    assert!(broken.stdout.contains("1 of "), "{}", broken.stdout);
    // Either there is no address, or there is no `@` in it.
    let is_smallest = ["            {}\n", "            {\"email\":\"\"}\n"]
        .iter()
        .any(|row| broken.stdout.contains(row));
    assert!(is_smallest, "{}", broken.stdout);
    // What was found is a case from now on.
    let again = test(&workspace, "faulty", &[]);
    assert_eq!(again.code, Some(65), "{again:#?}");
    assert!(again.stdout.contains("rows that break it: trap"), "{}", again.stdout);
}

#[test]
fn exchanges_are_recorded_without_secrets_and_played_back() {
    let workspace = Workspace::new();
    let receiver = Receiver::new();
    workspace.write("token", "a-very-secret-token");
    let url = &receiver.url;
    let connections = format!(
        "[connections.ops]\nurl = \"{url}\"\nallow_private = true\nheaders = {{ authorization = {{ file = \"token\" }} }}\n"
    );
    workspace.write("connections.toml", connections);
    let case = "[[case]]\nname = \"delivered\"\nconfig = { connection = \"ops\", secret = \"0123456789abcdef\" }\n\
                events = [{ kind = \"run.failed\" }]\nhttp = \"recorded/delivered.toml\"\n";
    workspace.write("tests/webhook.toml", case);
    let missing = test(&workspace, "webhook", &[]);
    assert_eq!(missing.code, Some(65), "{missing:#?}");
    assert!(missing.stdout.contains("`--record` would make it"), "{}", missing.stdout);

    let recorded = test(&workspace, "webhook", &["--record", "--connections", "connections.toml"]);
    assert_eq!(recorded.code, Some(0), "{recorded:#?}");
    assert_eq!(receiver.deliveries().len(), 1);
    drop(receiver);
    let text = std::fs::read_to_string(workspace.path("tests/recorded/delivered.toml")).unwrap();
    assert!(
        text.contains("x-wasmill-signature") && !text.contains("a-very-secret-token"),
        "{text}"
    );
    assert_eq!(test(&workspace, "webhook", &[]).code, Some(0));

    workspace.write("tests/webhook.toml", case.replace("run.failed", "run.succeeded"));
    let differs = test(&workspace, "webhook", &[]);
    assert_eq!(differs.code, Some(65), "{differs:#?}");
    assert!(differs.stdout.contains("http: POST / through `ops`"), "{}", differs.stdout);
}

#[test]
fn mistakes_are_named_with_the_place_and_the_exit_code() {
    let workspace = Workspace::new();
    let nothing = workspace.wasmill(&["test"]);
    assert_eq!(nothing.code, Some(66), "{nothing:#?}");
    assert!(nothing.stderr.contains("no file is named"), "{}", nothing.stderr);
    workspace.write("tests/a.toml", "[[case]]\nname = \"x\"\nrowz = []\n");
    let wrong = test(&workspace, "gross", &[]);
    assert_eq!(wrong.code, Some(78), "{wrong:#?}");
    assert!(wrong.stderr.contains("tests/a.toml:3:1"), "{}", wrong.stderr);
    workspace.write("tests/a.toml", "[[case]]\nname = \"x\"\n");
    assert_eq!(workspace.wasmill(&["test"]).code, Some(66), "no project");
    assert_eq!(test(&workspace, "gross", &["--case", "y"]).code, Some(66));
}

/// The plugin takes it, but a pipeline asks the schema first.
#[test]
fn a_config_that_a_pipeline_would_refuse_fails_the_case() {
    let workspace = Workspace::new();
    let case = |depth: u32| {
        format!(
            "[[case]]\nname = \"x\"\nschema = {{ a = \"utf8\" }}\n\
             config = {{ column = \"a\", depth = {depth}, columns = [{{ path = \"b\" }}] }}\n"
        )
    };
    workspace.write("tests/a.toml", case(64));
    let passed = test(&workspace, "flatten", &[]);
    assert_eq!(passed.code, Some(0), "{passed:#?}");
    workspace.write("tests/a.toml", case(200));
    let failed = test(&workspace, "flatten", &[]);
    assert_eq!(failed.code, Some(65), "{failed:#?}");
    let shown = "config: the plugin's own schema refuses it: `depth`: 200 is greater than";
    assert!(failed.stdout.contains(shown), "{}", failed.stdout);
}

const SCRIPT: &str = r#"# /// script
# [tool.wasmill]
# kind = "transformer"
# version = "0.1.0"
# summary = "Adds a gross price"
# ///
from wasmill import Transformer


class Gross(Transformer):
    def bind(self, plan):
        self.net = plan.read("net", float)
        self.gross = plan.write("gross", float)

    def process(self, batch, out):
        out[self.gross] = batch[self.net] * 1.5
"#;

#[test]
fn a_file_that_is_saved_is_built_tested_and_compared() {
    let workspace = Workspace::new();
    workspace.write("gross.py", SCRIPT);
    workspace.write("in.csv", "id,net\n1,10\n2,20\n");
    let pipeline = "[pipeline]\nname = \"t\"\n[sources.rows]\ntype = \"csv\"\npath = \"in.csv\"\ntypes = { net = \"float64\" }\n\
                    [transforms.gross]\nplugin = \"dist/gross.wasm\"\ninputs = [\"rows\"]\n\
                    [sinks.out]\ntype = \"csv\"\ninputs = [\"gross\"]\npath = \"out\"\n";
    workspace.write("pipeline.toml", pipeline);
    let case = "[[case]]\nname = \"tax\"\nschema = { net = \"float64\" }\nrows = [{ net = 2.0 }]\nexpect.rows = [{ net = 2.0, gross = 3.0 }]\n";
    workspace.write("tests/gross.toml", case);
    let arguments = ["dev", "pipeline.toml", "--project", "gross.py"];
    let once = workspace.wasmill(&[&arguments[..], &["--once"]].concat());
    assert_eq!(once.code, Some(0), "{once:#?}");

    let mut dev = workspace.command(&arguments);
    let mut dev = dev.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (tell, lines) = mpsc::channel();
    let stdout = BufReader::new(dev.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    let wait_for = |part: &str| {
        let mut seen = Vec::new();
        loop {
            match lines.recv_timeout(Duration::from_secs(120)) {
                Ok(line) if line.contains(part) => return,
                Ok(line) => seen.push(line),
                Err(_) => panic!("{part:?} does not come: {seen:#?}"),
            }
        }
    };
    wait_for("1 passed in");
    wait_for("15.0");
    // What follows the last row is the empty line at the end of a page.
    wait_for("30.0");
    workspace.write("gross.py", SCRIPT.replace("1.5", "2.0"));
    wait_for("0 passed, 1 failed in");
    wait_for("+   0  2.0  4.0");
    wait_for("beside the last good output");
    wait_for("-   0  1   10.0  15.0");
    wait_for("+   0  1   10.0  20.0");
    workspace.write("gross.py", SCRIPT.replace("1.5", "1.5)"));
    wait_for("SyntaxError");
    workspace.write("gross.py", SCRIPT);
    wait_for("1 passed in");
    wait_for("as it was when all was well");
    dev.kill().unwrap();
    dev.wait().unwrap();
    assert!(!workspace.path("out").exists(), "nothing is published");
}

/// By `script`, which every Debian has, there is a terminal.
#[test]
fn a_file_that_is_saved_is_seen_on_a_terminal_too() {
    let workspace = Workspace::new();
    workspace.write("gross.py", SCRIPT);
    let case = "[[case]]\nname = \"tax\"\nschema = { net = \"float64\" }\nrows = [{ net = 2.0 }]\nexpect.rows = [{ net = 2.0, gross = 3.0 }]\n";
    workspace.write("tests/gross.toml", case);
    let program = wasmill_program();
    let dev = format!("stty rows 24 cols 80; exec {} dev --project gross.py", program.display());
    let mut terminal = Command::new("script");
    terminal.args(["--quiet", "--flush", "--return", "--command", &dev, "/dev/null"]);
    terminal
        .current_dir(workspace.path(""))
        .env("TERM", "xterm")
        .env("WASMILL_CACHE", workspace.path("cache"));
    let mut terminal = terminal.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (tell, bytes) = mpsc::channel();
    let mut stdout = terminal.stdout.take().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            if tell.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut seen = Vec::new();
    let mut wait_for = |part: &str| {
        while !String::from_utf8_lossy(&seen).contains(part) {
            match bytes.recv_timeout(Duration::from_secs(120)) {
                Ok(more) => seen.extend(more),
                Err(_) => panic!("{part:?} does not come: {}", String::from_utf8_lossy(&seen)),
            }
        }
        seen.clear();
    };
    wait_for("1 passed in");
    workspace.write("gross.py", SCRIPT.replace("1.5", "1.5)"));
    wait_for("SyntaxError");
    terminal.stdin.take().unwrap().write_all(b"q").unwrap();
    assert!(terminal.wait().unwrap().success());
}

#[test]
fn cases_for_somebody_elses_component_need_no_project() {
    let workspace = Workspace::new();
    workspace.write("tests/clean.toml", "[[case]]\nname = \"trims\"\nconfig = { trim = true }\nschema = { a = \"utf8\" }\nrows = [{ a = \" x \" }]\nexpect.rows = [{ a = \"x\" }]\n");
    let outcome = test(&workspace, "clean", &["--output", "json"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    let finished = outcome.events().pop().unwrap();
    let counts: Vec<&Value> =
        ["passed", "failed", "updated"].iter().map(|key| &finished[*key]).collect();
    assert_eq!(counts, [&Value::from(1), &Value::from(0), &Value::from(0)]);
}
