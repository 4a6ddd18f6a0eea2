//! Every case of every standard plugin, in the real sandbox with the default limits: what `wasmill test` runs.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Map;
use wasmill_fixtures::compare::compare;
use wasmill_fixtures::file::{FixtureFile, files_of};
use wasmill_fixtures::run;
use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::transformer::Transformer;
use wasmill_tests::{component, root, sandbox};

/// The plugins with cases. `all_plugins_with_cases_are_here` knows whether one is missing.
const PLUGINS: [&str; 12] = [
    "clean",
    "dedupe-identity",
    "expectations",
    "flatten",
    "geo",
    "lookup",
    "lookup-http",
    "parse",
    "pii",
    "rollup",
    "sessionize",
    "webhook",
];

async fn load(name: &str) -> Plugin {
    // Interpreters of scripts lie beside them.
    let folder = root().join("dist/plugins");
    sandbox(4).load_beside(component(name), Some(&folder)).await.unwrap()
}

async fn run_cases(name: &str) {
    assert!(PLUGINS.contains(&name));
    let plugin = load(name).await;
    let files = files_of(&root().join("plugins").join(name)).unwrap();
    assert!(!files.is_empty(), "{name} has no cases");
    let mut wrong = String::new();
    for path in files {
        for case in FixtureFile::read(&path).unwrap_or_else(|wrong| panic!("{wrong:?}")).cases {
            let (actual, _) = run::run(&plugin, &case, None).await.unwrap();
            for mismatch in compare(&case, &actual).unwrap() {
                let place = run::place(&case, &path);
                let (what, summary, detail) = (mismatch.what, mismatch.summary, mismatch.detail);
                writeln!(wrong, "{place}: {what}: {summary}\n{detail}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

macro_rules! cases_of {
    ($($test:ident: $name:literal,)*) => {
        $(#[tokio::test]
        async fn $test() {
            run_cases($name).await;
        })*
    };
}

cases_of! {
    clean: "clean",
    dedupe_identity: "dedupe-identity",
    expectations: "expectations",
    flatten: "flatten",
    geo: "geo",
    lookup: "lookup",
    lookup_http: "lookup-http",
    parse: "parse",
    pii: "pii",
    rollup: "rollup",
    sessionize: "sessionize",
    webhook: "webhook",
}

#[test]
fn all_plugins_with_cases_are_here() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("plugins")).unwrap() {
        let path = entry.unwrap().path();
        if !files_of(&path).unwrap().is_empty() {
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    names.sort();
    assert_eq!(names, PLUGINS);
}

/// Empty configs must be refused by the schema, or be enough.
#[tokio::test]
async fn every_config_schema_is_an_object_schema() {
    for name in ["clean", "pii"] {
        let plugin = load(name).await;
        let environment = Environment { config: Arc::new(Map::new()), ..Environment::default() };
        let descriptor = Transformer::new(&plugin, environment).unwrap().describe().await.unwrap();
        assert_eq!(descriptor.name, name);
        assert_eq!(descriptor.config_schema["type"], "object", "{name}");
    }
}
