//! `start`: what there is to wait for before the first row. The command line over a pipeline of three plugins and three rows: each
//! line does what the one before does, and something more.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::measure::{Error, Measuring, Report, median};
use crate::subjects::Installed;

const PLUGINS: [&str; 3] = ["clean", "pii", "expectations"];
const ROWS: usize = 3;

/// What is timed, and how the command line is called for it.
const STAGES: [(&str, &[&str]); 4] = [
    ("the process, and no more", &["--version"]),
    ("… and a check, plugins in the cache", &["check", "pipeline.toml", "--cache", "compiled"]),
    ("… and a run, rows published", &["run", "pipeline.toml", "--cache", "compiled"]),
    ("the same, plugins compiled first", &["run", "pipeline.toml", "--no-cache"]),
];

pub fn run(installed: &Installed, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let programs = &installed.programs;
    let folder = programs.data()?.join("start");
    let (from, plugins) = (programs.pipelines()?.join("start"), programs.plugins()?);
    fs::create_dir_all(folder.join("plugins"))?;
    fs::create_dir_all(folder.join("input"))?;
    copy(&from, &folder, "pipeline.toml")?;
    copy(&from, &folder, "input/orders.csv")?;
    for plugin in PLUGINS {
        let file = format!("{plugin}.wasm");
        fs::copy(plugins.join(&file), folder.join("plugins").join(&file))?;
    }
    let wasmill = std::path::absolute(programs.wasmill()?)?;
    let mut samples = STAGES.map(|_| Vec::new());
    // The first round fills the cache.
    for round in 0..=measuring.of_whole_runs().rounds() {
        for ((_, arguments), samples) in STAGES.iter().zip(&mut samples) {
            let mut command = Command::new(&wasmill);
            command.args(*arguments).current_dir(&folder).stdout(Stdio::null());
            let started = Instant::now();
            let output = command.stderr(Stdio::piped()).output()?;
            let elapsed = started.elapsed();
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
            if round > 0 {
                samples.push(elapsed.as_secs_f64());
            }
        }
    }
    measuring.keep("start", &STAGES.map(|(name, _)| name), &samples)?;
    for ((name, _), samples) in STAGES.iter().zip(&samples) {
        report.line(&json!({
            "bench": "start",
            "subject": name,
            "rows": ROWS,
            "seconds": median(samples),
            "rounds": samples.len(),
        }));
    }
    Ok(())
}

fn copy(from: &Path, to: &Path, file: &str) -> Result<(), Error> {
    let path = from.join(file);
    fs::copy(&path, to.join(file)).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(())
}
