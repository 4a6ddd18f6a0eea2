//! One turn of the loop: the plugin is built, its cases are run, and some rows of a pipeline go through it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::watch;
use wasmill_build::Report;
use wasmill_fixtures::file::{Case, FixtureFile, files_of};
use wasmill_fixtures::ran::Ran;
use wasmill_fixtures::run::Actual;
use wasmill_fixtures::tables::Row;
use wasmill_fixtures::update::Rewriting;
use wasmill_pipeline::file::document::Document;
use wasmill_pipeline::sample::report::{Outcome, SampleReport, Values};
use wasmill_pipeline::sample::{Sample, SampleRefused, Sampling};
use wasmill_pipeline::{CancellationToken, Pipeline};
use wasmill_sandbox::component::Plugin;

use crate::build::{self, Written};
use crate::dev::DevArgs;
use crate::failure::Failure;
use crate::findings;
use crate::test::load;

/// What is being done at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// Empty where nothing is.
    pub(super) text: String,
}

/// What came of one turn.
pub(super) struct Cycle {
    pub(super) project: PathBuf,
    pub(super) pipeline: Option<PathBuf>,
    pub(super) built: Result<Written, String>,
    pub(super) build_seconds: f64,
    /// Each file of cases with those that were run; or what is wrong with it.
    pub(super) files: Vec<(PathBuf, Result<Vec<CaseRun>, String>)>,
    /// Where there is a pipeline, and a plugin.
    pub(super) sample: Option<Result<SampleReport, String>>,
    pub(super) seconds: f64,
}

/// A case that was run.
pub(super) struct CaseRun {
    number: usize,
    case: Case,
    pub(super) ran: Ran,
    /// None where the case itself is wrong.
    pub(super) actual: Option<Actual>,
}

/// What came when all was well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Good {
    /// The rows after each step.
    pub(super) steps: IndexMap<String, Vec<Row>>,
}

/// Says what is being built.
struct Told(Arc<watch::Sender<Step>>);

impl Report for Told {
    fn step(&self, text: &str) {
        self.0.send_replace(Step { text: text.trim().to_owned() });
    }
}

/// Runs everything once.
///
/// # Errors
///
/// When there is no room for what has to be written. That something of the plugin is wrong is no error.
pub(super) async fn run(args: &DevArgs, tell: &Arc<watch::Sender<Step>>) -> Result<Cycle, Failure> {
    let started = Instant::now();
    let say = |text: &str| drop(tell.send_replace(Step { text: text.to_owned() }));
    let pipeline = args.pipeline();
    say("building");
    let (built, plugin) = built(args, tell, pipeline.as_deref()).await?;
    let build_seconds = started.elapsed().as_secs_f64();
    let mut files = Vec::new();
    let mut sample = None;
    if let Some(plugin) = &plugin {
        let paths = files_of(&args.project)
            .map_err(|error| Failure::new(74, format!("{}: {error}", args.project.display())))?;
        for path in paths {
            say(&format!("running {}", path.display()));
            let ran = match FixtureFile::read(&path) {
                Ok(file) => Ok(cases(plugin, &file).await),
                Err(wrong) => Err(findings::text(&wrong)),
            };
            files.push((path, ran));
        }
        if let Some(pipeline) = &pipeline {
            say(&format!("reading rows of {}", pipeline.display()));
            sample = Some(sampled(args, pipeline).await);
        }
    }
    say("");
    let seconds = started.elapsed().as_secs_f64();
    Ok(Cycle {
        project: args.project.clone(),
        pipeline,
        built,
        build_seconds,
        files,
        sample,
        seconds,
    })
}

/// Builds the project on a thread of its own, so that keys are heard meanwhile, and puts the component in its place.
async fn built(
    args: &DevArgs,
    tell: &Arc<watch::Sender<Step>>,
    pipeline: Option<&Path>,
) -> Result<(Result<Written, String>, Option<Plugin>), Failure> {
    let (building, project, told) =
        (args.building.clone(), args.project.clone(), Told(Arc::clone(tell)));
    let work = tokio::task::spawn_blocking(move || building.build(&project, &told)).await;
    let built = match work.map_err(|error| Failure::new(70, error.to_string()))? {
        Ok(built) => built,
        Err(failure) => return Ok((Err(failure.to_string()), None)),
    };
    let named = pipeline.and_then(|pipeline| looked_for(pipeline, &built.project.name));
    let folder = if args.project.is_file() {
        args.project.parent().unwrap_or(Path::new(""))
    } else {
        &args.project
    };
    let file = args
        .out
        .clone()
        .or(named)
        .unwrap_or_else(|| folder.join(format!("{}.wasm", built.project.name)));
    let written = build::write(&file, &built)?;
    let component: Arc<[u8]> = built.component.into();
    Ok(match load(component, None, &args.compiling).await {
        Ok(plugin) => (Ok(written), Some(plugin)),
        Err(failure) => (Err(failure.to_string()), None),
    })
}

