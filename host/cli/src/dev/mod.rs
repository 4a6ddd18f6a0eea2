//! `wasmill dev`: a loop for the author of a plugin. A file is saved, and what the change does is seen.
//!
//! ```text
//!   watch ─ a file changed ─▶ cycle: build ─▶ cases ─▶ sample of a pipeline ─▶ page ─▶ view (a terminal) or lines
//!                                                        │ beside the last good one
//! ```

mod cycle;
mod page;
mod view;
mod watch;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch as channel;

use crate::build::BuildOptions;
use crate::compiling::CompileArgs;
use crate::dev::cycle::{Good, Step};
use crate::dev::page::Page;
use crate::dev::view::{Key, View};
use crate::dev::watch::Snapshot;
use crate::failure::Failure;
use crate::run::cancelled_by_signals;

pub const EXAMPLES: &str = "\
Whenever a file of the project is saved, the plugin is built, its cases are run, and some rows of the pipeline go through it; what comes
out is shown beside what came when all was well last. Nothing of the pipeline is published.

The component is written to where the pipeline looks for a plugin of the project's name, or to NAME.wasm in the project.

Keys:
    q, Ctrl-C   ends             r   runs everything again
    ↑ ↓ PgUp PgDn Home End       u   has cases that fail expect what came (wasmill test --update)

Examples:
    wasmill dev                                the project in this folder; pipeline.toml too, where there is one
    wasmill dev pipeline.toml --project plugins/clean
    wasmill dev | tee log                      without a terminal: lines, one page for each change
    wasmill dev --once                         one page, then an exit code: 0 where all is well, 65 where it is not";

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub struct DevArgs {
    /// The pipeline whose rows are shown. Default: pipeline.toml of the project, where there is one.
    pipeline: Option<PathBuf>,
    /// The folder of the project, or a plugin that is one file.
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// How many rows of each step are shown where they differ.
    #[arg(short = 'n', long, default_value_t = 20)]
    rows: usize,
    /// Where the component is written.
    #[arg(long, value_name = "FILE.wasm")]
    out: Option<PathBuf>,
    /// Runs once, prints a page, and ends.
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    building: BuildOptions,
    #[command(flatten)]
    compiling: CompileArgs,
}

impl DevArgs {
    /// The pipeline that is shown, if there is one.
    fn pipeline(&self) -> Option<PathBuf> {
        let beside = || {
            let folder =
                if self.project.is_file() { self.project.parent()? } else { &self.project };
            Some(folder.join("pipeline.toml")).filter(|path| path.is_file())
        };
        self.pipeline.clone().or_else(beside)
    }
}

/// Watches a project until somebody has enough.
pub async fn dev(args: &DevArgs) -> Result<ExitCode, Failure> {
    if !args.project.exists() {
        return Err(Failure::new(66, format!("there is no {}", args.project.display())));
    }
    if let Some(pipeline) = args.pipeline.as_ref().filter(|pipeline| !pipeline.is_file()) {
        return Err(Failure::new(66, format!("there is no file {}", pipeline.display())));
    }
    let (tell, step) = channel::channel(Step::default());
    let tell = Arc::new(tell);
    if args.once {
        let cycle = cycle::run(args, &tell).await?;
        for line in Page::of(&cycle, None).lines() {
            say!("{}", line.text);
        }
        return Ok(ExitCode::from(if cycle.is_good() { 0 } else { 65 }));
    }
    let view = View::open(step)?;
    let ended = watching(args, &tell, view).await;
    ended.map(|()| ExitCode::SUCCESS)
}

async fn watching(
    args: &DevArgs,
    tell: &Arc<channel::Sender<Step>>,
    mut view: View,
) -> Result<(), Failure> {
    let cancel = cancelled_by_signals();
    let mut good: Option<Good> = None;
    let watched = watched(args);
    loop {
        let before = Snapshot::of(&watched);
        let running = cycle::run(args, tell);
        tokio::pin!(running);
        let cycle = loop {
            tokio::select! {
                cycle = &mut running => break cycle?,
                key = view.key() => match key {
                    Key::Quit => return Ok(()),
                    key => view.scroll(key)?,
                },
                () = cancel.cancelled() => return Ok(()),
            }
        };
        view.show(Page::of(&cycle, good.as_ref()))?;
        let wants_update = wait(&watched, before, &mut view, &cancel).await?;
        match wants_update {
            Wanted::End => return Ok(()),
            Wanted::Again => {}
            Wanted::Update => view.note(cycle.update().err())?,
        }
        good = cycle.good().or(good);
    }
}

/// What is to be done next.
enum Wanted {
    Again,
    Update,
    End,
}

/// Waits for a file to be saved, or a key.
async fn wait(
    watched: &[PathBuf],
    mut before: Snapshot,
    view: &mut View,
    cancel: &wasmill_pipeline::CancellationToken,
) -> Result<Wanted, Failure> {
    // Not a sleep in each turn: a terminal has something to say more often than files are looked at.
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            key = view.key() => match key {
                Key::Quit => return Ok(Wanted::End),
                Key::Again => return Ok(Wanted::Again),
                Key::Update => return Ok(Wanted::Update),
                key => view.scroll(key)?,
            },
            () = cancel.cancelled() => return Ok(Wanted::End),
            _ = look.tick() => {
                let now = Snapshot::of(watched);
                if now == before {
                    continue;
                }
                // An editor writes a file in several steps: when nothing has changed for a moment, it has ended.
                before = now;
                loop {
                    tokio::time::sleep(LOOK / 2).await;
                    let now = Snapshot::of(watched);
                    if now == before {
                        return Ok(Wanted::Again);
                    }
                    before = now;
                }
            }
        }
    }
}

/// What is looked at for changes: the project, and the pipeline's file.
fn watched(args: &DevArgs) -> Vec<PathBuf> {
    let is_script = args.project.is_file();
    let tests = args.project.parent().unwrap_or(Path::new("")).join("tests");
    let beside = is_script.then_some(tests);
    [args.project.clone()].into_iter().chain(beside).chain(args.pipeline()).collect()
}
