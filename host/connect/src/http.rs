//! HTTP through named connections: the only way out of the sandbox.
//!
//! A connection is a base URL with headers, a time-out and a cap on responses. The guest names the connection and a
//! path; this adds the headers, which the guest never sees, and sends. A request cannot leave the
//! connection's origin: not by its path, not by a redirect. A host name that resolves to an address that
//! is not public is refused unless the operator allowed it, or wrote the address or `localhost` himself.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use wasmill_sandbox::capability::http::{HttpError, HttpRequest, HttpResponse, Outbound};

/// Headers that belong to the host.
const FORBIDDEN_HEADERS: [&str; 10] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];
const MAX_REDIRECTS: usize = 5;

/// A connection as the pipeline file declares it, with its secrets resolved.
#[derive(Clone)]
pub struct ConnectionConfig {
    /// Scheme, host, port, and the path below which everything happens.
    pub url: String,
    /// Headers that the host adds, credentials among them.
    pub headers: Vec<(String, String)>,
    /// For one request with its response.
    pub timeout: Duration,
    /// The largest response body, in bytes.
    pub max_response_bytes: u64,
    /// Whether the host name may resolve to a loopback, private or link-local address.
    pub allow_private: bool,
}

/// A connection that cannot work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConnectionError {
    /// The key at fault.
    pub key: &'static str,
    pub message: String,
}

/// All connections of a pipeline.
#[derive(Default)]
pub struct Connections {
    connections: BTreeMap<String, Connection>,
}

struct Connection {
    base: Url,
    headers: HeaderMap,
    max_response_bytes: u64,
    /// Follows redirects within the origin.
    client: Client,
    /// Follows only those that repeat the request as it was: after any other, a POST would go on as a GET
    /// without a body, and what answers that would be taken for the answer.
    exact_client: Client,
}

impl Connections {
    /// Adds a connection.
    pub fn add(&mut self, name: &str, config: &ConnectionConfig) -> Result<(), ConnectionError> {
        self.connections.insert(name.to_owned(), Connection::new(config)?);
        Ok(())
    }
}

impl Outbound for Connections {
    fn send<'a>(
        &'a self,
        connection: &'a str,
        request: HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        async move {
            match self.connections.get(connection) {
                Some(connection) => connection.send(request).await,
                None => {
                    Err(HttpError::InvalidRequest(format!("there is no connection `{connection}`")))
                }
            }
        }
        .boxed()
    }
}

/// A client that stays within the origin of `base`.
fn client(
    base: &Url,
    timeout: Duration,
    allow_private: bool,
    repeats_exactly: bool,
) -> reqwest::Result<Client> {
    let origin = base.origin();
    let redirects = Policy::custom(move |attempt| {
        let repeats = matches!(attempt.status().as_u16(), 307 | 308);
        if attempt.previous().len() > MAX_REDIRECTS {
            attempt.error("too many redirects")
        } else if attempt.url().origin() == origin && (repeats || !repeats_exactly) {
            attempt.follow()
        } else {
            // The guest sees the redirect and where it would have led.
            attempt.stop()
        }
    });
    Client::builder()
        .timeout(timeout)
        .no_proxy()
        .dns_resolver(Arc::new(PublicAddresses { allow_private }))
        .redirect(redirects)
        .build()
}

impl Connection {
    fn new(config: &ConnectionConfig) -> Result<Self, ConnectionError> {
        let invalid = |key, message| ConnectionError { key, message };
        let base = Url::parse(&config.url)
            .map_err(|error| invalid("url", format!("`{}` is no URL: {error}", config.url)))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(invalid("url", "a connection is over http or https".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            let message = "credentials do not belong into the URL; use `headers`".to_owned();
            return Err(invalid("url", message));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(invalid("url", "a base URL has no query and no fragment".to_owned()));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &config.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| invalid("headers", format!("`{name}` is no header name")))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| {
                invalid(
                    "headers",
                    format!("the value of `{name}` holds characters that no header can"),
                )
            })?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        // An address in the URL was written by the operator, and so was `localhost`.
        let named = base.host_str() == Some("localhost");
        let allow_private = config.allow_private || named;
        install_crypto_provider();
        let client = |repeats_exactly| {
            client(&base, config.timeout, allow_private, repeats_exactly)
                .map_err(|error| invalid("url", error.to_string()))
        };
        let (client, exact_client) = (client(false)?, client(true)?);
        let max_response_bytes = config.max_response_bytes;
        Ok(Self { base, headers, max_response_bytes, client, exact_client })
    }

    /// The URL of a path below the base URL.
    fn url(&self, path: &str) -> Result<Url, HttpError> {
        let invalid =
            |message: &str| HttpError::InvalidRequest(format!("path `{path}`: {message}"));
        if !path.starts_with('/') {
            return Err(invalid("must begin with `/`"));
        }
        if path.starts_with("//") || path.contains(['\\', '#']) || path.contains(char::is_control) {
            return Err(invalid("must be a path with an optional query"));
        }
        let (path_only, query) = match path.split_once('?') {
            Some((path_only, query)) => (path_only, Some(query)),
            None => (path, None),
        };
        let is_dots = |segment: &str| {
            let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
            decoded == "." || decoded == ".."
        };
        if path_only.split('/').any(is_dots) {
            return Err(invalid("must not hold `.` or `..`"));
        }
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path_only}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        Ok(url)
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let invalid = |message: String| HttpError::InvalidRequest(message);
        let url = self.url(&request.path)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT)
            .ok_or_else(|| invalid(format!("`{}` is no method", request.method)))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| invalid(format!("`{name}` is no header name")))?;
            if FORBIDDEN_HEADERS.contains(&name.as_str()) || self.headers.contains_key(&name) {
                return Err(invalid(format!("the header `{name}` belongs to the host")));
            }
            let value = HeaderValue::from_str(value).map_err(|_| {
                invalid(format!("the value of `{name}` holds characters that no header can"))
            })?;
            headers.append(name, value);
        }
        headers.extend(self.headers.clone());
        let is_read = matches!(method, Method::GET | Method::HEAD);
        let client = if is_read { &self.client } else { &self.exact_client };
        let sent = client.request(method, url).headers(headers).body(request.body).send().await;
        let mut response = sent.map_err(unreachable)?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "set-cookie" | "www-authenticate"))
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if (body.len() + chunk.len()) as u64 > self.max_response_bytes {
                return Err(HttpError::TooLarge(self.max_response_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse { status, headers, body })
    }
}

