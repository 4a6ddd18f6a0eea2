//! From a pipeline file to rows in their targets.
//!
//! ```text
//!   file ──▶ Pipeline ──check──▶ CheckedPipeline ──run──▶ RunSummary
//!    text, sections, secrets      plugins bound,           phases, attempts, manifests,
//!    what is wrong and where      schemas known            gate, commit, notifications
//! ```
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use wasmill_pipeline::{CancellationToken, Pipeline};
//!
//! let summary = Pipeline::from_file("pipeline.toml")?
//!     .check()
//!     .await?
//!     .run(CancellationToken::new())
//!     .await?;
//! println!("{}", summary.headline());
//! # Ok(())
//! # }
//! ```
//!
//! Where what is: [`file`] reads the text, [`check`] makes a [`checked`] pipeline of it, `plan` divides it into phases
//! and tasks, `exec` holds the DataFusion nodes that a task is made of, [`run`] drives the whole, [`policy`] says what is
//! tried again, [`metrics`] counts, [`bench`] measures, [`explain`] says why a plugin failed, [`cassette`] keeps what failed and makes it fail again, [`shadow`] runs a new version of a
//! step beside the old one, [`sample`] shows rows before and after steps, [`graph`] draws, [`columns`] tells what a step does with its columns, [`quarantine`] is what becomes of rows that were held back.

pub mod bench;
pub mod cassette;
pub mod check;
pub mod checked;
pub mod columns;
pub mod dry_run;
pub mod error;
pub mod events;
mod exec;
pub mod explain;
pub mod file;
pub mod graph;
mod identity;
pub mod metrics;
pub mod numbers;
mod plan;
pub mod policy;
pub mod quarantine;
pub mod run;
pub mod sample;
pub mod shadow;

pub use check::plugin_steps::{PluginStep, PluginSteps};
pub use check::{CheckFailed, Needs, Pipeline, ReadError};
pub use checked::CheckedPipeline;
pub use exec::quarantine::{FaultRecord, Reason};
pub use exec::task::StepCounts;
pub use run::notify::{Delivery, Undelivered};
pub use run::summary::RunSummary;
pub use tokio_util::sync::CancellationToken;
