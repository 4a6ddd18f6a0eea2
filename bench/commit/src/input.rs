//! The input: orders in Arrow files, so that next to nothing of what is measured is reading.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::FileWriter;

use crate::Error;

/// Each is a split.
const FILES: usize = 16;
const ROWS_OF_A_BATCH: usize = 8_192;

/// Writes so many rows, unless they are there.
pub fn generate(folder: &Path, rows: usize) -> Result<PathBuf, Error> {
    if folder.exists() {
        return Ok(folder.to_owned());
    }
    let making = folder.with_extension("making");
    std::fs::create_dir_all(&making)?;
    for file in 0..FILES {
        let path = making.join(format!("{file:02}.arrow"));
        let (first, end) = (rows * file / FILES, rows * (file + 1) / FILES);
        let schema = batch(0, 1)?.schema();
        let mut writer = FileWriter::try_new_buffered(File::create(path)?, &schema)?;
        for start in (first..end).step_by(ROWS_OF_A_BATCH) {
            writer.write(&batch(start, end.min(start + ROWS_OF_A_BATCH))?)?;
        }
        writer.finish()?;
    }
    std::fs::rename(&making, folder)?;
    Ok(folder.to_owned())
}

/// Rows of orders: some columns repeat themselves, others do not.
fn batch(first: usize, end: usize) -> Result<RecordBatch, Error> {
    const CITIES: [&str; 7] = ["Aachen", "Berlin", "Córdoba", "Delft", "Évora", "Fes", "Gdańsk"];
    let mixed = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let ids = Int64Array::from_iter_values((first..end).map(|row| row as i64));
    let customers =
        Int64Array::from_iter_values((first..end).map(|row| (mixed(row) % 50_000) as i64));
    let quantities =
        Int32Array::from_iter_values((first..end).map(|row| (mixed(row) % 100) as i32));
    let prices = Float64Array::from_iter_values(
        (first..end).map(|row| (mixed(row) % 1_000_000) as f64 / 100.0),
    );
    let cities =
        StringArray::from_iter_values((first..end).map(|row| CITIES[(mixed(row) % 7) as usize]));
    let notes: StringArray = (first..end)
        .map(|row| {
            (row % 3 != 0).then(|| format!("order {row} is to be handled with {:x}", mixed(row)))
        })
        .collect();
    let columns: [(&str, ArrayRef); 6] = [
        ("id", Arc::new(ids)),
        ("customer", Arc::new(customers)),
        ("quantity", Arc::new(quantities)),
        ("price", Arc::new(prices)),
        ("city", Arc::new(cities)),
        ("note", Arc::new(notes)),
    ];
    let columns = columns.map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}
