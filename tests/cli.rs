//! The command line, as a user meets it: wrong things give a clear message and the documented exit code;
//! interrupted and killed runs publish nothing.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::root;
use wasmill_tests::workspace::{Outcome, Workspace, is_hidden, step};

/// Checks and runs a wrong pipeline: both say `expected`, with the exit code; nothing is written.
fn refused(workspace: &Workspace, code: i32, expected: &[&str]) {
    for command in ["check", "run"] {
        let outcome = workspace.wasmill(&[command, "pipeline.toml"]);
        assert_eq!(outcome.code, Some(code), "{command}: {outcome:#?}");
        for part in expected {
            assert!(outcome.stderr.contains(part), "{command}: {part:?} in {}", outcome.stderr);
        }
    }
    assert!(workspace.files("out").is_empty());
    assert!(!workspace.path(".wasmill").exists(), "a pipeline that cannot run starts no run");
}

#[test]
fn the_pipeline_of_these_tests_runs() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let events = workspace.run();
    assert_eq!(events.last().unwrap()["status"], "succeeded");
    assert_eq!(
        workspace.published("out"),
        "id,name,net,gross\n1,a,2.0,3.0\n2,b,4.0,6.0\n3,c,6.0,9.0\n"
    );
}

#[test]
fn missing_file() {
    let outcome = Workspace::new().wasmill(&["run", "pipeline.toml"]);
    assert_eq!(outcome.code, Some(66));
    assert!(outcome.stderr.contains("cannot read the pipeline file pipeline.toml"), "{outcome:?}");
}

#[test]
fn syntax_errors_are_all_reported() {
    let workspace = workspace();
    workspace.write("pipeline.toml", "[pipeline]\nname = \n[sources.a]\ntype = [\n");
    refused(&workspace, 78, &["pipeline.toml:2:", "pipeline.toml:4:"]);
}

#[test]
fn misspelt_key() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, &GROSS.replace("inputs", "inptus"), SINK].concat());
    refused(
        &workspace,
        78,
        &["unknown key `inptus`", "did you mean `inputs`?", "pipeline.toml:10:1"],
    );
}

#[test]
fn wrong_type_in_config() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, &GROSS.replace("0.5", "\"half\""), SINK].concat());
    refused(&workspace, 78, &["`rate` must be a number, not a string", "pipeline.toml:11:32"]);
}

#[test]
fn misspelt_value() {
    let workspace = workspace();
    let profile = format!("{GROSS}profile = \"gaurded\"\n");
    workspace.pipeline(&[SOURCE, &profile, SINK].concat());
    refused(&workspace, 78, &["pipeline.toml:12:11", "did you mean `guarded`?"]);
}

#[test]
fn plugin_that_is_no_component() {
    let workspace = workspace();
    workspace.write("text.wasm", "no WebAssembly");
    workspace.write("module.wasm", b"\0asm\x01\0\0\0");
    for (plugin, expected) in [
        ("text.wasm", "text.wasm is no plugin: not a WebAssembly file"),
        ("module.wasm", "a core WebAssembly module, not a component"),
        ("absent.wasm", "there is no plugin file"),
        ("gros", "did you mean `gross`?"),
    ] {
        let transform = GROSS.replace("\"gross\"", &format!("{plugin:?}"));
        workspace.pipeline(&[SOURCE, &transform, SINK].concat());
        refused(&workspace, 78, &[expected, "pipeline.toml:9:10"]);
    }
}

#[test]
fn component_of_another_world() {
    let workspace = workspace();
    let transform = GROSS.replace("\"gross\"", "\"expectations\"");
    workspace.pipeline(&[SOURCE, &transform, SINK].concat());
    let expected = "a transformer is needed here; the component is a validator";
    refused(&workspace, 78, &[expected, "declared under [validators.NAME]"]);
}

#[test]
fn config_that_the_plugin_refuses() {
    let workspace = workspace();
    let clean = "[transforms.gross]\nplugin = \"clean\"\ninputs = [\"orders\"]\n\
                 config = { types = { name = { type = \"date\", formats = [\"%Q\"] } } }\n";
    workspace.pipeline(&[SOURCE, clean, SINK].concat());
    refused(&workspace, 78, &["the plugin refuses the config", "%Q", "pipeline.toml:11:"]);
}

