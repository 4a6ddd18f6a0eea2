//! `commit`: what it costs that a run is published once, whatever dies. Every row of a table goes from CSV to files: by a run, with
//! attempts, staged files that are hashed and synced, manifests, the ledger, and a commit; and straight, by the same reader and
//! the same writers, into the files where they belong.
//!
//! Both do it in this process, with as many splits at once. The files must be the same, byte for byte. Beside it, straight and synced, file by
//! file: what any writer has to do whose files are to be there after a power failure.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, Int64Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::StreamExt as _;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use wasmill_connect::source::Source;
use wasmill_connect::source::csv::CsvSource;
use wasmill_pipeline::{CancellationToken, CheckedPipeline, Pipeline};

use crate::datasets::{self, BATCH_ROWS};
use crate::measure::{Case, Error, Measuring, NATIVE, Report, Subject};
use crate::subjects::Installed;

/// How many splits are worked on at once.
const WORKERS: usize = 2;
/// Half of what is measured elsewhere: JSON lines of the whole table would be 3 GB.
const SCALE: f64 = 0.5;
const QUICK_SCALE: f64 = 0.05;
/// Of the whole table, by TPC-H's specification.
const ROWS: f64 = 6_001_215.0;

pub fn run(installed: &Installed, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let scale = if measuring.is_quick() { QUICK_SCALE } else { SCALE };
    let data = installed.programs.data()?;
    let input = datasets::lineitem_files(data, scale)?;
    let (rows, bytes) = ((ROWS * scale) as usize, datasets::bytes(&input, "csv")?);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let runtime = Arc::new(runtime);
    for format in ["parquet", "csv", "jsonl"] {
        let folder = data.join("runs").join(format!("commit-{format}"));
        let straight =
            |name: &str, synced| Straight::subject(name, &runtime, &input, &folder, format, synced);
        let mut subjects = vec![
            straight(NATIVE, false)?,
            straight("straight, synced", true)?,
            Staged::subject(&runtime, &input, &folder.join("run"), format)?,
            straight(NATIVE, false)?,
        ];
        let case = Case { bench: "commit", variant: Some(format), rows, bytes };
        let seconds = measuring.of_whole_runs().compare_case(&case, &mut subjects, report)?;
        report.line(&json!({
            "bench": "commit",
            "variant": format,
            "subject": "a run by straight",
            "ratio": seconds[2] / seconds[0],
            "ratio_to_synced": seconds[2] / seconds[1],
        }));
        fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

/// A run of a pipeline.
struct Staged {
    runtime: Arc<Runtime>,
    folder: PathBuf,
    pipeline: CheckedPipeline,
}

impl Staged {
    fn subject(
        runtime: &Arc<Runtime>,
        input: &Path,
        folder: &Path,
        format: &str,
    ) -> Result<Box<dyn Subject>, Error> {
        clear(folder)?;
        let input = input.join("*.csv");
        let text = format!(
            "[pipeline]\nname = \"commit\"\nworkers = {WORKERS}\n\
             [sources.lineitem]\ntype = \"csv\"\npath = {input:?}\n\
             [sinks.out]\ntype = \"{format}\"\ninputs = [\"lineitem\"]\npath = \"out\"\n"
        );
        let pipeline = Pipeline::from_text(folder.join("pipeline.toml"), &text);
        let pipeline = runtime.block_on(pipeline.check())?;
        Ok(Box::new(Self { runtime: Arc::clone(runtime), folder: folder.to_owned(), pipeline }))
    }
}

impl Subject for Staged {
    fn name(&self) -> &str {
        "wasmill"
    }

    fn prepare(&mut self) -> Result<(), Error> {
        clear(&self.folder)
    }

    fn run(&mut self) -> Result<(), Error> {
        let run = self.pipeline.clone().run(CancellationToken::new());
        match self.runtime.block_on(run)?.problem {
            None => Ok(()),
            Some(problem) => Err(problem.message.into()),
        }
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.prepare()?;
        self.run()?;
        content(&self.folder.join("out"))
    }
}

/// The same reader and the same writers, and nothing else.
struct Straight {
    name: String,
    runtime: Arc<Runtime>,
    source: Arc<CsvSource>,
    folder: PathBuf,
    format: &'static str,
    synced: bool,
}

impl Straight {
    fn subject(
        name: &str,
        runtime: &Arc<Runtime>,
        input: &Path,
        folder: &Path,
        format: &'static str,
        synced: bool,
    ) -> Result<Box<dyn Subject>, Error> {
        let config = serde_json::from_value(json!({ "path": input.join("*.csv") }))?;
        Ok(Box::new(Self {
            name: name.to_owned(),
            runtime: Arc::clone(runtime),
            source: Arc::new(CsvSource::open(&config, input)?),
            folder: folder.join(if synced { "synced" } else { "straight" }),
            format,
            synced,
        }))
    }
}

impl Subject for Straight {
    fn name(&self) -> &str {
        &self.name
    }

    fn prepare(&mut self) -> Result<(), Error> {
        clear(&self.folder)
    }

    fn run(&mut self) -> Result<(), Error> {
        let splits = self.runtime.block_on(self.source.splits(None))?;
        let mut waiting = splits.into_iter().enumerate();
        self.runtime.block_on(async {
            let mut at_work: JoinSet<Result<(), String>> = JoinSet::new();
            loop {
                while at_work.len() < WORKERS
                    && let Some((number, split)) = waiting.next()
                {
                    let (source, synced) = (Arc::clone(&self.source), self.synced);
                    let (format, schema) = (self.format, self.source.schema());
                    let path = self.folder.join(format!("part-{number:05}.{format}"));
                    at_work.spawn(async move {
                        let text = |error: &dyn std::fmt::Display| error.to_string();
                        let mut rows =
                            source.read(&split, BATCH_ROWS).map_err(|error| text(&error))?;
                        let mut writer = None;
                        while let Some(batch) = rows.next().await {
                            let batch = batch.map_err(|error| text(&error))?.batch;
                            let writer = match &mut writer {
                                Some(writer) => writer,
                                none => none.insert(
                                    Writer::create(&path, format, &schema, &batch)
                                        .map_err(|error| text(&error))?,
                                ),
                            };
                            writer.write(&batch).map_err(|error| text(&error))?;
                        }
                        match writer {
                            Some(writer) => writer.finish(synced).map_err(|error| text(&error)),
                            None => Ok(()),
                        }
                    });
                }
                match at_work.join_next().await {
                    Some(ended) => ended??,
                    None => return Ok(()),
                }
            }
        })
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.prepare()?;
        self.run()?;
        content(&self.folder)
    }
}

enum Writer {
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
    Csv(Box<arrow::csv::Writer<BufWriter<File>>>),
    Jsonl(Box<arrow::json::LineDelimitedWriter<BufWriter<File>>>),
}

impl Writer {
    fn create(
        path: &Path,
        format: &str,
        schema: &SchemaRef,
        first: &RecordBatch,
    ) -> Result<Self, Error> {
        let file = BufWriter::with_capacity(256 << 10, File::create(path)?);
        Ok(match format {
            "parquet" => {
                let properties = parquet_properties(first);
                let writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties))?;
                Self::Parquet(Box::new(writer))
            }
            "csv" => Self::Csv(Box::new(arrow::csv::Writer::new(file))),
            _ => Self::Jsonl(Box::new(arrow::json::LineDelimitedWriter::new(file))),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match self {
            Self::Parquet(writer) => {
                writer.write(batch)?;
                if writer.in_progress_size() > 64 << 20 {
                    writer.flush()?;
                }
            }
            Self::Csv(writer) => writer.write(batch)?,
            Self::Jsonl(writer) => writer.write(batch)?,
        }
        Ok(())
    }

    fn finish(self, synced: bool) -> Result<(), Error> {
        let mut file = match self {
            Self::Parquet(writer) => writer.into_inner()?,
            Self::Csv(writer) => writer.into_inner(),
            Self::Jsonl(mut writer) => {
                writer.finish()?;
                writer.into_inner()
            }
        };
        file.flush()?;
        if synced {
            file.get_ref().sync_all()?;
        }
        Ok(())
    }
}

/// Those of the sink: columns in which nearly every value is another one have no dictionary. All columns are text here.
fn parquet_properties(first: &RecordBatch) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("wasmill".to_owned());
    for (field, column) in first.schema_ref().fields().iter().zip(first.columns()) {
        let values = column.len() - column.null_count();
        let mut distinct: Vec<&str> = column.as_string::<i32>().iter().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if values >= 1_024 && distinct.len() >= values - values / 50 {
            let path = ColumnPath::from(vec![field.name().clone()]);
            properties = properties.set_column_dictionary_enabled(path, false);
        }
    }
    properties.build()
}

/// How many files there are, their bytes, and a hash of what is in them, in the order of their names.
fn content(folder: &Path) -> Result<Vec<RecordBatch>, Error> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_, std::io::Error>>()?;
    files.retain(|file| file.is_file());
    files.sort();
    let mut hash = DefaultHasher::new();
    let mut bytes = 0;
    for file in &files {
        let read = fs::read(file)?;
        bytes += read.len() as i64;
        hash.write(&read);
    }
    let number = |value| Arc::new(Int64Array::from(vec![value])) as _;
    let columns = [
        ("files", number(files.len() as i64)),
        ("bytes", number(bytes)),
        ("hash", number(hash.finish() as i64)),
    ];
    Ok(vec![RecordBatch::try_from_iter(columns)?])
}

fn clear(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}
