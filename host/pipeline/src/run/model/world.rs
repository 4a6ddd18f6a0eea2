//! Where a history takes place: a ledger, the targets, and whoever works on runs.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use wasmill_connect::sink::files::{FileSink, JsonlSinkConfig};
use wasmill_connect::sink::sqlite::{SqliteSink, SqliteSinkConfig, TableMode};
use wasmill_connect::sink::{Sink, WriteMode};
use wasmill_ledger::{Ledger, RunStatus};

use super::PIPELINE;
use super::actor::{Actor, Said};
use super::reference::{Keeps, Row, SPLITS, shown};
use crate::check::Pipeline;
use crate::checked::{CheckedPipeline, SinkStep, SinkTarget};
use crate::run::open::RunError;
use crate::run::partition::{Partition, PlanOptions};
use crate::run::resume::Changes;
use crate::run::summary::RunSummary;

/// So many actors are alive at the same time.
const ACTORS: usize = 3;
/// So many runs a history has, beside those that bring everything in order.
const RUNS: usize = 3;
/// More points than any actor passes.
const ALL_POINTS: usize = 200;

/// What happens, one thing after the other. Runs and actors are counted in the order in which they came; what cannot happen does not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    /// A new run begins.
    Run,
    /// A new run is planned.
    Plan,
    /// A run is gone on with.
    Resume(usize),
    /// A run that was planned is published.
    Commit(usize),
    /// A run is given up.
    Abort(usize),
    /// A process works on one split of a run.
    Partition(usize, usize),
    /// An actor passes so many points.
    Go(usize, usize),
    /// An actor dies where it stands.
    Kill(usize),
    /// Whoever is alive has no lock any more, and does not know it.
    LoseLocks,
}

/// What the sinks of a pipeline do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sinks {
    pub(super) files: Option<Keeps>,
    pub(super) table: Option<Keeps>,
}

#[derive(Debug, Clone)]
pub(super) struct History {
    pub(super) sinks: Sinks,
    pub(super) ops: Vec<Op>,
}

impl fmt::Display for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "  {:?}", self.sinks)?;
        self.ops.iter().try_for_each(|op| writeln!(formatter, "  {op:?}"))
    }
}

/// What many histories share.
pub(super) struct Shared {
    runtime: Runtime,
    folder: TempDir,
    ledger: Ledger,
    /// With all sinks; each history takes its own.
    template: CheckedPipeline,
    histories: AtomicU32,
}

impl Shared {
    pub(super) fn new() -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
        // In memory, where it can be had: what is on disk after a loss of power is not asked here.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        for split in 0..SPLITS {
            let file = folder.path().join(format!("rows-{split}.csv"));
            std::fs::write(file, "key,run,attempt\n1,none,none\n").unwrap();
        }
        let text = format!(
            "[pipeline]\nname = \"{PIPELINE}\"\nworkers = 1\n\
             [sources.rows]\ntype = \"csv\"\npath = \"rows-*.csv\"\ntypes = {{ key = \"int64\" }}\n\
             [sinks.files]\ntype = \"jsonl\"\ninputs = [\"rows\"]\npath = \"files\"\n\
             [sinks.table]\ntype = \"sqlite\"\ninputs = [\"rows\"]\npath = \"table.db\"\ntable = \"rows\"\nmode = \"append\"\n"
        );
        let pipeline = Pipeline::from_text(folder.path().join("pipeline.toml"), &text);
        let template = runtime.block_on(pipeline.check()).unwrap();
        let ledger = runtime.block_on(Ledger::create("sqlite://ledger.db", folder.path())).unwrap();
        Self { runtime, folder, ledger, template, histories: AtomicU32::new(0) }
    }

    /// Lets a history happen, and compares with the reference all the way.
    pub(super) fn tell(&self, history: &History) -> Result<(), String> {
        let number = self.histories.fetch_add(1, Ordering::Relaxed);
        let mut world = World::new(self, number, history.sinks);
        for op in &history.ops {
            world.happens(*op);
            if !world.actors.is_empty() || matches!(op, Op::Go(..)) {
                world.compare().map_err(|error| format!("after {op:?}: {error}"))?;
            }
        }
        world.end()
    }
}

