//! What was found, said as it is found: a line for people, a JSON object for programs.

use std::process::ExitCode;

use serde_json::json;

use crate::table::counted;
use crate::{Output, json_lines};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// Runs go on, but somebody should look.
    Warning,
    /// Runs fail.
    Problem,
    /// It was not looked at.
    Skipped,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}

/// Prints findings, and counts them.
pub struct Findings {
    output: Output,
    warnings: usize,
    problems: usize,
}

impl Findings {
    pub fn new(output: Output) -> Self {
        Self { output, warnings: 0, problems: 0 }
    }

    pub fn ok(&mut self, check: &str, message: impl Into<String>) {
        self.add(State::Ok, check, message.into(), None);
    }

    pub fn skipped(&mut self, check: &str, message: impl Into<String>) {
        self.add(State::Skipped, check, message.into(), None);
    }

    /// Something to look after; `advice` says what to do.
    pub fn warning(&mut self, check: &str, message: impl Into<String>, advice: impl Into<String>) {
        self.warnings += 1;
        self.add(State::Warning, check, message.into(), Some(advice.into()));
    }

    /// Something that makes runs fail; `advice` says what to do.
    pub fn problem(&mut self, check: &str, message: impl Into<String>, advice: impl Into<String>) {
        self.problems += 1;
        self.add(State::Problem, check, message.into(), Some(advice.into()));
    }

    fn add(&self, state: State, check: &str, message: String, advice: Option<String>) {
        match self.output {
            Output::Json => json_lines::print(&json!({
                "event": "doctor.check",
                "check": check,
                "status": state.name(),
                "message": message,
                "advice": advice,
            })),
            Output::Text => {
                say!("{:<8} {check:<10} {message}", state.name());
                if let Some(advice) = advice {
                    say!("{:<19} {advice}", "");
                }
            }
        }
    }

    /// The last word, and the exit code.
    pub fn finish(self, unreadable: bool) -> ExitCode {
        let Self { output, warnings, problems } = self;
        let status = match (problems, warnings) {
            (0, 0) => State::Ok,
            (0, _) => State::Warning,
            _ => State::Problem,
        };
        match output {
            Output::Json => json_lines::print(&json!({
                "event": "doctor.finished",
                "status": status.name(),
                "problems": problems,
                "warnings": warnings,
            })),
            Output::Text => {
                say!("\n{}, {}", counted(problems, "problem"), counted(warnings, "warning"));
            }
        }
        match (unreadable, problems) {
            (true, _) => ExitCode::from(78),
            (false, 0) => ExitCode::SUCCESS,
            (false, _) => ExitCode::from(69),
        }
    }
}
