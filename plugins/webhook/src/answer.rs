//! What an answer means: delivered, to be tried again, or refused for good.
//!
//! | Status | Meaning |
//! |---|---|
//! | 2xx | delivered |
//! | 408, 425, 429, 5xx | tried again, after `Retry-After` where it gives seconds (RFC 9110, section 10.2.3) |
//! | any other | refused: the same request would be refused again |

use std::time::Duration;

use wasmill_plugin_sdk::http::Response;
use wasmill_plugin_sdk::prelude::*;

/// How much of the body of a refusal is told.
const EXCERPT_BYTES: usize = 200;

/// Whether the event was delivered.
///
/// # Errors
///
/// [`Error::Retryable`] or [`Error::Fatal`] by the status, with the beginning of the body.
pub fn judge(response: &Response) -> Result<()> {
    let message = || {
        let excerpt = excerpt(&response.body);
        let separator = if excerpt.is_empty() { "" } else { ": " };
        format!("the receiver answered {}{separator}{excerpt}", response.status)
    };
    match response.status {
        200..=299 => Ok(()),
        408 | 425 | 429 | 500..=599 => {
            Err(Error::Retryable { message: message(), after_ms: retry_after_ms(response) })
        }
        _ => Err(Error::Fatal(message())),
    }
}

/// The time of `Retry-After` in milliseconds, where it is a number of seconds. Dates are passed over: the plugin
/// has no clock to subtract from them.
fn retry_after_ms(response: &Response) -> Option<u64> {
    let seconds = response.header("retry-after")?.trim().parse().ok()?;
    u64::try_from(Duration::from_secs(seconds).as_millis()).ok()
}

/// The first bytes of a body as text. What is no UTF-8, the cut included, becomes U+FFFD.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES)]);
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, retry_after: &str, body: &str) -> Response {
        Response {
            status,
            headers: vec![("retry-after".to_owned(), retry_after.to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn statuses() {
        for status in [200, 202, 204, 299] {
            assert_eq!(judge(&response(status, "", "")), Ok(()), "{status}");
        }
        for status in [408, 425, 429, 500, 502, 503, 599] {
            let judged = judge(&response(status, "", ""));
            assert!(matches!(judged, Err(Error::Retryable { .. })), "{status}");
        }
        for status in [100, 301, 304, 400, 401, 404, 410, 413, 422, 600] {
            let judged = judge(&response(status, "", ""));
            assert!(matches!(judged, Err(Error::Fatal(_))), "{status}");
        }
    }

    #[test]
    fn retry_after_is_honoured_in_seconds() {
        for (retry_after, expected) in [
            ("7", Some(7_000)),
            (" 0 ", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("Wed, 31 Dec 2025 14:30:00 GMT", None),
            ("99999999999999999999", None),
            ("18446744073709551615", None),
        ] {
            let expected = Error::Retryable {
                message: "the receiver answered 503".to_owned(),
                after_ms: expected,
            };
            assert_eq!(judge(&response(503, retry_after, " \n")), Err(expected), "{retry_after}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_the_beginning_of_its_body() {
        assert_eq!(
            judge(&response(404, "", " no such hook\n")),
            Err(Error::fatal("the receiver answered 404: no such hook"))
        );
        let Err(Error::Fatal(message)) = judge(&response(400, "", &"a".repeat(1_000))) else {
            panic!("400 is a refusal");
        };
        assert_eq!(message, format!("the receiver answered 400: {}", "a".repeat(200)));
    }
}
