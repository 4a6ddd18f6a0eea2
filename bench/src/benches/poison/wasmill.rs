//! Wasmill as people run it: the command line over a pipeline file. What it says of the run is compared with what it
//! published.

use std::fs;
use std::path::Path;
use std::process::Command;

use arrow::ipc::writer::FileWriter;
use serde_json::Value;

use super::process::{Outcome, Watched, watch};
use super::{
    DEADLINE_SECONDS, Delivery, FUEL_PER_CALL, FUEL_PER_ROW, MEMORY_MEBIBYTES, Poison, ROWS,
};
use crate::measure::Error;
use crate::subjects::Installed;

/// What it is called in results.
pub const NAME: &str = "wasmill";

pub fn run(installed: &Installed, poison: Poison) -> Result<Delivery, Error> {
    let folder = installed.programs.data()?.join("poison");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    write_rows(&folder.join("rows.arrow"), poison)?;
    let plugin = std::path::absolute(installed.guests.path("bench-poison"))?;
    fs::write(folder.join("pipeline.toml"), pipeline(&plugin))?;
    // Compiling is not counted.
    let check = command(installed, "check", &folder)?.output()?;
    if !check.status.success() {
        return Err(String::from_utf8_lossy(&check.stdout).into());
    }
    let watched = watch(&mut command(installed, "run", &folder)?)?;
    let delivered = published_rows(&folder.join("out"))?;
    let summary = summary(&watched);
    if let (Outcome::Completed, Some(summary)) = (&watched.outcome, &summary)
        && summary.delivered != delivered as u64
    {
        return Err(
            format!("{} rows were announced, {delivered} published", summary.delivered).into()
        );
    }
    Ok(Delivery {
        delivered,
        quarantined: summary.map(|summary| summary.quarantined),
        seconds: watched.elapsed.as_secs_f64(),
        outcome: watched.outcome,
    })
}

fn command(installed: &Installed, verb: &str, folder: &Path) -> Result<Command, Error> {
    let mut command = Command::new(installed.programs.wasmill()?);
    command.arg(verb).arg(folder.join("pipeline.toml")).args(["--output", "json"]);
    command.arg("--cache").arg(installed.programs.data()?.join("compiled"));
    Ok(command)
}

fn pipeline(plugin: &Path) -> String {
    format!(
        r#"
[pipeline]
name = "poison"

[sources.rows]
type = "arrow"
path = "rows.arrow"

[transforms.doubled]
plugin = {plugin:?}
inputs = ["rows"]

[transforms.doubled.limits]
fuel_per_row = {FUEL_PER_ROW}
fuel_per_call = {FUEL_PER_CALL}
deadline = "{DEADLINE_SECONDS}s"
memory = "{MEMORY_MEBIBYTES}MiB"

[sinks.out]
type = "csv"
inputs = ["doubled"]
path = "out"
"#
    )
}

fn write_rows(path: &Path, poison: Poison) -> Result<(), Error> {
    let batches = poison.batches();
    let mut writer = FileWriter::try_new(fs::File::create(path)?, &batches[0].schema())?;
    for batch in &batches {
        writer.write(batch)?;
    }
    Ok(writer.finish()?)
}

/// What the last line says of the run.
struct Summary {
    delivered: u64,
    quarantined: u64,
}

fn summary(watched: &Watched) -> Option<Summary> {
    let last: Value = serde_json::from_str(&watched.lines.last()?.1).ok()?;
    let step = |name: &str, key: &str| {
        let mut steps = last["steps"].as_array()?.iter();
        steps.find(|step| step["step"] == name)?[key].as_u64()
    };
    Some(Summary {
        delivered: step("out", "rows_out")?,
        quarantined: step("doubled", "quarantined")?,
    })
}

/// How many rows were published, each of them good, once, and with the right value.
fn published_rows(folder: &Path) -> Result<usize, Error> {
    let mut published = vec![false; ROWS];
    if !folder.exists() {
        return Ok(0);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "csv") {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines().skip(1) {
            let mut fields = line.split(',').map(str::parse::<i64>);
            let (Some(Ok(id)), Some(Ok(0)), Some(Ok(double))) =
                (fields.next(), fields.next(), fields.next())
            else {
                return Err(format!("{}: {line}", path.display()).into());
            };
            let seen = usize::try_from(id).ok().and_then(|id| published.get_mut(id));
            match seen {
                Some(seen) if !*seen && double == 2 * id => *seen = true,
                _ => return Err(format!("{}: {line}", path.display()).into()),
            }
        }
    }
    Ok(published.into_iter().filter(|published| *published).count())
}
