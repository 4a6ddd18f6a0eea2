//! `wasmill quarantine`: rows that were held back, shown, put through again, removed, or taken elsewhere.

mod export;
mod list;
mod purge;
mod replay;
mod select;
mod show;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;
use crate::quarantine::export::ExportArgs;
use crate::quarantine::list::ListArgs;
use crate::quarantine::purge::PurgeArgs;
use crate::quarantine::replay::ReplayArgs;
use crate::quarantine::show::ShowArgs;

pub const EXAMPLES: &str = "\
Examples:
    wasmill quarantine list                                        what the latest run has held back
    wasmill quarantine show --step clean --rule bad-date
    wasmill quarantine replay pipeline.toml --rule bad-date        after a fix: exactly once, into the same sinks
    wasmill quarantine replay pipeline.toml --since 7d --dry-run   of all runs of the last week: what would be put through
    wasmill quarantine export --step clean --to repaired           rows as JSON lines, to be repaired by hand
    wasmill quarantine purge --all --until 90d --yes               removes what is older than 90 days";

#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// Counts the rows that a run held back, by step and rule, and what became of them.
    #[command(after_help = EXAMPLES)]
    List(ListArgs),
    /// Shows the rows that a run held back, whole, with the reasons.
    #[command(after_help = EXAMPLES)]
    Show(ShowArgs),
    /// Puts rows that a run held back through the rest of the pipeline again, and into its sinks: each row once, whatever dies.
    #[command(after_help = replay::EXAMPLES)]
    Replay(ReplayArgs),
    /// Removes rows from the quarantine for good.
    #[command(after_help = purge::EXAMPLES)]
    Purge(PurgeArgs),
    /// Writes rows that are left in the quarantine to files, one for each step, and leaves the quarantine as it is.
    #[command(after_help = export::EXAMPLES)]
    Export(ExportArgs),
}

/// Does what is asked for.
pub async fn dispatch(command: QuarantineCommand) -> Result<ExitCode, Failure> {
    match command {
        QuarantineCommand::List(args) => list::list(&args).await,
        QuarantineCommand::Show(args) => show::show(&args).await,
        QuarantineCommand::Replay(args) => replay::replay(&args).await,
        QuarantineCommand::Purge(args) => purge::purge(&args).await,
        QuarantineCommand::Export(args) => export::export(&args).await,
    }
}
