//! The world `loader`, driven through the real sandbox with the guest `keeper`, which keeps rows in a store
//! behind HTTP: rows stay invisible until the commit, a commit can be repeated, an abort leaves nothing, and
//! answers that cannot be right are refused.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use wasmill_sandbox::Environment;
use wasmill_sandbox::capability::http::{
    HttpError, HttpGrant, HttpRequest, HttpResponse, Outbound,
};
use wasmill_sandbox::component::{LinkError, Plugin};
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::fault::{Fault, FaultKind};
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::loader::{Attempt, Loader, OpenLoader, Receipt};
use wasmill_tests::{component, sandbox};

/// A key-value store: PUT, DELETE, and nothing else.
#[derive(Default)]
struct Store {
    objects: Mutex<BTreeMap<String, String>>,
    /// The next requests are answered with these statuses instead, last first.
    outages: Mutex<Vec<u16>>,
}

impl Store {
    /// The rows that a reader of the store sees: those of committed lists.
    fn visible(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        let lists = objects.iter().filter(|(key, _)| key.starts_with("/committed/"));
        let keys = lists.flat_map(|(_, list)| list.lines());
        keys.flat_map(|key| objects[key].lines()).map(str::to_owned).collect()
    }

    fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    fn answer(&self, request: HttpRequest) -> HttpResponse {
        let status = |status| HttpResponse { status, headers: Vec::new(), body: Vec::new() };
        if let Some(outage) = self.outages.lock().unwrap().pop() {
            return status(outage);
        }
        let mut objects = self.objects.lock().unwrap();
        match request.method.as_str() {
            "PUT" => {
                objects.insert(request.path, String::from_utf8(request.body).unwrap());
                status(204)
            }
            "DELETE" => match objects.remove(&request.path) {
                Some(_) => status(204),
                None => status(404),
            },
            _ => status(405),
        }
    }
}

impl Outbound for Store {
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>> {
        assert_eq!(connection, "target");
        Box::pin(std::future::ready(Ok(self.answer(request))))
    }
}

async fn plugin() -> &'static Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let load = || async { sandbox(8).load(component("keeper")).await.unwrap() };
    PLUGIN.get_or_init(load).await
}

fn environment(config: Value, store: &Arc<Store>) -> Environment {
    let http = HttpGrant::new(["target".to_owned()], Arc::clone(store) as _);
    Environment {
        config: Arc::new(config.as_object().unwrap().clone()),
        grants: Grants { http, ..Grants::default() },
        ..Environment::default()
    }
}

async fn keeper(store: &Arc<Store>) -> Loader {
    Loader::new(plugin().await, environment(json!({"store": "target"}), store)).unwrap()
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("unread", DataType::Boolean, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("id", DataType::Int64, true),
    ]))
}

fn batch(rows: &[(i64, &str)]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        arrow::array::new_null_array(&DataType::Boolean, rows.len()),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, name)| name))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn attempt(split: &str, attempt: &str) -> Attempt {
    Attempt { run: "run-1".to_owned(), split: split.to_owned(), attempt: attempt.to_owned() }
}

async fn open(loader: &Loader, split: &str, name: &str) -> OpenLoader {
    let binding = Arc::new(loader.bind(schema()).await.unwrap());
    loader.open(binding, &attempt(split, name), 7).await.unwrap()
}

/// Stages one attempt of one batch.
async fn stage(loader: &Loader, split: &str, name: &str, rows: &[(i64, &str)]) -> Receipt {
    let mut open = open(loader, split, name).await;
    assert!(open.write(&batch(rows), 0).await.unwrap().is_empty());
    open.finish().await.unwrap()
}

#[tokio::test]
async fn only_the_columns_it_reads_cross() {
    let binding = keeper(&Arc::default()).await.bind(schema()).await.unwrap();
    assert_eq!(binding.reading.positions, [2, 1]);
    let descriptor = keeper(&Arc::default()).await.describe().await.unwrap();
    assert_eq!(descriptor.name, "keeper");
}

#[tokio::test]
async fn rows_show_when_they_are_committed() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let mut first = open(&loader, "0", "a").await;
    first.write(&batch(&[(1, "ann"), (2, "ben")]), 0).await.unwrap();
    first.write(&batch(&[(3, "cid")]), 2).await.unwrap();
    let first = first.finish().await.unwrap();
    assert_eq!(first.rows, 3);
    let second = stage(&loader, "1", "b", &[(4, "dan")]).await;
    assert!(store.visible().is_empty());

    loader.commit("run-1", &[first, second]).await.unwrap();
    assert_eq!(store.visible(), ["1 ann", "2 ben", "3 cid", "4 dan"]);
}

#[tokio::test]
async fn a_commit_that_is_repeated_does_nothing() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let receipts = [stage(&loader, "0", "a", &[(1, "ann")]).await];
    loader.commit("run-1", &receipts).await.unwrap();
    let objects = store.objects.lock().unwrap().clone();
    // After a crash the host knows the receipts from its ledger, and the plugin starts anew.
    let kept = serde_json::to_string(&receipts).unwrap();
    let receipts: Vec<Receipt> = serde_json::from_str(&kept).unwrap();
    keeper(&store).await.commit("run-1", &receipts).await.unwrap();
    assert_eq!(*store.objects.lock().unwrap(), objects);
}