/// Nobody is left for the next history.
impl Drop for World<'_> {
    fn drop(&mut self) {
        for actor in std::mem::take(&mut self.actors) {
            actor.kill(&self.shared.runtime);
        }
    }
}

/// What is published, in the order in which it began to be.
type Published = Arc<Mutex<Vec<String>>>;

struct World<'a> {
    shared: &'a Shared,
    folder: PathBuf,
    pipeline: CheckedPipeline,
    sinks: Sinks,
    number: u32,
    runs: Vec<String>,
    actors: Vec<Actor>,
    published: Published,
    given_up: BTreeSet<String>,
    /// Runs that the ledger has called succeeded.
    done: BTreeSet<String>,
    /// Attempts that the ledger has accepted.
    counting: BTreeSet<String>,
}

impl<'a> World<'a> {
    fn new(shared: &'a Shared, number: u32, sinks: Sinks) -> Self {
        let folder = shared.folder.path().join(number.to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut pipeline = shared.template.clone();
        pipeline.settings.state = Some(folder.join("state"));
        // What one history leaves is nothing to another.
        pipeline.name = format!("{PIPELINE}{number}");
        let mut put = |name: &str, target: Option<Arc<dyn Sink>>| match target {
            Some(target) => {
                let step = &pipeline.sinks[name];
                let step = SinkStep {
                    name: step.name.clone(),
                    inputs: step.inputs.clone(),
                    schema: Arc::clone(&step.schema),
                    target: SinkTarget::Connector(target),
                };
                pipeline.sinks[name] = Arc::new(step);
            }
            None => drop(pipeline.sinks.shift_remove(name)),
        };
        put(
            "files",
            sinks.files.map(|keeps| {
                let mode = if keeps == Keeps::All { WriteMode::Append } else { WriteMode::Replace };
                let config = JsonlSinkConfig { path: "files".to_owned(), mode };
                std::fs::create_dir(folder.join("files")).unwrap();
                Arc::new(FileSink::jsonl(&config, &folder).unwrap()) as _
            }),
        );
        put(
            "table",
            sinks.table.map(|keeps| {
                let (mode, key) = match keeps {
                    Keeps::All => (TableMode::Append, Vec::new()),
                    Keeps::Latest => (TableMode::Replace, Vec::new()),
                    Keeps::LatestOfKey => (TableMode::Merge, vec!["key".to_owned()]),
                };
                let (path, table) = ("table.db".to_owned(), "rows".to_owned());
                let config = SqliteSinkConfig { path, table, mode, key };
                Arc::new(SqliteSink::new(&config, &folder).unwrap()) as _
            }),
        );
        Self {
            shared,
            folder,
            pipeline,
            sinks,
            number,
            runs: Vec::new(),
            actors: Vec::new(),
            published: Published::default(),
            given_up: BTreeSet::new(),
            done: BTreeSet::new(),
            counting: BTreeSet::new(),
        }
    }

    fn published(&self) -> MutexGuard<'_, Vec<String>> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn happens(&mut self, op: Op) {
        match op {
            Op::Run | Op::Plan if self.runs.len() < RUNS && self.has_room() => {
                let run = self.new_run();
                if matches!(op, Op::Plan) { self.plan(run) } else { self.run(run) }
            }
            Op::Resume(run) => self.on_run(run, Self::resume),
            Op::Commit(run) => self.on_run(run, Self::commit),
            Op::Abort(run) => self.on_run(run, Self::abort),
            Op::Partition(run, split) => {
                self.on_run(run, |world, run| world.work_on_partition(run, split));
            }
            Op::Go(actor, points) => {
                for _ in 0..points {
                    if actor < self.actors.len() && self.can_go(actor) {
                        self.lose_locks_of_zombies();
                        self.actors[actor].go();
                    }
                }
            }
            Op::Kill(actor) if actor < self.actors.len() => {
                self.actors.remove(actor).kill(&self.shared.runtime);
            }
            Op::LoseLocks => self.lose_locks(),
            Op::Run | Op::Plan | Op::Kill(_) => {}
        }
        self.hear();
    }

