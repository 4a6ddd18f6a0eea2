//! A PostgreSQL server for one test process.
//!
//! - Its cluster is made anew, in a temporary folder, and answers on a free port of 127.0.0.1 only.
//! - It ends with the test process, also when that is killed: a shell waits for the end of a pipe that the process holds open,
//!   then stops the server and removes the folder.
//! - It does without what protects from the loss of power, and so is fast. It does ask for a password.
//! - As root, who may not run PostgreSQL, it is run by the user `postgres`.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the server until the standard input ends.
const WATCHDOG: &str = r#"
folder=$1; shift
"$@" >"$folder/log" 2>&1 &
server=$!
read -r nothing
kill -QUIT "$server"; wait "$server"
cd /; rm -rf "$folder"
"#;

/// A running server. Dropping it stops it.
pub struct Postgres {
    watchdog: Child,
    bin: PathBuf,
    port: u16,
    databases: AtomicU32,
}

impl Postgres {
    /// The password of the user `postgres`, to be looked for where it must not be.
    pub const PASSWORD: &str = "p@ss:w/rd?#5%";

    /// The password as it stands in a URL.
    pub const PASSWORD_IN_URL: &str = "p%40ss%3Aw%2Frd%3F%235%25";

    /// The one server of this test process; it ends with the process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts a server.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is not installed, or does not start.
    pub fn start() -> Self {
        let bin = bin_folder();
        // Somebody may take the port between our looking for it and the server's.
        for _ in 0..5 {
            let folder = tempfile::Builder::new()
                .prefix("wasmill-postgres-")
                .tempdir()
                .expect("a temporary folder")
                // The watchdog removes it.
                .keep();
            initialize(&bin, &folder);
            let port = free_port();
            let watchdog = watch(&bin, &folder, port);
            let server = Self { watchdog, bin: bin.clone(), port, databases: AtomicU32::new(0) };
            if is_ready(&folder) {
                return server;
            }
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(log.contains("could not bind"), "PostgreSQL does not start:\n{log}");
        }
        panic!("there is no free port for PostgreSQL");
    }

    /// Makes a database, and returns its URL.
    ///
    /// # Panics
    ///
    /// When it cannot be made.
    pub fn new_database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url("postgres", Self::PASSWORD_IN_URL, &name)
    }

    /// The URL of a database, for a user.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL as the superuser; returns what it gives, without headings.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn execute(&self, database: &str, sql: &str) -> String {
        let output = clean(&mut Command::new(self.bin.join("psql")))
            .env("PGPASSWORD", Self::PASSWORD)
            .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--username=postgres"])
            .args(["--set=ON_ERROR_STOP=1", "--host=127.0.0.1"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--dbname={database}"))
            .arg(format!("--command={sql}"))
            .output()
            .expect("psql comes with PostgreSQL");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {said}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // What cannot be stopped cannot be helped here.
        drop(self.watchdog.wait());
    }
}

/// Where PostgreSQL's programs are: Debian keeps them, a folder a version, out of the path.
fn bin_folder() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).map(|folder| folder.join("initdb"));
    // What the path has may be a link to where the others are.
    let in_path = in_path.filter_map(|program| program.canonicalize().ok());
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|folders| folders.flatten().map(|folder| folder.path().join("bin/initdb")).collect())
        .unwrap_or_default();
    versions.sort_by_key(|program| {
        let version = program.ancestors().nth(2).and_then(Path::file_name);
        version.and_then(|version| version.to_str()?.parse::<u32>().ok())
    });
    let has_all = |folder: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists())
    };
    let found = in_path.chain(versions.into_iter().rev());
    let mut found =
        found.filter_map(|program| program.parent().map(Path::to_owned)).filter(has_all);
    found.next().expect(
        "these tests start a PostgreSQL server: install it (Debian: apt-get install postgresql), or run `cargo xtask test`, which does",
    )
}

/// A command without the settings that users keep for PostgreSQL's programs.
fn clean(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// A program that the owner of the folder runs, in the folder.
fn as_owner(program: &Path, folder: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    clean(&mut command).current_dir(folder);
    command
}

/// Makes a cluster in `folder/data`.
fn initialize(bin: &Path, folder: &Path) {
    let password = folder.join("password");
    fs::write(&password, Postgres::PASSWORD).expect("a new folder can be written to");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("the folder is ours");
    if is_root() {
        let owned = Command::new("chown").args(["-R", "postgres"]).arg(folder).status();
        assert!(
            owned.is_ok_and(|status| status.success()),
            "as root, PostgreSQL is run by the user `postgres`, whom its Debian package makes"
        );
    }
    let output = as_owner(&bin.join("initdb"), folder)
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"])
        .args(["--no-sync", "--pwfile=password", "--pgdata=data"])
        .output()
        .expect("initdb is there");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "initdb failed: {said}");
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    listener.local_addr().expect("it is bound").port()
}

/// Starts the server, under the eyes of the shell that ends it.
fn watch(bin: &Path, folder: &Path, port: u16) -> Child {
    let mut command = as_owner(Path::new("/bin/sh"), folder);
    command.args(["-c", WATCHDOG, "watchdog"]).arg(folder).arg(bin.join("postgres"));
    command.arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    command.arg("-p").arg(port.to_string());
    for setting in [
        "listen_addresses=127.0.0.1",
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "max_connections=200",
        "shared_buffers=16MB",
        // More than any test takes; a statement that waits longer waits for ever.
        "statement_timeout=60s",
    ] {
        command.args(["-c", setting]);
    }
    command
        .stdin(Stdio::piped())
        // What interrupts the tests at a terminal must not end the shell before the server.
        .process_group(0)
        .spawn()
        .expect("a shell")
}

/// Waits until the server answers; false when it has given up.
fn is_ready(folder: &Path) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        // The eighth line is the state: https://www.postgresql.org/docs/current/storage-file-layout.html
        let state = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
        if state.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
            return true;
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("FATAL") {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
