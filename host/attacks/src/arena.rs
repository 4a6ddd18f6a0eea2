//! Where attacks are made: a sandbox with room for two, of which an honest neighbour is one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmill_sandbox::Environment;
use wasmill_sandbox::compiler::Compiler;
use wasmill_sandbox::component::{LoadError, Plugin, PluginKind};
use wasmill_sandbox::engine::{EngineError, Profile, Sandbox, SandboxOptions};
use wasmill_sandbox::grants::Grants;
use wasmill_sandbox::limits::Limits;

use crate::attack::{Attack, Ended, Means};
use crate::bound;
use crate::life::{self, Death};
use crate::memory;
use crate::neighbour::Neighbour;
use crate::printable::{self, Lines};

/// The hostile plugins, one for each kind: the names of their files, without `.wasm`.
pub const GUESTS: [(PluginKind, &str); 5] = [
    (PluginKind::Transformer, "hostile"),
    (PluginKind::Validator, "hostile-validator"),
    (PluginKind::Extractor, "hostile-extractor"),
    (PluginKind::Loader, "hostile-loader"),
    (PluginKind::Notifier, "hostile-notifier"),
];

/// Room for the attack and for the neighbour's oldest instance. So an attack that kept its slot would leave none for the
/// neighbour's next.
const SLOTS: u32 = 2;

/// What attacks are held to: those of a pipeline's step, for one.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    pub limits: Limits,
    pub profile: Profile,
    pub grants: Grants,
}

impl Conditions {
    /// Limits as small as the hostile plugins can live with, so that attacks end soon. Those that wait for the deadline
    /// ([`Attack::waits`]) are given a short one; for all others it is to be no reason to end.
    pub fn small(waits: bool) -> Self {
        let deadline = if waits { Duration::from_millis(500) } else { Duration::from_secs(60) };
        let limits = Limits {
            fuel_per_row: 10_000,
            fuel_per_call: 1_000_000_000,
            deadline,
            memory: 64 << 20,
            output_rows_per_row: 1_000,
            output_bytes: 16 << 20,
            log_bytes: 4 << 10,
            ..Limits::default()
        };
        Self { limits, ..Self::default() }
    }
}

/// Why no attack can be made.
#[derive(Debug, thiserror::Error)]
pub enum ArenaError {
    #[error("the hostile plugin {} cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the hostile plugin {name} cannot be loaded")]
    Load {
        name: &'static str,
        #[source]
        source: LoadError,
    },
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("{0}")]
    Neighbour(String),
}

/// A sandbox in which attacks are made, one after another.
pub struct Arena {
    sandbox: Sandbox,
    conditions: Conditions,
    plugins: HashMap<PluginKind, Plugin>,
    /// The bytes of the transformer, which is honest where it is not told otherwise.
    honest: Arc<[u8]>,
    neighbour: Neighbour,
}

/// What became of an attack.
#[derive(Debug, Clone)]
pub struct Report {
    pub ended: Ended,
    pub verdict: Verdict,
    pub time: Duration,
    /// By how much the host's resident memory grew at most; none where the system does not tell.
    pub memory: Option<u64>,
}

/// Whether an attack was survived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It ended in one of the ways in which it should, and the host lives.
    Survived,
    /// A limit or a grant ended it before it came to what it is about, and the host lives.
    EndedEarly,
    /// It ended otherwise, or the host does not live as before: what is wrong.
    Broken(String),
}

impl Verdict {
    pub fn is_survived(&self) -> bool {
        !matches!(self, Self::Broken(_))
    }
}

