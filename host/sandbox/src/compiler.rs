//! Compiling components, in a process of its own.
//!
//! ```text
//!   this process                                  the compiler process, under limits
//!   component ──────────── standard input ──────▶ parsed, checked, compiled
//!   deserialised, cached ◀─ standard output ───── 0 and what was made, or 1 and why not
//! ```
//!
//! The same process answers a second request, for source lines: see `crate::locate`.
//!
//! A component is what somebody else says that it is. wasmtime promises that no input makes its compiler break memory; it does
//! not promise that compiling comes to an end soon, or takes little memory. So it is done where both can be limited, and
//! where the end of the process is no harm. Without a [`CompilerProcess`] it is done here.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use wasmill_contract::finding::bounded_text;
use wasmtime::component::Component;

use crate::cache::ComponentCache;
use crate::component::{Digest, LoadError};
use crate::engine::{LinkedEngine, MAX_COMPONENT_BYTES, Profile, compiling_engine};
use crate::locate::{self, Locator, Place, Symbol};

/// What a compiler process begins its answer with.
const DONE: u8 = 0;
const REFUSED: u8 = 1;
/// More is no answer. What a component is compiled to is some times as large as the component.
const MAX_ANSWER_BYTES: u64 = 1 << 30;
/// More is no answer to the question for source lines.
const MAX_LOCATED_BYTES: u64 = 1 << 20;
/// Looking for source lines may take so long at most, as somebody waits to be told what went wrong.
const LOCATE_TIME: Duration = Duration::from_secs(10);

/// How components are compiled. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Compiler {
    cache: Option<Arc<ComponentCache>>,
    process: Option<Arc<CompilerProcess>>,
    interpreters: Option<PathBuf>,
}

/// A program that calls [`answer_parent`], and what compiling one component may take.
#[derive(Debug)]
pub struct CompilerProcess {
    program: PathBuf,
    arguments: Vec<OsString>,
    limits: CompileLimits,
}

/// What compiling one component may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileLimits {
    /// Address space of the process, in bytes: more than the memory that is used.
    pub memory: u64,
    /// By the clock. Of processor time, as much for each of two cores.
    pub time: Duration,
}

impl Default for CompileLimits {
    fn default() -> Self {
        Self { memory: 4 << 30, time: Duration::from_secs(120) }
    }
}

impl Compiler {
    /// Compiles in this process, each component each time.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes compiled components from a cache, and keeps them there.
    #[must_use]
    pub fn cached_in(self, cache: Arc<ComponentCache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// Compiles in processes of their own.
    #[must_use]
    pub fn in_process(self, process: CompilerProcess) -> Self {
        Self { process: Some(Arc::new(process)), ..self }
    }

    /// Looks in a folder for the interpreters of scripts, beside where a script was found.
    #[must_use]
    pub fn with_interpreters(self, folder: PathBuf) -> Self {
        Self { interpreters: Some(folder), ..self }
    }

    /// Where interpreters are looked for.
    pub(crate) fn interpreters(&self) -> Option<&PathBuf> {
        self.interpreters.as_ref()
    }

    /// What finds source lines in a component that was compiled; none without a process, or without line tables.
    pub(crate) fn locator(&self, component: &Arc<[u8]>) -> Option<Locator> {
        Locator::new(self.process.as_ref()?, component)
    }

    /// The component as this engine runs it.
    pub(crate) fn compile(
        &self,
        engine: &LinkedEngine,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<Component, LoadError> {
        if let Some(component) =
            self.cache.as_ref().and_then(|cache| cache.get(&engine.engine, digest))
        {
            return Ok(component);
        }
        let component = match &self.process {
            Some(process) => process.compile(engine, bytes)?,
            None => caught(|| Component::from_binary(&engine.engine, bytes))
                .map_err(|message| LoadError::Compile { message })?,
        };
        if let Some(cache) = &self.cache {
            cache.put(&engine.engine, digest, &component);
        }
        Ok(component)
    }
}

/// wasmtime promises memory safety for any input, not the absence of panics while compiling.
fn caught<T>(compile: impl FnOnce() -> wasmtime::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(compile)) {
        Ok(compiled) => compiled.map_err(|error| bounded_text(format!("{error:#}"))),
        Err(_) => Err("the compiler panicked".to_owned()),
    }
}

impl CompilerProcess {
    /// The program, and the arguments with which it comes to call [`answer_parent`].
    pub fn new(program: PathBuf, arguments: impl IntoIterator<Item = OsString>) -> Self {
        let arguments = arguments.into_iter().collect();
        Self { program, arguments, limits: CompileLimits::default() }
    }

