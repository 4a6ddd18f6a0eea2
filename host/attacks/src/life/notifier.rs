//! describe, bind, notify.

use wasmill_sandbox::Environment;
use wasmill_sandbox::component::Plugin;
use wasmill_sandbox::notifier::{Event, EventSeverity, Notifier};

use super::{Death, described, linked};

pub async fn live(plugin: &Plugin, environment: Environment) -> Result<(), Death> {
    let notifier = linked(Notifier::new(plugin, environment))?;
    described(&notifier.describe().await?)?;
    notifier.bind().await?;
    let event = Event {
        kind: "run.failed".to_owned(),
        severity: EventSeverity::Error,
        pipeline: "attacked".to_owned(),
        run: "run".to_owned(),
        dedup_key: "key".to_owned(),
        time_ms: 0,
        summary: "nothing happened".to_owned(),
        details: "{}".to_owned(),
    };
    notifier.notify(&event).await?;
    Ok(())
}
