//! describe, bind, open, process, finish.

use std::sync::Arc;

use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::json;
use wasmill_sandbox::transformer::Transformer;

use super::{Death, described, found, linked};
use crate::neighbour::batch;

pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    let transformer = linked(Transformer::new(plugin, environment))?;
    described(&transformer.describe().await?)?;
    let batch = batch();
    let binding = Arc::new(transformer.bind(batch.schema()).await?);
    let mut open = transformer.open(binding, 7).await?;
    let processed = open.process(&batch, 0).await?;
    found(&processed.bad_rows)?;
    for output in processed.outputs.iter().chain(&open.finish().await?.outputs) {
        // A few are enough to see whether values can be written down; what cannot is an error, and not a panic.
        let few = output.batch.slice(0, output.batch.num_rows().min(4));
        drop(json::encode(&few));
    }
    Ok(())
}
