//! Answers that outlast their request, over TCP: a real WebSocket, and a real event stream.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Request, header};
use telenor_auth::{Clock, TelenorAuthLayer, mock::MockGateway};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, protocol::frame::coding::CloseCode},
};

use super::live;
use crate::support::{App, Browser, ORIGIN, builder, kept::pass};

struct Server {
    app: App,
    auth: TelenorAuthLayer,
    clock: Clock,
    address: SocketAddr,
}

impl Server {
    async fn start() -> Self {
        let gateway = MockGateway::start().await.unwrap();
        let clock = Clock::manual();
        let auth = builder(&gateway).clock(clock.clone()).build().unwrap();
        let router = live::router(auth.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = axum::serve(listener, router.clone());
        tokio::spawn(async { serving.await.unwrap() });
        let app = App::mounted(router, gateway);
        Self {
            app,
            auth,
            clock,
            address,
        }
    }

    fn request(&self, path: &str, browser: &Browser) -> Request<()> {
        let address = format!("ws://{}{path}", self.address);
        let mut request = address.into_client_request().unwrap();
        let cookies: Vec<_> = browser
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = request.headers_mut();
        headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        headers.insert(header::ORIGIN, HeaderValue::from_static(ORIGIN));
        headers.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        request
    }

    /// The socket, after its first message.
    async fn socket(&self, browser: &Browser) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let opened = client_async(self.request("/socket", browser), stream).await;
        let mut socket = opened.unwrap().0;
        assert_eq!(next(&mut socket).await, Message::text("0"));
        socket
    }

    /// The stream, after its first event.
    async fn events(&self, browser: &Browser) -> reqwest::Response {
        let request = self.request("/events", browser);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let opened = client
            .get(format!("http://{}/events", self.address))
            .header("cookie", &request.headers()[header::COOKIE])
            .header("accept", "text/event-stream")
            .send();
        let mut events = opened.await.unwrap();
        assert_eq!(events.status(), 200);
        let first = events.chunk().await.unwrap().unwrap();
        assert!(first.starts_with(b"data: 0"), "{first:?}");
        events
    }
}

async fn next(socket: &mut WebSocketStream<TcpStream>) -> Message {
    let message = tokio::time::timeout(Duration::from_secs(10), socket.next()).await;
    message.expect("a message").unwrap().unwrap()
}

/// Asserts that both answers end, in the way that the page understands.
async fn assert_end(mut socket: WebSocketStream<TcpStream>, mut events: reqwest::Response) {
    let closed = loop {
        match next(&mut socket).await {
            Message::Close(frame) => break frame.unwrap(),
            message => assert!(message.is_text(), "{message:?}"),
        }
    };
    assert_eq!(closed.code, CloseCode::Library(4001));
    let all = async {
        let mut last = Vec::new();
        while let Some(chunk) = events.chunk().await.unwrap() {
            last = chunk.to_vec();
        }
        String::from_utf8(last).unwrap()
    };
    let last = tokio::time::timeout(Duration::from_secs(10), all).await;
    let last = last.expect("the stream ends");
    assert!(
        last.ends_with("event: ended\ndata: the session has ended\n\n"),
        "{last}"
    );
}

#[tokio::test]
async fn logout_ends_the_socket_and_the_event_stream() {
    let server = Server::start().await;
    let mut browser = server.app.signed_in().await;
    let (mut socket, events) = (server.socket(&browser).await, server.events(&browser).await);
    socket.send(Message::text("hei")).await.unwrap();
    while next(&mut socket).await != Message::text("hei") {}
    browser.log_out().await;
    assert_end(socket, events).await;
}

#[tokio::test]
async fn operator_ends_the_socket_and_the_event_stream() {
    let server = Server::start().await;
    let browser = server.app.signed_in().await;
    let other = server.app.signed_in().await;
    let (socket, events) = (server.socket(&browser).await, server.events(&browser).await);
    let mut others = server.socket(&other).await;
    server.auth.revoke_all().await.unwrap();
    assert_end(socket, events).await;
    while !next(&mut others).await.is_close() {}
}

#[tokio::test]
async fn session_that_expires_ends_the_socket_and_the_event_stream() {
    let server = Server::start().await;
    let browser = server.app.signed_in().await;
    let (socket, events) = (server.socket(&browser).await, server.events(&browser).await);
    server.clock.advance(Duration::from_secs(24 * 3600));
    pass(Duration::from_secs(1)).await;
    assert_end(socket, events).await;
}

#[tokio::test]
async fn socket_and_event_stream_open_no_more_after_the_end() {
    let server = Server::start().await;
    let mut browser = server.app.signed_in().await;
    let copied = browser.clone();
    browser.log_out().await;
    for path in ["/socket", "/events"] {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let refused = client_async(server.request(path, &copied), stream).await;
        let error = refused.map(drop).unwrap_err().to_string();
        assert!(error.contains("401"), "{path}: {error}");
    }
}
