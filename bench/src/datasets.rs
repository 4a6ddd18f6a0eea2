//! The inputs of whole runs: files, generated once and the same each time.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::AsArray as _;
use arrow::datatypes::{Float64Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;

use crate::data::{BATCH_ROWS, records};
use crate::measure::Error;

/// Into so many files `lineitem` is divided.
const LINEITEM_FILES: i32 = 8;

/// Wasmill's settings, so that all write alike.
pub fn parquet_properties() -> WriterProperties {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    WriterProperties::builder().set_compression(zstd).build()
}

/// A folder with [`records`] as `records.ndjson` and `records.parquet`.
pub fn record_files(data: &Path, rows: usize) -> Result<PathBuf, Error> {
    once(data.join(format!("records-{rows}")), |folder| {
        let batches = records(rows);
        let mut lines = BufWriter::new(fs::File::create(folder.join("records.ndjson"))?);
        for batch in &batches {
            let ids = batch.column(0).as_primitive::<Int64Type>();
            let names = batch.column(1).as_string::<i32>();
            let amounts = batch.column(2).as_primitive::<Float64Type>();
            let emails = batch.column(3).as_string::<i32>();
            let times = batch.column(4).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                // Nothing in these texts needs an escape.
                writeln!(
                    lines,
                    r#"{{"id":{},"name":"{}","amount":{:.2},"email":"{}","ts":{}}}"#,
                    ids.value(row),
                    names.value(row),
                    amounts.value(row),
                    emails.value(row),
                    times.value(row),
                )?;
            }
        }
        lines.flush()?;
        let file = fs::File::create(folder.join("records.parquet"))?;
        let properties = parquet_properties().into_builder();
        let properties = properties.set_max_row_group_row_count(Some(16 * BATCH_ROWS)).build();
        let mut writer = ArrowWriter::try_new(file, batches[0].schema(), Some(properties))?;
        for batch in &batches {
            writer.write(batch)?;
        }
        writer.close()?;
        Ok(())
    })
}

/// A folder with TPC-H's lineitem as CSV; scale 1 is 6 million rows.
pub fn lineitem_files(data: &Path, scale: f64) -> Result<PathBuf, Error> {
    once(data.join(format!("lineitem-{scale}")), |folder| {
        for part in 1..=LINEITEM_FILES {
            let file = fs::File::create(folder.join(format!("lineitem-{part}.csv")))?;
            let mut lines = BufWriter::new(file);
            writeln!(lines, "{}", LineItemCsv::header())?;
            for row in LineItemGenerator::new(scale, part, LINEITEM_FILES).iter() {
                writeln!(lines, "{}", LineItemCsv::new(row))?;
            }
            lines.flush()?;
        }
        Ok(())
    })
}

/// How many bytes the files of a folder have whose names end in `extension`.
pub fn bytes(folder: &Path, extension: &str) -> Result<usize, Error> {
    let mut bytes = 0;
    for entry in folder.read_dir()? {
        let entry = entry?;
        if entry.path().extension().is_some_and(|found| found == extension) {
            bytes += entry.metadata()?.len() as usize;
        }
    }
    Ok(bytes)
}

/// Has `generate` fill a folder that is not there yet. Under another name until it is whole.
fn once(
    folder: PathBuf,
    generate: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<PathBuf, Error> {
    if folder.exists() {
        return Ok(folder);
    }
    let mut partial = folder.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    generate(&partial)?;
    fs::rename(&partial, &folder)?;
    Ok(folder)
}
