//! Cassettes: failed batches, kept so that somebody else can make the same call once more.
//!
//! ```text
//!   a call fails ─▶ once more, on a fresh instance, answered from memory ─▶ NAME.cassette, SHA256.wasm
//!                                                                             │
//!                                  same trap, same fuel, same output ◀─ Replay ┤
//!                                  does another component mend it?   ◀─ with ──┤
//!                                  the smallest input that fails     ◀─ shrink ┘
//! ```
//!
//! What a call does depends on the component, its configuration, its limits, the seed, the calls that the instance had before,
//! the rows, and what it is answered over HTTP: all of that is in a cassette, and nothing else can matter, since clocks and
//! randomness are virtual. The instance that failed in a run had seen other rows before, though. So what is recorded is
//! not what it did but what a fresh instance does with the same calls: a replay does exactly that again.
//!
//! A cassette holds rows as they are, and no secret of the pipeline file: configurations are kept as they are written, with
//! their references; secrets are taken out of texts that came from the guest or over HTTP *before* the recorded calls are made,
//! so that what is recorded is what the texts without them lead to.
//!
//! Kept are calls about rows of transformers and validators, a transformer's `finish`, and instances that cannot be opened. What
//! extractors, loaders and notifiers do is not.
//!
//! Where what is: [`format`] is the file, [`header`] what is in it beside rows, `performance` makes the calls, `playback` answers HTTP, [`outcome`] is what came of
//! it and how two of them differ, `recorder` keeps what fails in a run, [`replay`] and [`shrink`] are for afterwards.

mod cells;
pub mod cuts;
pub(crate) mod folder;
pub mod format;
pub mod header;
pub mod outcome;
mod performance;
mod playback;
pub(crate) mod recorder;
mod redact;
pub mod replay;
pub mod shrink;

pub use format::{Cassette, CassetteError};
pub use header::Header;
pub use replay::{OtherReport, Replay, ReplayError, ReplayReport, Verdict};
pub use shrink::ShrinkReport;
