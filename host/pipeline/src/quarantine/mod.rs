//! What becomes of rows that were held back: they are shown, put through again, taken elsewhere, or removed.
//!
//! ```text
//!   held ─▶ left ─▶ in a replay ─▶ put through      for good, when the replay has succeeded
//!            │ ▲─────────┘                          let go, when the replay is given up
//!            └────▶ purged                          for good
//! ```
//!
//! - A row is known by its run, its file, and its index in the file, which it keeps when rows before it are removed.
//! - The ledger says what became of a row; the files only hold those that are there. A row that the ledger calls put through or
//!   purged counts as that, whether its file still has it or not.
//! - Rows that fail again when they are put through are held back again, as rows of the replay. So for each step of a run
//!   `held = left + put through + purged`, after any number of replays.
//!
//! [`file`] reads the files, [`held`] tells what is there of a run, `through` makes the pipeline of a replay, `source` gives it
//! its rows, [`replay`] runs it; [`purge`] and [`export`] are what they are called.

pub mod export;
pub mod file;
pub mod held;
pub mod purge;
pub mod replay;
mod source;
pub mod through;

pub(crate) use through::Replay;