#[tokio::test]
async fn attempts_without_a_committed_receipt_never_show() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    // This attempt dies after its first batch, and the split is written again.
    let mut dead = open(&loader, "0", "a").await;
    dead.write(&batch(&[(1, "ann")]), 0).await.unwrap();
    drop(dead);
    let receipt = stage(&loader, "0", "b", &[(1, "ann"), (2, "ben")]).await;
    loader.commit("run-1", &[receipt]).await.unwrap();
    assert_eq!(store.visible(), ["1 ann", "2 ben"]);
}

#[tokio::test]
async fn an_abort_leaves_nothing_and_can_be_repeated() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let kept = stage(&loader, "0", "a", &[(1, "ann")]).await;
    let aborted = [stage(&loader, "1", "b", &[(2, "ben")]).await];
    loader.abort("run-1", &aborted).await.unwrap();
    assert_eq!(store.keys(), ["/staged/a/0"]);
    loader.abort("run-1", &aborted).await.unwrap();
    loader.commit("run-1", &[kept]).await.unwrap();
    assert_eq!(store.visible(), ["1 ann"]);
}

#[tokio::test]
async fn rows_that_the_target_refuses_are_found_and_not_staged() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let mut open = open(&loader, "0", "a").await;
    let found = open.write(&batch(&[(-1, "x"), (1, "ann"), (-2, "y")]), 0).await.unwrap();
    let expected = Finding {
        rows: vec![0, 2],
        rule: "bad-id".to_owned(),
        column: Some("id".to_owned()),
        message: "the store takes ids from 0".to_owned(),
    };
    assert_eq!(found, [expected]);
    let receipt = open.finish().await.unwrap();
    assert_eq!(receipt.rows, 1);
    loader.commit("run-1", &[receipt]).await.unwrap();
    assert_eq!(store.visible(), ["1 ann"]);
}

#[tokio::test]
async fn an_outage_is_retried_on_the_same_instance() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let mut open = open(&loader, "0", "a").await;
    store.outages.lock().unwrap().push(503);
    let rows = batch(&[(1, "ann")]);
    let fault = open.write(&rows, 0).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Retryable);
    assert!(fault.kind().is_chance());
    open.write(&rows, 0).await.unwrap();
    let receipt = open.finish().await.unwrap();
    assert_eq!(receipt.rows, 1);
    store.outages.lock().unwrap().push(503);
    let receipts = [receipt];
    let fault = loader.commit("run-1", &receipts).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Retryable);
    loader.commit("run-1", &receipts).await.unwrap();
    assert_eq!(store.visible(), ["1 ann"]);
}

#[tokio::test]
async fn an_attempt_without_rows_can_be_committed() {
    let store = Arc::new(Store::default());
    let loader = keeper(&store).await;
    let receipt = open(&loader, "0", "a").await.finish().await.unwrap();
    assert_eq!(receipt.rows, 0);
    loader.commit("run-1", &[receipt]).await.unwrap();
    assert!(store.visible().is_empty());
}

#[tokio::test]
async fn a_receipt_of_another_plugin_is_refused() {
    let receipt = Receipt { rows: 1, reference: "nonsense".to_owned() };
    let fault = keeper(&Arc::default()).await.commit("run-1", &[receipt]).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "`commit` failed: \"nonsense\" refers to nothing that was staged"
    );
}

#[tokio::test]
async fn a_schema_that_does_not_fit_is_named() {
    let loader = keeper(&Arc::default()).await;
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let fault = loader.bind(schema).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Refused);
    assert!(fault.to_string().contains("column `name`: there is no such column"), "{fault}");
}

#[tokio::test]
async fn without_a_granted_connection_it_is_not_linked() {
    let refused = Loader::new(plugin().await, Environment::default()).err();
    assert!(matches!(refused, Some(LinkError::NotGranted(_))), "{refused:?}");
}

/// The fault in an attempt of two rows, of which one is refused.
async fn fault_of_lie(lie: &str) -> Fault {
    let store = Arc::new(Store::default());
    let config = json!({"store": "target", "lie": lie});
    let loader = Loader::new(plugin().await, environment(config, &store)).unwrap();
    let mut open = open(&loader, "0", "a").await;
    let fault = match open.write(&batch(&[(1, "ann"), (-1, "x")]), 0).await {
        Ok(findings) => {
            assert_eq!(findings.len(), 1);
            open.finish().await.expect_err("a lie is a fault")
        }
        Err(fault) => fault,
    };
    assert_eq!(fault.kind(), FaultKind::Contract);
    assert!(matches!(open.finish().await, Err(Fault::Gone { export: "finish" })));
    fault
}

#[tokio::test]
async fn a_finding_about_no_row_is_refused() {
    let fault = fault_of_lie("finding").await;
    let message = "`write` broke the contract: finding `made-up` names row 2; the batch has 2 rows";
    assert_eq!(fault.to_string(), message);
}

#[tokio::test]
async fn a_receipt_for_rows_that_were_not_written_is_refused() {
    let fault = fault_of_lie("receipt-rows").await;
    let message = "`finish` broke the contract: the receipt is for 2 rows; \
                   1 were written and not refused";
    assert_eq!(fault.to_string(), message);
}

#[tokio::test]
async fn a_receipt_that_is_too_long_to_keep_is_refused() {
    let fault = fault_of_lie("receipt-size").await;
    let message = "`finish` broke the contract: the reference of the receipt has 1048576 bytes: \
                   the limit is 65536";
    assert_eq!(fault.to_string(), message);
}
