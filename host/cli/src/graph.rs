//! `wasmill graph`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use wasmill_pipeline::graph::{mermaid, svg, text};

use crate::compiling::CompileArgs;
use crate::failure::Failure;
use crate::{Output, check, findings, json_lines, paint};

pub const EXAMPLES: &str = "\
Examples:
  wasmill graph pipeline.toml
  wasmill graph pipeline.toml --output svg > pipeline.svg
  wasmill graph pipeline.toml --output mermaid >> README.md

The pipeline is checked, but for sinks and notifiers themselves, so columns and types are those that a run has.
Of a pipeline that does not check, what is wrong is shown, and what can be drawn all the same: what reads what.
The exit code is then that of `wasmill check`.";

#[derive(Debug, Args)]
pub struct GraphArgs {
    /// The pipeline file.
    pipeline: PathBuf,
    /// Text for a terminal, one SVG file, one JSON object, or a Mermaid flowchart.
    #[arg(long, value_enum, default_value_t = Drawing::Text)]
    output: Drawing,
    #[command(flatten)]
    compiling: CompileArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drawing {
    Text,
    Svg,
    Json,
    Mermaid,
}

/// Draws a pipeline.
pub async fn graph(args: &GraphArgs) -> Result<ExitCode, Failure> {
    let findings_as = if args.output == Drawing::Json { Output::Json } else { Output::Text };
    let pipeline = check::read(&args.pipeline)?.compiled_by(args.compiling.compiler());
    let invalid = |failed: &wasmill_pipeline::CheckFailed| {
        let counted = findings::counted(&failed.0);
        Failure::new(failed.exit_code(), format!("{}: {counted}", args.pipeline.display()))
    };
    let drawn = match pipeline.graph().await {
        Ok(drawn) => drawn,
        Err(failed) => {
            findings::print(&failed.0, findings_as);
            let failure = invalid(&failed);
            if args.output == Drawing::Json {
                json_lines::print_failure("graph.finished", &[77, 78], &failure);
            }
            return Err(failure);
        }
    };
    findings::print(
        drawn.failed.as_ref().map_or(&drawn.warnings[..], |failed| &failed.0),
        findings_as,
    );
    match args.output {
        Drawing::Text => say!("{}", text::render(&drawn.graph, paint::width()).trim_end()),
        Drawing::Svg => say!("{}", svg::render(&drawn.graph).trim_end()),
        Drawing::Mermaid => say!("{}", mermaid::render(&drawn.graph).trim_end()),
        Drawing::Json => {
            let status = if drawn.failed.is_none() { "ok" } else { "invalid" };
            let mut line = json!({ "event": "graph.finished", "status": status });
            let graph = serde_json::to_value(&drawn.graph).expect("graphs are plain data");
            if let (Some(line), Value::Object(graph)) = (line.as_object_mut(), graph) {
                line.extend(graph);
            }
            json_lines::print(&line);
        }
    }
    match &drawn.failed {
        None => Ok(ExitCode::SUCCESS),
        Some(failed) => Err(invalid(failed)),
    }
}
