//! `wasmill check`.

use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;
use wasmill_pipeline::{CheckedPipeline, Pipeline};
use wasmill_sandbox::contract::finding::bounded_text;

use crate::Output;
use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::{findings, json_lines};

/// Reads a pipeline file.
pub fn read(file: &Path) -> Result<Pipeline, Failure> {
    Pipeline::from_file(file).map_err(|error| {
        let missing = error.source.kind() == ErrorKind::NotFound;
        Failure::from_error(if missing { 66 } else { 74 }, &error)
    })
}

/// Checks a pipeline and shows the columns that each step gives.
pub async fn check(
    file: &Path,
    output: Output,
    compiling: &CompileArgs,
) -> Result<ExitCode, Failure> {
    let pipeline = read(file)?.compiled_by(compiling.compiler());
    let (findings, pipeline, exit_code) = match pipeline.check().await {
        Ok(pipeline) => (pipeline.warnings().to_vec(), Some(pipeline), 0),
        Err(failed) => {
            let exit_code = failed.exit_code();
            (failed.0, None, exit_code)
        }
    };
    findings::print(&findings, output);
    let status = if pipeline.is_some() { "ok" } else { "invalid" };
    match output {
        Output::Json => json_lines::print(&json!({
            "event": "check.finished",
            "status": status,
            "findings": findings.len(),
            "sinks": pipeline.iter().flat_map(CheckedPipeline::guarantees).collect::<Vec<_>>(),
        })),
        Output::Text => {
            let Some(pipeline) = pipeline else {
                let counted = findings::counted(&findings);
                return Err(Failure::new(exit_code, format!("{}: {counted}", file.display())));
            };
            say!("{}: ok", file.display());
            for (step, schema) in pipeline.schemas() {
                let columns = schema
                    .fields()
                    .iter()
                    .map(|field| bounded_text(format!("{} {}", field.name(), field.data_type())));
                say!("  {step}: {}", columns.collect::<Vec<_>>().join(", "));
            }
            for sink in pipeline.guarantees() {
                say!("  {} → {}: {}", sink.sink, sink.target, sink.guarantee);
            }
        }
    }
    Ok(ExitCode::from(exit_code))
}
