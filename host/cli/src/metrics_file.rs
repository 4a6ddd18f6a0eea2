//! `wasmill run --metrics FILE`: the metrics of a run as text, for a collector that reads files, such as node_exporter's
//! textfile collector.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tempfile::NamedTempFile;
use wasmill_pipeline::metrics::METRICS;

use crate::failure::Failure;

/// How often observations are put into their buckets; until then each takes up memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// The file to come: written beside its place and then moved there, so that nobody reads half of it.
pub struct MetricsFile {
    path: PathBuf,
    file: NamedTempFile,
    metrics: PrometheusHandle,
}

impl MetricsFile {
    /// Begins to collect. The file is created here, so that a run does not end with metrics that cannot be written.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut beside = tempfile::Builder::new();
        beside.prefix(".wasmill-metrics-");
        // As readable as any file: collectors run as somebody else.
        #[cfg(unix)]
        beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let file = beside.tempfile_in(folder).map_err(|error| {
            let folder = folder.display();
            Failure::new(74, format!("cannot create the file of metrics in {folder}: {error}"))
        })?;
        let metrics = collect()?;
        Ok(Self { path: path.to_owned(), file, metrics })
    }

    /// Writes what was collected.
    pub fn write(mut self) -> std::io::Result<()> {
        self.metrics.run_upkeep();
        self.file.write_all(self.metrics.render().as_bytes())?;
        self.file.as_file().sync_all()?;
        self.file.persist(&self.path)?;
        Ok(())
    }
}

fn collect() -> Result<PrometheusHandle, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(70, format!("metrics cannot be collected: {error}"))
    };
    let mut builder = PrometheusBuilder::new();
    for metric in METRICS.iter().filter(|metric| !metric.buckets.is_empty()) {
        let name = Matcher::Full(metric.name.to_owned());
        builder =
            builder.set_buckets_for_metric(name, metric.buckets).map_err(|error| failed(&error))?;
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| failed(&error))?;
    let upkeep = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}