/// Where a pipeline looks for a plugin of this name.
fn looked_for(pipeline: &Path, name: &str) -> Option<PathBuf> {
    let text = std::fs::read_to_string(pipeline).ok()?;
    let (document, _) = Document::parse(pipeline, &text);
    let root = document.root();
    let tables = ["sources", "transforms", "validators", "sinks", "notifiers"];
    let steps = tables
        .iter()
        .filter_map(|table| root.get(*table)?.as_object())
        .flat_map(|steps| steps.values());
    let used = steps.filter_map(|step| step.get("plugin")?.as_str());
    let file = format!("{name}.wasm");
    let base = pipeline.parent().unwrap_or(Path::new(""));
    for used in used {
        if Path::new(used).file_name().is_some_and(|used| used == file.as_str()) {
            return Some(base.join(used));
        }
        if used == name {
            let folders = root.get("pipeline")?.get("plugins")?.as_array()?;
            return Some(base.join(folders.first()?.as_str()?).join(file));
        }
    }
    None
}

async fn cases(plugin: &Plugin, file: &FixtureFile) -> Vec<CaseRun> {
    let mut runs = Vec::new();
    for (number, case) in file.cases.iter().enumerate() {
        let (ran, actual, _) = Ran::run(plugin, case, None).await;
        runs.push(CaseRun { number, case: case.clone(), ran, actual });
    }
    runs
}

async fn sampled(args: &DevArgs, pipeline: &Path) -> Result<SampleReport, String> {
    let sampling = Sampling { rows: args.rows, as_they_come: true, ..Sampling::default() };
    let pipeline = Pipeline::from_file(pipeline).map_err(|error| error.to_string())?;
    let sample = Sample::new(pipeline, sampling).compiled_by(args.compiling.compiler());
    let checked = sample.check().await.map_err(|refused| match refused {
        SampleRefused::Check(failed) => findings::text(&failed.0),
        other => other.to_string(),
    })?;
    checked.run(CancellationToken::new()).await.map_err(|error| error.to_string())
}

impl Cycle {
    /// How many cases passed, and how many did not.
    pub(super) fn counts(&self) -> (usize, usize) {
        let mut counts = (0, 0);
        for (_, ran) in &self.files {
            match ran {
                Ok(cases) => {
                    let passed = cases.iter().filter(|case| case.ran.has_passed()).count();
                    counts = (counts.0 + passed, counts.1 + cases.len() - passed);
                }
                Err(_) => counts.1 += 1,
            }
        }
        counts
    }

    /// Whether everything is as it should be.
    pub(super) fn is_good(&self) -> bool {
        let sample_is_good = match &self.sample {
            Some(Ok(report)) => report.problem().is_none(),
            Some(Err(_)) => false,
            None => true,
        };
        self.built.is_ok() && self.counts().1 == 0 && sample_is_good
    }

    /// What came, if all is well.
    pub(super) fn good(&self) -> Option<Good> {
        self.is_good().then(|| Good { steps: self.steps() })
    }

    /// The rows after each step, by their order.
    pub(super) fn steps(&self) -> IndexMap<String, Vec<Row>> {
        let Some(Ok(report)) = &self.sample else { return IndexMap::new() };
        let rows = |values: &Values| -> Row {
            values
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), Value::from(value.clone()?))))
                .collect()
        };
        let mut steps = IndexMap::new();
        for step in &report.steps {
            let after: Vec<Row> = match &step.outcome {
                Outcome::Paired(paired) => {
                    let shown = paired.shown.iter().flat_map(|sample| &sample.after);
                    shown.chain(&paired.made).map(rows).collect()
                }
                Outcome::Apart { output_rows, .. } => output_rows.shown.iter().map(rows).collect(),
                Outcome::Failed { .. } | Outcome::NotReached { .. } => continue,
            };
            steps.insert(step.step.clone(), after);
        }
        steps
    }

    /// Has cases that fail expect what came.
    ///
    /// # Errors
    ///
    /// What cannot be rewritten.
    pub(super) fn update(&self) -> Result<(), String> {
        for (path, ran) in &self.files {
            let Ok(cases) = ran else { continue };
            let failed = cases.iter().filter(|case| !case.ran.has_passed());
            let failed: Vec<(&CaseRun, &Actual)> =
                failed.filter_map(|case| Some((case, case.actual.as_ref()?))).collect();
            if failed.is_empty() {
                continue;
            }
            let mut rewriting = Rewriting::read(path)?;
            for (case, actual) in failed {
                rewriting.expect(case.number, &case.case, actual)?;
            }
            rewriting.write(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_put_where_the_pipeline_looks_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let pipeline = folder.path().join("pipeline.toml");
        let text = "[pipeline]\nplugins = [\"dist\"]\n[transforms.a]\nplugin = \"gross\"\n[validators.b]\nplugin = \"out/rules.wasm\"\n";
        std::fs::write(&pipeline, text).unwrap();
        assert_eq!(looked_for(&pipeline, "gross"), Some(folder.path().join("dist/gross.wasm")));
        assert_eq!(looked_for(&pipeline, "rules"), Some(folder.path().join("out/rules.wasm")));
        assert_eq!(looked_for(&pipeline, "other"), None);
    }
}
