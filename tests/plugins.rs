//! Every fixture of every standard plugin, in the real sandbox with the default limits.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::compute::concat_batches;
use serde_json::Map;
use wasmill_sandbox::Environment;
use wasmill_sandbox::component::{Plugin, PluginKind};
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::contract::verdict::Outcome;
use wasmill_sandbox::fault::Fault;
use wasmill_sandbox::transformer::Transformer;
use wasmill_sandbox::validator::Validator;
use wasmill_tests::fixture::{Case, ExpectedFinding, ExpectedRule, Fixture, rows, schema};
use wasmill_tests::{component, root, sandbox};

fn fixtures(plugin: &str) -> Vec<PathBuf> {
    let folder = root().join("plugins").join(plugin).join("tests");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} holds no fixtures", folder.display());
    files
}

async fn run_fixtures(name: &str) {
    let sandbox = sandbox(4);
    let plugin = sandbox.load(component(name)).await.unwrap();
    for file in fixtures(name) {
        for case in Fixture::read(&file).case {
            println!("{}: {}", file.display(), case.name);
            match plugin.kind() {
                PluginKind::Transformer => transform(&plugin, &case).await,
                PluginKind::Validator => validate(&plugin, &case).await,
                other => panic!("fixtures of a {other} are not run here"),
            }
        }
    }
}

fn environment(case: &Case) -> Environment {
    Environment { config: Arc::new(case.config.clone()), ..Environment::default() }
}

/// One row of findings per row and rule, to compare with what is expected.
fn flat(findings: &[Finding]) -> Vec<ExpectedFinding> {
    let mut flat: Vec<ExpectedFinding> = findings
        .iter()
        .flat_map(|finding| {
            finding.rows.iter().map(|&row| ExpectedFinding {
                row,
                rule: finding.rule.clone(),
                column: finding.column.clone(),
            })
        })
        .collect();
    flat.sort();
    flat
}

/// Whether the case expects this fault; panics where it does not.
fn expected_fault(case: &Case, fault: &Fault) {
    let message = fault.to_string();
    match &case.expect.error {
        Some(expected) => {
            assert!(
                message.contains(expected),
                "{}: expected {expected:?} in {message}",
                case.name
            );
        }
        None => panic!("{}: {message}", case.name),
    }
}

async fn transform(plugin: &Plugin, case: &Case) {
    let transformer = Transformer::new(plugin, environment(case)).unwrap();
    let binding = match transformer.bind(case.input_schema()).await {
        Ok(binding) => Arc::new(binding),
        Err(fault) => return expected_fault(case, &fault),
    };
    if let Some(expected) = &case.expect.schema {
        assert_eq!(binding.output_schema.as_ref(), schema(expected).as_ref(), "{}", case.name);
    }
    let mut open = transformer.open(Arc::clone(&binding), 7).await.unwrap();
    let processed = match open.process(&case.input(), 0).await {
        Ok(processed) => processed,
        Err(fault) => return expected_fault(case, &fault),
    };
    let finished = open.finish().await.unwrap();
    assert_eq!(case.expect.error, None, "{}: an error was expected", case.name);
    let outputs = processed.outputs.iter().chain(&finished.outputs).map(|output| &output.batch);
    let output = concat_batches(&binding.output_schema, outputs).unwrap();
    if let Some(expected) = &case.expect.rows {
        assert_eq!(&rows(&output), expected, "{}", case.name);
    }
    let mut rejected = case.expect.rejected.clone();
    rejected.sort();
    assert_eq!(flat(&processed.bad_rows), rejected, "{}", case.name);
}

async fn validate(plugin: &Plugin, case: &Case) {
    let validator = Validator::new(plugin, environment(case)).unwrap();
    let binding = match validator.bind(case.input_schema()).await {
        Ok(binding) => Arc::new(binding),
        Err(fault) => return expected_fault(case, &fault),
    };
    let mut open = validator.open(Arc::clone(&binding), 7).await.unwrap();
    let input = case.input();
    let verdict = match open.check(&input, 0).await {
        Ok(verdict) => verdict,
        Err(fault) => return expected_fault(case, &fault),
    };
    assert_eq!(case.expect.error, None, "{}: an error was expected", case.name);
    let (mut rejected, mut warned) = (case.expect.rejected.clone(), case.expect.warned.clone());
    rejected.sort();
    warned.sort();
    assert_eq!(flat(&verdict.rejected), rejected, "{}", case.name);
    assert_eq!(flat(&verdict.warned), warned, "{}", case.name);
    // The conclusion is the same whether the rows came in one batch or in one batch each.
    let mut partials = Vec::new();
    for row in 0..input.num_rows() {
        partials.push(open.check(&input.slice(row, 1), row as u64).await.unwrap().partial);
    }
    partials.reverse();
    for partials in [vec![verdict.partial], partials] {
        let state = open.merge(&partials, input.num_rows()).await.unwrap();
        let conclusion = open.conclude(&state, input.num_rows()).await.unwrap();
        let mut failed: Vec<ExpectedRule> = conclusion
            .rules
            .iter()
            .filter(|result| result.outcome != Outcome::Pass)
            .map(|result| ExpectedRule {
                rule: result.rule.clone(),
                column: result.column.clone(),
                outcome: format!("{:?}", result.outcome).to_lowercase(),
                violated: result.violated,
            })
            .collect();
        failed.sort();
        let mut expected = case.expect.conclusion.clone();
        expected.sort();
        assert_eq!(failed, expected, "{}", case.name);
    }
}

#[tokio::test]
async fn clean() {
    run_fixtures("clean").await;
}

#[tokio::test]
async fn pii() {
    run_fixtures("pii").await;
}

#[tokio::test]
async fn expectations() {
    run_fixtures("expectations").await;
}

/// Empty configs must be refused by the schema, or be enough.
#[tokio::test]
async fn every_config_schema_is_an_object_schema() {
    let sandbox = sandbox(4);
    for name in ["clean", "pii"] {
        let plugin = sandbox.load(component(name)).await.unwrap();
        let environment = Environment { config: Arc::new(Map::new()), ..Environment::default() };
        let descriptor = Transformer::new(&plugin, environment).unwrap().describe().await.unwrap();
        assert_eq!(descriptor.name, name);
        assert_eq!(descriptor.config_schema["type"], "object", "{name}");
    }
}
