//! describe, bind, open, check, merge, conclude.

use std::sync::Arc;

use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::validator::Validator;

use super::{Death, described, found, linked};
use crate::neighbour::{ROWS, batch};
use crate::printable;

pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    let validator = linked(Validator::new(plugin, environment))?;
    described(&validator.describe().await?)?;
    let batch = batch();
    let binding = Arc::new(validator.bind(batch.schema()).await?);
    let mut open = validator.open(binding, 7).await?;
    let first = open.check(&batch, 0).await?;
    let second = open.check(&batch, ROWS as u64).await?;
    found(&first.rejected)?;
    found(&first.warned)?;
    let state = open.merge(&[first.partial, second.partial], 2 * ROWS).await?;
    let conclusion = open.conclude(&state, 2 * ROWS).await?;
    for rule in &conclusion.rules {
        printable::check("a rule", &rule.rule)?;
        printable::check("a message", &rule.message)?;
    }
    for metric in &conclusion.metrics {
        printable::check("a metric", &metric.name)?;
    }
    // As the ledger keeps it.
    serde_json::to_string(&conclusion)
        .map_err(|error| format!("no JSON can be made of it: {error}"))?;
    Ok(())
}
