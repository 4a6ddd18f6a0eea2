//! A small file system in memory: a disk that is full, or read-only, when a test wants it to be.
//!
//! Root mounts it. Anybody else gets namespaces of users and mounts of their own (`unshare --user --map-root-user --mount`): a
//! process that sleeps keeps them, commands enter them ([`Tmpfs::command`]), and the test sees the files through
//! `/proc/PID/root`. Where neither works, the test fails and says so: a test that does nothing would look like one that passed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mounted file system; unmounted with the value.
#[derive(Debug)]
pub struct Tmpfs {
    /// Where commands find it.
    path: PathBuf,
    /// Who keeps the namespaces, unless root has mounted it for everybody.
    keeper: Option<Child>,
    _folder: tempfile::TempDir,
}

impl Tmpfs {
    /// Mounts a file system of so many KiB.
    pub fn new(kibibytes: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        let options = format!("size={kibibytes}k,mode=0755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path);
        let mounted = mount.output().expect("`mount` can be started; it belongs to util-linux");
        if mounted.status.success() {
            return Self { path, keeper: None, _folder: folder };
        }
        let keeper = keep(&path, &options).unwrap_or_else(|error| {
            panic!(
                "no tmpfs: `mount` says {:?}; in namespaces of its own: {error}; run the tests as root, or where users may \
                 have namespaces (kernel.unprivileged_userns_clone, apparmor_restrict_unprivileged_userns)",
                String::from_utf8_lossy(&mounted.stderr).trim()
            )
        });
        Self { path, keeper: Some(keeper), _folder: folder }
    }

    /// Where commands that [`Tmpfs::command`] made find it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command that sees the file system, and starts in `folder`.
    pub fn command(&self, program: impl AsRef<OsStr>, folder: &Path) -> Command {
        let Some(keeper) = &self.keeper else {
            let mut command = Command::new(program);
            command.current_dir(folder);
            return command;
        };
        // Entering namespaces changes the folder, so it is changed back within.
        let mut command = Command::new("nsenter");
        command.args(["--preserve-credentials", "--user", "--mount", "--target"]);
        command.arg(keeper.id().to_string());
        command.args(["--", "sh", "-c", "cd \"$0\" && exec \"$@\""]).arg(folder).arg(program);
        command
    }

    /// Where this process finds a file of it.
    pub fn outside(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        match &self.keeper {
            None => path,
            Some(keeper) => {
                let inside = path.strip_prefix("/").expect("a mount point is absolute");
                Path::new("/proc").join(keeper.id().to_string()).join("root").join(inside)
            }
        }
    }

    /// Makes it larger, or smaller.
    pub fn resize(&self, kibibytes: u32) {
        self.remount(&format!("size={kibibytes}k"));
    }

    pub fn set_read_only(&self, read_only: bool) {
        self.remount(if read_only { "ro" } else { "rw" });
    }

    /// Writes a file until nothing more fits, but for so many KiB.
    pub fn fill(&self, name: &str, kibibytes_left: u64) {
        let path = self.outside(name);
        let chunk = vec![0; 4096];
        let mut file = std::fs::File::create(&path).expect("a file on the tmpfs");
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
        let written = file.metadata().expect("a file on the tmpfs").len();
        let kept = written.saturating_sub(kibibytes_left * 1024);
        file.set_len(kept).expect("a file on the tmpfs can be cut");
    }

    fn remount(&self, option: &str) {
        let mut mount = self.command("mount", Path::new("/"));
        // The options that the system adds to what it shows name users that may not exist in the namespace.
        mount
            .args(["--options-mode", "ignore", "-o", &format!("remount,{option}")])
            .arg(&self.path);
        let output = mount.output().expect("`mount` can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        match &mut self.keeper {
            // Lazily: a process that the test has just killed may still hold a file.
            None => drop(Command::new("umount").arg("--lazy").arg(&self.path).status()),
            // The namespaces go with the last process in them, and the mount with them.
            Some(keeper) => {
                drop(keeper.kill());
                drop(keeper.wait());
            }
        }
    }
}

/// Starts the process that keeps namespaces with the mount in them.
fn keep(path: &Path, options: &str) -> Result<Child, String> {
    let script = "mount -t tmpfs -o \"$1\" tmpfs \"$2\" && echo mounted && exec sleep infinity";
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", options]);
    unshare.arg(path).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut keeper = unshare.spawn().map_err(|error| format!("`unshare`: {error}"))?;
    let stdout = keeper.stdout.take().expect("it is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
    if line.trim() == "mounted" {
        return Ok(keeper);
    }
    drop(keeper.kill());
    let output = keeper.wait_with_output().map_err(|error| error.to_string())?;
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::Tmpfs;

    #[test]
    fn it_is_full_and_read_only_when_it_should_be() {
        let disk = Tmpfs::new(64);
        let file = disk.outside("file");
        let big = vec![1; 100 * 1024];
        assert_eq!(fs::write(&file, &big).unwrap_err().kind(), ErrorKind::StorageFull);
        disk.resize(256);
        fs::write(&file, &big).unwrap();
        disk.fill("filler", 8);
        let other = disk.outside("other");
        fs::write(&other, vec![1; 8 * 1024]).unwrap();
        assert_eq!(
            fs::write(&other, vec![1; 9 * 1024]).unwrap_err().kind(),
            ErrorKind::StorageFull
        );
        disk.set_read_only(true);
        assert_eq!(fs::write(&file, "").unwrap_err().kind(), ErrorKind::ReadOnlyFilesystem);
        disk.set_read_only(false);
        fs::write(&file, "seen by all").unwrap();
        let seen = disk.command("cat", disk.path()).arg("file").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&seen.stdout), "seen by all", "{seen:?}");
    }
}
