//! Attacks of hostile plugins against a sandbox, and the proof that the host lives.
//!
//! ```text
//!   list ──▶ Attack ──▶ Arena::run ──▶ Report: what ended it, whether that was one of the ways in which it should end,
//!             │           │             how much memory it took
//!             │           └ the whole life of a plugin of its kind, with an honest neighbour before, meanwhile and after
//!             └ a hostile plugin that was built (`tests/guests`), or the bytes of a component that no compiler would write
//! ```
//!
//! An attack is survived when it ends as its description says, when the host's memory stays below the [`bound`], when nothing
//! that the plugin said can take over a terminal, and when a neighbour in the same sandbox can do its work afterwards, with
//! the slot that the attack was given. Which limits hold is up to the caller ([`Conditions`]): that is what an operator wants
//! to know of a pipeline.

mod arena;
mod attack;
pub mod bound;
mod bytes;
mod ipc;
mod life;
mod list;
mod memory;
mod neighbour;
mod printable;

pub use arena::{Arena, ArenaError, Conditions, GUESTS, Report, Verdict};
pub use attack::{Attack, Contained, Ended};
pub use list::all;
pub use memory::resident_peak;
