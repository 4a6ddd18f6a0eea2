//! `wasmill attack`: hostile plugins against the sandbox, under the limits that an operator chose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use wasmill_attacks::{
    Arena, ArenaError, Attack, Conditions, GUESTS, Report, Verdict, resident_peak,
};
use wasmill_pipeline::error::chain;
use wasmill_pipeline::{PluginStep, PluginSteps};
use wasmill_sandbox::capability::http::HttpGrant;
use wasmill_sandbox::compiler::{CompileLimits, Compiler, CompilerProcess};
use wasmill_sandbox::component::PluginKind;
use wasmill_sandbox::grants::Grants;

use crate::check::read;
use crate::compiling::COMPILE;
use crate::failure::Failure;
use crate::table::bytes;
use crate::{Output, OutputArgs, findings, json_lines};

pub const EXAMPLES: &str = "\
Examples:
  wasmill attack                          all attacks, under the default limits
  wasmill attack pipeline.toml            for each plugin of a pipeline, the attacks of its kind, under its limits;
                                          once for steps with the same limits, profile and grants
  wasmill attack --only spin              attacks of this name; a kind and an id such as loader/spin@commit do too
  wasmill attack --list                   what attacks there are

An attack is survived when it ends with the error that it should end with, when the memory of this program stays
below its bound, and when an honest plugin can go on beside it. Nothing of the pipeline is run, and no connection is
used. Compiling each component may take 10 s and 1 GiB. Some attacks wait for the deadline, so long ones take minutes.

The hostile plugins are looked for in folders named `attacks`: beside the pipeline's folders of plugins, in dist/
below the current folder, and beside this program. `cargo xtask plugins` builds them to dist/attacks.

Exit codes: 0 when all attacks were survived, 70 when one was not.";

/// What compiling may take. Compile bombs are stopped at any limit; nobody waits for the usual ones.
const COMPILE_LIMITS: CompileLimits =
    CompileLimits { memory: 1 << 30, time: Duration::from_secs(10) };

