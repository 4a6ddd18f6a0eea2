//! An HTTP server on the loopback interface, for scenarios: somebody for notifiers to tell, and who has the [files](crate::served) that
//! plugins fetch.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::served::{ROOT, Served};

/// Enough for any event, and for headers.
const MAX_REQUEST_BYTES: u64 = 1 << 20;
/// How long a sender may keep silent.
const SILENCE: Duration = Duration::from_secs(5);

/// Listens until the process ends, and keeps what it is told.
pub struct Receiver {
    /// Where to send notifications.
    pub url: String,
    /// Where files are.
    pub served: String,
    notifications: Arc<Mutex<Vec<Notification>>>,
}

/// What there is to show of one request.
#[derive(Debug, PartialEq, Eq)]
pub struct Notification {
    method: String,
    path: String,
    /// The event's kind, such as `run.succeeded`.
    kind: Option<String>,
    /// The header that holds the signature: name and value.
    signature: Option<(String, String)>,
}

impl Receiver {
    /// Listens at a free port; has the files of a folder, which need not be there.
    ///
    /// # Errors
    ///
    /// When there is no free port.
    pub fn start(folder: PathBuf) -> Result<Self, String> {
        let bound = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound
            .map_err(|error| format!("no port on 127.0.0.1 to receive notifications: {error}"))?;
        let served = Arc::new(Served::new(folder));
        let notifications = Arc::default();
        let receiver = Self {
            url: format!("http://{address}/hooks"),
            served: format!("http://{address}{ROOT}"),
            notifications: Arc::clone(&notifications),
        };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (notifications, served) = (Arc::clone(&notifications), Arc::clone(&served));
                // One thread each: a sender that keeps silent must not keep others waiting.
                thread::spawn(move || {
                    if let Err(error) = receive(stream, &notifications, &served) {
                        eprintln!(
                            "the receiver of notifications could not read a request: {error}"
                        );
                    }
                });
            }
        });
        Ok(receiver)
    }

    /// What has arrived since the last call. Whatever was answered is included.
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut lock(&self.notifications))
    }
}

fn lock(notifications: &Mutex<Vec<Notification>>) -> MutexGuard<'_, Vec<Notification>> {
    // Whole notifications are pushed, so the list is sound even when a thread panicked.
    notifications.lock().unwrap_or_else(PoisonError::into_inner)
}

fn receive(
    stream: TcpStream,
    notifications: &Mutex<Vec<Notification>>,
    served: &Served,
) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let notification = Notification::read(BufReader::new((&stream).take(MAX_REQUEST_BYTES)))?;
    // Notifiers send and do not ask.
    if notification.method == "GET" {
        return served.answer(&notification.path, &stream);
    }
    lock(notifications).push(notification);
    // After it is kept: when the run is over, all that was answered is there.
    (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

impl Notification {
    fn read(mut request: impl BufRead) -> io::Result<Self> {
        let mut line = String::new();
        request.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not an HTTP request"));
        };
        let (method, path) = (method.to_owned(), path.to_owned());
        let mut signature = None;
        let mut length = 0;
        loop {
            line.clear();
            request.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            let (name, value) = (name.to_ascii_lowercase(), value.trim());
            if name == "content-length" {
                length = value.parse().map_err(|error| {
                    io::Error::new(io::ErrorKind::InvalidData, format!("content-length: {error}"))
                })?;
            } else if name.ends_with("-signature") {
                signature = Some((name, value.to_owned()));
            }
        }
        let mut body = Vec::new();
        request.take(length).read_to_end(&mut body)?;
        Ok(Self { method, path, kind: kind(&String::from_utf8_lossy(&body)), signature })
    }
}

/// The event's kind. The key comes before any nested object, and inside a string its quotes would be escaped.
fn kind(body: &str) -> Option<String> {
    let (_, rest) = body.split_once(r#""kind":""#)?;
    rest.split_once('"').map(|(kind, _)| kind.to_owned())
}

impl fmt::Display for Notification {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.as_deref().unwrap_or("no event kind");
        // Any local program may have sent it, so control characters are escaped.
        let [method, path, kind] = [&self.method, &self.path, kind].map(str::escape_debug);
        write!(formatter, "{method} {path}  {kind}  ")?;
        match &self.signature {
            Some((name, value)) => {
                write!(formatter, "{}: {}", name.escape_debug(), value.escape_debug())
            }
            None => write!(formatter, "not signed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_event() {
        let body = r#"{"id":"a \"kind\":\"b","kind":"run.succeeded","details":{"kind":"x"}}"#;
        let request = format!(
            "POST /hooks HTTP/1.1\r\nhost: localhost\r\nX-Wasmill-Signature: v1=ab\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let notification = Notification::read(request.as_bytes()).unwrap();
        let expected = "POST /hooks  run.succeeded  x-wasmill-signature: v1=ab";
        assert_eq!(notification.to_string(), expected);
    }

    #[test]
    fn something_else() {
        let notification = Notification::read(&b"GET / HTTP/1.1\r\n\r\n"[..]).unwrap();
        assert_eq!(notification.to_string(), "GET /  no event kind  not signed");
        Notification::read(&b"\r\n"[..]).unwrap_err();
    }

    /// What a receiver answers, all of it.
    fn answer(receiver: &Receiver, request: &str) -> String {
        let address = receiver.url.strip_prefix("http://").unwrap().strip_suffix("/hooks").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn what_was_answered_is_kept() {
        let receiver = Receiver::start("/nowhere".into()).unwrap();
        let answer = answer(&receiver, "POST /hooks HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert_eq!(receiver.take().len(), 1);
        assert_eq!(receiver.take(), []);
    }

    #[test]
    fn files_are_fetched_and_that_is_no_notification() {
        let folder = std::env::temp_dir().join(format!("xtask-receiver-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("devices.json"), "[7]").unwrap();
        let receiver = Receiver::start(folder.clone()).unwrap();
        let found = answer(&receiver, "GET /served/devices.json HTTP/1.1\r\n\r\n");
        let refused = answer(&receiver, "GET /served/../devices.json HTTP/1.1\r\n\r\n");
        std::fs::remove_dir_all(folder).unwrap();
        assert!(found.starts_with("HTTP/1.1 200 OK\r\n") && found.ends_with("[7]"), "{found}");
        assert!(refused.starts_with("HTTP/1.1 404 Not Found\r\n"), "{refused}");
        assert!(receiver.served.ends_with("/served"), "{}", receiver.served);
        assert_eq!(receiver.take(), []);
    }
}
