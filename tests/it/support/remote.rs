//! A server in another process.

use axum::{Router, body::Body};
use http::{Request, Response};
use http_body_util::BodyExt;

/// A router that forwards each request to the server at `base`, and returns its answer.
pub fn remote(base: &str) -> Router {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    through(client, base)
}

/// The same with a client of the caller's.
pub fn through(client: reqwest::Client, base: &str) -> Router {
    let base = base.to_owned();
    Router::new().fallback(async move |request: Request<Body>| {
        let (parts, body) = request.into_parts();
        let url = format!("{base}{}", parts.uri.path_and_query().unwrap());
        let body = body.collect().await.unwrap().to_bytes();
        let sent = client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body);
        let answer = sent.send().await.unwrap();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = Body::from(answer.bytes().await.unwrap());
        response
    })
}
