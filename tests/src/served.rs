//! A folder behind HTTP on loopback: what a plugin fetches in a test, for whoever has the right header.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A running server; its threads end with the test process.
pub struct Served {
    pub url: String,
    shared: Arc<Shared>,
}

/// What was asked for, and the status of the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub path: String,
    pub status: u16,
}

struct Shared {
    folder: PathBuf,
    /// What the header `authorization` must be.
    authorization: String,
    requests: Mutex<Vec<Request>>,
}

impl Served {
    /// Gives the files of a folder, not of those below it, to those who send this `authorization`.
    pub fn start(folder: PathBuf, authorization: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let authorization = authorization.to_owned();
        let shared = Arc::new(Shared { folder, authorization, requests: Mutex::default() });
        let handed = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&handed);
                std::thread::spawn(move || shared.serve(&stream));
            }
        });
        Self { url, shared }
    }

    /// What was asked for since this was called last.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.shared.lock())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one request and closes.
    fn serve(&self, mut stream: &TcpStream) {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
        let authorization = head.iter().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("authorization").then(|| value.trim())
        });
        let (status, body) = if authorization == Some(self.authorization.as_str()) {
            self.file(path).map_or((404, Vec::new()), |content| (200, content))
        } else {
            (401, Vec::new())
        };
        self.lock().push(Request { path: path.to_owned(), status });
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} -\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        // A client that went away needs no answer.
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body)));
    }

    fn file(&self, path: &str) -> Option<Vec<u8>> {
        let name = Path::new(path)
            .file_name()
            .filter(|name| Path::new("/").join(name) == Path::new(path))?;
        std::fs::read(self.folder.join(name)).ok()
    }
}
