//! Compiled components on disk, so that each is compiled once.
//!
//! ```text
//!   FOLDER/key               32 random bytes
//!   FOLDER/NAME.compiled     the MAC, 32 bytes, then what the compiler made of a component
//! ```
//!
//! - Loading compiled code is as good as running it. So nothing is loaded unless its MAC shows that it was written by
//!   somebody who has the key, and nobody but the user may look into the folder.
//! - The name is a digest of the component and of everything that decides what the compiler makes of it: the version of
//!   wasmtime, the target, the settings. The MAC covers the name too, so that no entry can stand in for another.
//! - An entry that is not as it should be is not an error: the component is compiled, and the entry is written anew.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash as _, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::component::Digest;

/// What all entries may take up together; beyond, those that were not used for longest are removed.
const MAX_BYTES: u64 = 2 << 30;
const EXTENSION: &str = "compiled";
const MAC_BYTES: usize = blake3::OUT_LEN;

/// Why there is no cache in a folder.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error("cannot use {} for compiled components", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "{} holds code that is run, so it must be yours, and nobody else's to look into: `chmod 700` it, or name \
         another folder",
        path.display()
    )]
    Exposed { path: PathBuf },
}

/// A folder of compiled components.
#[derive(Debug)]
pub struct ComponentCache {
    folder: PathBuf,
    key: [u8; blake3::KEY_LEN],
}

/// What a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUsage {
    pub entries: usize,
    pub bytes: u64,
}

impl ComponentCache {
    /// Opens the cache in a folder, which is made where there is none.
    ///
    /// # Errors
    ///
    /// When the folder or its key cannot be made or read, or others than the user could.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CacheError> {
        let folder = folder.into();
        let failed = |source| CacheError::Io { path: folder.clone(), source };
        create_private_folder(&folder).map_err(failed)?;
        if !is_private(&folder).map_err(failed)? {
            return Err(CacheError::Exposed { path: folder });
        }
        let key = key(&folder).map_err(failed)?;
        Ok(Self { folder, key })
    }

    /// How many components are kept, and how much they take up.
    ///
    /// # Errors
    ///
    /// When the folder cannot be listed.
    pub fn usage(&self) -> io::Result<CacheUsage> {
        let entries = self.entries()?;
        let bytes = entries.iter().map(|(_, bytes, _)| bytes).sum();
        Ok(CacheUsage { entries: entries.len(), bytes })
    }

    /// The component as it was compiled for this engine before.
    pub(crate) fn get(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let name = name(engine, digest);
        let path = self.path(&name);
        let entry = fs::read(&path).ok()?;
        let (mac, compiled) = entry.split_first_chunk::<MAC_BYTES>()?;
        // In constant time: `blake3::Hash` compares so.
        if self.mac(&name, compiled) != *mac {
            tracing::warn!(entry = name, "a compiled component was not written by this cache");
            return None;
        }
        // So that what is used stays; it is only about order.
        let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        #[expect(unsafe_code, reason = "compiled code cannot be checked, only known to be ours")]
        // SAFETY: whoever made the MAC has the key, and only `put` writes with it, what the compiler made.
        let component = unsafe { Component::deserialize(engine, compiled) };
        match component {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(entry = name, %error, "a compiled component does not load");
                None
            }
        }
    }

    /// Keeps a component. Without success where the disk is full, or the like: it is then compiled again next time.
    pub(crate) fn put(&self, engine: &Engine, digest: Digest, component: &Component) {
        let name = name(engine, digest);
        let written = component.serialize().map_err(io::Error::other).and_then(|compiled| {
            let mac = self.mac(&name, &compiled);
            write_private(&self.folder, &self.path(&name), &[mac.as_bytes(), &compiled])
        });
        if let Err(error) = written.and_then(|()| self.evict(MAX_BYTES)) {
            tracing::warn!(folder = %self.folder.display(), %error, "cannot keep a compiled component");
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name).with_extension(EXTENSION)
    }

    fn mac(&self, name: &str, compiled: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(compiled);
        mac.finalize()
    }

    /// Removes the entries that were not used for longest, until the others take up at most `max_bytes`.
    fn evict(&self, max_bytes: u64) -> io::Result<()> {
        let mut entries = self.entries()?;
        entries.sort();
        let mut total: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in entries {
            if total <= max_bytes {
                break;
            }
            let _ = fs::remove_file(path);
            total -= bytes;
        }
        Ok(())
    }

    /// All entries: when they were last used, their size and path.
    fn entries(&self) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            // Others may be evicting too.
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let Ok(metadata) = path.metadata()
            {
                entries.push((metadata.modified()?, metadata.len(), path));
            }
        }
        Ok(entries)
    }
}

/// A digest of the component, and of the engine as far as it decides what a component is compiled to.
fn name(engine: &Engine, digest: Digest) -> String {
    struct Blake3Hasher(blake3::Hasher);

    impl Hasher for Blake3Hasher {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            unreachable!("the whole digest is used")
        }
    }

    let mut hasher = Blake3Hasher(blake3::Hasher::new());
    hasher.write(digest.as_bytes());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().to_hex().to_string()
}

