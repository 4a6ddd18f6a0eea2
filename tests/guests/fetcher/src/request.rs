//! Requests by `wasi:http`, without any library around it.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody,
    OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

pub type Answer<T> = Result<T, ErrorCode>;

/// What a stream takes at once in any case.
const PIECE_BYTES: usize = 4_096;

/// Sends a request, with a body where there is one.
pub fn begin(method: &str, url: &str, body: &str) -> Answer<FutureIncomingResponse> {
    // As clients do that know how long their body is.
    let length = ("content-length".to_owned(), body.len().to_string().into_bytes());
    let headers = if body.is_empty() { Vec::new() } else { vec![length] };
    let request = request(method, url, headers)?;
    if body.is_empty() {
        return handle(request, None);
    }
    let outgoing = request.body().expect("the first time");
    let response = handle(request, None)?;
    let stream = outgoing.write().expect("the first time");
    for piece in body.as_bytes().chunks(PIECE_BYTES) {
        if stream.blocking_write_and_flush(piece).is_err() {
            // The answer says why.
            break;
        }
    }
    drop(stream);
    OutgoingBody::finish(outgoing, None)?;
    Ok(response)
}

/// Sends a request that waits for 10 ms only.
pub fn begin_in_a_hurry(url: &str) -> Answer<FutureIncomingResponse> {
    let options = RequestOptions::new();
    options.set_first_byte_timeout(Some(10_000_000)).expect("an option that is known");
    handle(request("GET", url, Vec::new())?, Some(options))
}

/// Sends a request, and a body for as long as it is taken.
pub fn begin_endless(url: &str) -> Answer<FutureIncomingResponse> {
    let request = request("POST", url, Vec::new())?;
    let outgoing = request.body().expect("the first time");
    let response = handle(request, None)?;
    let stream = outgoing.write().expect("the first time");
    while stream.blocking_write_and_flush(&[b'e'; PIECE_BYTES]).is_ok() {}
    Ok(response)
}

fn request(method: &str, url: &str, headers: Vec<(String, Vec<u8>)>) -> Answer<OutgoingRequest> {
    let (scheme, rest) = url.split_once("://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = match rest.find('/') {
        Some(slash) => (&rest[..slash], Some(&rest[slash..])),
        None => (rest, None),
    };
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    let accept = ("accept".to_owned(), b"text/plain".to_vec());
    let headers = [vec![accept], headers].concat();
    let request = OutgoingRequest::new(Fields::from_list(&headers).expect("headers"));
    request.set_method(&method).map_err(|()| ErrorCode::HttpRequestMethodInvalid)?;
    request.set_scheme(Some(&scheme)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request.set_authority(Some(authority)).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    request.set_path_with_query(path).map_err(|()| ErrorCode::HttpRequestUriInvalid)?;
    Ok(request)
}

/// Waits for a response and reads it.
pub fn wait(response: &FutureIncomingResponse) -> Answer<String> {
    response.subscribe().block();
    read(&response.get().expect("it was waited for").expect("the first time")?)
}

fn read(response: &IncomingResponse) -> Answer<String> {
    let mut text = response.status().to_string();
    for (name, value) in response.headers().entries() {
        text.push_str(&format!(" {name}={}", String::from_utf8_lossy(&value)));
    }
    let body = response.consume().expect("the first time");
    let stream = body.stream().expect("the first time");
    text.push(' ');
    loop {
        match stream.blocking_read(PIECE_BYTES as u64) {
            Ok(piece) => text.push_str(&String::from_utf8_lossy(&piece)),
            Err(StreamError::Closed) => return Ok(text),
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(ErrorCode::InternalError(Some(error.to_debug_string())));
            }
        }
    }
}
