//! The command line: arguments in, library calls, words and exit codes out. Everything it does, a program can do
//! with `wasmill-pipeline` and `wasmill-sandbox`.

#![allow(clippy::print_stderr, reason = "this is a command line")]

/// Prints a line to standard output. A reader that went away, such as `head`, is no reason to fail.
macro_rules! say {
    ($($argument:tt)*) => {
        drop(std::io::Write::write_fmt(
            &mut std::io::stdout().lock(),
            format_args!("{}\n", format_args!($($argument)*)),
        ))
    };
}

mod allocator;
mod attack;
mod bench;
mod build;
mod check;
mod compiling;
mod dev;
mod doctor;
mod failure;
mod findings;
mod follow;
mod graph;
mod inspect;
mod json_lines;
mod ledger;
mod metrics_file;
mod new;
mod outbox;
mod paint;
mod partitions;
mod progress;
mod quarantine;
mod replay;
mod run;
mod runs;
mod sample;
mod shadow;
mod summary;
mod table;
mod test;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use wasmill_sandbox::compiler::answer_parent;

use crate::attack::AttackArgs;
use crate::bench::BenchArgs;
use crate::build::BuildArgs;
use crate::compiling::CompileArgs;
use crate::dev::DevArgs;
use crate::doctor::DoctorArgs;
use crate::failure::Failure;
use crate::graph::GraphArgs;
use crate::new::NewArgs;
use crate::outbox::OutboxCommand;
use crate::partitions::{AbortArgs, CommitArgs, PlanArgs};
use crate::quarantine::QuarantineCommand;
use crate::replay::ReplayArgs;
use crate::run::RunArgs;
use crate::runs::RunsCommand;
use crate::sample::SampleArgs;
use crate::shadow::ShadowArgs;
use crate::test::TestArgs;

const EXIT_CODES: &str = "\
Exit codes (sysexits):
    0  done
    2  the command line is wrong
   65  the data was refused: by a gate, a limit on quarantined rows, or on_... = \"fail\"; versions differ; inputs have
       changed; the run has ended
   66  the pipeline file, project, component, data file, ledger or run that is asked for does not exist
   69  a toolchain is missing, and cannot be installed
   70  a plugin failed, or wasmill itself
   74  reading or writing failed
   75  a temporary failure, somebody else at work, or splits that are missing: try again
   77  a plugin wants more than it is granted
   78  the pipeline file, or something that it names, is wrong
  130  interrupted; what was accepted is kept: `wasmill run FILE --resume RUN` goes on";

/// Runs data pipelines whose steps are sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes the project of a new plugin: of any kind, in any language, with tests.
    #[command(after_help = new::EXAMPLES)]
    New(NewArgs),
    /// Makes a plugin of a project: Rust, Python, JavaScript, TypeScript, C or Go.
    #[command(after_help = build::EXAMPLES)]
    Build(BuildArgs),
    /// Tests a plugin: builds it, and runs its cases, tests/*.toml, in the sandbox.
    #[command(after_help = test::EXAMPLES)]
    Test(TestArgs),
    /// Builds and tests a plugin whenever a file is saved, and shows what a pipeline's rows become.
    #[command(after_help = dev::EXAMPLES)]
    Dev(DevArgs),
    /// Runs a pipeline: checks it, works through its splits, and publishes its sinks when all of it is good.
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", run::EXAMPLES))]
    Run(RunArgs),
    /// Divides a run into splits, for a scheduler that has them worked on by several processes.
    #[command(after_help = partitions::EXAMPLES)]
    Plan(PlanArgs),
    /// Publishes a run that was worked on in partitions, once all of its splits are accepted. Can be repeated.
    #[command(after_help = partitions::EXAMPLES)]
    Commit(CommitArgs),
    /// Gives a run up: nothing of it will be published, and what it has staged is removed. Can be repeated.
    Abort(AbortArgs),
    /// Checks a pipeline file: everything that can be known before a row is read, all findings at once.
    Check {
        /// The pipeline file.
        file: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        compiling: CompileArgs,
    },
    /// Draws a pipeline: what reads what, which columns go along, where rows wait for all others.
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", graph::EXAMPLES))]
    Graph(GraphArgs),
    /// Shows some rows before and after each step: what changes, what is rejected, which columns come and go. Publishes
    /// nothing, and leaves nothing behind.
    #[command(after_help = format!("{}\n\n{EXIT_CODES}", sample::EXAMPLES))]
    Sample(SampleArgs),
    /// Measures what each step of a pipeline costs, or one plugin: publishes nothing, and leaves nothing behind.
    #[command(after_help = bench::EXAMPLES)]
    Bench(BenchArgs),
    /// Makes a plugin fail once more on a batch that was kept, and says why: same fault, same fuel, same output.
    #[command(after_help = replay::EXAMPLES)]
    Replay(ReplayArgs),
    /// Runs a new version of a step beside the old one, on the pipeline's own inputs, and shows what differs: publishes
    /// nothing, and leaves nothing behind.
    #[command(after_help = shadow::EXAMPLES)]
    Shadow(ShadowArgs),
    /// Lets hostile plugins attack the sandbox, under the limits of a pipeline's steps: does the host live?
    #[command(after_help = attack::EXAMPLES)]
    Attack(AttackArgs),
    /// Checks this installation, and what waits in a ledger: what is wrong, and what to do.
    #[command(after_help = doctor::EXIT_CODES)]
    Doctor(DoctorArgs),
    /// Shows runs: which there were, and the story of one.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Rows that were held back: shows them and why, puts them through again, removes them, takes them to files.
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Shows events that wait for their notifiers, and delivers them.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Shows what a component is: kind, contract, what it needs granted, configuration, language, size, memory, tables, digest.
    Inspect {
        /// The component, a .wasm file.
        component: PathBuf,
        /// Prints its WIT instead: what it imports and exports.
        #[arg(long)]
        wit: bool,
        #[command(flatten)]
        output: OutputArgs,
        #[command(flatten)]
        compiling: CompileArgs,
    },
    /// Prints the JSON Schema of pipeline files, for editors.
    Schema,
    /// Compiles the component on standard input, for another process of this program.
    #[command(name = compiling::COMPILE, hide = true)]
    CompileComponent { request: Vec<String> },
}

