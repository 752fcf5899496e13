//! Which answer a request gets.
//! In come a request, the peer and the workload to play; out comes the answer, with status, headers
//! and a body that is made while it is sent. A number that makes no sense is answered 400.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::body::EchoBody;
use crate::identity::Echo;
use crate::limits::{MAX_BODY_BYTES, MAX_BYTES, MAX_DELAY, MAX_LINES, MAX_REPORTED_BYTES};
use crate::{grpc, report, websocket};

/// What a path asks for.
#[derive(Debug, PartialEq)]
enum Ask {
    Status(Vec<StatusCode>),
    Delay(Duration),
    Bytes(u64),
    Lines(u64),
    Headers,
    /// Everything about the request; with its body.
    Anything,
    Ip,
    UserAgent,
    Healthz,
    /// Any other path.
    Other,
    Bad(String),
}

impl Ask {
    fn decode(path: &str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let (verb, rest) = path.split_once('/').unwrap_or((path, ""));
        match verb {
            "status" => Self::status(rest),
            "delay" => Self::delay(rest),
            "bytes" => Self::count(rest, MAX_BYTES, "bytes").map_or_else(Self::Bad, Self::Bytes),
            "stream" => Self::count(rest, MAX_LINES, "lines").map_or_else(Self::Bad, Self::Lines),
            "headers" if rest.is_empty() => Self::Headers,
            "anything" => Self::Anything,
            "get" | "post" | "put" | "patch" | "delete" if rest.is_empty() => Self::Anything,
            "ip" if rest.is_empty() => Self::Ip,
            "user-agent" if rest.is_empty() => Self::UserAgent,
            "healthz" => Self::Healthz,
            _ => Self::Other,
        }
    }

    fn status(codes: &str) -> Self {
        let decode = |code: &str| {
            let code = code.parse().ok().filter(|code| (200..=599).contains(code))?;
            StatusCode::from_u16(code).ok()
        };
        match codes.split(',').map(decode).collect() {
            Some(codes) => Self::Status(codes),
            None => Self::Bad(format!(
                "status {codes:?}: want numbers from 200 to 599, such as /status/503 or /status/200,503"
            )),
        }
    }

    fn delay(seconds: &str) -> Self {
        match seconds.parse::<f64>() {
            Ok(wanted) if wanted >= 0.0 => Self::Delay(Duration::from_secs_f64(wanted.min(MAX_DELAY.as_secs_f64()))),
            _ => Self::Bad(format!("delay {seconds:?}: want seconds, such as /delay/2 or /delay/0.5")),
        }
    }

    fn count(text: &str, most: u64, of: &str) -> Result<u64, String> {
        match text.parse() {
            Ok(count) if count <= most => Ok(count),
            _ => Err(format!("{text:?}: want a number of {of} from 0 to {most}")),
        }
    }
}

/// Answers one request.
pub(crate) async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    echo: &Echo,
    turn: &AtomicUsize,
) -> Response<EchoBody> {
    let (head, body) = request.into_parts();
    let mut response = if let Some(asked) = websocket::asked(&head) {
        websocket::answer(asked, Request::from_parts(head, body))
    } else if grpc::is_call(&head) {
        grpc::answer(&head, body)
    } else {
        plain(&head, body, peer, echo, turn).await
    };
    echo.write_headers(response.headers_mut());
    response
}

async fn plain(head: &Parts, body: Incoming, peer: SocketAddr, echo: &Echo, turn: &AtomicUsize) -> Response<EchoBody> {
    let ask = Ask::decode(head.uri.path());
    let body = match ask {
        Ask::Anything => collect(body).await.map(Some),
        _ => drain(body).await.map(|()| None),
    };
    let body = match body {
        Ok(body) => body,
        Err(status) => return text(status, echo, "the body of the request could not be read\n"),
    };
    match ask {
        Ask::Status(codes) => {
            // In turn and not at random, so that a retry after /status/503,200 is sure to succeed.
            let code = codes[turn.fetch_add(1, Ordering::Relaxed) % codes.len()];
            text(code, echo, "")
        }
        Ask::Delay(wait) => {
            tokio::time::sleep(wait).await;
            json_answer(&report::request(head, None, peer, echo))
        }
        Ask::Bytes(left) => {
            let mut response = Response::new(EchoBody::Filler { left });
            set_type(&mut response, "application/octet-stream");
            response
        }
        Ask::Lines(count) => {
            let mut response = Response::new(EchoBody::Lines { next: 0, count, echo: echo.clone() });
            set_type(&mut response, "application/json");
            response
        }
        Ask::Headers => json_answer(&json!({ "headers": report::headers(head), "echo": echo.to_json() })),
        Ask::Anything => {
            let body = body.filter(|body| !body.is_empty() || head.method != Method::GET);
            json_answer(&report::request(head, body.as_deref(), peer, echo))
        }
        Ask::Ip => json_answer(&json!({ "origin": report::origin(head, peer), "echo": echo.to_json() })),
        Ask::UserAgent => json_answer(&json!({ "user-agent": report::user_agent(head), "echo": echo.to_json() })),
        Ask::Healthz => text(StatusCode::OK, echo, "ok\n"),
        Ask::Other => text(StatusCode::OK, echo, &format!("{} {}\n", head.method, head.uri.path())),
        Ask::Bad(why) => text(StatusCode::BAD_REQUEST, echo, &format!("{why}\n")),
    }
}

/// The whole body, when it is short enough to be repeated.
async fn collect(body: Incoming) -> Result<Bytes, StatusCode> {
    match Limited::new(body, MAX_REPORTED_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// Reads the body and forgets it, so that the connection can carry the next request.
async fn drain(mut body: Incoming) -> Result<(), StatusCode> {
    let mut seen = 0u64;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        seen = seen.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        if seen > MAX_BODY_BYTES {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
    }
    Ok(())
}

fn text(status: StatusCode, echo: &Echo, more: &str) -> Response<EchoBody> {
    let empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED);
    let line = if empty { String::new() } else { format!("{} from {}\n{more}", status.as_u16(), echo.line()) };
    let mut response = Response::new(EchoBody::text(line));
    *response.status_mut() = status;
    if !empty {
        set_type(&mut response, "text/plain; charset=utf-8");
    }
    response
}

fn json_answer(value: &Value) -> Response<EchoBody> {
    let mut response = Response::new(EchoBody::text(format!("{value:#}\n")));
    set_type(&mut response, "application/json");
    response
}

fn set_type(response: &mut Response<EchoBody>, kind: &'static str) {
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
}

#[cfg(test)]
mod tests;
