//! Where a ledger is: a file, or a database of a server; and how that is shown, without a password.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;

use crate::LedgerError;

/// The schema of a PostgreSQL database in which the ledger is.
pub(crate) const SCHEMA: &str = "wasmill";

/// Where a ledger is.
#[derive(Clone)]
pub(crate) enum Place {
    File {
        /// As it was named.
        path: PathBuf,
        shown: String,
    },
    Server {
        options: Box<PgConnectOptions>,
        any: Box<AnyConnectOptions>,
        shown: String,
    },
}

impl Place {
    /// Where `url` leads; a relative path is taken from `base`.
    pub(crate) fn parse(url: &str, base: &Path) -> Result<Self, LedgerError> {
        let no_ledger = |reason: &str| LedgerError::Url {
            url: without_secrets(url),
            reason: reason.to_owned(),
        };
        if let Some(path) = url.strip_prefix("sqlite://") {
            if path.is_empty() {
                return Err(no_ledger("it names no file"));
            }
            if path.contains('\0') {
                return Err(no_ledger("its path holds a NUL"));
            }
            let path = base.join(path);
            let shown = path.display().to_string();
            return Ok(Self::File { path, shown });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let unreadable = |error: sqlx::Error| no_ledger(&error.to_string());
            let any = AnyConnectOptions::from_str(url).map_err(unreadable)?;
            let options = PgConnectOptions::from_str(url).map_err(unreadable)?;
            let (options, any) = (Box::new(options), Box::new(any));
            return Ok(Self::Server { options, any, shown: without_secrets(url) });
        }
        Err(no_ledger("it names no database that is known"))
    }

    pub(crate) fn shown(&self) -> &str {
        match self {
            Self::File { shown, .. } | Self::Server { shown, .. } => shown,
        }
    }
}

/// The URL without password and parameters, which may be secret too. What is not understood is not shown.
fn without_secrets(url: &str) -> String {
    let Some((scheme, _)) = url.split_once("://") else {
        return if url.contains('@') { "…".to_owned() } else { url.to_owned() };
    };
    if scheme == "sqlite" {
        return url.to_owned();
    }
    let hidden = format!("{scheme}://…");
    let Ok(options) = AnyConnectOptions::from_str(url) else { return hidden };
    let mut shown = options.database_url;
    shown.set_query(None);
    shown.set_fragment(None);
    // A URL that cannot have a password, because it has no host, has none.
    if shown.password().is_some() && shown.set_password(None).is_err() {
        return hidden;
    }
    shown.to_string()
}

/// The file itself, beyond symbolic links: locks and SQLite's own files lie beside it. Its folder must exist.
pub(crate) fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    if let Ok(file) = path.canonicalize() {
        return Ok(file);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or(std::io::ErrorKind::InvalidFilename)?;
    Ok(folder.canonicalize()?.join(name))
}

/// The path with `suffix` after its last name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// How sqlx's driver for any database is told of a file: all that could mean something else is escaped.
pub(crate) fn file_options(resolved: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    use std::fmt::Write as _;
    let Some(path) = resolved.to_str() else {
        return Err(sqlx::Error::Configuration("its path is not UTF-8".into()));
    };
    let mut url = "sqlite://".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            url.push(char::from(byte));
        } else {
            write!(url, "%{byte:02X}").expect("a string takes everything");
        }
    }
    url.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://me:secret@db.example:5433/w", "postgres://me@db.example:5433/w"),
            ("postgres://me:se%40c?ret@db/w", "postgres://…"),
            ("postgresql://db/w?password=secret&user=me", "postgresql://db/w"),
            ("postgres:///w?host=/run/secret", "postgres:///w"),
            ("mysql://me:secret@db/w", "mysql://me@db/w"),
            ("me:secret@db", "…"),
            ("ledger.db", "ledger.db"),
            ("sqlite://a@b?c.db", "sqlite://a@b?c.db"),
        ] {
            let shown_now = without_secrets(url);
            assert!(!shown_now.contains("ret@"), "{url} gives {shown_now}");
            if !url.contains('?') || !shown.contains('…') {
                assert_eq!(shown_now, shown, "{url}");
            }
        }
    }

    #[test]
    fn a_file_is_what_its_path_says() {
        let options = file_options(Path::new("/tmp/50% of? #1/lédger.db")).unwrap();
        let parsed = sqlx::sqlite::SqliteConnectOptions::from_str(options.database_url.as_str());
        assert_eq!(parsed.unwrap().get_filename(), Path::new("/tmp/50% of? #1/lédger.db"));
    }
}
