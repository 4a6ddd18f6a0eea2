//! describe, bind, plan, open, next until there is nothing more, cursor.

use std::sync::Arc;

use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::contract::json;
use wasmill_sandbox::extractor::Extractor;

use super::{Death, described, linked};
use crate::printable;

/// How many rows are asked for at once: as many as a pipeline asks for.
const MAX_ROWS: u32 = 8_192;
/// An extractor need not come to an end; we do. More than the host lets pass of batches without rows.
const MAX_CALLS: usize = 20_000;

pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    let extractor = linked(Extractor::new(plugin, environment))?;
    described(&extractor.describe().await?)?;
    let binding = Arc::new(extractor.bind().await?);
    let splits = extractor.plan(&[]).await?;
    let Some(split) = splits.first() else { return Ok(()) };
    printable::check("the id of a split", &split.id)?;
    let mut open = extractor.open(binding, split, 7).await?;
    for _ in 0..MAX_CALLS {
        let Some(extracted) = open.next(MAX_ROWS).await? else { break };
        for record in &extracted.bad_records {
            printable::check("a position", &record.position)?;
            printable::check("a rule", &record.rule)?;
            printable::check("a message", &record.message)?;
        }
        // A few are enough to see whether values can be written down; what cannot is an error, and not a panic.
        let few = extracted.batch.slice(0, extracted.batch.num_rows().min(4));
        drop(json::encode(&few));
    }
    open.cursor().await?;
    Ok(())
}
