//! Timing subjects against each other.
//!
//! A machine is not equally fast all the time, so subjects take turns: in each round every subject is timed once, and the round
//! begins with another one each time. The figure of a subject is the median of its rounds, and its ratio is that to the
//! median of `native`. A second `native`, timed like any other subject, is the A/A control: its ratio says how far
//! a ratio may be off by chance.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use serde_json::json;

/// What can go wrong: a benchmark that cannot be trusted says why and ends.
pub type Error = Box<dyn std::error::Error>;

/// One way of computing what a benchmark is about.
pub trait Subject {
    /// Such as `native` or `wasmill`.
    fn name(&self) -> &str;

    /// Computes it once, from Arrow arrays of this process to Arrow arrays of this process. This is what is timed.
    fn run(&mut self) -> Result<(), Error>;

    /// Computes it once more, to be compared: the batches, one after another, must hold what `native` gives.
    fn output(&mut self) -> Result<Vec<RecordBatch>, Error>;
}

/// The name of the subject that all others are compared with.
pub const NATIVE: &str = "native";

/// How long and how often is measured.
pub struct Measuring {
    rounds: usize,
    /// How long one sample should take at least: many runs of what is short.
    sample: Duration,
    subject: Option<String>,
    samples: PathBuf,
}

impl Measuring {
    /// `subject` is the only one to measure beside native.
    pub fn new(quick: bool, subject: Option<String>, samples: PathBuf) -> Self {
        if quick {
            return Self { rounds: 7, sample: Duration::from_millis(1), subject, samples };
        }
        Self { rounds: 51, sample: Duration::from_millis(5), subject, samples }
    }

    /// Whether a subject is to be measured.
    pub fn wants(&self, subject: &str) -> bool {
        self.subject.as_deref().is_none_or(|only| only == subject)
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// Times `subjects`, of which the first and the last are `native`. `rows` and `bytes` are those of the input.
    pub fn compare(
        &self,
        bench: &str,
        (rows, bytes): (usize, usize),
        subjects: &mut [Box<dyn Subject>],
        report: &Report,
    ) -> Result<Vec<f64>, Error> {
        check_outputs(subjects)?;
        let times: Vec<u32> =
            subjects.iter_mut().map(|subject| self.times(subject)).collect::<Result<_, _>>()?;
        let mut samples = vec![Vec::with_capacity(self.rounds); subjects.len()];
        for round in 0..self.rounds {
            for turn in 0..subjects.len() {
                let index = (round + turn) % subjects.len();
                let started = Instant::now();
                for _ in 0..times[index] {
                    subjects[index].run()?;
                }
                samples[index].push(started.elapsed().as_secs_f64() / f64::from(times[index]));
            }
        }
        let names: Vec<&str> = subjects.iter().map(|subject| subject.name()).collect();
        self.keep(&format!("{bench}-{rows}"), &names, &samples)?;
        let medians: Vec<f64> = samples.iter().map(|samples| median(samples)).collect();
        for (index, seconds) in medians.iter().enumerate() {
            let control = index > 0 && names[index] == NATIVE;
            let name = if control { "native (A/A control)" } else { names[index] };
            report.line(&json!({
                "bench": bench,
                "subject": name,
                "rows": rows,
                "bytes": bytes,
                "seconds": seconds,
                "ratio_to_native": seconds / medians[0],
                "rounds": self.rounds,
            }));
        }
        Ok(medians)
    }

    /// How many runs make one sample.
    fn times(&self, subject: &mut Box<dyn Subject>) -> Result<u32, Error> {
        let mut times = 1;
        loop {
            let started = Instant::now();
            for _ in 0..times {
                subject.run()?;
            }
            if started.elapsed() >= self.sample {
                return Ok(times);
            }
            times *= 2;
        }
    }

    /// Writes raw samples, in seconds.
    pub fn keep(&self, name: &str, subjects: &[&str], samples: &[Vec<f64>]) -> Result<(), Error> {
        fs::create_dir_all(&self.samples)?;
        let mut file = fs::File::create(self.samples.join(format!("{name}.csv")))?;
        writeln!(file, "subject,round,seconds")?;
        for (subject, samples) in subjects.iter().zip(samples) {
            for (round, seconds) in samples.iter().enumerate() {
                writeln!(file, "{subject},{round},{seconds:e}")?;
            }
        }
        Ok(())
    }
}

/// Fast and wrong is no result.
fn check_outputs(subjects: &mut [Box<dyn Subject>]) -> Result<(), Error> {
    let mut expected = None;
    for subject in subjects {
        let batches = subject.output().map_err(|error| format!("{}: {error}", subject.name()))?;
        let first = batches.first().ok_or_else(|| format!("{} gives nothing", subject.name()))?;
        let output = concat_batches(&first.schema(), &batches)?;
        let expected = expected.get_or_insert_with(|| output.clone());
        if output.columns() != expected.columns() {
            return Err(format!("{} gives other rows than native", subject.name()).into());
        }
    }
    Ok(())
}

pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Prints results: for people a table line each, or JSON.
pub struct Report {
    json: bool,
}

impl Report {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    pub fn line(&self, result: &serde_json::Value) {
        if self.json {
            println!("{result}");
            return;
        }
        let text = |key: &str| result[key].as_str().unwrap_or_default().to_owned();
        let micros = result["seconds"].as_f64().unwrap_or_default() * 1e6;
        let ratio = result["ratio_to_native"].as_f64();
        println!(
            "{:<10} {:>7} {:<28} {micros:>12.2} µs {:>9}",
            text("bench"),
            result["rows"].as_u64().map(|rows| rows.to_string()).unwrap_or_default(),
            text("subject"),
            ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default(),
        );
    }
}
