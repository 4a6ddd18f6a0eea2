//! Secrets taken out of what a cassette would hold.

use wasmill_sandbox::capability::http::{Exchange, HttpError, HttpRequest, HttpResponse};

use crate::file::secrets::Redaction;

pub(super) fn request(secrets: &Redaction, request: HttpRequest) -> HttpRequest {
    HttpRequest {
        method: secrets.apply(&request.method),
        path: secrets.apply(&request.path),
        headers: headers(secrets, request.headers),
        body: secrets.apply_bytes(request.body),
    }
}

pub(super) fn exchange(secrets: &Redaction, exchange: Exchange) -> Exchange {
    let answer = exchange.answer.map(|answer| match answer {
        Ok(response) => Ok(HttpResponse {
            status: response.status,
            headers: headers(secrets, response.headers),
            body: secrets.apply_bytes(response.body),
        }),
        Err(error) => Err(match error {
            HttpError::InvalidRequest(message) => {
                HttpError::InvalidRequest(secrets.apply(&message))
            }
            HttpError::Unreachable(message) => HttpError::Unreachable(secrets.apply(&message)),
            other @ (HttpError::TimedOut | HttpError::TooLarge(_)) => other,
        }),
    });
    Exchange {
        connection: exchange.connection,
        request: request(secrets, exchange.request),
        answer,
    }
}

fn headers(secrets: &Redaction, headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.into_iter().map(|(name, value)| (name, secrets.apply(&value))).collect()
}