/// The folder's key, made when it is first asked for.
fn key(folder: &Path) -> io::Result<[u8; blake3::KEY_LEN]> {
    let path = folder.join("key");
    if !path.exists() {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        // Somebody else may be making one too: whoever links first has made it.
        let own = folder.join(unique("key"));
        write_new_private(&own, &[&key])?;
        let linked = fs::hard_link(&own, &path);
        let _ = fs::remove_file(&own);
        match linked {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let key = fs::read(path)?;
    key.try_into().map_err(|_| io::Error::other("its file `key` is no key; remove it"))
}

/// Replaces a file as a whole.
fn write_private(folder: &Path, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let partial = folder.join(unique("partial"));
    let written = write_new_private(&partial, parts).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_new_private(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    parts.iter().try_for_each(|part| file.write_all(part))
}

fn unique(name: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!(".{name}.{}.{count}", std::process::id())
}

fn create_private_folder(folder: &Path) -> io::Result<()> {
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created,
    }
}

/// Whether the folder is the user's, and nobody else's to look into.
#[cfg(unix)]
fn is_private(folder: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = folder.metadata()?;
    let user = rustix::process::geteuid().as_raw();
    Ok(metadata.is_dir() && metadata.uid() == user && metadata.mode() & 0o077 == 0)
}

/// Where there are no such permissions, a folder in the user's profile is as private as it gets.
#[cfg(not(unix))]
fn is_private(folder: &Path) -> io::Result<bool> {
    Ok(folder.metadata()?.is_dir())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Profile, Sandbox, SandboxOptions};

    /// The smallest component there is: it exports nothing, so it is no plugin, but it compiles.
    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

    struct Cached {
        folder: tempfile::TempDir,
        cache: ComponentCache,
    }

    impl Cached {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache = ComponentCache::open(folder.path().join("cache")).unwrap();
            Self { folder, cache }
        }

        fn put(&self, engine: &Engine) {
            let component = Component::from_binary(engine, COMPONENT).unwrap();
            self.cache.put(engine, Digest::of(COMPONENT), &component);
        }

        fn has(&self, engine: &Engine) -> bool {
            self.cache.get(engine, Digest::of(COMPONENT)).is_some()
        }

        fn entries(&self) -> Vec<PathBuf> {
            let mut entries: Vec<PathBuf> = fs::read_dir(&self.cache.folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION))
                .collect();
            entries.sort();
            entries
        }
    }

    fn engine(profile: Profile) -> Engine {
        let options = SandboxOptions { profile, ..SandboxOptions::new(1) };
        Sandbox::with_options(options).unwrap().plain().engine.clone()
    }

    #[test]
    fn what_was_kept_is_found_again_by_whoever_has_the_key() {
        let cached = Cached::new();
        let metered = engine(Profile::Metered);
        assert!(!cached.has(&metered));
        cached.put(&metered);
        assert!(cached.has(&metered));
        let again = ComponentCache::open(cached.folder.path().join("cache")).unwrap();
        assert!(again.get(&engine(Profile::Metered), Digest::of(COMPONENT)).is_some());
        // Code that is compiled otherwise is another entry.
        assert!(!cached.has(&engine(Profile::Guarded)));
    }

    #[test]
    fn an_entry_with_any_bit_changed_is_not_loaded() {
        let cached = Cached::new();
        let engine = engine(Profile::Metered);
        cached.put(&engine);
        let [path] = &cached.entries()[..] else { panic!("one entry") };
        let entry = fs::read(path).unwrap();
        // All of the MAC and the header, and bits all over the rest.
        let positions = (0..256).chain((256..entry.len()).step_by(997));
        for position in positions {
            let mut forged = entry.clone();
            forged[position] ^= 1 << (position % 8);
            fs::write(path, forged).unwrap();
            assert!(!cached.has(&engine), "byte {position}");
        }
        for length in [0, 31, 32, entry.len() - 1] {
            fs::write(path, &entry[..length]).unwrap();
            assert!(!cached.has(&engine), "{length} bytes");
        }
        cached.put(&engine);
        assert!(cached.has(&engine), "a bad entry is written anew");
    }

    #[test]
    fn entries_of_another_key_or_name_are_not_loaded() {
        let (cached, other) = (Cached::new(), Cached::new());
        let engine = engine(Profile::Metered);
        cached.put(&engine);
        let [path] = &cached.entries()[..] else { panic!("one entry") };
        let place = other.cache.folder.join(path.file_name().unwrap());
        fs::copy(path, place).unwrap();
        assert!(!other.has(&engine), "it was written with another key");

        let digest = Digest::of(b"another component");
        fs::rename(path, cached.cache.path(&name(&engine, digest))).unwrap();
        assert!(cached.cache.get(&engine, digest).is_none(), "it was written under another name");
    }

    #[test]
    fn many_open_a_new_cache_and_have_one_key() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Arc::new(folder.path().join("cache"));
        let opening: Vec<_> = (0..16)
            .map(|_| {
                let folder = Arc::clone(&folder);
                std::thread::spawn(move || ComponentCache::open(folder.as_path()).unwrap().key)
            })
            .collect();
        let keys: Vec<_> = opening.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert!(keys.iter().all(|key| key == &keys[0]));
        assert_ne!(keys[0], [0; 32]);
    }

    #[test]
    fn what_was_not_used_for_longest_is_removed() {
        let cached = Cached::new();
        let (metered, guarded) = (engine(Profile::Metered), engine(Profile::Guarded));
        cached.put(&metered);
        cached.put(&guarded);
        let bytes = cached.entries().iter().map(|path| path.metadata().unwrap().len()).sum();
        cached.cache.evict(bytes).unwrap();
        assert_eq!(cached.cache.usage().unwrap(), CacheUsage { entries: 2, bytes });
        assert!(cached.has(&metered), "used again");
        cached.cache.evict(bytes - 1).unwrap();
        assert!(cached.has(&metered) && !cached.has(&guarded));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_can_look_into_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let cached = Cached::new();
        for mode in [0o755, 0o770, 0o702] {
            fs::set_permissions(&cached.cache.folder, fs::Permissions::from_mode(mode)).unwrap();
            let error = ComponentCache::open(&cached.cache.folder).unwrap_err();
            assert!(matches!(error, CacheError::Exposed { .. }), "{mode:o}: {error}");
        }
    }
}
