//! Named places where a process can be made to die, so that recovery is tested on the program that is shipped.
//!
//! `WASMILL_CRASH_AT="mid-commit"` makes the process kill itself with SIGKILL when it gets there: no destructor runs, nothing is
//! flushed, as with `kill -9` and the killer of a system without memory. `"mid-commit#3"` waits for the third time. Within one
//! process, tests [`scope`] a plan to one task.
//!
//! Invariants: nothing happens at a point unless a plan names it; every name that the code uses is in [`POINTS`]; who starts
//! a process [`check`]s the variable first, as a misspelt name would otherwise test nothing.

use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

/// The environment variable with the plan of the process.
pub const VARIABLE: &str = "WASMILL_CRASH_AT";

/// All points, in the order in which a run comes by, and what has happened there.
pub const POINTS: &[(&str, &str)] = &[
    ("after-stage", "an attempt has staged all its rows, and has no manifest yet"),
    ("before-manifest", "a manifest is there, and is not in the ledger yet"),
    ("after-manifest", "the ledger has accepted a manifest"),
    ("before-publishing", "the gate is passed, and other runs of the pipeline may be publishing"),
    (
        "before-commit",
        "no other run of the pipeline publishes, and the ledger does not know yet that this one begins to",
    ),
    ("commit-begun", "the ledger knows that publishing begins, and nothing is published"),
    (
        "mid-commit",
        "a sink has published a file, or loaded its table and not ended the transaction",
    ),
    ("mid-replace", "a sink has published all its files, and older ones are being removed"),
    ("after-commit", "a sink is published, and the ledger does not know it yet"),
    ("before-end", "all sinks are published, and the run has not ended yet"),
    ("before-notify", "the run has ended, and nobody is notified"),
    ("mid-notify", "a notification is delivered, and the ledger does not know it yet"),
    ("mid-sweep", "something that was staged is removed, and the rest is not"),
];

/// Where to die.
#[derive(Debug)]
pub struct Plan {
    point: &'static str,
    /// The how manieth time, counted from 1.
    time: u32,
    reached: AtomicU32,
}

/// What [`point`] panics with within a [`scope`], in place of killing the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crashed {
    pub point: &'static str,
}

