//! What a run of a pipeline takes of the machine, from the text of its file alone.

use std::path::PathBuf;

use serde_json::Value;

use super::Pipeline;

/// What a run may take, and where it writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// The name of the pipeline.
    pub pipeline: String,
    /// Splits that are worked on at once; none for as many as there are cores.
    pub workers: Option<usize>,
    /// Bytes that plugins and queries may use together.
    pub memory: u64,
    /// The folder of what runs stage and hold back, where the file names one.
    pub state: Option<PathBuf>,
}

impl Pipeline {
    /// What the file lets a run take; none where it is too wrong to tell.
    pub fn needs(&self) -> Option<Needs> {
        let pipeline = self.sections(&mut Vec::new())?.file.pipeline;
        let state = self.document.root().get("pipeline").and_then(|section| section.get("state"));
        Some(Needs {
            pipeline: pipeline.name,
            workers: pipeline.workers.map(|workers| workers.max(1) as usize),
            memory: pipeline.memory.0,
            state: state.and_then(Value::as_str).map(|folder| self.base.join(folder)),
        })
    }
}