fn unreachable(error: reqwest::Error) -> HttpError {
    if error.is_timeout() {
        return HttpError::TimedOut;
    }
    // The URL is left out: the guest does not know it.
    let error = error.without_url();
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    HttpError::Unreachable(message)
}

/// Resolves names, and leaves out addresses that are not public.
struct PublicAddresses {
    allow_private: bool,
}

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let resolved = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                resolved.filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(format!(
                    "`{}` resolves to no public address (allow_private = true would allow the others)",
                    name.as_str()
                )
                .into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is reached over the public Internet: neither loopback, private, link-local,
/// shared, documentation, multicast nor reserved (RFC 6890), also where an IPv6 address wraps such an IPv4 address.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            !(address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_multicast()
                || first == 0
                || first >= 240
                || (first == 100 && second & 0xc0 == 64)
                || (first == 192 && second == 0 && third == 0)
                || (first == 198 && second & 0xfe == 18))
        }
        IpAddr::V6(address) => {
            if let Some(wrapped) = address.to_ipv4() {
                return is_public(IpAddr::V4(wrapped));
            }
            let segments = address.segments();
            // NAT64 and 6to4 carry an IPv4 address.
            let embedded = match segments {
                [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
                    Some((u32::from(high) << 16 | u32::from(low)).into())
                }
                _ => None,
            };
            embedded.is_none_or(|v4| is_public(IpAddr::V4(v4)))
                && !(address.is_loopback()
                    || address.is_unspecified()
                    || address.is_multicast()
                    || address.is_unique_local()
                    || address.is_unicast_link_local()
                    || (segments[0] == 0x2001 && segments[1] == 0xdb8))
        }
    }
}

/// reqwest is built without a cryptography provider of its own; ring needs no C build tools.
fn install_crypto_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Fails when the embedding program has installed one: then that one is used.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;

    fn connection(url: &str) -> Result<Connection, ConnectionError> {
        Connection::new(&ConnectionConfig {
            url: url.to_owned(),
            headers: Vec::new(),
            timeout: Duration::from_secs(1),
            max_response_bytes: 1_000,
            allow_private: false,
        })
    }

    #[test]
    fn a_path_cannot_leave_the_base_url() {
        let shop = connection("https://shop.example/v2/").unwrap();
        for (path, url) in [
            ("/", "https://shop.example/v2/"),
            ("/orders?page=2", "https://shop.example/v2/orders?page=2"),
            ("/a b/ü", "https://shop.example/v2/a%20b/%C3%BC"),
        ] {
            assert_eq!(shop.url(path).unwrap().as_str(), url);
        }
        for path in [
            "orders",
            "",
            "//evil.example/",
            "/../admin",
            "/a/%2e%2E/b",
            "/\\evil.example",
            "https://evil.example/",
            "/a#b",
            "/a\r\nx: y",
        ] {
            assert!(shop.url(path).is_err(), "{path}");
        }
    }

    #[test]
    fn base_urls_are_checked() {
        for url in [
            "shop",
            "ftp://shop.example/",
            "https://u:p@shop.example/",
            "https://shop.example/?a=b",
        ] {
            assert!(connection(url).is_err(), "{url}");
        }
    }

    /// Answers each request with `status` and a redirect to `to`; `/end` with 200. Returns what was asked.
    fn redirecting_server(status: u16, to: &'static str) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, requests) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                reader.read_line(&mut line).unwrap();
                let mut header = String::new();
                while reader.read_line(&mut header).unwrap() > 2 {
                    header.clear();
                }
                // Before the answer: whoever has it looks at once for what was asked.
                if sender.send(line.trim_end_matches(" HTTP/1.1\r\n").to_owned()).is_err() {
                    return;
                }
                let status = if line.contains("/end") { 200 } else { status };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        (format!("http://{address}"), requests)
    }

    #[tokio::test]
    async fn redirects_repeat_a_request_or_are_shown() {
        for (method, status, to, expected, seen) in [
            ("GET", 302, "/end", 200, &["GET /start", "GET /end"][..]),
            ("POST", 302, "/end", 302, &["POST /start"]),
            ("POST", 303, "/end", 303, &["POST /start"]),
            ("POST", 307, "/end", 200, &["POST /start", "POST /end"]),
            ("GET", 302, "http://127.0.0.2:9/end", 302, &["GET /start"]),
        ] {
            let (url, requests) = redirecting_server(status, to);
            let request = HttpRequest {
                method: method.to_owned(),
                path: "/start".to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            let response = connection(&url).unwrap().send(request).await.unwrap();
            assert_eq!(response.status, expected, "{method} {status}");
            assert_eq!(requests.try_iter().collect::<Vec<_>>(), seen, "{method} {status}");
        }
    }

    #[test]
    fn only_public_addresses_are_public() {
        for address in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