    /// Other limits.
    #[must_use]
    pub fn limits(self, limits: CompileLimits) -> Self {
        Self { limits, ..self }
    }

    fn compile(&self, engine: &LinkedEngine, bytes: &[u8]) -> Result<Component, LoadError> {
        let failed = |error: io::Error| LoadError::CompilerProcess {
            message: format!("cannot run {}: {error}", self.program.display()),
        };
        let task = Task::Compile { profile: engine.profile, concurrent: engine.concurrent };
        let request = Request { limits: self.limits, task };
        let (answer, status) = self.run(&request, bytes, MAX_ANSWER_BYTES).map_err(failed)?;
        let Some((kind, content)) = answer.as_deref().and_then(<[u8]>::split_first) else {
            return Err(LoadError::CompilerProcess {
                message: self.reason(answer.is_some(), status),
            });
        };
        if *kind != DONE || !status.success() {
            let message = bounded_text(String::from_utf8_lossy(content).into_owned());
            return Err(LoadError::Compile { message });
        }
        #[expect(unsafe_code, reason = "compiled code cannot be checked, only known to be ours")]
        // SAFETY: this program made it, from the same source and for an engine of the same settings.
        let component = unsafe { Component::deserialize(&engine.engine, content) };
        component.map_err(|error| LoadError::Compile { message: format!("{error:#}") })
    }

    /// What lies at each of the places; nothing where the process gives no good answer.
    pub(crate) fn locate(&self, component: &[u8], places: &[Place]) -> Vec<Vec<Symbol>> {
        let limits = CompileLimits { time: self.limits.time.min(LOCATE_TIME), ..self.limits };
        let request = Request { limits, task: Task::Locate { places: places.to_vec() } };
        let answer = match self.run(&request, component, MAX_LOCATED_BYTES) {
            Ok((Some(answer), status)) if status.success() => answer,
            Ok((_, status)) => {
                tracing::debug!(%status, "source lines were not found");
                return Vec::new();
            }
            Err(error) => {
                tracing::debug!(%error, "source lines were not found");
                return Vec::new();
            }
        };
        match answer.split_first() {
            Some((&DONE, content)) => serde_json::from_slice(content).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// What the process wrote, or none where it took too long, and how it ended.
    fn run(
        &self,
        request: &Request,
        bytes: &[u8],
        max_answer: u64,
    ) -> io::Result<(Option<Vec<u8>>, ExitStatus)> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).args(request.to_arguments());
        // Nothing of this process's environment is its business.
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut stdin = child.stdin.take().expect("standard input is piped");
        let stdout = child.stdout.take().expect("standard output is piped");
        let (sender, answers) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A process that ended reads nothing more, and says why in its own way.
                let _ = stdin.write_all(bytes);
            });
            scope.spawn(move || {
                let mut answer = Vec::new();
                let read = stdout.take(max_answer).read_to_end(&mut answer);
                let _ = sender.send(read.map(|_| answer));
            });
            let answer = answers.recv_timeout(request.limits.time).ok();
            if answer.is_none() {
                child.kill()?;
            }
            let status = child.wait()?;
            Ok((answer.transpose()?, status))
        })
    }

    /// Why there is no answer.
    fn reason(&self, in_time: bool, status: ExitStatus) -> String {
        let CompileLimits { memory, time } = self.limits;
        if !in_time {
            return format!("it took longer than {} s, which is the limit", time.as_secs_f64());
        }
        format!(
            "the compiler ended without an answer ({status}): most likely it needed more than {} MiB of memory or {} s of \
             processor time, which are the limits",
            memory >> 20,
            2.0 * time.as_secs_f64(),
        )
    }
}

/// What a compiler process is asked for, beside the component.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Request {
    limits: CompileLimits,
    task: Task,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Task {
    Compile { profile: Profile, concurrent: bool },
    Locate { places: Vec<Place> },
}

