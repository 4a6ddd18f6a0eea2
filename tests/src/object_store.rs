//! A key-value store behind HTTP on loopback: PUT, DELETE, and outages on demand.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A running store; its thread ends with the test process.
pub struct ObjectStore {
    pub url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, String>,
    /// How many requests are answered with 503.
    outages: usize,
}

impl ObjectStore {
    /// Starts a store whose first `outages` requests fail.
    pub fn start(outages: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Mutex::new(State { outages, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { url, state }
    }

    /// What is in the store.
    pub fn objects(&self) -> BTreeMap<String, String> {
        self.state.lock().expect("no handler panics").objects.clone()
    }
}

/// Answers one request and closes.
fn serve(mut stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).expect("a request line");
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).expect("a header");
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("the body");
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let status = answer(method, path, body, state);
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // A client that went away needs no answer.
    drop(stream.write_all(head.as_bytes()));
}

fn answer(method: &str, path: &str, body: Vec<u8>, state: &Mutex<State>) -> u16 {
    let mut state = state.lock().expect("no handler panics");
    if state.outages > 0 {
        state.outages -= 1;
        return 503;
    }
    match method {
        "PUT" => {
            state.objects.insert(path.to_owned(), String::from_utf8(body).expect("text"));
            200
        }
        "DELETE" => match state.objects.remove(path) {
            Some(_) => 200,
            None => 404,
        },
        _ => 405,
    }
}
