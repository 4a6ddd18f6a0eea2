//! Creating a ledger, bringing it up to date, and refusing what is none.
//!
//! - Whatever is there is looked at before anything is written, by a connection that cannot write: a file that is no database,
//!   a damaged one, the database of another program and the ledger of a newer version stay as they are.
//! - One process at a time sets up a ledger. SQLite's own locks do not reach that far: who finds a new file half set up, as
//!   `wasmill runs list` may while the first run starts, would set it up too, and one of both would fail.
//! - Migrations that have been released are never changed: ledgers in the field have them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AnyPool, ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::Semaphore;

use crate::lock::{FileLock, Locks, session};
use crate::place::{Place, SCHEMA, beside, file_options, resolved};
use crate::{Ledger, LedgerError};

/// Connections of one process.
const CONNECTIONS: u32 = 4;

/// How long a statement waits for another process that writes to the SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Up to how many bytes a SQLite file is read whole before a run uses it: about a second. Ledgers are rarely 1 % of that.
const CHECKED_WHOLE: u64 = 256 << 20;

/// What each connection to a SQLite file is told. Whatever is committed survives `kill -9`; with `synchronous = FULL`, the loss of
/// power too, together with all that was committed before.
const SQLITE_SESSION: &str = "PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON";

/// Opens a ledger; `create` says whether it is created where there is none.
pub(crate) async fn connect(place: Place, create: bool) -> Result<Ledger, LedgerError> {
    sqlx::any::install_default_drivers();
    match &place {
        Place::File { path, .. } => {
            let file = set_up_file(path, place.shown(), create).await?;
            let options = file_options(&file).map_err(opening(&place))?;
            let session =
                |synchronous| format!("{SQLITE_SESSION}; PRAGMA synchronous = {synchronous}");
            let pools = Pools {
                durable: pool(options.clone(), session("FULL"), 1, &place).await?,
                pool: pool(options, session("NORMAL"), CONNECTIONS, &place).await?,
            };
            let locks = Locks::Files { folder: beside(&file, "-locks") };
            Ok(ledger(pools, place, locks, Some(Arc::new(Semaphore::new(1)))))
        }
        Place::Server { options, any, .. } => {
            let mut connection = session(options).await.map_err(opening(&place))?;
            set_up_server(&mut connection, place.shown(), create).await?;
            connection.close().await.map_err(opening(&place))?;
            let any = AnyConnectOptions::clone(any);
            let session = format!("SET search_path TO {SCHEMA}");
            let pool = pool(any, session, CONNECTIONS, &place).await?;
            let pools = Pools { durable: pool.clone(), pool };
            let locks = Locks::Server { options: options.clone() };
            Ok(ledger(pools, place, locks, None))
        }
    }
}

/// Connections: see [`Ledger`].
struct Pools {
    pool: AnyPool,
    durable: AnyPool,
}

fn ledger(pools: Pools, place: Place, locks: Locks, turns: Option<Arc<Semaphore>>) -> Ledger {
    let Pools { pool, durable } = pools;
    Ledger { pool, durable, place: Arc::new(place), locks: Arc::new(locks), turns, epoch: None }
}

/// Connections that begin with the statements of `session`.
async fn pool(
    options: AnyConnectOptions,
    session: String,
    connections: u32,
    place: &Place,
) -> Result<AnyPool, LedgerError> {
    let session: Arc<str> = session.into();
    AnyPoolOptions::new()
        .max_connections(connections)
        .after_connect(move |connection, _| {
            let session = Arc::clone(&session);
            Box::pin(async move {
                sqlx::raw_sql(sqlx::AssertSqlSafe(session)).execute(connection).await?;
                Ok(())
            })
        })
        // SQLite itself rolls a transaction back when the disk is full or fails. Sqlx then rolls back what is no transaction any
        // more, takes that for a failure, and believes for good that the connection is in one: it has to be replaced.
        .before_acquire(|connection, _| {
            let is_between_transactions = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_between_transactions) })
        })
        .connect_with(options)
        .await
        .map_err(opening(place))
}

fn opening(place: &Place) -> impl FnOnce(sqlx::Error) -> LedgerError {
    opening_at(place.shown())
}

fn opening_at(place: &str) -> impl FnOnce(sqlx::Error) -> LedgerError {
    let place = place.to_owned();
    move |source| LedgerError::Open { place, source }
}