#[derive(Debug, Args)]
pub struct AttackArgs {
    /// The pipeline file whose limits are to hold.
    #[arg(value_name = "PIPELINE", conflicts_with = "quick")]
    file: Option<PathBuf>,
    /// Only the attacks of this name, kind or id; can be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Small limits instead of the default ones, so that attacks end soon.
    #[arg(long)]
    quick: bool,
    /// The folder with the hostile plugins.
    #[arg(long, value_name = "FOLDER")]
    components: Option<PathBuf>,
    /// Shows what attacks there are, and makes none.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Some attacks under the same conditions.
struct Front {
    /// The steps whose conditions these are, where there is a pipeline.
    steps: Vec<String>,
    conditions: Conditions,
    attacks: Vec<Attack>,
}

/// Makes attacks, and shows what became of each.
pub async fn attack(args: &AttackArgs) -> Result<ExitCode, Failure> {
    let output = args.output.output;
    let attacks = chosen(&args.only)?;
    if args.list {
        list(&attacks, output);
        return Ok(ExitCode::SUCCESS);
    }
    let steps = args.file.as_deref().map(|file| plugin_steps(file, output)).transpose()?;
    let folders = steps.as_ref().map_or(&[][..], |steps| &steps.folders);
    let folder = match &args.components {
        Some(folder) => folder.clone(),
        None => find(folders)?,
    };
    let compiler = compiler()?;
    let mut tally = Tally::default();
    if output == Output::Text {
        say!("{:<10} {:<40} {:<16} {:>10}  message", "verdict", "attack", "ended by", "memory");
    }
    for front in fronts(args, steps, attacks) {
        let kinds = front.attacks.iter().map(|attack| attack.kind);
        let mut arena = Arena::new(&folder, kinds, front.conditions.clone(), compiler.clone())
            .await
            .map_err(|error| no_arena(&error))?;
        if output == Output::Text && !front.steps.is_empty() {
            say!("{}", front.steps.join(", "));
        }
        for attack in &front.attacks {
            let report = arena.run(attack).await;
            print(&front.steps, attack, &report, output);
            tally.count(attack, &report);
        }
    }
    Ok(tally.finish(output))
}

/// Those that are meant; all where nothing is said.
fn chosen(only: &[String]) -> Result<Vec<Attack>, Failure> {
    let all = wasmill_attacks::all();
    for name in only {
        if !all.iter().any(|attack| attack.is_meant_by(name)) {
            return Err(Failure::new(2, format!("there is no attack `{name}`"))
                .hint("`wasmill attack --list` shows what attacks there are"));
        }
    }
    let is_chosen =
        |attack: &Attack| only.is_empty() || only.iter().any(|name| attack.is_meant_by(name));
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn list(attacks: &[Attack], output: Output) {
    for attack in attacks {
        match output {
            Output::Json => json_lines::print(&json!({
                "attack": attack.id(),
                "kind": attack.kind,
                "name": attack.name,
                "export": attack.export,
                "what": attack.what,
            })),
            Output::Text => say!("{:<40} {}", attack.id(), attack.what),
        }
    }
}

fn plugin_steps(file: &Path, output: Output) -> Result<PluginSteps, Failure> {
    let steps = read(file)?.plugin_steps().map_err(|failed| {
        findings::print(&failed.0, output);
        let counted = findings::counted(&failed.0);
        Failure::new(failed.exit_code(), format!("{}: {counted}", file.display()))
    })?;
    if steps.steps.is_empty() {
        return Err(Failure::new(78, format!("{} uses no plugin", file.display()))
            .hint("`wasmill attack` without a file attacks under the default limits"));
    }
    Ok(steps)
}

/// The folder in which the hostile plugins are.
fn find(plugin_folders: &[PathBuf]) -> Result<PathBuf, Failure> {
    let beside = |folder: &PathBuf| folder.parent().map(|parent| parent.join("attacks"));
    let mut candidates: Vec<PathBuf> = plugin_folders.iter().filter_map(beside).collect();
    candidates.push(PathBuf::from("dist/attacks"));
    candidates.extend(std::env::current_exe().ok().as_ref().and_then(beside));
    let is_it = |folder: &&PathBuf| folder.join(format!("{}.wasm", GUESTS[0].1)).is_file();
    if let Some(found) = candidates.iter().find(is_it) {
        return Ok(found.clone());
    }
    let looked: Vec<String> =
        candidates.iter().map(|folder| folder.display().to_string()).collect();
    let message = format!("the hostile plugins are in none of {}", looked.join(", "));
    Err(Failure::new(66, message)
        .hint("`cargo xtask plugins` builds them to dist/attacks; --components FOLDER names another folder"))
}

/// Compiles in a process of its own, and keeps nothing: these components are not to be among the user's.
fn compiler() -> Result<Compiler, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(70, format!("this program cannot be found: {error}")))?;
    let process = CompilerProcess::new(program, [COMPILE.into()]).limits(COMPILE_LIMITS);
    Ok(Compiler::new().in_process(process))
}

fn fronts(args: &AttackArgs, steps: Option<PluginSteps>, attacks: Vec<Attack>) -> Vec<Front> {
    let Some(steps) = steps else {
        let front = |conditions, attacks| Front { steps: Vec::new(), conditions, attacks };
        if !args.quick {
            return vec![front(Conditions::default(), attacks)];
        }
        let (waiting, others): (Vec<_>, Vec<_>) = attacks.into_iter().partition(Attack::waits);
        let fronts =
            [front(Conditions::small(false), others), front(Conditions::small(true), waiting)];
        return fronts.into_iter().filter(|front| !front.attacks.is_empty()).collect();
    };
    let of_kind = |kind: PluginKind| {
        attacks.iter().filter(|attack| attack.kind == kind).cloned().collect::<Vec<_>>()
    };
    let mut groups: Vec<Vec<PluginStep>> = Vec::new();
    for step in steps.steps {
        match groups.iter_mut().find(|group| is_held_alike(&group[0], &step)) {
            Some(group) => group.push(step),
            None => groups.push(vec![step]),
        }
    }
    let fronts = groups.into_iter().map(|group| Front {
        steps: group.iter().map(|step| step.name.clone()).collect(),
        attacks: of_kind(group[0].kind),
        conditions: conditions(&group[0]),
    });
    fronts.filter(|front| !front.attacks.is_empty()).collect()
}

