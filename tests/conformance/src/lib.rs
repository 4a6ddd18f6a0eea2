//! The conformance suite: the same cases for the plugins of every language.
//!
//! What each plugin has to do is in `README.md` beside this crate. A case ([`cases`]) drives a plugin through the sandbox that
//! pipelines use and compares what comes out with what arrow-rs computes.

pub mod cases;
pub mod expect;
pub mod frozen;
pub mod log;
pub mod plugins;
pub mod server;
pub mod tables;
pub mod types;

use std::time::Instant;

use crate::expect::Outcome;
use crate::plugins::Plugins;

/// What is to be run.
pub struct Suite {
    pub plugins: Plugins,
    /// Only cases whose names hold this.
    pub only: Option<String>,
}

/// How it went.
#[derive(Debug)]
pub struct Report {
    pub cases: Vec<Case>,
    /// How long it takes to create an instance of the transformer and to open it: the median.
    pub start_ms: f64,
}

/// One case that was run.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub outcome: Outcome,
}

impl Report {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.cases.iter().filter(|case| case.outcome.is_ok()).count()
    }
}

/// Collects the outcomes of cases that are wanted.
pub struct Cases<'a> {
    suite: &'a Suite,
    cases: Vec<Case>,
}

impl Cases<'_> {
    /// Runs a case, if it is wanted.
    pub async fn run(&mut self, name: impl Into<String>, case: impl Future<Output = Outcome>) {
        let name = name.into();
        if self.suite.only.as_ref().is_none_or(|only| name.contains(only.as_str())) {
            let outcome = case.await;
            self.cases.push(Case { name, outcome });
        }
    }
}

/// Runs all cases.
pub async fn run(suite: &Suite) -> Report {
    let mut cases = Cases { suite, cases: Vec::new() };
    let plugins = &suite.plugins;
    cases::describe::run(plugins, &mut cases).await;
    cases::copy::run(plugins, &mut cases).await;
    cases::rows::run(plugins, &mut cases).await;
    cases::surroundings::run(plugins, &mut cases).await;
    cases::failures::run(plugins, &mut cases).await;
    cases::validate::run(plugins, &mut cases).await;
    cases::extract::run(plugins, &mut cases).await;
    cases::load::run(plugins, &mut cases).await;
    cases::notify::run(plugins, &mut cases).await;
    let start_ms = start_ms(plugins).await;
    Report { cases: cases.cases, start_ms }
}

async fn start_ms(plugins: &Plugins) -> f64 {
    let Ok(step) = plugins.transformer(serde_json::json!({"case": "keep"})) else {
        return f64::NAN;
    };
    let mut times = Vec::new();
    for _ in 0..9 {
        let Ok(binding) = step.bind(tables::ids(1).schema()).await else { return f64::NAN };
        let started = Instant::now();
        if step.open(binding.into(), 1).await.is_err() {
            return f64::NAN;
        }
        times.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
