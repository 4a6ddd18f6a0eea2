//! How much room there is where a run writes.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{StatVfs, statvfs};

use crate::doctor::findings::Findings;
use crate::table::bytes;

const CHECK: &str = "disk";
/// Below either, there is a warning.
const FEW_BYTES: u64 = 1 << 30;
const SMALL_SHARE: f64 = 0.05;
/// Below, not even the ledger has room to work.
const NO_ROOM: u64 = 32 << 20;

/// Looks at the file systems of the cache, of the ledger's folder and of temporary files, at each once.
pub fn look(cache: Option<&Path>, ledger: Option<&Path>, findings: &mut Findings) {
    let temporary = std::env::temp_dir();
    let places = [
        (ledger, "the ledger and what runs stage"),
        (cache, "compiled plugins"),
        (Some(temporary.as_path()), "temporary files"),
    ];
    // By file system: what lies on it.
    let mut systems: Vec<(u64, StatVfs, PathBuf, Vec<&str>)> = Vec::new();
    for (folder, purpose) in places {
        let Some(folder) = folder else { continue };
        let folder = nearest(folder);
        let looked = statvfs(&folder).map_err(io::Error::from);
        match looked.and_then(|system| Ok((device(&folder)?, system))) {
            Ok((device, system)) => match systems.iter_mut().find(|known| known.0 == device) {
                Some((.., purposes)) => purposes.push(purpose),
                None => systems.push((device, system, folder, vec![purpose])),
            },
            Err(error) => findings.problem(
                CHECK,
                format!("{}: {error}", folder.display()),
                "make the folder readable",
            ),
        }
    }
    for (_, system, folder, purposes) in systems {
        judge(&system, &folder, &purposes.join(", "), findings);
    }
}

fn judge(system: &StatVfs, folder: &Path, purposes: &str, findings: &mut Findings) {
    let free = system.f_bavail.saturating_mul(system.f_frsize);
    let all = system.f_blocks.saturating_mul(system.f_frsize);
    let share = if all == 0 { 0.0 } else { free as f64 / all as f64 };
    let message = format!(
        "{}: {} of {} free ({:.0} %), for {purposes}",
        folder.display(),
        bytes(free),
        bytes(all),
        100.0 * share,
    );
    let advice =
        "make room: a run that finds no space fails, and can be resumed when there is some";
    match rated(free, share) {
        Room::Enough => findings.ok(CHECK, message),
        Room::Little => findings.warning(CHECK, message, advice),
        Room::None => findings.problem(CHECK, message, advice),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Room {
    Enough,
    Little,
    None,
}

fn rated(free: u64, share: f64) -> Room {
    if free < NO_ROOM {
        Room::None
    } else if free < FEW_BYTES || share < SMALL_SHARE {
        Room::Little
    } else {
        Room::Enough
    }
}

fn device(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Ok(path.metadata()?.dev())
}

/// The folder, or the one above it that exists.
pub fn nearest(folder: &Path) -> PathBuf {
    let found = folder.ancestors().find(|path| path.is_dir());
    match found {
        Some(path) if !path.as_os_str().is_empty() => path.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether files can be made in a folder, which is tried: permissions are not all that may be in the way.
pub fn is_writable(folder: &Path) -> io::Result<()> {
    // Without a name, or gone at once.
    tempfile::tempfile_in(folder).map(drop)
}

/// Whether a folder that is not there can be made.
pub fn can_be_made(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find(|path| path.exists());
    if there.is_some_and(|path| !path.is_dir()) {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    is_writable(&nearest(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_noticed() {
        assert_eq!(rated(2 << 30, 0.5), Room::Enough);
        assert_eq!(rated(2 << 30, 0.04), Room::Little);
        assert_eq!(rated((1 << 30) - 1, 0.5), Room::Little);
        assert_eq!(rated(NO_ROOM - 1, 0.9), Room::None);
    }

    #[test]
    fn the_nearest_folder_is_one_that_exists() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest(&folder.path().join("a/b")), folder.path());
        assert_eq!(nearest(folder.path()), folder.path());
        assert_eq!(nearest(Path::new("no/such/folder")), Path::new("."));
        assert!(can_be_made(&folder.path().join("a/b")).is_ok());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(can_be_made(&folder.path().join("file/b")).is_err());
    }
}
