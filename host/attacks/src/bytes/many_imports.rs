//! Imports ten thousand interfaces that nobody has.

use wasmill_sandbox::limits::Limits;

use super::base::importing;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let names: Vec<String> = (0..10_000).map(|number| format!("evil:host/i{number}")).collect();
    importing(names.iter().map(String::as_str))
}
