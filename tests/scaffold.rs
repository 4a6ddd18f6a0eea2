//! `wasmill new`, as somebody uses it who has a folder and no checkout of Wasmill: every kind in every language is made, built and
//! loaded, and the pipeline that its README shows passes the check.

use std::fs;

use serde_json::json;
use wasmill_tests::workspace::{Outcome, Workspace};

const KINDS: [&str; 5] = ["extractor", "transformer", "validator", "loader", "notifier"];

#[test]
fn rust_projects_are_made_and_built() {
    all_kinds(&["--lang", "rust"], "rust");
}

#[test]
fn python_projects_are_made_and_built() {
    all_kinds(&["--lang", "python"], "python");
}

#[test]
fn python_scripts_are_made_and_built() {
    all_kinds(&["--lang", "python", "--script"], "python");
}

#[test]
fn javascript_projects_are_made_and_built() {
    all_kinds(&["--lang", "js"], "js");
}

#[test]
fn typescript_projects_are_made_and_built() {
    all_kinds(&["--lang", "ts"], "js");
}

#[test]
fn c_projects_are_made_and_built() {
    all_kinds(&["--lang", "c"], "c");
}

#[test]
fn go_projects_are_made_and_built() {
    all_kinds(&["--lang", "go"], "go");
}

/// Makes a plugin of each kind, with the commands that `wasmill new` says come next.
fn all_kinds(options: &[&str], language: &str) {
    let workspace = Workspace::new();
    // Five plugins in Rust have the same dependencies.
    let target = workspace.path("target").to_string_lossy().into_owned();
    for kind in KINDS {
        let name = format!("my-{kind}");
        let made = ["new", &name, "--in", "plugins", "--kind", kind];
        let outcome = succeeds(workspace.wasmill(&[&made, options].concat()));
        let next: Vec<&str> = outcome.stdout.lines().rev().take(3).map(str::trim).collect();
        let [build, test, folder] = next[..] else { panic!("{outcome:#?}") };
        assert_eq!(folder, format!("cd plugins/{name}"), "{outcome:#?}");
        assert!(test.starts_with("wasmill test"), "{outcome:#?}");
        let mut build: Vec<&str> = build.split(' ').skip(1).collect();
        build.extend(["--output", "json"]);

        let mut command = workspace.command(&build);
        command.current_dir(workspace.path(folder.trim_start_matches("cd ")));
        let output = command.env("CARGO_TARGET_DIR", &target).output().expect("the binary runs");
        let built = succeeds(Outcome::new(&output)).events().pop().expect("a line");
        let expected = json!([name, kind, language, format!("{name}.wasm")]);
        assert_eq!(
            json!([built["name"], built["kind"], built["language"], built["file"]]),
            expected
        );

        let component = format!("plugins/{name}/{name}.wasm");
        let inspect = workspace.wasmill(&["inspect", &component, "--output", "json"]);
        let inspected = succeeds(inspect).events().pop().expect("a line");
        let wants_http = ["extractor", "loader", "notifier"].contains(&kind);
        let grants = if wants_http { json!(["http"]) } else { json!([]) };
        assert_eq!(inspected["grants"], grants, "{name}");

        check_readme(&workspace, &name);
    }
}

/// The pipeline in a README, beside data as it asks for it.
fn check_readme(workspace: &Workspace, name: &str) {
    let folder = format!("plugins/{name}");
    let readme = fs::read_to_string(workspace.path(&format!("{folder}/README.md"))).expect("text");
    let pipeline = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    workspace.write(&format!("{folder}/pipeline.toml"), pipeline.expect("the README has one"));
    workspace.write(&format!("{folder}/prices.csv"), "id,net\n1,8.0\n2,-1.0\n");
    workspace.write(&format!("{folder}/orders.csv"), "id,amount\n1,9.5\n2,12.0\n");
    let mut check = workspace.command(&["check", "pipeline.toml"]);
    let output = check.current_dir(workspace.path(&folder)).output().expect("the binary runs");
    succeeds(Outcome::new(&output));
}

fn succeeds(outcome: Outcome) -> Outcome {
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome
}

#[test]
fn a_made_plugin_does_what_its_readme_says() {
    let workspace = Workspace::new();
    let made = ["new", "gross", "--kind", "transformer", "--lang", "python", "--script"];
    succeeds(workspace.wasmill(&made));
    succeeds(workspace.wasmill(&["build", "gross/gross.py", "--out", "gross/gross.wasm"]));
    check_readme_runs(&workspace);
}

fn check_readme_runs(workspace: &Workspace) {
    let readme = fs::read_to_string(workspace.path("gross/README.md")).expect("text");
    let pipeline = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    workspace.write("gross/pipeline.toml", pipeline.expect("the README has one"));
    workspace.write("gross/prices.csv", "id,net\n1,100.0\n2,-1.0\n");
    succeeds(workspace.wasmill(&["run", "gross/pipeline.toml"]));
    assert_eq!(workspace.published("gross/out"), "id,net,gross\n1,100.0,119.0\n");
}

#[test]
fn what_cannot_be_made_is_refused_and_nothing_stays() {
    let workspace = Workspace::new();
    workspace.write("full/precious.txt", "x");
    let script = ["new", "x", "--kind", "loader", "--lang", "go", "--script"];
    let cases: [(&[&str], &[&str]); 5] = [
        (&["new"], &["without a terminal", "NAME, --kind, --lang"]),
        (&["new", "x", "--lang", "c"], &["missing: --kind", "--help"]),
        (
            &["new", "My_Plugin", "--kind", "loader", "--lang", "c"],
            &["`My_Plugin`", "lower-case letters"],
        ),
        (&["new", "full", "--kind", "loader", "--lang", "c"], &["full", "not empty"]),
        (&script, &["--lang python"]),
    ];
    for (arguments, says) in cases {
        let outcome = workspace.wasmill(arguments);
        assert_eq!(outcome.code, Some(2), "{outcome:#?}");
        for part in says {
            assert!(outcome.stderr.contains(part), "{part:?} is not said: {outcome:#?}");
        }
    }
    assert_eq!(workspace.files("").len(), 1, "{:?}", workspace.files(""));
}
