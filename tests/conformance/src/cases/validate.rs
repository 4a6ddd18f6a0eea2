//! Validators: verdicts on rows, and on the table, however its rows were grouped.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use serde_json::json;
use wasmill_sandbox::contract::finding::Finding;
use wasmill_sandbox::contract::verdict::Outcome as RuleOutcome;
use wasmill_sandbox::validator::OpenValidator;

use super::WAYS;
use crate::Cases;
use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::Plugins;
use crate::tables::of_columns;

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    for way in WAYS {
        cases.run(format!("validate/{way}"), judged(plugins, way)).await;
        cases.run(format!("validate/{way}/no-rows"), nothing_judged(plugins, way)).await;
    }
    cases
        .run("validate/bad-schema", async {
            let validator = plugins.validator(json!({"column": "y"}))?;
            holds(validator.bind(values(&[]).schema()).await.is_err(), || {
                "it binds without the column".to_owned()
            })
        })
        .await;
}

fn values(values: &[Option<f64>]) -> RecordBatch {
    let column: ArrayRef = Arc::new(Float64Array::from(values.to_vec()));
    of_columns(vec![("x", column)])
}

async fn opened(plugins: &Plugins, way: &str, min_rows: u32) -> Result<OpenValidator, String> {
    let validator =
        plugins.validator(json!({"column": "x", "max": 10.0, "min_rows": min_rows, "way": way}))?;
    let binding = validator.bind(values(&[]).schema()).await.map_err(|fault| faulted(&fault))?;
    validator.open(Arc::new(binding), 7).await.map_err(|fault| faulted(&fault))
}

async fn judged(plugins: &Plugins, way: &str) -> Outcome {
    let mut open = opened(plugins, way, 8).await?;
    let batches = [
        values(&[Some(1.0), Some(10.5), None, Some(10.0), Some(99.0)]).slice(1, 4),
        values(&[]),
        values(&[Some(2.5), Some(10.0), Some(3.0)]),
    ];
    let mut partials = Vec::new();
    for (batch, (rejected, warned)) in
        batches.iter().zip([(vec![0, 3], vec![2]), (vec![], vec![]), (vec![], vec![1])])
    {
        let verdict = open.check(batch, 0).await.map_err(|fault| faulted(&fault))?;
        rows("rejected", &verdict.rejected, "max", &rejected)?;
        rows("warned", &verdict.warned, "at-max", &warned)?;
        partials.push(verdict.partial);
    }
    // In any grouping.
    let reversed: Vec<Vec<u8>> = partials.iter().rev().cloned().collect();
    let of_two = open.merge(&partials[..2], 4).await.map_err(|fault| faulted(&fault))?;
    for groups in [partials.clone(), reversed, vec![partials[2].clone(), of_two]] {
        let state = open.merge(&groups, 7).await.map_err(|fault| faulted(&fault))?;
        concluded(&mut open, &state, 7, 135.0, RuleOutcome::Refuse).await?;
    }
    Ok(())
}

async fn nothing_judged(plugins: &Plugins, way: &str) -> Outcome {
    let mut open = opened(plugins, way, 0).await?;
    let state = open.merge(&[], 0).await.map_err(|fault| faulted(&fault))?;
    concluded(&mut open, &state, 0, 0.0, RuleOutcome::Pass).await
}

async fn concluded(
    open: &mut OpenValidator,
    state: &[u8],
    rows: u64,
    sum: f64,
    outcome: RuleOutcome,
) -> Outcome {
    let conclusion = open.conclude(state, rows as usize).await.map_err(|fault| faulted(&fault))?;
    let [rule] = &conclusion.rules[..] else {
        return Err(format!("rules: {:?}", conclusion.rules));
    };
    let said =
        (rule.rule.as_str(), rule.column.as_deref(), rule.outcome, rule.checked, rule.violated);
    equal("rule", said, ("min-rows", None, outcome, rows, 0))?;
    let mut metrics: Vec<(&str, f64)> =
        conclusion.metrics.iter().map(|metric| (metric.name.as_str(), metric.value)).collect();
    metrics.sort_by_key(|(name, _)| *name);
    equal("metrics", metrics, vec![("rows", rows as f64), ("sum", sum)])
}

fn rows(what: &str, findings: &[Finding], rule: &str, expected: &[u32]) -> Outcome {
    let mut rows = Vec::new();
    for finding in findings {
        equal("rule", finding.rule.as_str(), rule)?;
        equal("column", finding.column.as_deref(), Some("x"))?;
        rows.extend_from_slice(&finding.rows);
    }
    rows.sort_unstable();
    equal(what, &rows[..], expected)
}