impl Arena {
    /// Reads the hostile plugins of these kinds from `folder`, and lets a neighbour move in.
    ///
    /// # Errors
    ///
    /// When a file is missing or no plugin, or the sandbox cannot be set up.
    pub async fn new(
        folder: &Path,
        kinds: impl IntoIterator<Item = PluginKind>,
        conditions: Conditions,
        compiler: Compiler,
    ) -> Result<Self, ArenaError> {
        let kinds: Vec<PluginKind> = kinds.into_iter().collect();
        let options =
            SandboxOptions { profile: conditions.profile, compiler, ..SandboxOptions::new(SLOTS) };
        let sandbox = Sandbox::with_options(options)?;
        let mut plugins = HashMap::new();
        let mut honest: Option<(Plugin, Arc<[u8]>)> = None;
        for (kind, name) in GUESTS {
            let is_neighbour = kind == PluginKind::Transformer;
            if !is_neighbour && !kinds.contains(&kind) {
                continue;
            }
            let path = folder.join(format!("{name}.wasm"));
            let bytes: Arc<[u8]> =
                std::fs::read(&path).map_err(|source| ArenaError::Read { path, source })?.into();
            let plugin = sandbox
                .load(Arc::clone(&bytes))
                .await
                .map_err(|source| ArenaError::Load { name, source })?;
            if is_neighbour {
                honest = Some((plugin.clone(), bytes));
            }
            plugins.insert(kind, plugin);
        }
        let (neighbour, honest) = honest.expect("the transformer is among the guests");
        let neighbour = Neighbour::new(&neighbour).await.map_err(ArenaError::Neighbour)?;
        Ok(Self { sandbox, conditions, plugins, honest, neighbour })
    }

    /// Lets one attack happen, and looks at what it left.
    ///
    /// # Panics
    ///
    /// When the arena was not made for attacks of its kind.
    pub async fn run(&mut self, attack: &Attack) -> Report {
        let limits = self.conditions.limits.clone();
        let target = match attack.means {
            Means::Order { .. } => Target::Plugin(
                self.plugins
                    .get(&attack.kind)
                    .expect("the arena has the kinds it was asked for")
                    .clone(),
            ),
            Means::Bytes(make) => Target::Bytes(make(&self.honest, &limits).into()),
        };
        let lines = Arc::new(Lines::default());
        let environment = Environment {
            config: Arc::new(attack.config(&limits)),
            limits: limits.clone(),
            grants: self.conditions.grants.clone(),
            logs: Arc::clone(&lines) as _,
            ..Environment::default()
        };

        memory::forget_peak();
        let before = memory::resident();
        let started = Instant::now();
        // A task of its own: should the host panic or hang, that is what is to be reported.
        let assault = tokio::spawn(assault(self.sandbox.clone(), target, environment));
        let patience = limits.deadline.saturating_mul(40).saturating_add(Duration::from_secs(300));
        let outcome = tokio::time::timeout(patience, assault).await;
        let time = started.elapsed();
        let grown = before.zip(memory::resident_peak());
        let memory = grown.map(|(before, peak)| peak.saturating_sub(before));

        let (ended, mut problem) = match outcome {
            Ok(Ok(Ok(()))) => (Ended::Harmless, None),
            Ok(Ok(Err(Death::Ended(ended)))) => (ended, None),
            Ok(Ok(Err(Death::LetThrough(problem)))) => (Ended::Harmless, Some(problem)),
            Ok(Err(panic)) => (Ended::HostPanicked { message: panic.to_string() }, None),
            Err(_) => (Ended::Hung, None),
        };
        problem = problem
            .or_else(|| printable::check("what is said of it", &ended.to_string()).err())
            .or_else(|| lines.check(limits.log_bytes, life::INSTANCES).err())
            .or_else(|| beyond_bound(memory, &limits));
        if problem.is_none() {
            problem = self.neighbour.work().await.err();
        }
        let expected = attack.contained.iter().any(|&contained| ended.is(contained));
        let verdict = match problem {
            Some(problem) => Verdict::Broken(problem),
            None if expected => Verdict::Survived,
            None if ended.by_limit() => Verdict::EndedEarly,
            None => Verdict::Broken(format!("it should not end by this: {ended}")),
        };
        Report { ended, verdict, time, memory }
    }
}

fn beyond_bound(memory: Option<u64>, limits: &Limits) -> Option<String> {
    let (memory, bound) = (memory?, bound::host_memory(limits));
    (memory > bound).then(|| format!("the host grew by {memory} bytes, where {bound} is the bound"))
}

enum Target {
    Plugin(Plugin),
    Bytes(Arc<[u8]>),
}

async fn assault(sandbox: Sandbox, target: Target, environment: Environment) -> Result<(), Death> {
    let plugin = match target {
        Target::Plugin(plugin) => plugin,
        Target::Bytes(bytes) => {
            let loaded = sandbox.load(bytes).await;
            loaded.map_err(|error| Death::Ended(Ended::not_loaded(&error)))?
        }
    };
    life::live(&plugin, environment).await
}
