//! Limits that hold over more than one call or one instance.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use serde_json::json;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::{
    HttpError, HttpGrant, HttpRequest, HttpResponse, Outbound,
};
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::limits::Limits;
use wasmill_sandbox::transformer::{OpenTransformer, Transformer};
use wasmill_tests::workspace::Workspace;
use wasmill_tests::{component, sandbox};

fn batch() -> RecordBatch {
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..20));
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["text"; 20]));
    RecordBatch::try_from_iter([("value", values), ("text", texts)]).unwrap()
}

async fn transformer(attack: &str, limits: Limits) -> Transformer {
    let plugin = sandbox(8).load(component("hostile")).await.unwrap();
    let config = Arc::new(json!({ "attack": attack }).as_object().unwrap().clone());
    Transformer::new(&plugin, Environment { config, limits, ..Environment::default() }).unwrap()
}

async fn open(transformer: &Transformer) -> OpenTransformer {
    let binding = transformer.bind(batch().schema()).await.unwrap();
    transformer.open(Arc::new(binding), 7).await.unwrap()
}

/// What a plugin returned is held by the host, on the plugin's account.
#[tokio::test]
async fn memory_is_that_of_the_guest_and_what_the_host_holds_for_it() {
    let process = async |memory| {
        let limits = Limits { memory, ..Limits::default() };
        let mut open = open(&transformer("huge-output", limits).await).await;
        let result = open.process(&batch(), 0).await;
        (result.map(drop), open.usage())
    };
    let (passed, usage) = process(256 << 20).await;
    passed.unwrap();
    assert!(usage.bytes_out > 4 << 20, "{usage:?}");
    let (passed, _) = process(usage.peak_memory).await;
    passed.unwrap();
    // Enough for the guest alone, but not for what the host holds beside it.
    let limit = usage.peak_memory - usage.bytes_out / 2;
    let (refused, _) = process(limit).await;
    match refused.unwrap_err() {
        Fault::Memory { export: "process", limit: named, requested } => {
            assert_eq!((named, requested), (limit, usage.peak_memory));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn instances_wait_for_a_place() {
    let limits = Limits { instances: 1, ..Limits::default() };
    let transformer = transformer("trap", limits).await;
    let binding = Arc::new(transformer.bind(batch().schema()).await.unwrap());
    let mut first = transformer.open(Arc::clone(&binding), 7).await.unwrap();
    let second = transformer.open(binding, 7);
    tokio::pin!(second);
    let waited = tokio::time::timeout(Duration::from_millis(50), second.as_mut()).await;
    assert!(waited.is_err(), "there is one place");
    // A trapped instance gives its place back although it is still held.
    first.process(&batch(), 0).await.unwrap_err();
    second.await.unwrap();
}

/// A server that answers with a page of memory too much, and a byte.
struct Generous;

impl Outbound for Generous {
    fn send<'a>(
        &'a self,
        _connection: &'a str,
        _request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>> {
        let body = vec![b'1'; (4 << 20) + 1];
        Box::pin(async { Ok(HttpResponse { status: 200, headers: Vec::new(), body }) })
    }
}

/// The body of a response is in the host before it is in the guest.
#[tokio::test]
async fn memory_is_that_of_responses_too() {
    let plugin = sandbox(8).load(component("pricing")).await.unwrap();
    let config = json!({ "connection": "shop", "token": "none" }).as_object().unwrap().clone();
    let http = HttpGrant::new(["shop".to_owned()], Arc::new(Generous));
    let environment = Environment {
        config: Arc::new(config),
        limits: Limits { memory: 4 << 20, ..Limits::default() },
        grants: Grants { http, ..Grants::default() },
        ..Environment::default()
    };
    let transformer = Transformer::new(&plugin, environment).unwrap();
    let articles: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let input = RecordBatch::try_from_iter([("article", articles)]).unwrap();
    let binding = transformer.bind(input.schema()).await.unwrap();
    let mut open = transformer.open(Arc::new(binding), 7).await.unwrap();
    match open.process(&input, 0).await.unwrap_err() {
        // Memories and tables of guests grow by multiples of eight bytes: the odd byte is the response's.
        Fault::Memory { requested, .. } => assert_eq!(requested % 8, 1),
        other => panic!("{other}"),
    }
}

/// Plugins and queries share `pipeline.memory`; whoever finds it used up is tried again.
#[test]
fn plugins_take_their_memory_from_the_pipelines() {
    let workspace = Workspace::new();
    workspace.write("entries.csv", "account,amount\na,1\nb,-3\n");
    let pipeline = |memory: &str| {
        workspace.pipeline(&format!(
            "memory = \"{memory}\"\n[retries.quick]\nattempts = 2\nbase = \"1ms\"\n\
             [sources.entries]\ntype = \"csv\"\npath = \"entries.csv\"\ntypes = {{ amount = \"int64\" }}\n\
             [transforms.balance]\nplugin = \"balance\"\ninputs = [\"entries\"]\nretry = \"quick\"\n\
             config = {{ sees = \"rows\" }}\nlimits = {{ memory = \"64MiB\" }}\n\
             [sinks.out]\ntype = \"csv\"\ninputs = [\"balance\"]\npath = \"out\"\n"
        ));
        workspace.wasmill(&["run", "pipeline.toml"])
    };
    // The limit of the instance is met first.
    let outcome = pipeline("1GiB");
    assert_eq!(outcome.code, Some(0), "{outcome:#?}");
    assert!(outcome.stdout.contains("1 rows by balance: memory"), "{}", outcome.stdout);
    let outcome = pipeline("32MiB");
    assert_eq!(outcome.code, Some(75), "{outcome:#?}");
    assert!(outcome.stderr.contains("pipeline.memory is used up"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("trying again"), "{}", outcome.stderr);
}

#[test]
fn steps_with_one_instance_do_not_wait_for_each_other() {
    let workspace = Workspace::new();
    for file in 0..6 {
        let rows: String = (0..500).map(|row| format!("a,{row}\n")).collect();
        workspace.write(&format!("entries/{file}.csv"), format!("account,amount\n{rows}"));
    }
    let step = |name: &str, input: &str| {
        format!(
            "[transforms.{name}]\nplugin = \"balance\"\ninputs = [\"{input}\"]\n\
             config = {{ sees = \"rows\" }}\nlimits = {{ instances = 1 }}\n"
        )
    };
    workspace.pipeline(&format!(
        "workers = 4\nbatch_rows = 100\n[sources.entries]\ntype = \"csv\"\npath = \"entries/*.csv\"\n\
         types = {{ amount = \"int64\" }}\n{}{}\
         [sinks.out]\ntype = \"csv\"\ninputs = [\"second\"]\npath = \"out\"\n",
        step("first", "entries"),
        step("second", "first")
    ));
    workspace.run();
    let published = workspace.published("out");
    assert_eq!(published.lines().filter(|line| line.starts_with("a,")).count(), 3_000);
}