#[test]
fn schema_mismatch_between_steps() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, &GROSS.replace("net = \"net\"", "net = \"name\""), SINK].concat());
    refused(
        &workspace,
        78,
        &["column `name`: is utf8, but float64 is needed", "name (Utf8), net (Float64)"],
    );
    // Two inputs of one step.
    let other = SOURCE.replace("orders]", "other]").replace("float64", "int64");
    let both = GROSS.replace("[\"orders\"]", "[\"orders\", \"other\"]");
    workspace.pipeline(&[SOURCE, &other, &both, SINK].concat());
    refused(
        &workspace,
        78,
        &[
            "`orders` and `other` have different columns",
            "Float64 in `orders` and Int64 in `other`",
        ],
    );
}

#[test]
fn cycle() {
    let workspace = workspace();
    let first = GROSS.replace("\"orders\"", "\"second\"");
    let second =
        GROSS.replace("transforms.gross", "transforms.second").replace("\"orders\"", "\"gross\"");
    workspace.pipeline(&[SOURCE, &first, &second, SINK].concat());
    refused(&workspace, 78, &["these steps read each other in a circle", "gross", "second"]);
}

#[test]
fn unknown_input() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, &GROSS.replace("\"orders\"", "\"order\""), SINK].concat());
    refused(&workspace, 78, &["there is no step `order` to read", "did you mean `orders`?"]);
}

#[test]
fn unwritable_target() {
    let workspace = workspace();
    workspace.write("occupied", "a file where a folder is needed");
    workspace.pipeline(&[SOURCE, GROSS, &SINK.replace("\"out\"", "\"occupied/out\"")].concat());
    refused(&workspace, 78, &["occupied", "pipeline.toml:15:8"]);
}

#[test]
fn ungranted_import() {
    let workspace = workspace();
    let notifier = "[notifiers.ops]\nplugin = \"webhook\"\non = [\"run.failed\"]\n\
                    config = { connection = \"ops\", secret = \"sixteen bytes and more\" }\n";
    workspace.pipeline(&[SOURCE, GROSS, SINK, notifier].concat());
    let expected =
        ["imports wasmill:plugin/http@0.1.0, but no connection is granted", "grants = { http"];
    refused(&workspace, 77, &expected);
}

#[test]
fn missing_source_and_secret() {
    let workspace = workspace();
    let transform = GROSS.replace("\"net\"", "{ env = \"WASMILL_TEST_UNSET\" }");
    let source = SOURCE.replace("orders.csv", "nothing-*.csv");
    workspace.pipeline(&[&source, GROSS, SINK].concat());
    refused(&workspace, 78, &["no file matches", "nothing-*.csv"]);
    workspace.pipeline(&[SOURCE, &transform, SINK].concat());
    refused(&workspace, 78, &["the environment variable `WASMILL_TEST_UNSET` is not set"]);
}

/// JSON Schema quotes the value that does not fit, and plugins may.
#[test]
fn secrets_are_not_shown() {
    let workspace = workspace();
    workspace.write("rate.key", "hunter2-hunter2\n");
    workspace.pipeline(&[SOURCE, &GROSS.replace("0.5", "{ file = \"rate.key\" }"), SINK].concat());
    refused(&workspace, 78, &["`rate` must be a number"]);
    let net = GROSS.replace("\"net\"", "{ file = \"rate.key\" }");
    workspace.pipeline(&[SOURCE, &net, SINK].concat());
    refused(&workspace, 78, &["column `[secret]`: there is no such column"]);
    for command in ["check", "run"] {
        let outcome = workspace.wasmill(&[command, "pipeline.toml", "--output", "json"]);
        assert!(!format!("{outcome:?}").contains("hunter2"), "{outcome:#?}");
    }
}

#[test]
fn ledger_of_another_kind() {
    let workspace = workspace();
    let file = workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replacen("plugins", "ledger = \"mysql://localhost/wasmill\"\nplugins", 1);
    std::fs::write(&file, text).unwrap();
    refused(&workspace, 78, &["`mysql://localhost/wasmill` is no ledger", "pipeline.toml:3:10"]);
}

