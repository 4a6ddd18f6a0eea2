//! The contract is an interface that compiled plugins depend on: what was frozen stays as it is, and plugins of that day go on working.

use std::path::{Path, PathBuf};

use wasmill_build::contract::Contract;
use wasmill_conformance::frozen::{self, Frozen};
use wasmill_conformance::plugins::{Components, Plugins};
use wasmill_conformance::{Suite, run};
use wasmill_sandbox::component::{CONTRACT_VERSION, LoadError, is_spoken};
use wasmill_sandbox::engine::Sandbox;

fn all_frozen() -> Vec<Frozen> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frozen");
    let all = frozen::all(&folder).expect("the versions that were frozen");
    assert!(!all.is_empty(), "none was frozen");
    all
}

#[test]
fn the_contract_breaks_nothing_that_was_frozen() {
    let current = Contract::current().unwrap();
    assert_eq!(current.version().to_string(), CONTRACT_VERSION, "the host speaks what is in wit/");
    for Frozen { contract, .. } in all_frozen() {
        let same_line = is_spoken(&contract.version().to_string());
        let broken = if same_line { contract.broken_by(&current) } else { Vec::new() };
        let broken: Vec<String> = broken.iter().map(ToString::to_string).collect();
        assert!(
            broken.is_empty(),
            "wit/ is not {} any more. A change needs a new version (docs/contract.md), and these need a new line of versions:\n{}",
            contract.version(),
            broken.join("\n")
        );
    }
}

#[test]
fn a_change_needs_a_new_version() {
    let current = Contract::current().unwrap();
    let frozen = all_frozen();
    let newest = &frozen.last().unwrap().contract;
    let changed = |from: &str, to: &str| {
        let text = newest.wit().unwrap();
        assert!(text.contains(from), "there is no {from:?}");
        Contract::parse("contract.wit", &text.replace(from, to)).unwrap()
    };
    // Words may change. What plugins are compiled against may not: neither what they export nor what they import.
    assert!(newest.broken_by(&changed("/// How many values, nulls included.", "")).is_empty());
    let send = "send: func(";
    let more = format!("ping: func();\n\n  {send}");
    for (from, to, place) in [
        ("rows: option<u64>,", "rows: option<u32>,", "extract#plan, result, ok, item, rows, some"),
        (
            "after-ms: option<u64>,",
            "after-seconds: option<u64>,",
            "transform#bind, result, error, retryable",
        ),
        ("finish: func() -> result<receipt, failure>;", "", "load#finish"),
        (send, more.as_str(), "http#ping"),
        ("too-large(u64),", "too-large(u64),\n    busy,", "http#send, result, error"),
        ("import http;", "", "world interpreter"),
    ] {
        let broken = newest.broken_by(&changed(from, to));
        let places: Vec<&str> = broken.iter().map(|difference| difference.place.as_str()).collect();
        assert!(places.iter().any(|found| found.contains(place)), "{from}: {broken:#?}");
    }
    // A new version of the same line may have more to import, and no more.
    let next = newest.version().to_string().replace(".0", ".1");
    let next = |text: &str| text.replace("wasmill:plugin@0.1.0", &format!("wasmill:plugin@{next}"));
    let text = next(&newest.wit().unwrap());
    let later =
        |from: &str, to: &str| Contract::parse("contract.wit", &text.replace(from, to)).unwrap();
    assert_eq!(newest.broken_by(&later(send, &more)), []);
    let exports_more = later(
        "finish: func() -> result<receipt",
        "ping: func();\n  finish: func() -> result<receipt",
    );
    assert_eq!(newest.broken_by(&exports_more)[0].place, "plugin/load#ping");
    // What is in wit/ is either frozen or newer than all that is.
    assert!(current.version() >= newest.version());
}

async fn passes(sandbox: &Sandbox, folder: &Path) {
    let components = Components::read(folder).expect("five components");
    let plugins = Plugins::load(sandbox, &components).await.expect("five plugins");
    let report = run(&Suite { plugins, only: None }).await;
    let failed: Vec<_> = report.cases.iter().filter(|case| case.outcome.is_err()).collect();
    assert!(failed.is_empty(), "{}: {failed:#?}", folder.display());
    assert!(report.cases.len() >= 250, "{} cases", report.cases.len());
}

#[test]
fn what_is_built_does_not_say_where() {
    for Frozen { folder, .. } in all_frozen() {
        let component = std::fs::read(folder.join("transformer.wasm")).unwrap();
        let has = |part: &[u8]| component.windows(part.len()).any(|window| window == part);
        assert!(has(b"cargo/registry/") && !has(b"/.cargo/registry/"), "{}", folder.display());
    }
}

#[tokio::test]
async fn plugins_of_every_frozen_version_pass_the_suite() {
    let sandbox = Sandbox::new(8).unwrap();
    for Frozen { folder, .. } in all_frozen() {
        passes(&sandbox, &folder).await;
    }
}

/// The components of a frozen version, with another number in all their names. Nothing else changes, as the numbers are of one length.
fn renumbered(folder: &Path, to: &str) -> tempfile::TempDir {
    let target = tempfile::tempdir().expect("a folder");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let file: PathBuf = entry.expect("a file").path();
        let mut bytes = std::fs::read(&file).expect("a file that can be read");
        let (from, length) = (b"@0.1.0", to.len());
        let places: Vec<usize> = (0..bytes.len().saturating_sub(length))
            .filter(|&at| bytes[at..].starts_with(from))
            .filter(|&at| names_the_contract(&bytes[..at]))
            .collect();
        for at in places {
            bytes[at..at + length].copy_from_slice(to.as_bytes());
        }
        std::fs::write(target.path().join(file.file_name().expect("a name")), bytes)
            .expect("a file that can be written");
    }
    target
}

fn names_the_contract(before: &[u8]) -> bool {
    let is_of_name = |byte: &&u8| byte.is_ascii_lowercase() || **byte == b'-';
    let name = before.iter().rev().take_while(is_of_name).count();
    before[..before.len() - name].ends_with(b"wasmill:plugin/")
}

#[tokio::test]
async fn versions_of_one_line_run_side_by_side_and_others_are_refused() {
    let frozen = all_frozen();
    let folder = &frozen[0].folder;
    let sandbox = Sandbox::new(16).unwrap();
    let later = renumbered(folder, "@0.1.7");
    let load = async |folder: &Path| {
        let component = std::fs::read(folder.join("transformer.wasm")).expect("a component");
        sandbox.load(component.into()).await
    };
    let (old, new) = (load(folder).await.unwrap(), load(later.path()).await.unwrap());
    assert_eq!((old.contract(), new.contract()), ("0.1.0", "0.1.7"));
    tokio::join!(passes(&sandbox, folder), passes(&sandbox, later.path()));

    let other = renumbered(folder, "@0.2.0");
    let error = load(other.path()).await.unwrap_err();
    assert!(matches!(&error, LoadError::ContractVersion { version } if version == "0.2.0"));
    assert!(error.to_string().contains("this host speaks 0.1.0"), "{error}");
}
