//! Requests over HTTP/2, as browsers send them: without a Host header, with cookies in crumbs.

use std::cell::Cell;

use axum::{Router, body::Body};
use http::{HeaderValue, Request, Response, Uri, header};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};

use super::browser::{ORIGIN, TRANSPORT};

/// Runs tests of this module once more. Their browsers speak HTTP/2.
///
/// After `over_each_store:` are the names of tests that run over each store. Here they run with the
/// memory store.
macro_rules! over_http2 {
    ($($name:ident)* $(; over_each_store: $($app:ident)*)?) => {
        mod http2 {
            $(#[test]
            fn $name() {
                crate::support::http2::over_http2(super::$name);
            })*
            $($(#[test]
            fn $app() {
                crate::support::http2::over_http2(super::memory::$app);
            })*)?
        }
    };
}

/// In bytes. Some tests send more than servers allow, to see what the layer does.
const MOST_HEADERS: u32 = 1 << 20;

thread_local! {
    static SENT: Cell<usize> = const { Cell::new(0) };
}

/// Runs a test whose browsers speak HTTP/2.
pub fn over_http2(test: fn()) {
    /// Another test may run in this thread.
    struct Back;
    impl Drop for Back {
        fn drop(&mut self) {
            TRANSPORT.set(None);
        }
    }
    TRANSPORT.set(Some(|router, request| Box::pin(send(router, request))));
    let _back = Back;
    SENT.set(0);
    test();
    assert_ne!(SENT.get(), 0, "the test sent no request as a browser");
}

/// Sends one request to these routes, over a connection of its own.
async fn send(router: Router, request: Request<Body>) -> Response<Body> {
    SENT.set(SENT.get() + 1);
    let (near, far) = tokio::io::duplex(64 * 1024);
    let server = tokio::spawn(async move {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http2().max_header_list_size(MOST_HEADERS);
        let service = TowerToHyperService::new(router);
        builder.serve_connection(TokioIo::new(far), service).await
    });
    let mut client = h2::client::Builder::new();
    let client = client.max_header_list_size(MOST_HEADERS).handshake(near);
    let (client, connection) = client.await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();

    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let (response, mut sink) = client
        .send_request(as_http2(parts), body.is_empty())
        .unwrap();
    if !body.is_empty() {
        sink.send_data(body, true).unwrap();
    }
    let (parts, mut body) = response.await.unwrap().into_parts();
    let mut read = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.unwrap();
        read.extend_from_slice(&piece);
        body.flow_control().release_capacity(piece.len()).unwrap();
    }
    connection.abort();
    server.abort();
    Response::from_parts(parts, Body::from(read))
}

/// The same request with pseudo-header fields (RFC 9113, section 8.3.1), and each cookie in a line
/// of its own (section 8.2.3). There is no field about the connection (section 8.2.2).
fn as_http2(parts: http::request::Parts) -> Request<()> {
    let mut headers = parts.headers;
    headers.remove(header::CONNECTION);
    headers.remove(header::UPGRADE);
    let host = headers.remove(header::HOST);
    let authority = match (&host, parts.uri.authority()) {
        (Some(host), _) => host.to_str().unwrap(),
        (None, Some(authority)) => authority.as_str(),
        (None, None) => ORIGIN.strip_prefix("https://").unwrap(),
    };
    let target = parts.uri.path_and_query().unwrap().clone();
    let uri = Uri::builder()
        .scheme(parts.uri.scheme_str().unwrap_or("https"))
        .authority(authority)
        .path_and_query(target)
        .build()
        .unwrap();

    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    headers.remove(header::COOKIE);
    for line in &lines {
        for crumb in line.as_bytes().split(|&byte| byte == b';') {
            let crumb = HeaderValue::from_bytes(crumb.trim_ascii()).unwrap();
            headers.append(header::COOKIE, crumb);
        }
    }
    let mut request = Request::new(());
    *request.method_mut() = parts.method;
    *request.uri_mut() = uri;
    *request.version_mut() = http::Version::HTTP_2;
    *request.headers_mut() = headers;
    *request.extensions_mut() = parts.extensions;
    request
}