#[test]
fn all_findings_at_once() {
    let workspace = workspace();
    let sink = SINK.replace("\"csv\"", "\"cvs\"");
    let source = SOURCE.replace("types", "tyeps");
    workspace.pipeline(&[&source, &GROSS.replace("0.5", "\"x\""), &sink, "[sink.more]\n"].concat());
    let expected = [
        "unknown section `sink`",
        "unknown key `tyeps`",
        "unknown type `cvs`",
        "did you mean `csv`?",
        "did you mean `sinks`?",
    ];
    refused(&workspace, 78, &expected);
}

/// A pipeline that takes some seconds, into Parquet and SQLite.
fn long_pipeline(workspace: &Workspace, rows: u64) {
    workspace.pipeline(&format!(
        "[sources.orders]\nplugin = \"generator\"\nconfig = {{ rows = {rows}, splits = 16 }}\n\
         [sinks.out]\ntype = \"parquet\"\ninputs = [\"orders\"]\npath = \"out\"\n\
         [sinks.table]\ntype = \"sqlite\"\ninputs = [\"orders\"]\npath = \"out.db\"\ntable = \"orders\"\nmode = \"append\"\n"
    ));
}

/// Waits until a run has accepted the first split; panics when it ends before.
fn wait_for_first_split(workspace: &Workspace, mut child: Child) -> Child {
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        let show = workspace.wasmill(&["runs", "show", "--output", "json"]);
        if let Some(run) =
            show.stdout.lines().next().map(|line| serde_json::from_str::<Value>(line).unwrap())
            && run["splits"].as_array().unwrap().iter().any(|split| split["accepted"] == true)
        {
            return child;
        }
        if child.try_wait().unwrap().is_some() {
            panic!("the run ended: {:#?}", Outcome::new(&child.wait_with_output().unwrap()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("no split was accepted in time");
}

/// Nothing that a reader could take for output, and nothing staged.
fn assert_nothing_published(workspace: &Workspace) {
    assert!(
        workspace.files("out").iter().all(|file| is_hidden(file)),
        "{:?}",
        workspace.files("out")
    );
}

#[test]
fn an_interrupted_run_publishes_nothing() {
    let workspace = Workspace::new();
    long_pipeline(&workspace, 1_000_000);
    let child = workspace.start(&["run", "pipeline.toml", "--output", "json"]);
    let child = wait_for_first_split(&workspace, child);
    let interrupted =
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let outcome = Outcome::new(&child.wait_with_output().unwrap());
    assert_eq!(outcome.code, Some(130), "{outcome:#?}");
    assert_eq!(outcome.events().last().unwrap()["status"], "interrupted");
    assert_nothing_published(&workspace);
    let runs = workspace.wasmill(&["runs", "list", "--output", "json"]).events();
    assert_eq!(runs[0]["status"], "interrupted");
    // What was accepted is kept, to be gone on with, until the run is given up.
    assert!(!workspace.files("out").is_empty(), "what was accepted is staged");
    let id = runs[0]["id"].as_str().unwrap();
    let abort = workspace.wasmill(&["abort", "pipeline.toml", "--run-id", id]);
    assert_eq!(abort.code, Some(0), "{abort:#?}");
    assert!(workspace.files("out").is_empty(), "what was staged is swept");
    assert!(workspace.files(".wasmill/runs").is_empty(), "scratch is swept");
}

#[test]
fn a_killed_run_publishes_nothing_and_the_next_one_everything() {
    let workspace = Workspace::new();
    long_pipeline(&workspace, 200_000);
    let child = workspace.start(&["run", "pipeline.toml", "--output", "json"]);
    let mut child = wait_for_first_split(&workspace, child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_nothing_published(&workspace);
    let events = workspace.run();
    assert_eq!(step(&events, "out")["rows_out"], 200_000);
    let rows = "[pipeline]\nname = \"count\"\n[sources.a]\ntype = \"parquet\"\npath = \"out/*.parquet\"\n\
                [sources.b]\ntype = \"sqlite\"\npath = \"out.db\"\ntable = \"orders\"\n\
                [transforms.counted]\ntype = \"sql\"\ninputs = [\"a\", \"b\"]\n\
                query = \"select (select count(*) from a) as a, (select count(*) from b) as b\"\n\
                [sinks.count]\ntype = \"jsonl\"\ninputs = [\"counted\"]\npath = \"count\"\n";
    workspace.write("pipeline.toml", rows);
    workspace.run();
    assert_eq!(workspace.published("count"), "{\"a\":200000,\"b\":200000}\n");
}

/// Fuel is neither metered nor limited where only the clock guards, and whoever limits it is told so.
#[test]
fn a_guarded_step_has_no_fuel() {
    let workspace = workspace();
    let guarded = format!("{GROSS}profile = \"guarded\"\n");
    workspace.pipeline(&[SOURCE, &guarded, SINK].concat());
    let events = workspace.run();
    assert_eq!(
        (&step(&events, "gross")["fuel"], &step(&events, "gross")["rows_out"]),
        (&0.into(), &3.into())
    );
    workspace.pipeline(&[SOURCE, &guarded, "limits = { fuel_per_row = 1 }\n", SINK].concat());
    let outcome = workspace.wasmill(&["run", "pipeline.toml"]);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert!(outcome.stderr.contains("`fuel_per_row` has no effect"), "{outcome:#?}");
}

/// What was compiled is kept, and a cache that cannot be used costs time, not the run.
#[test]
fn plugins_are_compiled_once() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let kept = || {
        let files = workspace.files("cache").into_iter();
        files
            .filter(|file| file.extension().is_some_and(|extension| extension == "compiled"))
            .collect::<Vec<_>>()
    };
    let run = |arguments: &[&str]| {
        let outcome = workspace.wasmill(&[&["run", "pipeline.toml"], arguments].concat());
        assert_eq!(outcome.code, Some(0), "{outcome:#?}");
        outcome.stderr
    };
    run(&["--no-cache"]);
    assert!(kept().is_empty());
    run(&["--cache", "cache"]);
    let [entry] = &kept()[..] else { panic!("one entry: {:?}", kept()) };
    let written = std::fs::read(entry).unwrap();
    let inode = || entry.metadata().unwrap().ino();
    let before = inode();
    run(&["--cache", "cache"]);
    assert_eq!(inode(), before, "it is not written again");
    // Somebody tampers with it.
    std::fs::write(entry, &written[1..]).unwrap();
    assert!(run(&["--cache", "cache"]).contains("not written by this cache"));
    assert_eq!(std::fs::read(entry).unwrap(), written);
    std::fs::set_permissions(workspace.path("cache"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    assert!(run(&["--cache", "cache"]).contains("plugins are compiled anew"));
}

#[test]
fn a_component_can_be_inspected() {
    let workspace = Workspace::new();
    let gross = root().join("dist/plugins/gross.wasm").display().to_string();
    let outcome = workspace.wasmill(&["inspect", &gross, "--output", "json"]);
    let shown = &outcome.events()[0];
    assert_eq!((&shown["name"], &shown["kind"]), (&"gross".into(), &"transformer".into()));
    assert_eq!(shown["config_schema"]["properties"]["rate"]["type"], "number");
    assert!(shown["digest"].as_str().unwrap().starts_with("sha256:"));
    assert!(workspace.wasmill(&["inspect", &gross]).stdout.contains("kind     transformer"));
    // What it imports of `wasi:http` is several interfaces, and one grant.
    let fetcher = root().join("dist/plugins/fetcher.wasm").display().to_string();
    assert!(workspace.wasmill(&["inspect", &fetcher]).stdout.contains("grants   http\n"));
    assert_eq!(workspace.wasmill(&["inspect", "absent.wasm"]).code, Some(66));
    workspace.write("text.wasm", "no WebAssembly");
    assert_eq!(workspace.wasmill(&["inspect", "text.wasm"]).code, Some(78));
}

#[test]
fn the_schema_is_json_schema() {
    let outcome = Workspace::new().wasmill(&["schema"]);
    let schema: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert!(schema["properties"]["sources"].is_object());
}

#[test]
fn commands_about_the_past_need_a_past() {
    let workspace = workspace();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let outcome = workspace.wasmill(&["runs", "list"]);
    assert_eq!(outcome.code, Some(66), "{outcome:#?}");
    assert!(outcome.stderr.contains("the first run of a pipeline creates its ledger"));
    workspace.run();
    let shown = workspace.wasmill(&["runs", "show", "no-such-run"]);
    assert_eq!(shown.code, Some(66));
    let shown = workspace.wasmill(&["runs", "show"]);
    assert!(shown.stdout.contains("status    succeeded"), "{shown:#?}");
    assert!(workspace.wasmill(&["quarantine", "list"]).stdout.contains("held back no rows"));
}