/// What happens at points within one task.
enum Scope {
    Planned(Plan),
    Observed(Box<dyn Fn(&'static str) + Send + Sync>),
}

tokio::task_local! {
    static SCOPED: Arc<Scope>;
}

impl Scope {
    fn reach(&self, name: &'static str) {
        match self {
            Self::Planned(plan) if plan.is_due(name) => unwind(name),
            Self::Planned(_) => {}
            Self::Observed(reached) => reached(name),
        }
    }
}

impl Plan {
    /// A plan such as `mid-commit`, or `mid-commit#3` for the third time.
    ///
    /// # Errors
    ///
    /// Says which names there are where it is none of them.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, time) = text.split_once('#').unwrap_or((text, "1"));
        let Some((point, _)) = POINTS.iter().find(|(point, _)| *point == name) else {
            let names: Vec<&str> = POINTS.iter().map(|(point, _)| *point).collect();
            return Err(format!("there is no point `{name}`; there are {}", names.join(", ")));
        };
        match time.parse() {
            Ok(time) if time > 0 => Ok(Self { point, time, reached: AtomicU32::new(0) }),
            _ => Err(format!("`{time}` is no number of times; the first is 1")),
        }
    }

    fn is_due(&self, name: &str) -> bool {
        self.point == name && self.reached.fetch_add(1, Ordering::Relaxed) + 1 == self.time
    }
}

/// Dies here, where that is planned.
pub fn point(name: &'static str) {
    static PLAN: LazyLock<Option<Plan>> = LazyLock::new(|| planned().ok().flatten());
    debug_assert!(POINTS.iter().any(|(point, _)| *point == name), "`{name}` is not in POINTS");
    match SCOPED.try_with(Arc::clone) {
        Ok(scope) => scope.reach(name),
        Err(_) if PLAN.as_ref().is_some_and(|plan| plan.is_due(name)) => die(),
        Err(_) => {}
    }
}

/// Panics with [`Crashed`].
pub fn unwind(point: &'static str) -> ! {
    // Without the hook that would print it: this one is wanted.
    std::panic::resume_unwind(Box::new(Crashed { point }))
}

/// Runs a future in which [`point`] panics with [`Crashed`], as the plan says, instead of killing the process. That holds for the
/// task of the future only, and for those that it lets [inherit](inherited) it; the plan of the process does not hold there. Unlike with
/// SIGKILL, destructors run.
pub async fn scope<F: Future>(plan: Plan, future: F) -> F::Output {
    SCOPED.scope(Arc::new(Scope::Planned(plan)), future).await
}

/// Runs a future in which [`point`] calls `reached` with its name, which may wait, or [`unwind`]: so that a test decides what happens
/// meanwhile, and whether the task gets any further.
pub async fn observed<F: Future>(
    reached: impl Fn(&'static str) + Send + Sync + 'static,
    future: F,
) -> F::Output {
    SCOPED.scope(Arc::new(Scope::Observed(Box::new(reached))), future).await
}

/// A future that is to be spawned, with the scope of this task.
pub fn inherited<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let scope = SCOPED.try_with(Arc::clone).ok();
    async move {
        match scope {
            Some(scope) => SCOPED.scope(scope, future).await,
            None => future.await,
        }
    }
}

/// Whether the plan of the process, if there is one, can be followed.
///
/// # Errors
///
/// Says what is wrong with the variable.
pub fn check() -> Result<(), String> {
    planned().map(drop)
}

fn planned() -> Result<Option<Plan>, String> {
    match std::env::var(VARIABLE) {
        Ok(text) => Plan::parse(&text).map(Some).map_err(|error| format!("{VARIABLE}: {error}")),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{VARIABLE}: {error}")),
    }
}

fn die() -> ! {
    // A process may always kill itself, and does not return from it; if it did, it would end all the same.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;

    use futures::FutureExt as _;

    use super::*;

    async fn crashes(plan: &str, reached: &[&'static str]) -> Option<Crashed> {
        let plan = Plan::parse(plan).unwrap();
        let run = scope(plan, async { reached.iter().for_each(|name| point(name)) });
        let ended = AssertUnwindSafe(run).catch_unwind().await;
        ended.err().map(|panic| *panic.downcast::<Crashed>().unwrap())
    }

    #[tokio::test]
    async fn a_plan_is_followed_at_its_time() {
        let mid_sweep = Some(Crashed { point: "mid-sweep" });
        assert_eq!(crashes("mid-sweep", &["mid-commit", "mid-sweep"]).await, mid_sweep);
        assert_eq!(crashes("mid-sweep#2", &["mid-sweep"]).await, None);
        assert_eq!(crashes("mid-sweep#2", &["mid-sweep", "mid-sweep"]).await, mid_sweep);
        assert_eq!(crashes("mid-sweep", &["mid-commit"]).await, None);
        // Outside nothing happens.
        point("mid-sweep");
    }

    #[tokio::test]
    async fn what_is_spawned_inherits_the_scope() {
        let plan = Plan::parse("mid-sweep").unwrap();
        let mut spawned = tokio::task::JoinSet::new();
        scope(plan, async { drop(spawned.spawn(inherited(async { point("mid-sweep") }))) }).await;
        assert!(spawned.join_next().await.unwrap().unwrap_err().is_panic());
        let reached = Arc::new(std::sync::Mutex::new(Vec::new()));
        let told = Arc::clone(&reached);
        observed(move |name| told.lock().unwrap().push(name), async {
            point("after-stage");
            tokio::spawn(inherited(async { point("mid-sweep") })).await.unwrap();
        })
        .await;
        assert_eq!(*reached.lock().unwrap(), ["after-stage", "mid-sweep"]);
    }

    #[test]
    fn a_plan_that_would_test_nothing_is_refused() {
        let unknown = Plan::parse("mid-comit").unwrap_err();
        assert!(unknown.starts_with("there is no point `mid-comit`; there are after-stage, "));
        for text in ["mid-commit#", "mid-commit#0", "mid-commit#x", "mid-commit#-1"] {
            assert!(Plan::parse(text).unwrap_err().contains("is no number of times"), "{text}");
        }
    }
}