#[derive(Debug, Clone, Copy, Args)]
struct OutputArgs {
    /// Text for people, or one JSON object a line for programs.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// Which ledger: that of `pipeline.toml` in the current folder where nothing is said.
#[derive(Debug, Args)]
struct LedgerArgs {
    /// The pipeline file whose ledger is meant.
    #[arg(short, long, default_value = "pipeline.toml")]
    file: PathBuf,
    /// The ledger itself, such as sqlite://path/to/ledger.db.
    #[arg(long, conflicts_with = "file")]
    ledger: Option<String>,
}

fn main() -> ExitCode {
    allocator::keep_freed_memory();
    let cli = Cli::parse();
    if let Err(message) = wasmill_connect::crash::check() {
        eprintln!("error: {message}");
        return ExitCode::from(78);
    }
    tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::from(70);
        }
    };
    let result = runtime.block_on(dispatch(cli.command));
    // Readers that are still at work on their threads have nothing more to say.
    runtime.shutdown_background();
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit_code)
        }
    }
}

async fn dispatch(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::New(args) => new::new(&args),
        Command::Build(args) => build::build(&args).await,
        Command::Test(args) => test::test(&args).await,
        Command::Dev(args) => dev::dev(&args).await,
        Command::Run(args) => run::run(&args).await,
        Command::Plan(args) => partitions::plan(&args).await,
        Command::Commit(args) => partitions::commit(&args).await,
        Command::Abort(args) => partitions::abort(&args).await,
        Command::Check { file, output, compiling } => {
            check::check(&file, output.output, &compiling).await
        }
        Command::Graph(args) => graph::graph(&args).await,
        Command::Sample(args) => sample::sample(&args).await,
        Command::Bench(args) => bench::bench(&args).await,
        Command::Replay(args) => replay::replay(&args).await,
        Command::Shadow(args) => shadow::shadow(&args).await,
        Command::Attack(args) => attack::attack(&args).await,
        Command::Doctor(args) => Ok(doctor::doctor(&args).await),
        Command::Runs(command) => runs::runs(&command).await,
        Command::Quarantine(command) => quarantine::dispatch(command).await,
        Command::Outbox(command) => outbox::outbox(&command).await,
        Command::Inspect { component, wit, output, compiling } => {
            if wit {
                return inspect::wit(&component);
            }
            inspect::inspect(&component, output.output, &compiling).await
        }
        Command::Schema => {
            say!("{:#}", wasmill_pipeline::file::schema::pipeline_file_schema());
            Ok(ExitCode::SUCCESS)
        }
        Command::CompileComponent { request } => Ok(answer_parent(&request)),
    }
}
