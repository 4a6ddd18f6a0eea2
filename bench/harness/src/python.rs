//! Peers in Python. The interpreter is started once, so that imports are not what is measured; it runs once for each line that
//! it gets, and answers with a line.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use serde_json::Value;

use crate::cores::Cores;
use crate::measure::{Error, Subject};
use crate::published;

/// What runs the peers.
#[derive(Debug, Clone, Copy)]
pub struct Peers<'a> {
    /// The interpreter with their libraries.
    pub python: &'a Path,
    /// Their scripts.
    pub scripts: &'a Path,
    /// Where each may write.
    pub runs: &'a Path,
}

/// A script at work.
pub struct Python {
    name: String,
    worker: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    schema: SchemaRef,
    keys: usize,
    rejected: u64,
}

impl Python {
    /// Starts `script`, which knows the subject by its name.
    pub fn subject(
        name: &str,
        peers: Peers<'_>,
        script: &str,
        input: &Path,
        cores: usize,
        (schema, keys): (SchemaRef, usize),
    ) -> Result<Box<dyn Subject>, Error> {
        let kind = input.extension().unwrap_or_default().to_string_lossy();
        let folder = format!("{script}-{name}-{kind}").replace([' ', '.'], "-");
        let folder = peers.runs.join(folder);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let threads = cores.to_string();
        let mut python = Command::new(peers.python);
        python.arg(peers.scripts.join(script)).arg(name).arg(input).arg(&folder).arg(&threads);
        // What these libraries know of threads, besides the cores that they are bound to.
        python.env("POLARS_MAX_THREADS", &threads).env("OMP_NUM_THREADS", &threads);
        // Nothing is written into the checkout, not even beside the scripts.
        python.env("PYTHONDONTWRITEBYTECODE", "1");
        python.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut worker = {
            let _cores = Cores::only(cores)?;
            python.spawn()?
        };
        let ask = worker.stdin.take().ok_or("its standard input is piped")?;
        let answers = BufReader::new(worker.stdout.take().ok_or("its standard output is piped")?);
        let name = name.to_owned();
        let mut started = Self { name, worker, ask, answers, folder, schema, keys, rejected: 0 };
        started.answer()?;
        Ok(Box::new(started))
    }

    fn answer(&mut self) -> Result<Value, Error> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            return Err(format!("its process ended; {}", self.worker.wait()?).into());
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Subject for Python {
    fn name(&self) -> &str {
        &self.name
    }

    fn run(&mut self) -> Result<(), Error> {
        writeln!(self.ask)?;
        self.ask.flush()?;
        let answer = self.answer()?;
        self.rejected = answer["rejected"].as_u64().ok_or("no count of rejected rows")?;
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.run()?;
        Ok(vec![published::read(&self.folder.join("out"), &self.schema, self.keys)?])
    }

    fn rejected(&self) -> u64 {
        self.rejected
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It has nothing to lose. That it has ended already is no harm.
        drop(self.worker.kill());
        drop(self.worker.wait());
    }
}
