//! What is behind the connection `server`: requests are kept, and answered as the case wants.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use wasmill_sandbox::capability::http::{
    HttpError, HttpGrant, HttpRequest, HttpResponse, Outbound,
};

/// The name of the connection.
pub const NAME: &str = "server";

/// A server in this process.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    requests: Mutex<Vec<HttpRequest>>,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Server {
    /// Answers every request alike.
    pub fn answering(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let inner = Inner {
            requests: Mutex::default(),
            status,
            headers: headers.collect(),
            body: body.as_bytes().to_vec(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The grant of the connection.
    pub fn grant(&self) -> HttpGrant {
        HttpGrant::new([NAME.to_owned()], Arc::new(self.clone()))
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<HttpRequest> {
        self.inner.requests.lock().expect("nobody panics with it").clone()
    }

    /// Method, path and body of all requests so far.
    pub fn lines(&self) -> Vec<String> {
        let line = |request: &HttpRequest| {
            format!(
                "{} {} {}",
                request.method,
                request.path,
                String::from_utf8_lossy(&request.body)
            )
        };
        self.requests().iter().map(line).collect()
    }
}

impl Outbound for Server {
    fn send<'a>(
        &'a self,
        _connection: &'a str,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>> {
        self.inner.requests.lock().expect("nobody panics with it").push(request);
        let response = HttpResponse {
            status: self.inner.status,
            headers: self.inner.headers.clone(),
            body: self.inner.body.clone(),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}
