//! Somebody for notifiers to tell: HTTP on loopback that keeps every request, and is out of order on demand.
//!
//! A request is kept before it is answered, so whoever has the answer finds the request. One that breaks off in the middle, as when
//! the sender is killed, is none.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How long a sender may keep silent.
const SILENCE: Duration = Duration::from_secs(10);

/// A running receiver; its threads end with the process.
pub struct Receiver {
    /// Where to send events.
    pub url: String,
    shared: Arc<Shared>,
}

/// A request as it came over the wire, and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub request_line: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// False where the receiver was out of order.
    pub taken: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    deliveries: Vec<Delivery>,
    /// How many more requests are answered with 503.
    outages: usize,
}

impl Receiver {
    /// Listens at a free port.
    #[expect(clippy::new_without_default, reason = "a receiver listens; that is no default value")]
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::<Shared>::default();
        let receiver = Self { url: format!("http://{address}/hooks"), shared: Arc::clone(&shared) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // One thread each: a sender that keeps silent must not keep others waiting. One that went away is
                // no failure of the receiver.
                std::thread::spawn(move || drop(shared.serve(&stream)));
            }
        });
        receiver
    }

    /// The next so many requests are answered with 503.
    pub fn break_down_for(&self, requests: usize) {
        self.shared.state().outages = requests;
    }

    /// All that came in so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.shared.state().deliveries.clone()
    }

    /// Takes the first request that was not taken yet; none when none comes for a while.
    pub fn next(&self) -> Option<Delivery> {
        let state = self.shared.state();
        let waited =
            self.shared.arrived.wait_timeout_while(state, Duration::from_secs(2), |state| {
                state.deliveries.is_empty()
            });
        let (mut state, _) = waited.expect("no thread panics with the state in hand");
        (!state.deliveries.is_empty()).then(|| state.deliveries.remove(0))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the state in hand")
    }

    /// Reads one request, keeps it and answers it.
    fn serve(&self, mut stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(SILENCE))?;
        let mut delivery = Delivery::read(stream)?;
        let status = {
            let mut state = self.state();
            delivery.taken = state.outages == 0;
            state.outages = state.outages.saturating_sub(1);
            let status = if delivery.taken { "200 OK" } else { "503 Service Unavailable" };
            state.deliveries.push(delivery);
            status
        };
        self.arrived.notify_all();
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(head.as_bytes())
    }
}

impl Delivery {
    fn read(stream: &TcpStream) -> io::Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = || -> io::Result<String> {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(line.trim_end().to_owned())
        };
        let request_line = line()?;
        let mut headers = BTreeMap::new();
        while let Some((name, value)) = line()?.split_once(':') {
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or_default()];
        reader.read_exact(&mut body)?;
        Ok(Self { request_line, headers, body, taken: true })
    }

    /// What tells an event from others: the same for each delivery of it.
    pub fn key(&self) -> String {
        self.headers.get("idempotency-key").cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(receiver: &Receiver, body: &str) -> String {
        let address = receiver.url.trim_start_matches("http://").trim_end_matches("/hooks");
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head =
            format!("POST /hooks HTTP/1.1\r\nIdempotency-Key: k\r\ncontent-length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn what_was_answered_is_kept() {
        let receiver = Receiver::new();
        receiver.break_down_for(1);
        assert!(post(&receiver, "one").starts_with("HTTP/1.1 503 "));
        assert!(post(&receiver, "two").starts_with("HTTP/1.1 200 "));
        // Somebody who is killed in the middle.
        let address = receiver.url.trim_start_matches("http://").trim_end_matches("/hooks");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /hooks HTTP/1.1\r\ncontent-length: 5\r\n\r\nth").unwrap();
        drop(stream);
        let kept = receiver.deliveries();
        let told: Vec<(&[u8], bool)> =
            kept.iter().map(|delivery| (&delivery.body[..], delivery.taken)).collect();
        assert_eq!(told, [(&b"one"[..], false), (&b"two"[..], true)]);
        assert_eq!((kept[0].key(), receiver.next()), ("k".to_owned(), Some(kept[0].clone())));
    }
}