/// Whether attacks on both steps would be the same.
fn is_held_alike(left: &PluginStep, right: &PluginStep) -> bool {
    let of = |step: &PluginStep| {
        let grants = (step.real_clocks, step.real_randomness, step.pure);
        (step.kind, step.profile, grants, step.connections.is_empty())
    };
    of(left) == of(right) && left.limits == right.limits
}

/// As a step's plugin is held to, but that its connections lead nowhere.
fn conditions(step: &PluginStep) -> Conditions {
    let http = if step.connections.is_empty() {
        HttpGrant::default()
    } else {
        HttpGrant::new(step.connections.clone(), Arc::new(()))
    };
    let grants = Grants {
        http,
        real_clocks: step.real_clocks,
        real_randomness: step.real_randomness,
        pure: step.pure,
    };
    Conditions { limits: step.limits.clone(), profile: step.profile, grants }
}

fn no_arena(error: &ArenaError) -> Failure {
    let exit_code = match error {
        ArenaError::Read { .. } => 66,
        ArenaError::Load { .. } | ArenaError::Engine(_) | ArenaError::Neighbour(_) => 70,
    };
    Failure::new(exit_code, chain(error))
        .hint("`cargo xtask plugins` builds the hostile plugins anew")
}

fn print(steps: &[String], attack: &Attack, report: &Report, output: Output) {
    let (verdict, problem) = match &report.verdict {
        Verdict::Survived => ("survived", None),
        Verdict::EndedEarly => ("early", None),
        Verdict::Broken(problem) => ("BROKEN", Some(problem)),
    };
    match output {
        Output::Json => json_lines::print(&json!({
            "event": "attack",
            "attack": attack.id(),
            "steps": steps,
            "verdict": verdict.to_lowercase(),
            "ended_by": report.ended.word(),
            "message": report.ended.to_string(),
            "problem": problem,
            "ms": report.time.as_millis() as u64,
            "memory": report.memory,
        })),
        Output::Text => {
            let memory = report.memory.map_or_else(|| "-".to_owned(), bytes);
            let message = problem.cloned().unwrap_or_else(|| shortened(&report.ended.to_string()));
            let (id, word) = (attack.id(), report.ended.word());
            say!("{verdict:<10} {id:<40} {word:<16} {memory:>10}  {message}");
        }
    }
}

/// One line, not much longer than a terminal is wide.
fn shortened(message: &str) -> String {
    const MOST: usize = 100;
    let line = message.lines().next().unwrap_or_default();
    if line.chars().count() <= MOST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(MOST).collect();
    format!("{cut} …")
}

/// Of each attack, in how many places it was made and survived.
#[derive(Default)]
struct Tally {
    attacks: BTreeMap<(Option<PluginKind>, &'static str), bool>,
    runs: usize,
    broken: usize,
    early: usize,
}

impl Tally {
    fn count(&mut self, attack: &Attack, report: &Report) {
        let survived = report.verdict.is_survived();
        let so_far = self.attacks.entry(attack.key()).or_insert(true);
        *so_far &= survived;
        self.runs += 1;
        self.broken += usize::from(!survived);
        self.early += usize::from(report.verdict == Verdict::EndedEarly);
    }

    fn finish(&self, output: Output) -> ExitCode {
        let survived = self.attacks.values().filter(|survived| **survived).count();
        match output {
            Output::Json => json_lines::print(&json!({
                "event": "attack.finished",
                "attacks": self.attacks.len(),
                "survived": survived,
                "runs": self.runs,
                "early": self.early,
                "peak_memory": resident_peak(),
            })),
            Output::Text => {
                let early = match self.early {
                    0 => String::new(),
                    early => format!("; {early} were ended early, by a limit or a grant"),
                };
                say!(
                    "{survived} of {} attacks were survived, in {} places{early}",
                    self.attacks.len(),
                    self.runs
                );
            }
        }
        ExitCode::from(if self.broken == 0 { 0 } else { 70 })
    }
}
