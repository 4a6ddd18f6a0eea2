//! Every language's plugins pass every case: built as `wasmill build` builds them, and run in the sandbox of pipelines.

use std::path::Path;
use std::sync::Arc;

use wasmill_build::{Language, Tools};
use wasmill_conformance::plugins::{Components, Plugins};
use wasmill_conformance::{Suite, run};
use wasmill_sandbox::cache::ComponentCache;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::engine::{Sandbox, SandboxOptions};

async fn conforms(language: Language) {
    let tools = Tools::new(wasmill_build::default_cache().expect("a cache folder"), &());
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins").join(language.name());
    let components =
        Components::build(&projects, language, &tools).unwrap_or_else(|error| panic!("{error}"));
    let cache =
        wasmill_build::default_cache().and_then(|tools| Some(tools.parent()?.join("conformance")));
    let cache = ComponentCache::open(cache.expect("a cache folder"))
        .expect("the cache of compiled components");
    let compiler = Compiler::new().cached_in(Arc::new(cache));
    let sandbox = Sandbox::with_options(SandboxOptions { compiler, ..SandboxOptions::new(8) })
        .expect("a sandbox");
    let plugins = Plugins::load(&sandbox, &components).await.expect("five plugins");
    let report = run(&Suite { plugins, only: None }).await;
    let failed: Vec<String> = report
        .cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.name, case.outcome.as_ref().err()?)))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n{}",
        failed.len(),
        report.cases.len(),
        failed.join("\n")
    );
    // As many as there are: a suite that finds no cases has none that fail.
    assert!(report.cases.len() >= 250, "{} cases", report.cases.len());
}

#[tokio::test]
async fn rust_conforms() {
    conforms(Language::Rust).await;
}

#[tokio::test]
async fn python_conforms() {
    conforms(Language::Python).await;
}

#[tokio::test]
async fn javascript_and_typescript_conform() {
    conforms(Language::Js).await;
}

#[tokio::test]
async fn c_conforms() {
    conforms(Language::C).await;
}

#[tokio::test]
async fn go_conforms() {
    conforms(Language::Go).await;
}
