//! `wasmill outbox`: events that could not be delivered are listed with the reason, and delivered without a run.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;
use wasmill_tests::orders::{GROSS, SINK, SOURCE, workspace};
use wasmill_tests::workspace::{Outcome, Workspace};

/// A pipeline that tells `ops`, who listens on the port, how it ended.
fn pipeline(workspace: &Workspace, port: u16) {
    workspace.pipeline(&[SOURCE, GROSS, SINK, &notifier("ops", port)].concat());
}

fn notifier(name: &str, port: u16) -> String {
    format!(
        "[retries.once]\nattempts = 1\n\
         [connections.hook]\nurl = \"http://127.0.0.1:{port}/\"\n\
         [notifiers.{name}]\nplugin = \"webhook\"\non = [\"run.succeeded\"]\ngrants = {{ http = [\"hook\"] }}\n\
         retry = \"once\"\nconfig = {{ connection = \"hook\", secret = \"sixteen bytes and more\" }}\n"
    )
}

/// A port on which nobody listens.
fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Accepts this many requests, and returns their bodies.
fn receive(listener: TcpListener, count: usize) -> std::thread::JoinHandle<Vec<Value>> {
    let one = move || {
        let (stream, _) = listener.accept().expect("a connection");
        let mut reader = BufReader::new(&stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line of text");
            if line.trim_end().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("the whole body");
        let answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        (&stream).write_all(answer).expect("the client reads");
        serde_json::from_slice(&body).expect("JSON")
    };
    std::thread::spawn(move || (0..count).map(|_| one()).collect())
}

fn listed(workspace: &Workspace, arguments: &[&str]) -> Vec<Value> {
    let outcome = workspace.wasmill(&[&["outbox", "list", "--output", "json"], arguments].concat());
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    outcome.events()
}

fn deliver(workspace: &Workspace) -> Outcome {
    workspace.wasmill(&["outbox", "deliver", "pipeline.toml", "--output", "json"])
}

#[test]
fn what_waits_is_listed_and_delivered_without_a_run() {
    let workspace = workspace();
    pipeline(&workspace, closed_port());
    workspace.run();
    let waiting = listed(&workspace, &[]);
    assert_eq!(waiting.len(), 1, "{waiting:#?}");
    assert_eq!((&waiting[0]["notifier"], &waiting[0]["attempts"]), (&"ops".into(), &1.into()));
    let text = workspace.wasmill(&["outbox", "list"]).stdout;
    assert!(text.contains("run.succeeded") && text.contains("Connection refused"), "{text}");

    // Still nobody there.
    let outcome = deliver(&workspace);
    assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    assert!(outcome.stderr.contains("1 event still not delivered"), "{outcome:#?}");
    let events = outcome.events();
    assert!(events[0]["error"].as_str().unwrap().contains("Connection refused"), "{events:#?}");
    assert_eq!(listed(&workspace, &[])[0]["attempts"], 2);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    pipeline(&workspace, listener.local_addr().unwrap().port());
    let received = receive(listener, 1);
    let outcome = deliver(&workspace);
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert_eq!(received.join().unwrap()[0]["id"], waiting[0]["dedup_key"]);

    assert!(listed(&workspace, &[]).is_empty());
    let all = listed(&workspace, &["--all"]);
    assert_eq!((all.len(), &all[0]["run"]), (1, &waiting[0]["run"]), "{all:#?}");
    assert!(all[0]["delivered_ms"].is_i64(), "{all:#?}");
    assert!(listed(&workspace, &["--all", "--notifier", "nobody"]).is_empty());
    let run = waiting[0]["run"].as_str().unwrap();
    assert_eq!(listed(&workspace, &["--all", "--run", run]).len(), 1);
    // Nothing is delivered twice, and no run was made for it.
    assert_eq!(deliver(&workspace).code, Some(0));
    assert_eq!(workspace.wasmill(&["runs", "list", "--output", "json"]).events().len(), 1);
    let story = workspace.wasmill(&["runs", "show"]).stdout;
    assert!(story.contains("ops told of run.succeeded"), "{story}");
}

#[test]
fn an_event_for_a_notifier_that_is_gone_waits_and_is_named() {
    let workspace = workspace();
    pipeline(&workspace, closed_port());
    workspace.run();
    workspace.pipeline(&[SOURCE, GROSS, SINK].concat());
    let outcome = deliver(&workspace);
    assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    let events = outcome.events();
    let error = events[0]["error"].as_str().unwrap();
    assert_eq!((&events[0]["notifier"], error.contains("no notifier")), (&"ops".into(), true));
    assert_eq!(listed(&workspace, &[])[0]["attempts"], 1, "nobody was there to try");
}

#[test]
fn before_the_first_run_there_is_nothing_to_deliver_from() {
    let workspace = workspace();
    pipeline(&workspace, closed_port());
    let outcome = deliver(&workspace);
    assert_eq!(outcome.code, Some(66), "{outcome:#?}");
    assert!(!workspace.path(".wasmill").exists());
}
