//! A price list behind HTTP on loopback, for the guest `pricing`: it can be made to fail for some articles, and to keep others waiting.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A running server; its threads end with the test process.
pub struct PriceList {
    pub url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Articles that are answered with 503.
    failing: BTreeSet<String>,
    /// Articles that are not answered yet.
    waiting: BTreeSet<String>,
    /// Articles that were asked for, in that order.
    asked: Vec<String>,
}

impl PriceList {
    /// Starts a server. The price of an article is the number of letters and digits in its name.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared::default());
        let handed = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&handed);
                std::thread::spawn(move || serve(&stream, &shared));
            }
        });
        Self { url, shared }
    }

    /// From now on these articles are answered with 503, and no others.
    pub fn fail_for(&self, articles: &[&str]) {
        self.shared.lock().failing = articles.iter().map(|&article| article.to_owned()).collect();
    }

    /// From now on these articles are answered when they are let go, and no others wait.
    pub fn keep_waiting(&self, articles: &[&str]) {
        self.shared.lock().waiting = articles.iter().map(|&article| article.to_owned()).collect();
        self.shared.changed.notify_all();
    }

    /// Waits until an article was asked for.
    pub fn wait_for(&self, article: &str) {
        let mut state = self.shared.lock();
        while !state.asked.iter().any(|asked| asked == article) {
            state = self.shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What was asked for since this was called last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().asked)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers one request and closes.
fn serve(mut stream: &TcpStream, shared: &Shared) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    let article = path.rsplit('/').next().unwrap_or_default();
    let mut state = shared.lock();
    state.asked.push(article.to_owned());
    shared.changed.notify_all();
    while state.waiting.contains(article) {
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    let status = if state.failing.contains(article) { "503 Sick" } else { "200 OK" };
    drop(state);
    let price = article.len().to_string();
    let length = price.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{price}"
    );
    // A client that went away needs no answer.
    drop(stream.write_all(answer.as_bytes()));
}
