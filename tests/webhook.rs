//! The standard notifier `webhook` in the real sandbox, against an HTTP receiver on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use wasmill_connect::http::{ConnectionConfig, Connections};
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::component::LinkError;
use wasmill_sandbox::contract::failure::Failure;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::notifier::{Event, EventSeverity, Notifier};
use wasmill_tests::{component, sandbox};

const SECRET: &str = "correct horse battery staple";

/// A request as it came over the wire.
#[derive(Debug, PartialEq, Eq)]
struct Received {
    request_line: String,
    /// Names in lower case.
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// An HTTP receiver that gives every request the same answer.
struct Receiver {
    url: String,
    received: mpsc::Receiver<Received>,
}

impl Receiver {
    /// `answer` is the status line, and headers where there are any; `body` follows.
    fn start(answer: &str, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/base", listener.local_addr().expect("a bound address"));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {answer}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let (sender, received) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.expect("a connection");
                // Sent on before it is answered: whoever has the answer finds the request.
                if sender.send(read_request(&stream)).is_err() {
                    return;
                }
                (&stream).write_all(answer.as_bytes()).expect("the client reads");
            }
        });
        Self { url, received }
    }

    /// The request that came in; panics where there is none.
    fn request(&self) -> Received {
        self.received.try_recv().expect("a request")
    }

    fn is_idle(&self) -> bool {
        self.received.try_recv() == Err(mpsc::TryRecvError::Empty)
    }
}

fn read_request(stream: &TcpStream) -> Received {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line of text");
        line.trim_end().to_owned()
    };
    let request_line = line();
    let mut headers = BTreeMap::new();
    loop {
        let header = line();
        let Some((name, value)) = header.split_once(':') else { break };
        let earlier = headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        assert_eq!(earlier, None, "the header `{name}` came twice");
    }
    let length = headers.get("content-length").expect("a content-length");
    let mut body = vec![0; length.parse().expect("a number")];
    reader.read_exact(&mut body).expect("the whole body");
    Received { request_line, headers, body }
}

fn config() -> Value {
    json!({
        "connection": "ops",
        "path": "/hooks/wasmill?team=data",
        "secret": SECRET,
        "headers": { "x-team": "data" },
    })
}

/// A grant of `connection`, with the one connection `ops` behind it.
fn grants(connection: &str, url: &str) -> Grants {
    let mut connections = Connections::default();
    let ops = ConnectionConfig {
        url: url.to_owned(),
        headers: vec![("authorization".to_owned(), "Bearer of-the-operator".to_owned())],
        timeout: Duration::from_secs(5),
        max_response_bytes: 10_000,
        allow_private: true,
    };
    connections.add("ops", &ops).expect("a connection that works");
    Grants {
        http: HttpGrant::new([connection.to_owned()], Arc::new(connections)),
        ..Grants::default()
    }
}

async fn notifier(config: Value, grants: Grants) -> Result<Notifier, LinkError> {
    let sandbox = sandbox(4);
    let plugin = sandbox.load(component("webhook")).await.unwrap();
    let config = Arc::new(config.as_object().expect("a config is an object").clone());
    Notifier::new(&plugin, Environment { config, grants, ..Environment::default() })
}

fn event() -> Event {
    Event {
        kind: "run.failed".to_owned(),
        severity: EventSeverity::Error,
        pipeline: "orders".to_owned(),
        run: "run-17".to_owned(),
        dedup_key: "run-17/run.failed".to_owned(),
        time_ms: 1_767_191_400_250,
        summary: "the step `clean` trapped: “überlauf”".to_owned(),
        details: r#"{ "step": "clean", "rows": 12345678901234567890 }"#.to_owned(),
    }
}