    fn has_room(&self) -> bool {
        self.actors.len() < ACTORS
    }

    fn new_run(&mut self) -> String {
        let run = format!("h{}-{}", self.number, self.runs.len());
        self.runs.push(run.clone());
        run
    }

    fn on_run(&mut self, run: usize, work: impl FnOnce(&mut Self, String)) {
        if self.has_room()
            && let Some(run) = self.runs.get(run).cloned()
        {
            work(self, run);
        }
    }

    fn start(&mut self, run: String, work: impl Future<Output = Said> + Send + 'static) {
        let (published, begins) = (Arc::clone(&self.published), run.clone());
        let passed = move |point| {
            let mut published = published.lock().unwrap_or_else(PoisonError::into_inner);
            if point == "commit-begun" && !published.contains(&begins) {
                published.push(begins.clone());
            }
        };
        self.actors.push(Actor::start(&self.shared.runtime, run, passed, work));
    }

    fn parts(&self) -> (CheckedPipeline, Ledger, CancellationToken) {
        (self.pipeline.clone(), self.shared.ledger.clone(), CancellationToken::new())
    }

    fn run(&mut self, run: String) {
        let (pipeline, ledger, cancel) = self.parts();
        let id = Some(run.clone());
        self.start(run, async move {
            said(pipeline.run_in(ledger, id, &cancel).await.map(|(summary, _)| summary))
        });
    }

    fn plan(&mut self, run: String) {
        let (pipeline, ledger, _) = self.parts();
        let id = Some(run.clone());
        self.start(run, async move {
            let planned = pipeline.plan_in(ledger, id, PlanOptions::default()).await;
            planned.map(|_| "planned").map_err(|error| error.to_string())
        });
    }

    fn resume(&mut self, run: String) {
        let (pipeline, ledger, cancel) = self.parts();
        self.start(run.clone(), async move {
            said(pipeline.resume_in(ledger, &run, Changes::Refuse, &cancel).await)
        });
    }

    fn commit(&mut self, run: String) {
        let (pipeline, ledger, cancel) = self.parts();
        self.start(
            run.clone(),
            async move { said(pipeline.commit_in(ledger, &run, &cancel).await) },
        );
    }

    fn abort(&mut self, run: String) {
        let (pipeline, ledger, _) = self.parts();
        self.start(run.clone(), async move {
            let aborted = pipeline.abort_in(ledger, &run, false).await;
            aborted.map(|run| run.status.name()).map_err(|error| error.to_string())
        });
    }

    fn work_on_partition(&mut self, run: String, split: usize) {
        let (pipeline, ledger, cancel) = self.parts();
        let partition = Partition { index: split, of: 2, level: 0 };
        self.start(run.clone(), async move {
            let worked = pipeline.work_on_partition_in(ledger, &run, partition, &cancel).await;
            match worked.map_err(|error| error.to_string())?.failure {
                None => Ok("worked"),
                Some(failure) => Err(failure.to_string()),
            }
        });
    }

    /// Whether an actor could get to its next point: it may have to wait for others.
    fn can_go(&self, actor: usize) -> bool {
        let others = || {
            let others = self.actors.iter().enumerate();
            others.filter(move |(other, _)| *other != actor).map(|(_, other)| other)
        };
        let waits_for_lock = self.actors[actor].at() == Some("before-publishing")
            && others().any(|other| other.publishes() && !other.is_zombie);
        // Who loads a table keeps others from it.
        let waits_for_table = self.sinks.table.is_some()
            && (self.actors[actor].publishes()
                || self.actors[actor].at() == Some("before-publishing"))
            && others().any(|other| other.at() == Some("mid-commit"));
        !waits_for_lock && !waits_for_table
    }

    fn lose_locks(&mut self) {
        self.actors.iter_mut().for_each(|actor| actor.is_zombie = true);
        self.lose_locks_of_zombies();
    }

