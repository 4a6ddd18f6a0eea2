//! `wasi:http` in the real sandbox, by the guest `fetcher`: it is HTTP like that of the contract.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use futures::future::BoxFuture;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::{
    Exchange, HttpError, HttpGrant, HttpRequest, HttpResponse, Outbound,
};
use wasmill_sandbox::capability::log::{LogLine, LogSink};
use wasmill_sandbox::component::LinkError;
use wasmill_sandbox::engine::Sandbox;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::opened::Opened;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};

/// A server that says what it was asked; some paths are answered otherwise.
#[derive(Default)]
struct Server {
    asked: Mutex<Vec<HttpRequest>>,
    under_way: AtomicUsize,
    /// At once.
    most: AtomicUsize,
}

/// The body at `/big`.
const BIG_BYTES: usize = 2 << 20;

impl Outbound for Server {
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            lock(&self.asked).push(request.clone());
            self.most
                .fetch_max(self.under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            let mut headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
            let mut body = format!("{} {connection}{}", request.method, request.path).into_bytes();
            match request.path.split('?').next().unwrap_or_default() {
                "/gone" => return Err(HttpError::Unreachable("nobody is there".to_owned())),
                "/slow" => return Err(HttpError::TimedOut),
                "/large" => return Err(HttpError::TooLarge(1_000)),
                "/odd" => return Err(HttpError::InvalidRequest("it is odd".to_owned())),
                "/never" => std::future::pending().await,
                "/big" => body = vec![b'b'; BIG_BYTES],
                "/headers" => headers.push(("x-long".to_owned(), "l".repeat(64 << 10))),
                _ => {}
            }
            Ok(HttpResponse { status: 200, headers, body })
        })
    }
}

