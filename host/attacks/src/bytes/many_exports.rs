//! Exports a hundred thousand instances beside the one that counts.

use wasmill_sandbox::limits::Limits;

use super::base::{TRANSFORMER, exporting};

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let names: Vec<String> =
        (0..100_000).map(|number| format!("made-up:package/i{number}")).collect();
    exporting(std::iter::once(TRANSFORMER).chain(names.iter().map(String::as_str)))
}
