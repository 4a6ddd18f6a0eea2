//! One process, played by a task: it stops at every point where a process can be made to die, until it is let go or killed.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use wasmill_connect::crash::{self, Crashed};

/// Nothing that an actor does between two points takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Points that are reached by a task of its own, one for each attempt.
const OF_ATTEMPTS: [&str; 3] = ["after-stage", "before-manifest", "after-manifest"];
/// Points at which nobody else can publish.
const WHILE_PUBLISHING: [&str; 6] =
    ["before-commit", "commit-begun", "mid-commit", "mid-replace", "after-commit", "before-end"];

/// How an actor ended that was not killed: what it says of its run.
pub(super) type Said = Result<&'static str, String>;

/// A process.
pub(super) struct Actor {
    pub(super) run: String,
    /// Whether its locks were taken away.
    pub(super) is_zombie: bool,
    gate: Arc<Gate>,
    task: JoinHandle<Result<Said, Box<dyn Any + Send>>>,
}

#[derive(Default)]
struct Gate {
    place: Mutex<Place>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On the way to the next point.
    #[default]
    Away,
    At(&'static str),
    /// Killed where it was.
    Dead,
    Ended,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, place: Place) {
        *self.lock() = place;
        self.changed.notify_all();
    }

    /// Stops at a point until somebody decides how it goes on.
    fn stop_at(&self, point: &'static str) {
        let mut place = self.lock();
        // What is spawned by somebody who is dead is dead.
        if *place != Place::Dead {
            *place = Place::At(point);
            self.changed.notify_all();
            while matches!(*place, Place::At(_)) {
                place = self.changed.wait(place).unwrap_or_else(PoisonError::into_inner);
            }
        }
        let is_dead = *place == Place::Dead;
        drop(place);
        if is_dead {
            crash::unwind(point);
        }
    }

    /// Waits until it stops or ends.
    fn wait(&self) -> Place {
        let place = self.lock();
        let waited =
            self.changed.wait_timeout_while(place, PATIENCE, |place| *place == Place::Away);
        let (place, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "an actor hangs");
        *place
    }
}

/// Says that an actor has ended, however it did.
struct Ending(Arc<Gate>);

impl Drop for Ending {
    fn drop(&mut self) {
        let mut place = self.0.lock();
        if *place != Place::Dead {
            *place = Place::Ended;
        }
        self.0.changed.notify_all();
    }
}

impl Actor {
    /// Begins to work; goes to its first point, or to its end. `passed` is told of each point.
    pub(super) fn start(
        runtime: &Runtime,
        run: String,
        passed: impl Fn(&'static str) + Send + Sync + 'static,
        work: impl Future<Output = Said> + Send + 'static,
    ) -> Self {
        let gate = Arc::new(Gate::default());
        let ending = Ending(Arc::clone(&gate));
        let stopping = Arc::clone(&gate);
        let reached = move |point| {
            passed(point);
            // The thread goes on with other tasks in another one.
            tokio::task::block_in_place(|| stopping.stop_at(point));
        };
        let task = runtime.spawn(async move {
            let _ending = ending;
            AssertUnwindSafe(crash::observed(reached, work)).catch_unwind().await
        });
        let actor = Self { run, is_zombie: false, gate, task };
        actor.gate.wait();
        actor
    }

    /// Where it stands; none when it has ended.
    pub(super) fn at(&self) -> Option<&'static str> {
        match *self.gate.lock() {
            Place::At(point) => Some(point),
            _ => None,
        }
    }

    /// Whether others have to wait before they publish.
    pub(super) fn publishes(&self) -> bool {
        self.at().is_some_and(|point| WHILE_PUBLISHING.contains(&point))
    }

    /// Goes on to its next point, or to its end.
    pub(super) fn go(&self) {
        if self.at().is_some() {
            self.gate.set(Place::Away);
            self.gate.wait();
        }
    }

    /// Dies where it stands.
    pub(super) fn kill(self, runtime: &Runtime) {
        let at = self.at();
        self.task.abort();
        if at.is_some_and(|point| OF_ATTEMPTS.contains(&point)) {
            // The one who would notice that an attempt has died is dead before.
            drop(runtime.block_on(self.task));
            self.gate.set(Place::Dead);
        } else {
            self.gate.set(Place::Dead);
            drop(runtime.block_on(self.task));
        }
    }

    /// What it says, when it has ended.
    pub(super) fn said(self, runtime: &Runtime) -> Said {
        match runtime.block_on(self.task) {
            Ok(Ok(said)) => said,
            Ok(Err(panic)) => match panic.downcast::<Crashed>() {
                Ok(crashed) => Err(format!("died at {}", crashed.point)),
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Err(error) => panic!("an actor ended in no order: {error}"),
        }
    }
}
