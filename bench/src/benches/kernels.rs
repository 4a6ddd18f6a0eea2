//! `gcd`, `add_one` and `strings`: one column out, at three sizes of batches, beside the peers whose benchmarks they are.

use arrow::array::RecordBatch;
use serde_json::json;

use crate::data;
use crate::measure::{Error, Measuring, Report, Subject};
use crate::subjects::Guests;
use crate::subjects::arrow_udf::{self, ArrowUdf};
use crate::subjects::extism::{self, Extism};
use crate::subjects::native::{self, Native};
use crate::subjects::wasmill::Wasmill;

const ROWS: [usize; 3] = [1_024, 8_192, 65_536];

type NativeKernel = fn(&RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError>;

pub fn gcd(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    sizes("gcd", native::gcd, data::pairs, guests, measuring, report).map(drop)
}

pub fn strings(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    sizes("strings", native::strings, data::texts, guests, measuring, report).map(drop)
}

/// Beside the times, what a call and what a row costs: the line through the smallest and the largest size.
pub fn add_one(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    let sizes = sizes("add_one", native::add_one, data::numbers, guests, measuring, report)?;
    let [(small, names, first), .., (large, _, last)] = &sizes[..] else { return Ok(()) };
    for (index, name) in names.iter().enumerate().take(names.len() - 1) {
        let per_row = (last[index] - first[index]) / (large - small) as f64;
        report.line(&json!({
            "bench": "add_one",
            "subject": format!("{name}, a call"),
            "seconds": (first[index] - per_row * *small as f64).max(0.0),
        }));
        report.line(&json!({
            "bench": "add_one",
            "subject": format!("{name}, a row"),
            "seconds": per_row,
        }));
    }
    Ok(())
}

/// Rows, subjects and their medians.
type Size = (usize, Vec<String>, Vec<f64>);

fn sizes(
    kernel: &'static str,
    native: NativeKernel,
    data: fn(usize) -> RecordBatch,
    guests: &Guests,
    measuring: &Measuring,
    report: &Report,
) -> Result<Vec<Size>, Error> {
    let mut sizes = Vec::new();
    for rows in ROWS {
        let input = data(rows);
        let mut subjects: Vec<Box<dyn Subject>> = vec![Native::subject(native, &input)];
        subjects.extend(Wasmill::profiles(guests, kernel, &input, measuring)?);
        if measuring.wants(arrow_udf::NAME) {
            subjects.push(ArrowUdf::subject(guests, kernel, &input)?);
        }
        if measuring.wants(extism::NAME) {
            subjects.push(Extism::subject(guests, kernel, &input)?);
        }
        subjects.push(Native::subject(native, &input));
        let size = (rows, data::bytes(&input));
        let medians = measuring.compare(kernel, size, &mut subjects, report)?;
        let names = subjects.iter().map(|subject| subject.name().to_owned()).collect();
        sizes.push((rows, names, medians));
    }
    Ok(sizes)
}
