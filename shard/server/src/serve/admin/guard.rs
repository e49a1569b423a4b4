//! What a request goes through before it is answered, and what no handler sees.
//!
//! Browsers run other people's pages: a page may send requests to a loopback address, and a name of its own
//! may point there. Both are told apart here, by `Origin` and `Host`.

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use super::Node;
use super::fail::Fail;

/// How long a request may take, from its headers to its answer.
pub const REQUEST: Duration = Duration::from_secs(60);

/// A body of JSON; what is wrong with it is an error as all others are.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Fail;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fail> {
        let body = axum::Json::<T>::from_request(request, state).await;
        body.map(|axum::Json(value)| Body(value)).map_err(|rejection: JsonRejection| {
            let status = match rejection.status() {
                // Values of the wrong kind are as wrong as text that is no JSON.
                StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
                status => status,
            };
            Fail::with(status, rejection.body_text())
        })
    }
}

/// Answers in time, and only to those who may ask.
pub async fn guard(State(node): State<Node>, request: Request, next: Next) -> Response {
    if let Err(fail) = check(&node.settings.admin, &node.settings.advertise, request.headers(), request.uri())
    {
        return fail.into_response();
    }
    match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = format!("the request took longer than {} s", REQUEST.as_secs());
            Fail::with(StatusCode::REQUEST_TIMEOUT, text).into_response()
        }
    }
}

/// Makes errors of axum's own, such as a path that is no text, look like all others.
pub async fn as_json(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), ERROR_BYTES_MAX).await.unwrap_or_default();
    let text = match text.is_empty() {
        true => status.to_string(),
        false => String::from_utf8_lossy(&text).into_owned(),
    };
    Fail::with(status, text).into_response()
}

/// Bytes of an error's text at most.
const ERROR_BYTES_MAX: usize = 16 << 10;

/// Refuses requests that a page of another site made, or that came by a name that is not the node's.
fn check(admin: &str, advertise: &str, headers: &HeaderMap, uri: &Uri) -> Result<(), Fail> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = host.unwrap_or_default();
    if let Some(origin) = headers.get(header::ORIGIN) {
        let of_host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        if of_host.is_none_or(|(_, site)| !site.eq_ignore_ascii_case(host)) {
            return Err(Fail::forbidden("requests of other sites' pages are not answered"));
        }
    }
    let (name, listens) = (name_of(host), name_of(admin));
    let is_loopback = |name: &str| name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_known = name.is_empty()
        || name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || name.eq_ignore_ascii_case(name_of(advertise));
    // Who listens for other hosts may be known to them by any name.
    if is_known || !is_loopback(listens) {
        return Ok(());
    }
    Err(Fail::forbidden(format!("this node is not '{name}'; ask for {admin}")))
}

/// The name in `name:port`, without the brackets of an IPv6 address.
fn name_of(host: &str) -> &str {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address;
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

/// No such method there.
pub async fn method(uri: Uri) -> Fail {
    let text = format!("{} does not take this method; see docs/admin.md", uri.path());
    Fail::with(StatusCode::METHOD_NOT_ALLOWED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(host: &str, origin: Option<&str>, admin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check(admin, "node1.example", &headers, &Uri::from_static("/")).is_ok()
    }

    #[test]
    fn other_sites_are_told_apart() {
        let admin = "127.0.0.1:26080";
        for host in ["127.0.0.1:26080", "localhost:26080", "[::1]:26080", "node1.example:1", "10.0.0.1"] {
            assert!(status(host, None, admin), "{host}");
        }
        assert!(status("localhost:26080", Some("http://localhost:26080"), admin));
        assert!(!status("localhost:26080", Some("http://evil.example"), admin));
        assert!(!status("localhost:26080", Some("http://localhost:8080"), admin));
        assert!(!status("localhost:26080", Some("null"), admin));
        // A name that was made to point here.
        assert!(!status("evil.example:26080", None, admin));
        assert!(!status("evil.example:26080", Some("http://evil.example:26080"), admin));
        assert!(status("any.example:26080", None, "0.0.0.0:26080"));
    }
}
