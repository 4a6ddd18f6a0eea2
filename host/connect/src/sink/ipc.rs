//! Staging as Arrow IPC files: for sinks that are loaded at commit, and for rows between the phases of a run.

use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};

use super::hashed_file::HashedFile;
use super::{Rejection, StageWriter, StagedPart};
use crate::error::{ConnectError, Result};

/// Writes an Arrow IPC file.
pub struct IpcStageWriter {
    stem: String,
    path: PathBuf,
    writer: FileWriter<HashedFile>,
    rows: u64,
}

impl IpcStageWriter {
    pub fn create(path: PathBuf, stem: String, schema: &SchemaRef) -> Result<Self> {
        let file = HashedFile::create(path.clone())?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(ConnectError::arrow(&path))?;
        let writer = FileWriter::try_new_with_options(file, schema, options)
            .map_err(ConnectError::arrow(&path))?;
        Ok(Self { stem, path, writer, rows: 0 })
    }
}

impl StageWriter for IpcStageWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<Rejection>> {
        self.writer.write(batch).map_err(ConnectError::arrow(&self.path))?;
        self.rows += batch.num_rows() as u64;
        Ok(Vec::new())
    }

    fn finish(self: Box<Self>) -> Result<StagedPart> {
        // `into_inner` ends the file first.
        let file = self.writer.into_inner().map_err(ConnectError::arrow(&self.path))?;
        file.finish(self.stem, self.rows)
    }
}