/// The failure with which delivering to `receiver` ends.
async fn failure(url: &str) -> Failure {
    let notifier = notifier(config(), grants("ops", url)).await.unwrap();
    match notifier.notify(&event()).await {
        Err(Fault::Failure { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_event_arrives_signed_and_alike_each_time() {
    let receiver = Receiver::start("204 No Content", "");
    let notifier = notifier(config(), grants("ops", &receiver.url)).await.unwrap();
    assert_eq!(notifier.describe().await.unwrap().name, "webhook");
    notifier.bind().await.unwrap();
    assert!(receiver.is_idle(), "binding notifies nobody");

    notifier.notify(&event()).await.unwrap();
    let request = receiver.request();
    assert!(receiver.is_idle(), "one event, one request");
    assert_eq!(request.request_line, "POST /base/hooks/wasmill?team=data HTTP/1.1");
    for (name, value) in [
        ("content-type", "application/json"),
        ("idempotency-key", "run-17/run.failed"),
        ("x-wasmill-timestamp", "1767191400"),
        ("x-team", "data"),
        // By the host, for the connection.
        ("authorization", "Bearer of-the-operator"),
    ] {
        assert_eq!(request.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "id": "run-17/run.failed",
        "kind": "run.failed",
        "severity": "error",
        "pipeline": "orders",
        "run": "run-17",
        "at": "2025-12-31T14:30:00.250Z",
        "summary": "the step `clean` trapped: “überlauf”",
        "details": { "step": "clean", "rows": 12_345_678_901_234_567_890_u64 },
    });
    assert_eq!(body, expected);

    let signature = request.headers["x-wasmill-signature"].strip_prefix("v1=").expect("scheme v1");
    let signature: Vec<u8> = (0..signature.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&signature[at..at + 2], 16).expect("hexadecimal digits"))
        .collect();
    let mut signed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    signed.update(b"1767191400.");
    signed.update(&request.body);
    signed.verify_slice(&signature).expect("the signature of timestamp and body");

    notifier.notify(&event()).await.unwrap();
    assert_eq!(receiver.request(), request, "a repeat is the same to the byte");
}

#[tokio::test]
async fn an_unavailable_receiver_is_tried_again_when_it_asks_to() {
    let receiver = Receiver::start("503 Service Unavailable\r\nRetry-After: 7", "maintenance");
    let Failure::Retryable { message, after } = failure(&receiver.url).await else {
        panic!("503 is retryable");
    };
    assert_eq!(after, Some(Duration::from_secs(7)));
    assert_eq!(message, "the receiver answered 503: maintenance");
    receiver.request();
    assert!(receiver.is_idle(), "when to try again is for the outbox to decide");
}

#[tokio::test]
async fn a_dead_receiver_is_tried_again() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("a bound address")
    };
    let failure = failure(&format!("http://{address}")).await;
    assert!(matches!(failure, Failure::Retryable { after: None, .. }), "{failure:?}");
}

#[tokio::test]
async fn a_refusal_is_final() {
    let receiver = Receiver::start("404 Not Found", "no such hook");
    let expected = Failure::Fatal("the receiver answered 404: no such hook".to_owned());
    assert_eq!(failure(&receiver.url).await, expected);
}

#[tokio::test]
async fn without_a_grant_the_import_is_refused_by_name() {
    match notifier(config(), Grants::default()).await {
        Err(LinkError::NotGranted(refused)) => {
            assert!(refused.import.starts_with("wasmill:plugin/http@"), "{refused}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the plugin imports http, which was not granted"),
    }
}

#[tokio::test]
async fn a_grant_of_another_connection_does_not_help() {
    let receiver = Receiver::start("204 No Content", "");
    let notifier = notifier(config(), grants("shop", &receiver.url)).await.unwrap();
    let fault = notifier.notify(&event()).await.unwrap_err();
    assert!(fault.to_string().contains("connection `ops` is not granted"), "{fault}");
    assert!(receiver.is_idle());
}

#[tokio::test]
async fn configurations_that_cannot_work_are_refused_before_any_event() {
    let receiver = Receiver::start("204 No Content", "");
    for (key, value, expected) in [
        ("secret", json!("secret"), "config at /secret: has 6 bytes"),
        ("path", json!("hooks"), "config at /path: is `hooks`; begin it with `/`"),
        ("headers", json!({"Cookie": "a=b"}), "config at /headers/Cookie: belongs to the host"),
        ("retries", json!(3), "unknown field `retries`"),
    ] {
        let mut config = config();
        config[key] = value;
        let notifier = notifier(config, grants("ops", &receiver.url)).await.unwrap();
        let fault = notifier.bind().await.unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
    }
    assert!(receiver.is_idle());
}
