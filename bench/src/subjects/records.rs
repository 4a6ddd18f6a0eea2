//! The work of `records` by hand, over files.

use std::fs;
use std::io::BufReader;
use std::path::PathBuf;

use arrow::array::{RecordBatch, RecordBatchReader};
use bench_harness::published;
use bench_harness::records::{divide, input_schema, output_schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cores::Cores;
use crate::data::BATCH_ROWS;
use crate::datasets::parquet_properties;
use crate::measure::{Error, NATIVE, Subject};

/// From a file to Parquet, with the rejected rows in a file beside it, on one core.
pub struct NativeFiles {
    input: PathBuf,
    folder: PathBuf,
    rejected: u64,
}

impl NativeFiles {
    /// `input` is JSON lines or Parquet, by its name.
    pub fn subject(input: PathBuf, folder: PathBuf) -> Box<dyn Subject> {
        Box::new(Self { input, folder, rejected: 0 })
    }

    fn batches(&self) -> Result<Box<dyn RecordBatchReader>, Error> {
        let file = fs::File::open(&self.input)?;
        if self.input.extension().is_some_and(|extension| extension == "parquet") {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
            return Ok(Box::new(builder.with_batch_size(BATCH_ROWS).build()?));
        }
        let builder = arrow::json::ReaderBuilder::new(input_schema()).with_batch_size(BATCH_ROWS);
        Ok(Box::new(builder.build(BufReader::with_capacity(256 << 10, file))?))
    }

    fn published(&self) -> PathBuf {
        self.folder.join("out")
    }
}

impl Subject for NativeFiles {
    fn name(&self) -> &str {
        NATIVE
    }

    fn run(&mut self) -> Result<(), Error> {
        let _core = Cores::only(1)?;
        fs::create_dir_all(self.published())?;
        let writer = |path: PathBuf, schema| -> Result<_, Error> {
            let properties = Some(parquet_properties());
            Ok(ArrowWriter::try_new(fs::File::create(path)?, schema, properties)?)
        };
        let mut kept = writer(self.published().join("kept.parquet"), output_schema())?;
        let mut rejects = writer(self.folder.join("rejects.parquet"), input_schema())?;
        self.rejected = 0;
        for batch in self.batches()? {
            let (good, rejected) = divide(&batch?)?;
            kept.write(&good)?;
            rejects.write(&rejected)?;
            self.rejected += rejected.num_rows() as u64;
        }
        kept.close()?;
        rejects.close()?;
        Ok(())
    }

    fn output(&mut self) -> Result<Vec<RecordBatch>, Error> {
        self.run()?;
        Ok(vec![published::read(&self.published(), &output_schema(), 1)?])
    }

    fn rejected(&self) -> u64 {
        self.rejected
    }
}
