//! Rows into nothing: what stands in place of a sink when a pipeline is measured and must not change anything.
//!
//! **Guarantee**: nothing is written.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::error::Result;
use crate::sink::{
    CommitReport, Guarantee, PartName, Publish, Rejection, Sink, StageWriter, StagedPart,
};

/// Counts rows and forgets them.
#[derive(Debug)]
pub struct DiscardSink {
    sink: String,
}

impl DiscardSink {
    /// In place of the sink of that name.
    pub fn in_place_of(sink: &str) -> Self {
        Self { sink: sink.to_owned() }
    }
}

impl Sink for DiscardSink {
    fn target(&self) -> String {
        format!("nowhere, in place of `{}`", self.sink)
    }

    fn guarantee(&self) -> Guarantee {
        Guarantee::Nothing
    }

    fn replaces(&self) -> bool {
        false
    }

    fn check(&self, _schema: SchemaRef) -> BoxFuture<'_, Result<()>> {
        std::future::ready(Ok(())).boxed()
    }

    fn stage(
        &self,
        _schema: SchemaRef,
        part: &PartName,
        _scratch: &Path,
    ) -> Result<Box<dyn StageWriter>> {
        Ok(Box::new(Discarding { stem: part.stem.clone(), rows: 0 }))
    }

    fn commit<'a>(
        &'a self,
        _schema: SchemaRef,
        _run: &'a str,
        parts: &'a [StagedPart],
        _publish: Publish,
    ) -> BoxFuture<'a, Result<CommitReport>> {
        let report = CommitReport {
            target: self.target(),
            rows: parts.iter().map(|part| part.rows).sum(),
            bytes: 0,
            files: Vec::new(),
        };
        std::future::ready(Ok(report)).boxed()
    }

    fn sweep(&self, _run: &str, _keep: &[StagedPart]) -> Result<()> {
        Ok(())
    }

    fn staged_runs(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

struct Discarding {
    stem: String,
    rows: u64,
}

impl StageWriter for Discarding {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<Rejection>> {
        self.rows += batch.num_rows() as u64;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>) -> Result<StagedPart> {
        let Self { stem, rows } = *self;
        Ok(StagedPart { stem, path: PathBuf::new(), rows, bytes: 0, checksum: String::new() })
    }
}
