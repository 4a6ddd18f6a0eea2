//! Folders of runs that are over: what they staged is of no use to anybody any more.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wasmill_ledger::{Ledger, LedgerError, RunStatus};

use crate::doctor::findings::Findings;
use crate::table::{bytes, counted};

const CHECK: &str = "leftovers";
/// Below the ledger's folder: a folder for each run, with what it staged.
const RUNS: &str = "runs";

/// Looks for scratch folders that no run will use again: of runs that succeeded or were given up, and of runs that this ledger does
/// not know. Those of runs that can be resumed are kept for that.
pub async fn look(
    ledger: &Ledger,
    folder: &Path,
    findings: &mut Findings,
) -> Result<(), LedgerError> {
    let folders = folders(&folder.join(RUNS));
    let ids: Vec<String> = folders.keys().cloned().collect();
    let statuses = ledger.statuses(&ids).await?;
    let (mut of_ended, mut unknown) = (Vec::new(), Vec::new());
    for (id, path) in &folders {
        match statuses.get(id) {
            Some(RunStatus::Succeeded | RunStatus::Aborted) => of_ended.push(path),
            Some(_) => {}
            None => unknown.push(path),
        }
    }
    if of_ended.is_empty() && unknown.is_empty() {
        findings.ok(CHECK, "no folders of runs that are over");
    }
    if !of_ended.is_empty() {
        let message = format!("{} of runs that are over", sized(&of_ended));
        findings.warning(CHECK, message, removal(&of_ended));
    }
    if !unknown.is_empty() {
        let message = format!("{} of runs that this ledger does not know", sized(&unknown));
        let advice = removal(&unknown);
        findings.warning(CHECK, message, format!("if no other ledger does, {advice}"));
    }
    Ok(())
}

/// The folders of runs, by the run's id.
fn folders(runs: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let folders = entries.map(|entry| entry.path()).filter(|path| path.is_dir());
    let named = folders.filter_map(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        Some((name, path))
    });
    named.collect()
}

fn sized(folders: &[&PathBuf]) -> String {
    let size: u64 = folders.iter().map(|folder| size(folder)).sum();
    format!("{} with {}", counted(folders.len(), "folder"), bytes(size))
}

fn removal(folders: &[&PathBuf]) -> String {
    let first = folders.first().map(|folder| folder.display().to_string()).unwrap_or_default();
    let rest = if folders.len() > 1 { " and the others" } else { "" };
    format!("remove {first}{rest}")
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                Ok(metadata) => bytes += metadata.len(),
                // Gone in the meantime.
                Err(_) => {}
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_all_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("runs/a/b")).unwrap();
        std::fs::write(folder.path().join("runs/a/b/c"), [0; 5]).unwrap();
        std::fs::write(folder.path().join("runs/a/d"), [0; 7]).unwrap();
        let found = folders(&folder.path().join("runs"));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!(sized(&found.values().collect::<Vec<_>>()), "1 folder with 12 B");
        assert!(folders(&folder.path().join("none")).is_empty());
    }
}