impl Request {
    fn to_arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            self.limits.memory.to_string(),
            self.limits.time.as_secs().max(1).to_string(),
            self.task.name().to_owned(),
        ];
        match &self.task {
            Task::Compile { profile, concurrent } => {
                arguments.extend([profile.name().to_owned(), concurrent.to_string()]);
            }
            Task::Locate { places } => {
                let place = |place: &Place| format!("{}:{}", place.function, place.offset);
                arguments.extend(places.iter().map(place));
            }
        }
        arguments
    }

    fn parse(arguments: &[String]) -> Option<Self> {
        let [memory, seconds, task, arguments @ ..] = arguments else { return None };
        let limits = CompileLimits {
            memory: memory.parse().ok()?,
            time: Duration::from_secs(seconds.parse().ok()?),
        };
        Some(Self { limits, task: Task::parse(task, arguments)? })
    }
}

impl Task {
    fn name(&self) -> &'static str {
        match self {
            Self::Compile { .. } => "compile",
            Self::Locate { .. } => "locate",
        }
    }

    fn parse(name: &str, arguments: &[String]) -> Option<Self> {
        match (name, arguments) {
            ("compile", [profile, concurrent]) => Some(Self::Compile {
                profile: Profile::ALL.into_iter().find(|known| known.name() == profile)?,
                concurrent: concurrent.parse().ok()?,
            }),
            ("locate", places) => {
                let place = |argument: &String| {
                    let (function, offset) = argument.split_once(':')?;
                    Some(Place { function: function.parse().ok()?, offset: offset.parse().ok()? })
                };
                Some(Self::Locate { places: places.iter().map(place).collect::<Option<_>>()? })
            }
            _ => None,
        }
    }

    /// The answer.
    fn done(&self, component: &[u8]) -> wasmtime::Result<Vec<u8>> {
        match self {
            Self::Compile { profile, concurrent } => {
                compiling_engine(*profile, *concurrent)?.precompile_component(component)
            }
            Self::Locate { places } => Ok(serde_json::to_vec(&locate::find(component, places))?),
        }
    }
}

/// The whole of a compiler process: reads a component from standard input, and writes to standard output what it is compiled
/// to, or its source lines. `arguments` are those that [`CompilerProcess`] added to its own.
pub fn answer_parent(arguments: &[String]) -> ExitCode {
    let Some(request) = Request::parse(arguments) else { return ExitCode::from(2) };
    if limit(request.limits).is_err() {
        return ExitCode::FAILURE;
    }
    let mut component = Vec::new();
    let longest = MAX_COMPONENT_BYTES as u64;
    if io::stdin().take(longest).read_to_end(&mut component).is_err() {
        return ExitCode::FAILURE;
    }
    let (kind, content) = match caught(|| request.task.done(&component)) {
        Ok(answer) => (DONE, answer),
        Err(message) => (REFUSED, message.into_bytes()),
    };
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&[kind]).and_then(|()| stdout.write_all(&content));
    match written.and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Puts this process under limits; it cannot raise them again.
#[cfg(unix)]
fn limit(limits: CompileLimits) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let seconds = limits.time.as_secs().saturating_mul(2);
    for (resource, wanted) in
        [(Resource::As, limits.memory), (Resource::Cpu, seconds), (Resource::Core, 0)]
    {
        let most = getrlimit(resource).maximum.map_or(wanted, |most| most.min(wanted));
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

/// There is only the clock of the parent.
#[cfg(not(unix))]
fn limit(_limits: CompileLimits) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_understood() {
        let limits = CompileLimits { memory: 1 << 30, time: Duration::from_secs(7) };
        let mut tasks = vec![
            Task::Locate { places: Vec::new() },
            Task::Locate {
                places: vec![
                    Place { function: 0, offset: u32::MAX },
                    Place { function: u32::MAX, offset: 8 },
                ],
            },
        ];
        tasks.extend(
            Profile::ALL
                .map(|profile| Task::Compile { profile, concurrent: profile == Profile::Guarded }),
        );
        for task in tasks {
            let request = Request { limits, task };
            assert_eq!(Request::parse(&request.to_arguments()), Some(request));
        }
        let refused = [
            &["1", "1"][..],
            &["1", "1", "compile", "metered"],
            &["1", "1", "compile", "other", "true"],
            &["1", "1", "locate", "1"],
            &["1", "1", "locate", "1:-1"],
            &["1", "1", "other"],
        ];
        for arguments in refused {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            assert_eq!(Request::parse(&arguments), None, "{arguments:?}");
        }
    }
}