impl Server {
    fn paths(&self) -> Vec<String> {
        lock(&self.asked).iter().map(|request| request.path.clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics with it in hand")
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn line(&self, line: LogLine) {
        lock(&self.0).push(format!("{}: {}", line.context, line.message));
    }
}

fn grants(outbound: Arc<dyn Outbound>) -> Grants {
    Grants { http: HttpGrant::new(["shop".to_owned()], outbound), ..Grants::default() }
}

async fn transformer(environment: Environment) -> Result<Transformer, LinkError> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/plugins/fetcher.wasm");
    let component = std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo xtask test` builds it", path.display())
    });
    let sandbox = Sandbox::new(2).expect("a sandbox");
    let plugin = sandbox.load(component.into()).await.expect("a plugin");
    Transformer::new(&plugin, environment)
}

async fn open(environment: Environment) -> OpenTransformer {
    let transformer = transformer(environment).await.expect("what it imports is granted");
    let binding = transformer.bind(orders(&[]).schema()).await.expect("a binding");
    transformer.open(Arc::new(binding), 7).await.expect("an instance")
}

async fn open_with(server: &Arc<Server>, limits: Limits) -> OpenTransformer {
    let grants = grants(Arc::clone(server) as _);
    open(Environment { grants, limits, ..Environment::default() }).await
}

fn orders(orders: &[&str]) -> RecordBatch {
    let orders: ArrayRef = Arc::new(StringArray::from(orders.to_vec()));
    RecordBatch::try_from_iter([("order", orders)]).expect("one column")
}

/// What the guest answers to each order.
async fn answers(open: &mut OpenTransformer, rows: &[&str]) -> Result<Vec<String>, Fault> {
    let processed = open.process(&orders(rows), 0).await?;
    let answers = processed.outputs[0].batch.column(1).as_string::<i32>();
    Ok(answers.iter().map(|answer| answer.expect("a text").to_owned()).collect())
}

async fn fault(open: &mut OpenTransformer, order: &str) -> Fault {
    answers(open, &[order]).await.expect_err("a fault")
}

#[tokio::test]
async fn the_host_of_a_url_is_a_connection() {
    let server = Arc::new(Server::default());
    let mut open = open_with(&server, Limits::default()).await;
    let text = "t".repeat(100_000);
    let post = format!("POST https://shop/orders {text}");
    let rows = ["GET http://shop/orders?page=2", "GET http://shop", &post];
    let expected = ["GET shop/orders?page=2", "GET shop/", "POST shop/orders"];
    let expected = expected.map(|text| format!("200 content-type=text/plain {text}"));
    assert_eq!(answers(&mut open, &rows).await.unwrap(), expected);
    let request = |method: &str, path: &str, body: &str| HttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: vec![("accept".to_owned(), "text/plain".to_owned())],
        body: body.as_bytes().to_vec(),
    };
    let asked = [
        request("GET", "/orders?page=2", ""),
        request("GET", "/", ""),
        request("POST", "/orders", &text),
    ];
    assert_eq!(*lock(&server.asked), asked);
}

#[tokio::test]
async fn without_a_grant_the_import_is_refused_by_name() {
    let refused = transformer(Environment::default()).await.map(drop).unwrap_err();
    let LinkError::NotGranted(refused) = refused else { panic!("{refused}") };
    assert!(refused.import.starts_with("wasi:http/"), "{refused}");
    assert_eq!(refused.reason, "but no connection is granted to it");
}

#[tokio::test]
async fn what_went_wrong_is_an_error_code() {
    let lines = Arc::new(Lines::default());
    let server = Arc::new(Server::default());
    let grants = grants(Arc::clone(&server) as _);
    let logs = Arc::clone(&lines) as _;
    let mut open = open(Environment { grants, logs, ..Environment::default() }).await;
    let long = |count: usize| "l".repeat(count);
    for (order, expected) in [
        ("GET http://other/", "HttpRequestDenied"),
        ("GET http://shop:80/", "HttpRequestDenied"),
        ("GET http://ada@shop/", "HttpRequestDenied"),
        ("GET http:///orders", "HttpRequestUriInvalid"),
        ("GET ftp://shop/", "HttpProtocolError"),
        ("GET http://shop/gone", "DestinationUnavailable"),
        ("GET http://shop/slow", "HttpResponseTimeout"),
        ("GET http://shop/large", "HttpResponseBodySize(Some(1000))"),
        ("GET http://shop/odd", "InternalError(Some(\"invalid request: it is odd\"))"),
        ("HURRY http://shop/never", "ConnectionReadTimeout"),
        ("GET http://shop/headers", "HttpResponseHeaderSectionSize(Some(65536))"),
        (&format!("GET http://shop/{}", long(16 << 10)), "HttpRequestUriInvalid"),
        (&format!("GET http://{}/", long(257)), "HttpRequestUriInvalid"),
        (&format!("{} http://shop/", long(65)), "HttpRequestMethodInvalid"),
    ] {
        let answer = &answers(&mut open, &[order]).await.unwrap()[0];
        assert!(answer.contains(expected), "{order}: {answer}");
    }
    let asked = ["/gone", "/slow", "/large", "/odd", "/never", "/headers"];
    assert_eq!(server.paths(), asked, "others were not sent");
    // Where the code has no text.
    let lines = lock(&lines.0);
    for line in [
        "wasi:http: connection `other` is not granted",
        "wasi:http: connection `shop`: nobody is there",
    ] {
        assert!(lines.iter().any(|logged| logged == line), "{lines:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_sent_one_after_another_in_their_order() {
    let server = Arc::new(Server::default());
    let mut open = open_with(&server, Limits::default()).await;
    let answers = answers(&mut open, &["TOGETHER http://shop/ 50"]).await.unwrap();
    let numbers = || (0..50).map(|number| format!("/{number}"));
    assert_eq!(server.paths(), numbers().collect::<Vec<_>>());
    assert_eq!(server.most.load(Ordering::SeqCst), 1);
    let expected =
        numbers().rev().map(|path| format!("200 content-type=text/plain GET shop{path}"));
    assert_eq!(answers[0], expected.collect::<Vec<_>>().join(", "));
}

#[tokio::test]
async fn a_body_that_does_not_end_is_stopped() {
    let server = Arc::new(Server::default());
    let limits = Limits { output_bytes: 1 << 20, ..Limits::default() };
    let mut open = open_with(&server, limits).await;
    let answer = &answers(&mut open, &["ENDLESS http://shop/"]).await.unwrap()[0];
    assert!(answer.contains("HttpRequestBodySize(Some(1048576))"), "{answer}");

    let mut open = open_with(&server, Limits { memory: 8 << 20, ..Limits::default() }).await;
    match fault(&mut open, "ENDLESS http://shop/").await {
        Fault::Memory { limit, .. } => assert_eq!(limit, 8 << 20),
        other => panic!("{other}"),
    }
    assert!(server.paths().is_empty());
}

#[tokio::test]
async fn bodies_are_memory_until_they_are_read() {
    let server = Arc::new(Server::default());
    let order = "GET http://shop/big";
    let mut open = open_with(&server, Limits { memory: 20 << 20, ..Limits::default() }).await;
    for _ in 0..20 {
        assert!(answers(&mut open, &[order]).await.unwrap()[0].len() > BIG_BYTES);
    }
    // As many at once.
    let fault = fault(&mut open, "TOGETHER http://shop/big?x= 20").await;
    assert_eq!(fault.kind(), FaultKind::Memory, "{fault}");
}

#[tokio::test]
async fn a_flood_ends_at_the_number_of_handles() {
    let server = Arc::new(Server::default());
    let mut open = open_with(&server, Limits::default()).await;
    let answer = answers(&mut open, &["FLOOD http://shop/never 500"]).await.unwrap();
    assert_eq!(answer, ["500 under way"]);
    // What is behind the first one was given up with the call.
    assert!(lock(&server.asked).len() <= 1);
    let fault = fault(&mut open, "FLOOD http://shop/never 100000").await;
    assert_eq!(fault.kind(), FaultKind::Trap, "{fault}");
}

#[tokio::test]
async fn handles_are_free_again() {
    let server = Arc::new(Server::default());
    let mut open = open_with(&server, Limits::default()).await;
    let rows = ["HURRY http://shop/"; 1_100];
    assert_eq!(answers(&mut open, &rows).await.unwrap().len(), rows.len());
}

/// What is given up waits for its turn nevertheless, and counts as long.
#[tokio::test]
async fn a_queue_is_memory() {
    let server = Arc::new(Server::default());
    let mut open = open_with(&server, Limits { memory: 8 << 20, ..Limits::default() }).await;
    let fault = fault(&mut open, "DROP http://shop/never 100000").await;
    assert_eq!(fault.kind(), FaultKind::Memory, "{fault}");
}

#[tokio::test]
async fn what_a_call_leaves_open_ends_with_it() {
    let server = Arc::new(Server::default());
    let limits = Limits { deadline: Duration::from_millis(300), ..Limits::default() };
    let mut open = open_with(&server, limits).await;
    assert_eq!(answers(&mut open, &["LEAVE http://shop/never"]).await.unwrap(), ["left"]);
    let answer = &answers(&mut open, &["COME BACK"]).await.unwrap()[0];
    assert!(answer.contains("ConnectionTerminated"), "{answer}");
    let fault = fault(&mut open, "GET http://shop/never").await;
    assert_eq!(fault.kind(), FaultKind::Deadline, "{fault}");
}

/// Answers as before, to the same requests in the same order.
struct Recording(Mutex<VecDeque<Exchange>>);

impl Outbound for Recording {
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let next = lock(&self.0).pop_front().expect("no more requests than before");
        assert_eq!((&*next.connection, next.request), (connection, request));
        Box::pin(std::future::ready(next.answer.expect("an answer")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_call_can_be_made_once_more() {
    let rows = [
        "GET http://shop/orders",
        "POST https://shop/orders text",
        "GET http://shop/slow",
        "TOGETHER http://shop/ 20",
    ];
    let Grants { http, .. } = grants(Arc::new(Server::default()));
    let recorded = Grants { http: http.recorded(), ..Grants::default() };
    let mut first = open(Environment { grants: recorded, ..Environment::default() }).await;
    let given = answers(&mut first, &rows).await.unwrap();
    let exchanges = first.exchanges().unwrap();
    assert_eq!(exchanges.len(), 23);
    assert_eq!(exchanges[2].answer, Some(Err(HttpError::TimedOut)));
    let grants = grants(Arc::new(Recording(Mutex::new(exchanges.into()))));
    let mut second = open(Environment { grants, ..Environment::default() }).await;
    assert_eq!(answers(&mut second, &rows).await.unwrap(), given);
}
