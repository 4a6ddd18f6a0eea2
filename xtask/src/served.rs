//! Files that a scenario fetches over HTTP: those of `pipelines/NAME/served/`, below the path `/served/`.
//!
//! Whoever is on this machine can ask. So a path names a file below the folder and nothing else: no `..`, nothing hidden, nothing that is
//! encoded, and no link that leads out.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where the folder is on the server.
pub const ROOT: &str = "/served";

/// A folder whose files can be fetched. It need not be there: then there are none.
pub struct Served {
    folder: PathBuf,
}

impl Served {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Answers a `GET` of a path, query included, with the file or with 404.
    ///
    /// # Errors
    ///
    /// When the answer cannot be written.
    pub fn answer(&self, path: &str, mut to: impl Write) -> io::Result<()> {
        let file = self.file(path);
        let content = file.as_deref().and_then(|file| std::fs::read(file).ok());
        let status = if content.is_some() { "200 OK" } else { "404 Not Found" };
        let kind = file.as_deref().map_or("text/plain", content_type);
        let body = content.unwrap_or_default();
        write!(
            to,
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )?;
        to.write_all(&body)
    }

    /// The file that a path names.
    fn file(&self, path: &str) -> Option<PathBuf> {
        let (path, _query) = path.split_once('?').unwrap_or((path, ""));
        let names = path.strip_prefix(ROOT)?.strip_prefix('/')?;
        if !names.split('/').all(is_plain) {
            return None;
        }
        let folder = self.folder.canonicalize().ok()?;
        let file = folder.join(names).canonicalize().ok()?;
        (file.starts_with(&folder) && file.is_file()).then_some(file)
    }
}

/// Whether this is the name of a file or folder, and means nothing more.
fn is_plain(name: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    !name.is_empty() && !name.starts_with('.') && name.chars().all(is_allowed)
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("json") => "application/json",
        Some("csv") => "text/csv",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is answered to a path; the folder holds `devices.json`, `more/sites.csv`, `.hidden`, and a link to a file beside it.
    fn answers(name: &str, paths: &[&str]) -> Vec<String> {
        let root = std::env::temp_dir().join(format!("xtask-served-{name}-{}", std::process::id()));
        let folder = root.join("served");
        std::fs::create_dir_all(folder.join("more")).unwrap();
        std::fs::write(root.join("secret"), "secret").unwrap();
        std::fs::write(folder.join("devices.json"), "[]").unwrap();
        std::fs::write(folder.join("more/sites.csv"), "a,b\n").unwrap();
        std::fs::write(folder.join(".hidden"), "secret").unwrap();
        std::os::unix::fs::symlink(root.join("secret"), folder.join("link")).unwrap();
        let served = Served::new(folder);
        let answer = |path: &&str| {
            let mut answer = Vec::new();
            served.answer(path, &mut answer).unwrap();
            String::from_utf8(answer).unwrap()
        };
        let answers = paths.iter().map(answer).collect();
        std::fs::remove_dir_all(root).unwrap();
        answers
    }

    #[test]
    fn files_below_the_folder() {
        let paths = ["/served/devices.json", "/served/devices.json?at=1", "/served/more/sites.csv"];
        let answers = answers("files", &paths);
        let devices = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
             connection: close\r\n\r\n[]";
        assert_eq!(answers[..2], [devices, devices]);
        assert!(answers[2].contains("text/csv") && answers[2].ends_with("\r\n\r\na,b\n"));
    }

    #[test]
    fn nothing_else() {
        let paths = [
            "/served",
            "/served/",
            "/served/more",
            "/served/nothing.json",
            "/served/../secret",
            "/served/more/../../secret",
            "/served/%2e%2e/secret",
            "/served/..\\secret",
            "/served//devices.json",
            "/served//etc/passwd",
            "/served/.hidden",
            "/served/link",
            "/servedevices.json",
            "/devices.json",
        ];
        for (path, answer) in paths.iter().zip(answers("nothing", &paths)) {
            assert!(answer.starts_with("HTTP/1.1 404 ") && answer.ends_with("\r\n\r\n"), "{path}");
        }
    }

    #[test]
    fn a_scenario_without_such_a_folder() {
        let mut answer = Vec::new();
        Served::new("/nowhere/served".into()).answer("/served/a", &mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404 "));
    }
}
