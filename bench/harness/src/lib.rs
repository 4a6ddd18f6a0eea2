//! What the benchmarks have in common: how they measure, their inputs, the work done natively, and the sandbox as a subject.
//!
//! The programs beside this crate need it with and without peers. Of these it knows how scripts in Python are asked to run.

pub mod cores;
pub mod data;
pub mod guests;
pub mod measure;
pub mod native;
pub mod published;
pub mod python;
pub mod records;
pub mod wasmill;
