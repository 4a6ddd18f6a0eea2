//! Chaos: the e-commerce pipeline in real processes that are killed, come back, and are killed again, until the work is done. Then
//! everything that came out is compared with an undisturbed run.
//!
//! ```text
//! campaign    rounds, until there were as many kills as were asked for; what all of it showed
//!   round       two runs one after the other, in a folder that is like that of every other round
//!     way         how a run is brought to its end: one process that is resumed, or partitions and a commit
//!       kill        when a process dies: at a named point of the program, or at a moment
//!   outputs     what is compared: files, tables, quarantine, counts, notifications, and what should not be there
//! ```
//!
//! All that is random comes from the seed and the number of the round, so that a round can be repeated alone. What a kill at a
//! moment hits still depends on the machine; kills at points hit the same again.

pub mod campaign;
pub mod kill;
pub mod outputs;
pub mod random;
pub mod site;
pub mod way;
