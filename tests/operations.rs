//! The runbook, `docs/operations.md`, as it is written: each command of it is run, in its order, after what it speaks of has happened.

use std::collections::BTreeMap;
use std::process::Command;

use wasmill_tests::receiver::Receiver;
use wasmill_tests::workspace::{Outcome, Workspace, wasmill_program};

/// Orders of which some are not as they should be, into a table, a log, and to somebody who is told.
fn pipeline(strict: bool, hook: &str) -> String {
    let most = if strict { 100 } else { 1_000 };
    format!(
        "workers = 1\n\
         [connections.ops]\nurl = \"{hook}\"\nallow_private = true\ntimeout = \"1s\"\n\
         [retries.once]\nattempts = 1\n\
         [sources.orders]\ntype = \"csv\"\npath = \"orders/*.csv\"\ntypes = {{ amount = \"int64\" }}\n\
         [validators.rules]\nplugin = \"expectations\"\ninputs = [\"orders\"]\n\
         config = {{ rules = [{{ column = \"amount\", between = [0, {most}] }}] }}\n\
         [sinks.table]\ntype = \"sqlite\"\ninputs = [\"rules\"]\npath = \"shop.db\"\ntable = \"orders\"\nmode = \"merge\"\nkey = [\"id\"]\n\
         [sinks.log]\ntype = \"csv\"\ninputs = [\"rules\"]\npath = \"log\"\nmode = \"append\"\n\
         [notifiers.ops]\nplugin = \"webhook\"\non = [\"run.succeeded\", \"run.failed\"]\nretry = \"once\"\n\
         grants = {{ http = [\"ops\"] }}\nconfig = {{ connection = \"ops\", secret = \"a secret of the tests\" }}\n"
    )
}

/// The commands of all `sh` blocks, each with the heading that it stands under.
fn commands(document: &str) -> Vec<(String, String)> {
    let (mut heading, mut in_block, mut commands) = (String::new(), false, Vec::new());
    for line in document.lines() {
        if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block {
            let command = line.split(" #").next().unwrap_or_default().trim();
            if !command.is_empty() {
                commands.push((heading.clone(), command.to_owned()));
            }
        } else if let Some(text) = line.strip_prefix("## ") {
            heading = text.to_owned();
        }
    }
    commands
}

fn shell(workspace: &Workspace, command: &str) -> Outcome {
    let folder = wasmill_program().parent().expect("a program lies in a folder").to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(workspace.path(".")).env("PATH", path);
    // The tests' cache of compiled plugins.
    for (name, value) in workspace.command(&[]).get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    Outcome::new(&shell.output().expect("a shell"))
}

/// A run that dies at a named point.
fn dies(workspace: &Workspace, run: &str, point: &str) {
    let arguments = ["run", "pipeline.toml", "--run-id", run];
    let outcome = workspace.wasmill_with(&arguments, &[("WASMILL_CRASH_AT", point)]);
    assert_eq!(outcome.code, None, "killed: {outcome:#?}");
}

#[test]
fn every_command_of_the_runbook_does_what_it_is_there_for() {
    let workspace = Workspace::new();
    for file in 0..3 {
        let rows = (0..40).map(|row| {
            let id = file * 40 + row;
            format!("{id},{}\n", if id % 10 == 0 { 500 } else { id % 90 })
        });
        workspace.write(
            &format!("orders/{file}.csv"),
            format!("id,amount\n{}", rows.collect::<String>()),
        );
    }
    // Nobody listens yet.
    let dead = "http://127.0.0.1:9/hooks";
    let receiver = Receiver::new();
    workspace.pipeline(&pipeline(true, dead));
    dies(&workspace, "monday", "after-manifest");

    let document = std::fs::read_to_string(wasmill_tests::root().join("docs/operations.md"));
    let commands = commands(&document.expect("the runbook"));
    assert!(commands.len() >= 20, "{commands:#?}");
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let is_new = |seen: &mut BTreeMap<&str, usize>, word: &'static str| {
        let count = seen.entry(word).or_default();
        *count += 1;
        *count == 1
    };
    for (heading, command) in &commands {
        // What the runbook says has happened.
        for (run, point) in [
            ("tuesday", "before-commit"),
            ("wednesday", "after-manifest#2"),
            ("thursday", "after-commit"),
            ("friday", "commit-begun"),
        ] {
            if command.contains(run) && is_new(&mut seen, run) {
                dies(&workspace, run, point);
            }
        }
        if command.contains("--accept-changes") {
            workspace.pipeline(&pipeline(true, dead).replace("100]", "101]"));
            let refused = shell(&workspace, &command.replace(" --accept-changes", ""));
            assert_eq!(refused.code, Some(78), "{refused:#?}");
            assert!(refused.stderr.contains("validators.rules has changed"), "{refused:#?}");
        }
        if heading == "Rows that were held back" {
            if is_new(&mut seen, "held back") {
                workspace.run();
            }
            if command.contains("quarantine replay") {
                workspace.pipeline(&pipeline(false, dead));
            }
        }
        if command.contains("outbox deliver") {
            workspace.pipeline(&pipeline(false, &receiver.url));
        }
        let outcome = shell(&workspace, command);
        assert_eq!(outcome.code, Some(0), "{heading}: {command}: {outcome:#?}");
        let said = [outcome.stdout.as_str(), outcome.stderr.as_str()].concat();
        let expected: &[&str] = match command.as_str() {
            "wasmill runs list" => &["monday", "running"],
            "wasmill runs show monday" => &["monday", "running"],
            "wasmill run pipeline.toml --resume monday" => &["kept 1 of 3", "succeeded"],
            "wasmill run pipeline.toml --resume thursday" => &["succeeded"],
            "wasmill quarantine list" => &["rules", "12"],
            "wasmill outbox list" => &["run.succeeded"],
            "wasmill commit pipeline.toml --run-id sunday" => &["succeeded"],
            _ => &[],
        };
        for text in expected {
            assert!(said.contains(text), "{command} says {text}: {said}");
        }
        if command.contains("quarantine replay") {
            let listed = workspace.wasmill(&["runs", "list", "--output", "json"]).events();
            assert_eq!(listed[0]["status"], "succeeded", "the replay: {listed:#?}");
        }
    }
    let statuses: BTreeMap<String, String> = workspace
        .wasmill(&["runs", "list", "--limit", "100", "--output", "json"])
        .events()
        .iter()
        .map(|run| {
            let text = |key: &str| run[key].as_str().expect("a text").to_owned();
            (text("id"), text("status"))
        })
        .collect();
    for (run, status) in [
        ("monday", "succeeded"),
        ("tuesday", "aborted"),
        ("wednesday", "succeeded"),
        ("thursday", "succeeded"),
        ("friday", "aborted"),
        ("sunday", "succeeded"),
    ] {
        assert_eq!(statuses.get(run).map(String::as_str), Some(status), "{run}: {statuses:#?}");
    }
    assert!(!receiver.deliveries().is_empty(), "what waited was delivered");
}
