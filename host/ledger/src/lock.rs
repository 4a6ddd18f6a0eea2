//! Locks: who is alive, and whose turn it is. They end with the process that holds them, however it ends.
//!
//! - Of a ledger that is a file, they are locks of the operating system on files in `LEDGER-locks/`. The holder of an exclusive
//!   lock removes its file while it still holds it; whoever then gets the lock on the removed file takes the new one instead.
//! - Of a ledger on PostgreSQL, they are advisory locks of a session, each on a connection of its own, so that a busy pool
//!   neither delays nor ends them. They need a connection that is theirs as long as it lasts: behind a pooler, its session mode.
//! - No lock is taken to be the last word. A connection may be lost without the process noticing, so what must not happen
//!   twice is decided by the ledger's epochs.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::place::SCHEMA;
use crate::{Ledger, LedgerError, check_run_id, failed};

/// How often a lock that somebody else holds is tried again.
const POLL: Duration = Duration::from_millis(20);

/// Whether a lock lets others have it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    Exclusive,
    Shared,
}

/// A lock that is held. Dropping it lets it go; [`Lock::release`] also waits until it is gone.
#[derive(Debug)]
pub struct Lock(Held);

#[derive(Debug)]
enum Held {
    File(FileLock),
    Session(Box<PgConnection>),
}

impl Lock {
    /// Lets the lock go, and waits until others can have it. A server learns of a dropped one a moment later.
    pub async fn release(self) {
        match self.0 {
            Held::File(lock) => drop(lock),
            // Where the connection is lost, so is the lock.
            Held::Session(connection) => drop(connection.close().await),
        }
    }
}

/// Where the locks of a ledger are.
pub(crate) enum Locks {
    Files { folder: PathBuf },
    Server { options: Box<PgConnectOptions> },
}

impl Ledger {
    /// Takes the lock of a run: exclusively to drive it, shared to work at some of its splits. None where somebody else holds it
    /// in a way that rules this out.
    ///
    /// # Errors
    ///
    /// When the lock cannot be asked for.
    pub async fn lock_run(&self, run: &str, share: Share) -> Result<Option<Lock>, LedgerError> {
        check_run_id(run)?;
        match &*self.locks {
            Locks::Files { folder } => {
                let lock = lock_file(folder, &format!("run-{run}"), share)?;
                Ok(lock.map(|lock| Lock(Held::File(lock))))
            }
            Locks::Server { options } => {
                let action = "lock a run";
                let mut connection = session(options).await.map_err(failed(action))?;
                let taking = match share {
                    Share::Exclusive => "SELECT pg_try_advisory_lock($1)",
                    Share::Shared => "SELECT pg_try_advisory_lock_shared($1)",
                };
                let taken: bool = sqlx::query_scalar(taking)
                    .bind(key("run", run))
                    .fetch_one(&mut connection)
                    .await
                    .map_err(failed(action))?;
                Ok(taken.then(|| Lock(Held::Session(Box::new(connection)))))
            }
        }
    }

    /// Waits until nobody else publishes for the pipeline, and keeps others from it.
    ///
    /// # Errors
    ///
    /// When the lock cannot be asked for.
    pub async fn lock_publishing(&self, pipeline: &str) -> Result<Lock, LedgerError> {
        match &*self.locks {
            Locks::Files { folder } => {
                // A pipeline may be named in a way that no file can.
                let name = format!("pipeline-{:016x}", key("pipeline", pipeline));
                loop {
                    if let Some(lock) = lock_file(folder, &name, Share::Exclusive)? {
                        return Ok(Lock(Held::File(lock)));
                    }
                    tokio::time::sleep(POLL).await;
                }
            }
            Locks::Server { options } => {
                let action = "lock the publishing of a pipeline";
                let mut connection = session(options).await.map_err(failed(action))?;
                sqlx::query("SELECT pg_advisory_lock($1)")
                    .bind(key("pipeline", pipeline))
                    .execute(&mut connection)
                    .await
                    .map_err(failed(action))?;
                Ok(Lock(Held::Session(Box::new(connection))))
            }
        }
    }
}

/// The number of an advisory lock: all programs that use a database share them.
pub(crate) fn key(kind: &str, name: &str) -> i64 {
    let digest = Sha256::digest(format!("{SCHEMA}\0{kind}\0{name}"));
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

/// A connection that lasts, however long nothing is asked, and that the server gives up within a minute when our machine is
/// gone without a word.
pub(crate) async fn session(options: &PgConnectOptions) -> sqlx::Result<PgConnection> {
    let mut connection = options.connect().await?;
    // Older servers know some of them only.
    sqlx::query(
        "SELECT set_config(name, CASE name
             WHEN 'tcp_keepalives_idle' THEN '30'
             WHEN 'tcp_keepalives_interval' THEN '10'
             WHEN 'tcp_keepalives_count' THEN '3'
             ELSE '0' END, false)
         FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'idle_session_timeout',
             'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count')",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

fn lock_file(folder: &Path, name: &str, share: Share) -> Result<Option<FileLock>, LedgerError> {
    let path = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| FileLock::take(&path, share))
        .map_err(|source| LedgerError::Lock { path, source })
}

/// A lock on a file that is there for nothing else.
#[derive(Debug)]
pub(crate) struct FileLock {
    /// The lock ends with the handle.
    _file: File,
    path: PathBuf,
    share: Share,
}

impl FileLock {
    /// Takes the lock; none where somebody else holds it.
    pub(crate) fn take(path: &Path, share: Share) -> io::Result<Option<Self>> {
        loop {
            let file =
                File::options().read(true).write(true).create(true).truncate(false).open(path)?;
            let locked = match share {
                Share::Exclusive => file.try_lock(),
                Share::Shared => file.try_lock_shared(),
            };
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Somebody may have removed it after we opened it.
            if is_at(&file, path)? {
                return Ok(Some(Self { _file: file, path: path.to_owned(), share }));
            }
        }
    }

    /// Waits until the lock can be had.
    pub(crate) async fn wait(path: &Path) -> io::Result<Self> {
        loop {
            if let Some(lock) = Self::take(path, Share::Exclusive)? {
                return Ok(lock);
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if self.share == Share::Exclusive {
            // One that stays is in nobody's way.
            drop(std::fs::remove_file(&self.path));
        }
    }
}

/// Whether the open file is the one at `path`.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match path.metadata() {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_file_is_nobodys_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = FileLock::take(&path, Share::Exclusive).unwrap().expect("nobody has it");
        assert!(FileLock::take(&path, Share::Shared).unwrap().is_none());
        // Somebody who opened the file before it was removed.
        let waiting = File::open(&path).unwrap();
        drop(first);
        waiting.try_lock().unwrap();
        let second = FileLock::take(&path, Share::Exclusive).unwrap();
        assert!(second.is_some(), "the lock is on the new file");
        assert!(!is_at(&waiting, &path).unwrap());
    }

    #[test]
    fn keys_stay_the_same_in_all_versions() {
        assert_eq!(key("run", "a"), key("run", "a"));
        assert_ne!(key("run", "a"), key("pipeline", "a"));
    }
}
