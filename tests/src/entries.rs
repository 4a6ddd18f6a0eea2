//! Entries of three accounts, the input of the guest `balance`, with amounts of which some are poison to it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::workspace::Workspace;

/// A folder with `entries.csv`: three accounts in turn, and the amounts of the rows, but for those at some positions.
pub fn entries(rows: usize, poison: &BTreeMap<usize, i64>) -> Workspace {
    let workspace = Workspace::new();
    let mut text = "account,amount\n".to_owned();
    for row in 0..rows {
        let amount = poison.get(&row).copied().unwrap_or(row as i64 % 100 + 1);
        writeln!(text, "{},{amount}", ["a", "b", "c"][row % 3]).expect("a text takes it");
    }
    workspace.write("entries.csv", text);
    workspace
}
