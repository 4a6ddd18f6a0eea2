//! Locks: exclusive or shared, and gone with whoever held them, however that ended.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wasmill_ledger::{Ledger, LedgerError, Lock, Share};

use crate::store::Store;

super::on_both!(
    an_exclusive_lock_excludes_all_and_shared_ones_do_not_exclude_each_other,
    a_lock_is_of_one_run,
    a_lock_ends_with_the_process_that_is_killed,
    publishing_waits_for_its_turn,
    a_wait_that_is_given_up_holds_nothing,
);

/// A server learns of a lost connection a moment later.
async fn lock(ledger: &Ledger, run: &str, share: Share) -> Lock {
    let began = Instant::now();
    loop {
        if let Some(lock) = ledger.lock_run(run, share).await.unwrap() {
            return lock;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "nobody holds it any more");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn an_exclusive_lock_excludes_all_and_shared_ones_do_not_exclude_each_other(store: Store) {
    let (one, other) = (store.ledger().await, store.ledger().await);
    let refuses =
        async |ledger: &Ledger, share| ledger.lock_run("r", share).await.unwrap().is_none();
    let exclusive = lock(&one, "r", Share::Exclusive).await;
    for ledger in [&one, &other] {
        assert!(refuses(ledger, Share::Exclusive).await);
        assert!(refuses(ledger, Share::Shared).await);
    }
    exclusive.release().await;
    let shared = other.lock_run("r", Share::Shared).await.unwrap().expect("it was released");
    let shared_too = one.lock_run("r", Share::Shared).await.unwrap().expect("it is shared");
    assert!(refuses(&one, Share::Exclusive).await);
    shared.release().await;
    assert!(refuses(&one, Share::Exclusive).await, "one of both still has it");
    drop(shared_too);
    drop(lock(&one, "r", Share::Exclusive).await);
    let error = one.lock_run("../r", Share::Shared).await.unwrap_err();
    assert!(matches!(error, LedgerError::RunId { .. }), "{error}");
}

async fn a_lock_is_of_one_run(store: Store) {
    let ledger = store.ledger().await;
    let mut held = Vec::new();
    for run in ["r", "r.", "R2", "r+1:0"] {
        held.push(ledger.lock_run(run, Share::Exclusive).await.unwrap().expect("its own"));
    }
    held.push(ledger.lock_publishing("r").await.unwrap());
    for lock in held {
        lock.release().await;
    }
    if let Some(folder) = ledger.folder() {
        let left: Vec<_> = std::fs::read_dir(folder.join("ledger.db-locks")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Says to the test below where the ledger is: in this process, a test that holds a lock until it is killed.
const HOLDER_URL: &str = "WASMILL_TEST_HOLDER_URL";
const HOLDER_BASE: &str = "WASMILL_TEST_HOLDER_BASE";
const HOLDER_SHARE: &str = "WASMILL_TEST_HOLDER_SHARE";

async fn a_lock_ends_with_the_process_that_is_killed(store: Store) {
    let ledger = store.ledger().await;
    for (share, excluded) in [
        ("exclusive", Share::Shared),
        ("exclusive", Share::Exclusive),
        ("shared", Share::Exclusive),
    ] {
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "suite::locks::holder", "--nocapture"])
            .env(HOLDER_URL, &store.url)
            .env(HOLDER_BASE, store.folder.path())
            .env(HOLDER_SHARE, share)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("it is held")), "the holder has ended");
        assert!(ledger.lock_run("r", excluded).await.unwrap().is_none());
        let publishing =
            tokio::time::timeout(Duration::from_millis(200), ledger.lock_publishing("p"));
        assert!(publishing.await.is_err(), "the holder publishes");
        holder.kill().unwrap();
        holder.wait().unwrap();
        lock(&ledger, "r", excluded).await.release().await;
        ledger.lock_publishing("p").await.unwrap().release().await;
    }
}

/// Not a test of its own: see above.
#[tokio::test]
async fn holder() {
    let Ok(url) = std::env::var(HOLDER_URL) else { return };
    let base = PathBuf::from(std::env::var_os(HOLDER_BASE).unwrap());
    let share = match std::env::var(HOLDER_SHARE).unwrap().as_str() {
        "shared" => Share::Shared,
        _ => Share::Exclusive,
    };
    let ledger = Ledger::open(&url, &base).await.unwrap();
    let _run = ledger.lock_run("r", share).await.unwrap().expect("nobody else holds it");
    let _publishing = ledger.lock_publishing("p").await.unwrap();
    println!("it is held");
    // It is killed long before.
    tokio::time::sleep(Duration::from_secs(60)).await;
}

async fn publishing_waits_for_its_turn(store: Store) {
    let counter = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let mut publishing = Vec::new();
    for _ in 0..6 {
        let ledger = store.ledger().await;
        let counter = std::sync::Arc::clone(&counter);
        publishing.push(tokio::spawn(async move {
            use std::sync::atomic::Ordering::SeqCst;
            // A name that could be no file's.
            let lock = ledger.lock_publishing("a/../\u{0}b").await.unwrap();
            assert_eq!(counter.fetch_add(1, SeqCst), 0, "somebody else publishes");
            tokio::time::sleep(Duration::from_millis(5)).await;
            counter.fetch_sub(1, SeqCst);
            lock.release().await;
        }));
    }
    for publishing in publishing {
        publishing.await.unwrap();
    }
    let ledger = store.ledger().await;
    let one = ledger.lock_publishing("one").await.unwrap();
    // Another pipeline does not wait.
    ledger.lock_publishing("other").await.unwrap().release().await;
    one.release().await;
}

async fn a_wait_that_is_given_up_holds_nothing(store: Store) {
    let ledger = store.ledger().await;
    let first = ledger.lock_publishing("p").await.unwrap();
    let waiting = ledger.lock_publishing("p");
    assert!(tokio::time::timeout(Duration::from_millis(100), waiting).await.is_err());
    first.release().await;
    let next = ledger.lock_publishing("p");
    let next = tokio::time::timeout(Duration::from_secs(20), next).await;
    next.expect("nobody holds it").unwrap().release().await;
}