    /// Lets others have the locks that zombies have, or have taken since they are some. Who had one of the same name loses it too, which
    /// may happen to anybody.
    fn lose_locks_of_zombies(&self) {
        let mut zombies = self.actors.iter().filter(|actor| actor.is_zombie).peekable();
        if zombies.peek().is_none() {
            return;
        }
        let mut runs: Vec<String> = zombies.map(|actor| format!("run-{}", actor.run)).collect();
        // Beside its own, a run has the lock of one that it finishes, because that was stopped while it published.
        let published = self.published();
        let unfinished = published.iter().filter(|run| !self.done.contains(*run));
        runs.extend(unfinished.map(|run| format!("run-{run}")));
        drop(published);
        let locks = self.shared.folder.path().join("ledger.db-locks");
        for entry in std::fs::read_dir(locks).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if runs.contains(&name) || name.starts_with("pipeline-") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    /// Listens to those who have ended.
    fn hear(&mut self) {
        let actors = std::mem::take(&mut self.actors).into_iter();
        let (ended, alive) = actors.partition::<Vec<_>, _>(|actor| actor.at().is_none());
        self.actors = alive;
        for actor in ended {
            let run = actor.run.clone();
            match actor.said(&self.shared.runtime) {
                Ok("succeeded") => {
                    let is_published = self.published().contains(&run);
                    assert!(
                        is_published,
                        "{run} says that it has succeeded, and never began to publish"
                    );
                }
                Ok("aborted") => {
                    self.given_up.insert(run);
                }
                _ => {}
            }
        }
    }

    /// Everybody dies but the zombies; what they left is brought in order, and is so for good.
    fn end(&mut self) -> Result<(), String> {
        let actors = std::mem::take(&mut self.actors).into_iter();
        let (zombies, alive) = actors.partition::<Vec<_>, _>(|actor| actor.is_zombie);
        alive.into_iter().for_each(|actor| actor.kill(&self.shared.runtime));
        self.actors = zombies;
        // One that loads a table, and cannot be waited for.
        while let Some(loading) =
            self.actors.iter().position(|actor| actor.at() == Some("mid-commit"))
            && self.sinks.table.is_some()
        {
            self.actors.remove(loading).kill(&self.shared.runtime);
        }
        self.lose_locks_of_zombies();
        self.bring_in_order()?;
        if self.actors.is_empty() {
            return self.nothing_is_left();
        }
        for _ in 0..ALL_POINTS {
            for actor in 0..self.actors.len() {
                self.lose_locks_of_zombies();
                self.actors[actor].go();
            }
            self.hear();
            self.compare().map_err(|error| format!("when zombies woke up: {error}"))?;
        }
        if let Some(actor) = self.actors.first() {
            return Err(format!("a zombie does not end: it is at {:?}", actor.at()));
        }
        self.bring_in_order()?;
        self.nothing_is_left()
    }

    /// One more run, undisturbed.
    fn bring_in_order(&mut self) -> Result<(), String> {
        let run = self.new_run();
        let (pipeline, ledger, cancel) = self.parts();
        let ran = pipeline.run_in(ledger, Some(run.clone()), &cancel);
        let (summary, _) =
            self.shared.runtime.block_on(ran).map_err(|error| crate::error::chain(&error))?;
        if summary.status != RunStatus::Succeeded {
            return Err(format!(
                "the last run is {}: {:?}",
                summary.status.name(),
                summary.problem
            ));
        }
        self.published().push(run);
        self.compare()
    }

    fn nothing_is_left(&self) -> Result<(), String> {
        let unfinished =
            self.shared.runtime.block_on(self.shared.ledger.unfinished(&self.pipeline.name));
        if let Some(run) = unfinished.unwrap().first() {
            return Err(format!("{} is still {}", run.id, run.status.name()));
        }
        let runs = self.folder.join("state/runs");
        let mut left: Vec<_> = std::fs::read_dir(runs).into_iter().flatten().collect();
        left.extend(std::fs::read_dir(self.folder.join("files/.wasmill")).into_iter().flatten());
        match left.first() {
            Some(left) => Err(format!("{} is left", left.as_ref().unwrap().path().display())),
            None => Ok(()),
        }
    }

    /// Compares each sink with the reference.
    fn compare(&mut self) -> Result<(), String> {
        let published = self.published().clone();
        if let Some(run) = published.iter().find(|run| self.given_up.contains(*run)) {
            return Err(format!("{run} was given up, and is published"));
        }
        let is_done = match published.last() {
            None => true,
            Some(last) if self.done.contains(last) => true,
            Some(last) => {
                let statuses = self.shared.ledger.statuses(std::slice::from_ref(last));
                self.shared.runtime.block_on(statuses).unwrap()[last] == RunStatus::Succeeded
            }
        };
        self.done.extend(published.last().filter(|_| is_done).cloned());
        if let Some(keeps) = self.sinks.files {
            let (now, before) = self.expected(keeps, &published);
            let found = self.files();
            self.are_accepted(&found)?;
            let found = rows(&found);
            let is_between = || {
                let is_of_either =
                    found.iter().all(|row| now.contains(row) || before.contains(row));
                let has_all = |rows: &[Row]| rows.iter().all(|row| found.contains(row));
                let is_once = found.iter().collect::<BTreeSet<_>>().len() == found.len();
                is_of_either && is_once && (has_all(&before) || has_all(&now))
            };
            if found != now && (is_done || !is_between()) {
                return Err(format!("files show {found:?}, and should {now:?}; done: {is_done}"));
            }
        }
        if let Some(keeps) = self.sinks.table {
            let (now, before) = self.expected(keeps, &published);
            let found = self.table();
            self.are_accepted(&found)?;
            let found = rows(&found);
            if found != now && (is_done || found != before) {
                return Err(format!(
                    "the table shows {found:?}, and should {now:?}; done: {is_done}"
                ));
            }
        }
        Ok(())
    }

    /// What is expected when all is published, and what was before the last.
    fn expected(&self, keeps: Keeps, published: &[String]) -> (Vec<Row>, Vec<Row>) {
        let before = &published[..published.len().saturating_sub(1)];
        (shown(keeps, published), shown(keeps, before))
    }

    /// Rows are of the attempts that count. Which these are is asked once.
    fn are_accepted(&mut self, found: &[(i64, String, String)]) -> Result<(), String> {
        for (key, run, attempt) in found {
            if self.counting.contains(attempt) {
                continue;
            }
            let manifests = self.shared.runtime.block_on(self.shared.ledger.manifests(run));
            let manifests = manifests.unwrap().into_iter();
            self.counting.extend(manifests.map(|manifest| manifest.attempt));
            if !self.counting.contains(attempt) {
                return Err(format!("row {key} of {run} is of {attempt}, which does not count"));
            }
        }
        Ok(())
    }

    fn files(&self) -> Vec<(i64, String, String)> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.folder.join("files")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "jsonl") {
                for line in std::fs::read_to_string(path).unwrap().lines() {
                    let row: Value = serde_json::from_str(line).unwrap();
                    let text = |column: &str| row[column].as_str().unwrap().to_owned();
                    found.push((row["key"].as_i64().unwrap(), text("run"), text("attempt")));
                }
            }
        }
        found
    }

    fn table(&self) -> Vec<(i64, String, String)> {
        let path = self.folder.join("table.db");
        if !path.exists() {
            return Vec::new();
        }
        self.shared.runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            let mut connection = options.connect().await.unwrap();
            let tables = "SELECT 1 FROM sqlite_schema WHERE name = 'rows'";
            let found = match sqlx::query(tables).fetch_optional(&mut connection).await.unwrap() {
                None => Vec::new(),
                Some(_) => {
                    let rows = sqlx::query("SELECT key, run, attempt FROM rows");
                    let rows = rows.fetch_all(&mut connection).await.unwrap();
                    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
                }
            };
            connection.close().await.unwrap();
            found
        })
    }
}

fn rows(found: &[(i64, String, String)]) -> Vec<Row> {
    let mut rows: Vec<Row> = found.iter().map(|(key, run, _)| (*key, run.clone())).collect();
    rows.sort();
    rows
}

fn said(ended: Result<RunSummary, RunError>) -> Said {
    ended.map(|summary| summary.status.name()).map_err(|error| error.to_string())
}
