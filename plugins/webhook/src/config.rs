//! The configuration: where events go, and under which secret they are signed.

use std::collections::BTreeMap;

use wasmill_plugin_sdk::prelude::*;

/// Headers that this plugin sets, besides all that begin with [`OWN_PREFIX`].
const OWN: [&str; 2] = ["content-type", "idempotency-key"];
const OWN_PREFIX: &str = "x-wasmill-";
/// Headers that the host lets no plugin set. It would refuse every delivery, so the mistake is told beforehand.
const OF_THE_HOST: [&str; 10] = [
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

/// Where events are sent, and how they are signed.
#[config]
pub struct WebhookConfig {
    /// The name of the connection, which must be granted: `grants = { http = ["NAME"] }`.
    #[schemars(length(min = 1))]
    pub connection: String,
    /// Path and query below the connection's URL, such as `/hooks/wasmill?team=data`; `/` by default.
    #[serde(default = "root")]
    #[schemars(regex(pattern = "^/"))]
    pub path: String,
    /// The secret for signatures, at least 16 bytes, which the receiver knows too.
    #[schemars(length(min = 1), extend("writeOnly" = true))]
    pub secret: String,
    /// More headers. Those that carry credentials belong to the connection, where no plugin sees them.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

fn root() -> String {
    "/".to_owned()
}

impl WebhookConfig {
    /// # Errors
    ///
    /// [`Error::BadConfig`] at what would make every delivery fail.
    pub fn check(&self) -> Result<()> {
        if self.connection.is_empty() {
            let message = "is empty; name a connection of the pipeline file";
            return Err(Error::bad_config("/connection", message));
        }
        if !self.path.starts_with('/') {
            let message = format!("is `{}`; begin it with `/`", self.path);
            return Err(Error::bad_config("/path", message));
        }
        self.headers.iter().try_for_each(|(name, value)| check_header(name, value))
    }
}

fn check_header(name: &str, value: &str) -> Result<()> {
    let refused = |message: &str| {
        let escaped = name.replace('~', "~0").replace('/', "~1");
        Err(Error::bad_config(format!("/headers/{escaped}"), message))
    };
    let lower = name.to_ascii_lowercase();
    if name.is_empty() || !name.bytes().all(is_token) {
        return refused("is no header name: give letters, digits and `-`");
    }
    if OWN.contains(&lower.as_str()) || lower.starts_with(OWN_PREFIX) {
        return refused("is set by this plugin; remove it");
    }
    if OF_THE_HOST.contains(&lower.as_str()) {
        return refused(
            "belongs to the host: declare it in `headers` of the connection, or remove it",
        );
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return refused("holds a line break or another control character; remove it");
    }
    Ok(())
}

/// Whether a header name may hold this byte (RFC 9110, section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &str, header: (&str, &str)) -> WebhookConfig {
        WebhookConfig {
            connection: "ops".to_owned(),
            path: path.to_owned(),
            secret: "0123456789abcdef".to_owned(),
            headers: BTreeMap::from([(header.0.to_owned(), header.1.to_owned())]),
        }
    }

    #[test]
    fn the_path_is_the_root_by_default() {
        let parsed: WebhookConfig =
            serde_json::from_str(r#"{"connection": "ops", "secret": "0123456789abcdef"}"#).unwrap();
        assert_eq!(parsed.path, "/");
        assert_eq!(parsed.check(), Ok(()));
    }

    #[test]
    fn what_cannot_work_is_refused_at_its_place() {
        assert_eq!(config("/a?b=c", ("X-Team", "data")).check(), Ok(()));
        for (path, header, expected) in [
            ("", ("x-team", "data"), "/path"),
            ("hook", ("x-team", "data"), "/path"),
            ("/", ("", "data"), "/headers/"),
            ("/", ("x team", "data"), "/headers/x team"),
            ("/", ("x/team", "data"), "/headers/x~1team"),
            ("/", ("Content-Type", "text/plain"), "/headers/Content-Type"),
            ("/", ("idempotency-key", "1"), "/headers/idempotency-key"),
            ("/", ("X-Wasmill-Signature", "v1="), "/headers/X-Wasmill-Signature"),
            ("/", ("Authorization", "Bearer t"), "/headers/Authorization"),
            ("/", ("x-team", "data\r\nhost: evil.example"), "/headers/x-team"),
        ] {
            match config(path, header).check() {
                Err(Error::BadConfig { pointer, .. }) => assert_eq!(pointer, expected),
                other => panic!("{path} {header:?}: {other:?}"),
            }
        }
        let nameless = WebhookConfig { connection: String::new(), ..config("/", ("a", "b")) };
        assert!(matches!(nameless.check(), Err(Error::BadConfig { .. })));
    }
}
