//! describe, bind, open, write, finish, commit, abort.

use std::sync::Arc;

use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::loader::{Attempt, Loader};

use super::{Death, described, found, linked};
use crate::neighbour::batch;

pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    let loader = linked(Loader::new(plugin, environment))?;
    described(&loader.describe().await?)?;
    let batch = batch();
    let binding = Arc::new(loader.bind(batch.schema()).await?);
    let attempt = Attempt {
        run: "attacked".to_owned(),
        split: "split".to_owned(),
        attempt: "attempt".to_owned(),
    };
    let mut open = loader.open(binding, &attempt, 7).await?;
    found(&open.write(&batch, 0).await?)?;
    let receipt = open.finish().await?;
    // What follows is done on fresh instances, for which there is room when this one is gone.
    drop(open);
    loader.commit(&attempt.run, std::slice::from_ref(&receipt)).await?;
    loader.abort(&attempt.run, &[receipt]).await?;
    Ok(())
}
