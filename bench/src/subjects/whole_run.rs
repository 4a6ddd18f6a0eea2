//! Wasmill as people run it: `wasmill run FILE`, from the start of the process to the published files.
//!
//! The pipeline file is copied into a folder of its own below the data, with its plugins and its input beside it, so that
//! neither ledger nor output comes into the checkout. Compiled plugins are kept from one run to the next.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bench_harness::published;
use serde_json::Value;

use crate::cores::Cores;
use crate::measure::{Error, Subject};
use crate::subjects::Installed;

/// A pipeline, and how it is run.
pub struct WholeRun {
    name: String,
    wasmill: PathBuf,
    cache: PathBuf,
    folder: PathBuf,
    cores: usize,
    /// What it publishes, and by how many of the first columns its rows are told apart.
    schema: SchemaRef,
    keys: usize,
    rejected: u64,
}

/// What a run is made from.
pub struct Files<'a> {
    /// The pipeline file, such as `records/ndjson.toml`.
    pub pipeline: &'a str,
    /// The folder that the pipeline knows as `input`.
    pub input: &'a Path,
    /// Standard plugins that it uses.
    pub plugins: &'a [&'a str],
    /// Guests of the benchmarks that it uses.
    pub guests: &'a [&'a str],
}

impl WholeRun {
    pub fn subject(
        name: &str,
        installed: &Installed,
        files: &Files<'_>,
        cores: usize,
        (schema, keys): (SchemaRef, usize),
    ) -> Result<Box<dyn Subject>, Error> {
        let programs = &installed.programs;
        let scratch = files.pipeline.replace(['/', '.'], "-");
        let folder = programs.data()?.join("runs").join(format!("{scratch}-{cores}"));
        clear(&folder)?;
        let plugins = folder.join("plugins");
        fs::create_dir_all(&plugins)?;
        for plugin in files.plugins {
            let file = format!("{plugin}.wasm");
            fs::copy(programs.plugins()?.join(&file), plugins.join(&file))?;
        }
        for guest in files.guests {
            fs::write(plugins.join(format!("{guest}.wasm")), installed.guests.read(guest)?)?;
        }
        symlink(files.input, folder.join("input"))?;
        let pipeline = programs.pipelines()?.join(files.pipeline);
        fs::copy(&pipeline, folder.join("pipeline.toml"))
            .map_err(|error| format!("{}: {error}", pipeline.display()))?;
        Ok(Box::new(Self {
            name: name.to_owned(),
            wasmill: programs.wasmill()?.to_owned(),
            cache: programs.data()?.join("compiled"),
            folder,
            cores,
            schema,
            keys,
            rejected: 0,
        }))
    }
}

impl Subject for WholeRun {
    fn name(&self) -> &str {
        &self.name
    }

    /// Quarantines are kept for ever, so those of earlier runs would pile up.
    fn prepare(&mut self) -> Result<(), Error> {
        clear(&self.folder.join(".wasmill"))?;
        clear(&self.folder.join("out"))
    }

    fn run(&mut self) -> Result<(), Error> {
        let mut wasmill = Command::new(&self.wasmill);
        wasmill.arg("run").arg(self.folder.join("pipeline.toml")).args(["--output", "json"]);
        wasmill.arg("--cache").arg(&self.cache).current_dir(&self.folder).stderr(Stdio::inherit());
        let output = {
            let _cores = Cores::only(self.cores)?;
            wasmill.output()?
        };
        let text = String::from_utf8(output.stdout)?;
        let summary: Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
        if !output.status.success() {
            return Err(format!("{}: {summary}", output.status).into());
        }
        let steps = summary["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.rejected = steps.iter().filter_map(|step| step["quarantined"].as_u64()).sum();
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.prepare()?;
        self.run()?;
        Ok(vec![published::read(&self.folder.join("out"), &self.schema, self.keys)?])
    }

    fn rejected(&self) -> u64 {
        self.rejected
    }
}

/// Removes a folder, if there is one.
fn clear(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}