/// Makes sure that the file is a ledger of this version. Returns where it is, beyond symbolic links.
async fn set_up_file(path: &Path, shown: &str, create: bool) -> Result<PathBuf, LedgerError> {
    if create {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| LedgerError::Folder { path: folder.to_owned(), source })?;
        }
    } else if !path.exists() {
        return Err(LedgerError::Missing { place: shown.to_owned() });
    }
    let unreachable =
        |source| LedgerError::Open { place: shown.to_owned(), source: sqlx::Error::Io(source) };
    let file = resolved(path).map_err(unreachable)?;
    let lock = beside(&file, "-lock");
    let _setting_up = FileLock::wait(&lock)
        .await
        .map_err(|source| LedgerError::Lock { path: lock.clone(), source })?;
    if has_content(&file, shown)? {
        inspect_file(&file, shown, create).await?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .create_if_missing(create)
        .foreign_keys(true)
        // Readers do not block the writer.
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT);
    let mut connection = options.connect().await.map_err(opening_at(shown))?;
    migrate(&mut connection, shown).await?;
    connection.close().await.map_err(opening_at(shown))?;
    Ok(file)
}

/// Whether there is anything in the file, which then must begin as a SQLite database does.
fn has_content(file: &Path, shown: &str) -> Result<bool, LedgerError> {
    /// <https://www.sqlite.org/fileformat.html#magic_header_string>
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let mut beginning = Vec::new();
    let read = match File::open(file) {
        Ok(file) => file.take(MAGIC.len() as u64).read_to_end(&mut beginning),
        Err(error) => Err(error),
    };
    match read {
        Ok(0) => Ok(false),
        Ok(_) if beginning == MAGIC => Ok(true),
        Ok(_) => Err(LedgerError::NoDatabase { place: shown.to_owned() }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(opening_at(shown)(sqlx::Error::Io(error))),
    }
}

/// Looks at a SQLite database without changing it.
async fn inspect_file(file: &Path, shown: &str, whole: bool) -> Result<(), LedgerError> {
    /// SQLite's result code for a database that a writer left in the midst of a transaction, in a journal.
    const READONLY_ROLLBACK: &str = "776";
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(BUSY_TIMEOUT);
    let mut inspected = inspect_with(&options.clone().read_only(true), file, whole).await;
    if let Err(Unfit::Query(sqlx::Error::Database(error))) = &inspected
        && error.code().is_some_and(|code| code == READONLY_ROLLBACK)
    {
        // Whoever opens it next undoes the transaction: so do we.
        inspected = inspect_with(&options, file, whole).await;
    }
    inspected.map_err(|unfit| unfit.error(shown))
}

/// Why a database cannot be a ledger.
enum Unfit {
    Foreign,
    Newer { found: i64 },
    Damaged(String),
    Query(sqlx::Error),
}

impl From<sqlx::Error> for Unfit {
    fn from(error: sqlx::Error) -> Self {
        /// SQLite's primary result codes for a damaged file, and for one that is no database.
        const CORRUPT_OR_NO_DATABASE: [u32; 2] = [11, 26];
        let database_error = error.as_database_error();
        let code = database_error.and_then(|error| error.code()?.parse::<u32>().ok());
        match (database_error, code) {
            (Some(error), Some(code)) if CORRUPT_OR_NO_DATABASE.contains(&(code & 0xff)) => {
                Self::Damaged(error.message().to_owned())
            }
            _ => Self::Query(error),
        }
    }
}

impl Unfit {
    fn error(self, shown: &str) -> LedgerError {
        let place = shown.to_owned();
        match self {
            Self::Foreign => LedgerError::Foreign { place },
            Self::Newer { found } => LedgerError::Newer { place, found, known: known_schema() },
            Self::Damaged(problem) => LedgerError::Damaged { place, problem },
            Self::Query(source) => LedgerError::Open { place, source },
        }
    }
}

async fn inspect_with(
    options: &SqliteConnectOptions,
    file: &Path,
    whole: bool,
) -> Result<(), Unfit> {
    let beside = ["-wal", "-shm"].map(|end| {
        let mut path = file.as_os_str().to_owned();
        path.push(end);
        PathBuf::from(path)
    });
    let was_alone = beside.iter().all(|path| !path.exists());
    let mut connection = options.connect().await?;
    let inspected = inspect_sqlite(&mut connection, file, whole).await;
    // Nothing was written, so nothing can be lost by closing it.
    drop(connection.close().await);
    // Whoever only reads may leave SQLite's own files behind, with nothing in them. A database that is refused is left as it was.
    let wrote = beside[0].metadata().is_ok_and(|log| log.len() > 0);
    if inspected.is_err() && was_alone && !wrote {
        beside.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }
    inspected
}

async fn inspect_sqlite(
    connection: &mut SqliteConnection,
    file: &Path,
    whole: bool,
) -> Result<(), Unfit> {
    let size = file.metadata().map_err(sqlx::Error::Io)?.len();
    if whole && size <= CHECKED_WHOLE {
        let problems = quick_check(connection).await?;
        if let Some(problem) = problems.first() {
            return Err(Unfit::Damaged(problem.clone()));
        }
    }
    let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'")
        .fetch_all(&mut *connection)
        .await?;
    let tables: Vec<String> =
        tables.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    if tables.is_empty() {
        return Ok(());
    }
    if !has("_sqlx_migrations") {
        return Err(Unfit::Foreign);
    }
    let versions =
        sqlx::query("SELECT version, description FROM _sqlx_migrations ORDER BY version")
            .fetch_all(&mut *connection)
            .await?;
    let versions: Vec<(i64, String)> = versions
        .iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect::<sqlx::Result<_>>()?;
    check_versions(&versions, has("runs"))
}

/// Tells a ledger from what else sqlx has migrated. One whose setting up was cut short has no migrations yet.
fn check_versions(versions: &[(i64, String)], has_runs: bool) -> Result<(), Unfit> {
    let first = versions.first().map(|(version, description)| (*version, description.as_str()));
    if (!versions.is_empty() || has_runs) && (first != Some((1, INITIAL)) || !has_runs) {
        return Err(Unfit::Foreign);
    }
    match versions.last() {
        Some((found, _)) if *found > known_schema() => Err(Unfit::Newer { found: *found }),
        _ => Ok(()),
    }
}

/// What SQLite finds wrong with a file.
pub(crate) async fn quick_check(connection: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let rows = sqlx::query("PRAGMA quick_check(20)").fetch_all(connection).await?;
    let lines: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}

/// Makes sure that the database has a ledger of this version.
async fn set_up_server(
    connection: &mut PgConnection,
    shown: &str,
    create: bool,
) -> Result<(), LedgerError> {
    let opening = || opening_at(shown);
    // The lock ends with the connection.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(crate::lock::key("set-up", ""))
        .execute(&mut *connection)
        .await
        .map_err(opening())?;
    let has = async |connection: &mut PgConnection, table: &str| {
        sqlx::query_scalar::<_, bool>("SELECT to_regclass($1) IS NOT NULL")
            .bind(format!("{SCHEMA}.{table}"))
            .fetch_one(connection)
            .await
    };
    let migrated = has(&mut *connection, "_sqlx_migrations").await.map_err(opening())?;
    let has_runs = has(&mut *connection, "runs").await.map_err(opening())?;
    if !create && !has_runs {
        return Err(LedgerError::Missing { place: shown.to_owned() });
    }
    let schema: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(SCHEMA)
        .fetch_one(&mut *connection)
        .await
        .map_err(opening())?;
    // Creating a schema takes a privilege, also where it exists and nothing is done.
    if !schema {
        sqlx::query("CREATE SCHEMA wasmill").execute(&mut *connection).await.map_err(opening())?;
    }
    sqlx::query("SET search_path TO wasmill").execute(&mut *connection).await.map_err(opening())?;
    let mut versions = Vec::new();
    if migrated {
        versions =
            sqlx::query_as("SELECT version, description FROM _sqlx_migrations ORDER BY version")
                .fetch_all(&mut *connection)
                .await
                .map_err(opening())?;
    }
    check_versions(&versions, has_runs).map_err(|unfit| unfit.error(shown))?;
    migrate(connection, shown).await
}

async fn migrate(connection: &mut impl Migrate, shown: &str) -> Result<(), LedgerError> {
    migrator()
        .run_direct(None, connection, false)
        .await
        .map_err(|source| LedgerError::Migrate { place: shown.to_owned(), source })
}

/// The description of the first migration: what tells a ledger from other databases that sqlx migrates.
const INITIAL: &str = "initial";

/// The migrations are part of the program; the macro that would embed them builds SQLite a second time.
fn migrator() -> Migrator {
    let migration = |version, description: &'static str, sql: &'static str| {
        let sql = sqlx::SqlStr::from_static(sql);
        Migration::new(version, description.into(), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(vec![
        migration(1, INITIAL, include_str!("../migrations/0001_initial.sql")),
        migration(2, "resuming", include_str!("../migrations/0002_resuming.sql")),
        migration(3, "purging", include_str!("../migrations/0003_purging.sql")),
    ])
}

/// The version of the latest migration.
pub(crate) fn known_schema() -> i64 {
    migrator().iter().map(|migration| migration.version).max().unwrap_or_default()
}
