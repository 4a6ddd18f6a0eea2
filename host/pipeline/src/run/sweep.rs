//! Removing what was staged and is not wanted any more.
//!
//! Of a run that can be resumed, what manifests name is kept. A run that has ended for good leaves nothing: its own process
//! sweeps it, or whichever run of the pipeline ends next, where that process was killed. The scratch folder of a run goes last: that it is there
//! says that something may be left to sweep. That something cannot be removed never changes how a run ended.

use std::collections::BTreeSet;

use wasmill_connect::crash;
use wasmill_ledger::{RunStatus, Share};

use crate::checked::SinkTarget;
use crate::error::chain;
use crate::exec::task::Manifest;
use crate::run::summary::Totals;
use crate::run::{Accepted, RunContext};

impl RunContext {
    /// Removes what is left of this run, which has published all that it is to publish.
    pub(super) fn sweep_published(&self) {
        for (name, sink) in &self.pipeline.sinks {
            let SinkTarget::Connector(target) = &sink.target else { continue };
            if let Err(error) = target.sweep(&self.run, &[]) {
                let error = chain(&error);
                tracing::warn!(run = self.run, sink = name, error, "cannot sweep what was staged");
            }
        }
        crash::point("mid-sweep");
        let scratch = &self.around.folders.scratch;
        if let Err(error) = std::fs::remove_dir_all(scratch) {
            tracing::warn!(run = self.run, %error, "cannot remove {}", scratch.display());
        }
        // Kept where anything is in it.
        drop(std::fs::remove_dir(&self.around.folders.quarantine));
    }

    /// Removes what is left of this run, which will not publish anything: loaders are told to forget it.
    pub(super) async fn sweep_given_up(&self, accepted: Accepted) {
        self.forget(accepted.into_values()).await;
        self.sweep_published();
    }

    /// Tells loaders that what these manifests name will not be published. What an attempt staged there that was killed before it had
    /// a manifest is not known to anybody; it never shows.
    pub(super) async fn forget(&self, manifests: impl Iterator<Item = Manifest>) {
        let mut totals = Totals::default();
        manifests.for_each(|manifest| totals.add(manifest));
        for (name, sink) in &self.pipeline.sinks {
            let SinkTarget::Plugin { loader, .. } = &sink.target else { continue };
            let receipts = totals.receipts(name);
            if receipts.is_empty() {
                continue;
            }
            if let Err(fault) = loader.abort(&self.run, receipts).await {
                let error = chain(&fault);
                tracing::warn!(run = self.run, sink = name, error, "cannot sweep what was staged");
            }
        }
    }

    /// Sweeps other runs that have ended for good and were not swept, among them those that were given up just now.
    pub(super) async fn sweep_final_runs(&self, given_up: &[String]) {
        let mut left: BTreeSet<String> = given_up.iter().cloned().collect();
        let runs = self.around.folders.scratch.parent();
        for entry in runs.and_then(|runs| std::fs::read_dir(runs).ok()).into_iter().flatten() {
            left.extend(entry.ok().and_then(|entry| entry.file_name().into_string().ok()));
        }
        for sink in self.pipeline.whole().sinks.values() {
            if let SinkTarget::Connector(target) = &sink.target {
                left.extend(target.staged_runs().unwrap_or_default());
            }
        }
        left.remove(&self.run);
        let left: Vec<String> = left.into_iter().collect();
        if left.is_empty() {
            return;
        }
        let statuses = match self.ledger.statuses(&left).await {
            Ok(statuses) => statuses,
            Err(error) => {
                tracing::warn!(error = chain(&error), "cannot tell which runs can be swept");
                return;
            }
        };
        // Those that the ledger does not know belong to somebody else.
        for (run, status) in statuses.iter().filter(|(_, status)| status.is_final()) {
            self.sweep_other(run, *status).await;
        }
    }

    /// Sweeps another run, unless somebody works on it, or it is of another pipeline.
    async fn sweep_other(&self, run: &str, status: RunStatus) {
        let (Ok(Some(_lock)), Ok(Some(entry))) =
            (self.ledger.lock_run(run, Share::Exclusive).await, self.ledger.run(run).await)
        else {
            return;
        };
        if entry.id != run || entry.pipeline != self.pipeline.name {
            return;
        }
        let folders = self.pipeline.folders(&self.ledger, run);
        let pipeline = self.pipeline.whole().clone();
        let other = Self::new(pipeline, self.ledger.clone(), run.to_owned(), folders);
        let Ok((other, _opened)) = other else { return };
        if status == RunStatus::Succeeded {
            other.sweep_published();
            return;
        }
        match other.accepted().await {
            Ok(accepted) => other.sweep_given_up(accepted).await,
            Err(error) => {
                tracing::warn!(run, error = chain(&error), "cannot sweep what was staged");
            }
        }
    }
}
