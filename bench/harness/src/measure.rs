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

    /// Puts away what an earlier run left, before a sample is timed.
    fn prepare(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Computes it once, from Arrow arrays of this process to Arrow arrays of this process; in a whole run, from files to
    /// files. This is what is timed.
    fn run(&mut self) -> Result<(), Error>;

    /// Computes it several times, as one sample: what a program would do once for many batches is done once.
    fn run_times(&mut self, times: u32) -> Result<(), Error> {
        (0..times).try_for_each(|_| self.run())
    }

    /// Computes it once more, to be compared: the batches, one after another, must hold what `native` gives.
    fn output(&mut self) -> Result<Vec<RecordBatch>, Error>;

    /// How many rows the last run set aside as bad.
    fn rejected(&self) -> u64 {
        0
    }
}

/// The name of the subject that all others are compared with.
pub const NATIVE: &str = "native";

const QUICK_ROUNDS: usize = 7;

/// Subjects that take longer have fewer rounds.
const SLOW: Duration = Duration::from_secs(5);
const ROUNDS_OF_SLOW: usize = 3;

/// An input of a benchmark.
pub struct Case<'a> {
    pub bench: &'a str,
    /// Which one it is, where they differ by more than their rows.
    pub variant: Option<&'a str>,
    pub rows: usize,
    pub bytes: usize,
}

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
            return Self {
                rounds: QUICK_ROUNDS,
                sample: Duration::from_millis(1),
                subject,
                samples,
            };
        }
        Self { rounds: 51, sample: Duration::from_millis(5), subject, samples }
    }

    /// Whether a subject is to be measured.
    pub fn wants(&self, subject: &str) -> bool {
        self.subject.as_deref().is_none_or(|only| only == subject)
    }

    /// Whether it is only to be seen that it works.
    pub fn is_quick(&self) -> bool {
        self.rounds == QUICK_ROUNDS
    }

    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        self.rounds
    }

    /// For whole runs, which take as long as many samples of a kernel: each is a sample, and there are fewer of them.
    pub fn of_whole_runs(&self) -> Self {
        let (subject, samples) = (self.subject.clone(), self.samples.clone());
        let rounds = if self.is_quick() { 3 } else { 7 };
        Self { rounds, sample: Duration::ZERO, subject, samples }
    }

    /// For subjects of which some take a hundred times as long as others.
    pub fn in_fewer_rounds(&self) -> Self {
        Self { sample: self.sample, ..self.of_whole_runs() }
    }

    /// Times `subjects`, of which the first and the last are `native`. `rows` and `bytes` are those of the input.
    pub fn compare(
        &self,
        bench: &str,
        (rows, bytes): (usize, usize),
        subjects: &mut [Box<dyn Subject>],
        report: &Report,
    ) -> Result<Vec<f64>, Error> {
        self.compare_case(&Case { bench, variant: None, rows, bytes }, subjects, report)
    }

    /// Times `subjects` over an input. The last is the first once more, as a control.
    pub fn compare_case(
        &self,
        case: &Case<'_>,
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
                if round >= ROUNDS_OF_SLOW && median(&samples[index]) > SLOW.as_secs_f64() {
                    continue;
                }
                subjects[index].prepare()?;
                let started = Instant::now();
                subjects[index].run_times(times[index])?;
                samples[index].push(started.elapsed().as_secs_f64() / f64::from(times[index]));
            }
        }
        let names: Vec<&str> = subjects.iter().map(|subject| subject.name()).collect();
        let Case { bench, variant, rows, bytes } = case;
        let file =
            variant.map_or_else(|| bench.to_string(), |variant| format!("{bench}-{variant}"));
        self.keep(&format!("{file}-{rows}"), &names, &samples)?;
        let medians: Vec<f64> = samples.iter().map(|samples| median(samples)).collect();
        for (index, seconds) in medians.iter().enumerate() {
            let control = index > 0 && names[index] == names[0];
            let name = format!("{}{}", names[index], if control { " (A/A control)" } else { "" });
            let mut line = json!({
                "bench": bench,
                "subject": name,
                "rows": rows,
                "bytes": bytes,
                "seconds": seconds,
                "ratio_to_native": seconds / medians[0],
                "rows_per_second": *rows as f64 / seconds,
                "bytes_per_second": *bytes as f64 / seconds,
                "rounds": samples[index].len(),
            });
            if let Some(variant) = variant {
                line["variant"] = json!(variant);
            }
            report.line(&line);
        }
        Ok(medians)
    }

    /// How many runs make one sample.
    fn times(&self, subject: &mut Box<dyn Subject>) -> Result<u32, Error> {
        if self.sample.is_zero() {
            return Ok(1);
        }
        let mut times = 1;
        loop {
            let started = Instant::now();
            subject.run_times(times)?;
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
    let mut expected_rejected = None;
    for subject in subjects {
        let batches = subject.output().map_err(|error| format!("{}: {error}", subject.name()))?;
        let first = batches.first().ok_or_else(|| format!("{} gives nothing", subject.name()))?;
        let output = concat_batches(&first.schema(), &batches)?;
        let expected = expected.get_or_insert_with(|| output.clone());
        if output.columns() != expected.columns() {
            return Err(format!("{} gives other rows than native", subject.name()).into());
        }
        let rejected = subject.rejected();
        if rejected != *expected_rejected.get_or_insert(rejected) {
            return Err(
                format!("{} rejects {rejected} rows, native does not", subject.name()).into()
            );
        }
    }
    Ok(())
}

pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The sample below which a share of all lies, such as 0.99.
pub fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
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
        let time = time(result["seconds"].as_f64().unwrap_or_default());
        let ratio = result["ratio_to_native"].as_f64();
        let variant = result["variant"].as_str().map(|variant| format!(" {variant}"));
        println!(
            "{:<16} {:>7} {:<28} {time:>12} {:>9}{}",
            text("bench") + &variant.unwrap_or_default(),
            result["rows"].as_u64().map(|rows| rows.to_string()).unwrap_or_default(),
            text("subject"),
            ratio.map(|ratio| format!("{ratio:.2}x")).unwrap_or_default(),
            details(result),
        );
    }
}

/// `1.24 µs`: three digits at least.
fn time(seconds: f64) -> String {
    match seconds {
        1e-2.. => format!("{:.2} ms", seconds * 1e3),
        1e-7.. => format!("{:.2} µs", seconds * 1e6),
        _ => format!("{:.3} ns", seconds * 1e9),
    }
}

/// What only some results have.
fn details(result: &serde_json::Value) -> String {
    let mut details = String::new();
    if let Some(bytes) = result["resident_bytes"].as_u64() {
        details += &format!(" {:.0} KiB of memory", bytes as f64 / 1024.0);
    }
    if let Some(speedup) = result["speedup"].as_f64() {
        details += &format!(" {speedup:.2} times as fast");
    }
    if let Some(rate) = result["rows_per_second"].as_f64() {
        details += &format!(" {:>12.0} rows/s", rate);
    }
    if let Some(rate) = result["bytes_per_second"].as_f64() {
        details += &format!(" {:>9.0} MB/s", rate / 1e6);
    }
    if let (Some(delivered), Some(outcome)) =
        (result["delivered_rows"].as_u64(), result["outcome"].as_str())
    {
        details += &format!(" {delivered:>7} of {} good rows: {outcome}", result["good_rows"]);
    }
    if let (Some(p99), Some(ratio)) =
        (result["p99_seconds"].as_f64(), result["p99_ratio_to_alone"].as_f64())
    {
        details += &format!(" 99 %: {:>9.2} µs {ratio:>6.2}x", p99 * 1e6);
    }
    details
}
