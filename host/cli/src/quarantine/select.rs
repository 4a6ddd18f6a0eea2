//! Which rows of which runs are meant.

use clap::Args;
use wasmill_connect::units::TimeSpan;
use wasmill_ledger::{Ledger, Run, now_ms};
use wasmill_pipeline::quarantine::held::{HeldError, HeldRun, RowFilter};

use crate::failure::Failure;
use crate::ledger::{failed, find};

/// Which rows of a run.
#[derive(Debug, Args)]
pub struct RowArgs {
    /// Only those of one step; a sink is one too.
    #[arg(long)]
    step: Option<String>,
    /// Only those that violate this rule; can be repeated, for those that violate any of them.
    #[arg(long = "rule", value_name = "RULE")]
    rules: Vec<String>,
}

impl RowArgs {
    pub fn filter(&self) -> RowFilter {
        RowFilter { step: self.step.clone(), rules: self.rules.clone() }
    }
}

/// Of which runs.
#[derive(Debug, Args)]
pub struct TimeArgs {
    /// All runs, not only the latest.
    #[arg(long, conflicts_with = "run")]
    pub all: bool,
    /// All runs that were started then or later: `2026-11-24`, `2026-11-24T09:30:00Z`, or so long ago: `7d`, `12h`.
    #[arg(long, value_name = "T", value_parser = moment, conflicts_with = "run")]
    pub since: Option<i64>,
    /// All runs that were started before then.
    #[arg(long, value_name = "T", value_parser = moment, conflicts_with = "run")]
    pub until: Option<i64>,
}

impl TimeArgs {
    fn of_several(&self) -> bool {
        self.all || self.since.is_some() || self.until.is_some()
    }

    fn has(&self, run: &Run) -> bool {
        self.since.is_none_or(|since| run.started_ms >= since)
            && self.until.is_none_or(|until| run.started_ms < until)
    }

    /// The runs that are meant, in the order in which they were started: the one that is named, those of a time, or the latest.
    pub async fn runs(
        &self,
        ledger: &Ledger,
        run: Option<&str>,
        pipeline: Option<&str>,
    ) -> Result<Vec<Run>, Failure> {
        if let Some(run) = run {
            return Ok(vec![find(ledger, Some(run)).await?]);
        }
        let limit = if self.of_several() { u32::MAX } else { 1 };
        let mut runs = ledger.runs(pipeline, limit).await.map_err(|error| failed(&error))?;
        if runs.is_empty() {
            return Err(Failure::new(
                66,
                match pipeline {
                    Some(pipeline) => format!("the ledger holds no run of `{pipeline}` yet"),
                    None => "the ledger holds no run yet".to_owned(),
                },
            ));
        }
        if self.of_several() {
            runs.retain(|run| self.has(run));
            runs.reverse();
        }
        Ok(runs)
    }
}

/// Of which runs, of which pipeline.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The run's id or the beginning of it; the latest run where left out.
    pub run: Option<String>,
    #[command(flatten)]
    time: TimeArgs,
    /// Only runs of this pipeline, where several share a ledger.
    #[arg(long, value_name = "NAME", conflicts_with = "run")]
    pipeline: Option<String>,
}

impl RunsArgs {
    pub async fn runs(&self, ledger: &Ledger) -> Result<Vec<Run>, Failure> {
        self.time.runs(ledger, self.run.as_deref(), self.pipeline.as_deref()).await
    }
}

/// What a run has held back.
pub async fn held(ledger: &Ledger, run: &Run) -> Result<HeldRun, Failure> {
    HeldRun::read(ledger, &run.id).await.map_err(|error| unread(&error))
}

/// The quarantine cannot be read.
pub fn unread(error: &HeldError) -> Failure {
    Failure::from_error(error.exit_code(), error)
}

/// Milliseconds since 1970-01-01T00:00:00Z.
fn moment(text: &str) -> Result<i64, String> {
    if let Some(span) = TimeSpan::parse(text) {
        let span = i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX);
        return Ok(now_ms().saturating_sub(span));
    }
    if let Ok(date) = text.parse::<chrono::NaiveDate>() {
        return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis());
    }
    chrono::DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis()).map_err(|_| {
        "it is a date (2026-11-24), a time (2026-11-24T09:30:00Z), or so long ago (7d, 12h)"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_dates_times_or_spans() {
        assert_eq!(moment("2023-11-14").unwrap(), 1_699_920_000_000);
        assert_eq!(moment("2023-11-14T22:13:20Z").unwrap(), 1_700_000_000_000);
        assert_eq!(moment("2023-11-14T23:13:20+01:00").unwrap(), 1_700_000_000_000);
        let hour = now_ms() - moment("1h").unwrap();
        assert!((3_600_000 - 60_000..=3_600_000).contains(&hour), "{hour}");
        assert!(moment("yesterday").unwrap_err().contains("2026-11-24"));
    }
}
