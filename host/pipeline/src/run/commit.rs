//! Publishing what was staged, once per run, and sweeping what was not.

use std::sync::Arc;

use wasmill_connect::sink::CommitReport;

use crate::checked::{SinkStep, SinkTarget};
use crate::events::Event;
use crate::run::failure::{CommitError, RunFailure};
use crate::run::summary::SinkReport;
use crate::run::{Progress, RunContext};

impl RunContext {
    /// Publishes all sinks, in the order of the file.
    pub(super) async fn commit(&self, progress: &mut Progress) -> Result<(), RunFailure> {
        for (name, sink) in &self.pipeline.sinks {
            let report = self.commit_sink(sink, progress).await.map_err(|source| {
                let published = progress.sinks.iter().map(|sink| sink.sink.clone()).collect();
                RunFailure::Commit { sink: name.clone(), published, source: Box::new(source) }
            })?;
            let json = serde_json::to_value(&report).expect("a report is plain data");
            self.ledger.add_commit(&self.claim, name, &json).await?;
            self.pipeline.observer.event(Event::Committed {
                sink: name.clone(),
                target: report.target.clone(),
                rows: report.rows,
            });
            progress.sinks.push(SinkReport { sink: name.clone(), report });
        }
        Ok(())
    }

    /// Publishes one sink; a commit can be repeated, so it is when it fails by chance.
    async fn commit_sink(
        &self,
        sink: &SinkStep,
        progress: &Progress,
    ) -> Result<CommitReport, CommitError> {
        let retry = *self.pipeline.policies.retry(&sink.name);
        retry.run(|| self.try_commit(sink, progress)).await
    }

    async fn try_commit(
        &self,
        sink: &SinkStep,
        progress: &Progress,
    ) -> Result<CommitReport, CommitError> {
        match &sink.target {
            SinkTarget::Connector(target) => {
                let parts = progress.totals.parts(&sink.name);
                let committed = target.commit(Arc::clone(&sink.schema), &self.run, parts).await;
                if let Some(meter) = self.pipeline.meters.step(&sink.name) {
                    match &committed {
                        Ok(report) => meter.published(report.bytes),
                        Err(_) => meter.commit_failed(),
                    }
                }
                Ok(committed?)
            }
            SinkTarget::Plugin { loader, .. } => {
                let receipts = progress.totals.receipts(&sink.name);
                loader.commit(&self.run, receipts).await.map_err(CommitError::Plugin)?;
                Ok(CommitReport {
                    target: format!("loader `{}`", sink.name),
                    rows: receipts.iter().map(|receipt| receipt.rows).sum(),
                    bytes: 0,
                    files: Vec::new(),
                })
            }
        }
    }

    /// Removes whatever was staged and is not published. That it cannot be removed never changes how a run ended.
    pub(super) async fn sweep(&self, progress: &Progress, failed: bool) {
        for (name, sink) in &self.pipeline.sinks {
            let swept = match &sink.target {
                SinkTarget::Connector(target) => target.sweep(&self.run).map_err(CommitError::from),
                SinkTarget::Plugin { loader, .. } => {
                    let committed = progress.sinks.iter().any(|sink| sink.sink == *name);
                    let receipts = progress.totals.receipts(name);
                    if failed && !committed && !receipts.is_empty() {
                        loader.abort(&self.run, receipts).await.map_err(CommitError::Plugin)
                    } else {
                        Ok(())
                    }
                }
            };
            if let Err(error) = swept {
                tracing::warn!(run = self.run, sink = name, %error, "cannot sweep what was staged");
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.around.folders.scratch) {
            tracing::warn!(run = self.run, %error, "cannot remove the scratch folder");
        }
        // Kept where anything is in it.
        drop(std::fs::remove_dir(&self.around.folders.quarantine));
    }
}
