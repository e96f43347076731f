//! The example websocket: both answers end with the session of their user.

use std::time::Duration;

use futures_util::StreamExt;
use http::header;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    client_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::program::{KARI, Program};

#[tokio::test]
async fn websocket_and_event_stream_end_when_their_user_logs_out() {
    let app = Program::start("websocket", &[("RUST_LOG", "off")]);
    let mut browser = app.visitor();
    browser.log_in_as(KARI, "/").await;
    assert!(browser.open("/").await.body.contains("new WebSocket"));

    let cookies = browser.jar.iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = cookies.join("; ");
    let address = app.base.replace("http://", "");
    let mut handshake = format!("ws://{address}/socket")
        .into_client_request()
        .unwrap();
    let headers = handshake.headers_mut();
    headers.insert(header::COOKIE, cookies.parse().unwrap());
    headers.insert(header::ORIGIN, app.base.parse().unwrap());
    let stream = TcpStream::connect(&address).await.unwrap();
    let (mut socket, _) = client_async(handshake, stream).await.unwrap();
    let first = socket.next().await.unwrap().unwrap();
    assert_eq!(first, Message::text("0"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let events = client
        .get(format!("{}/events", app.base))
        .header(header::COOKIE, &cookies);
    let mut events = events.send().await.unwrap();
    let first = events.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: 0"), "{first:?}");

    browser.log_out().await;
    let until_close = async {
        loop {
            if let Message::Close(frame) = socket.next().await.unwrap().unwrap() {
                return frame.unwrap();
            }
        }
    };
    let frame = timeout(Duration::from_secs(10), until_close)
        .await
        .expect("an end");
    assert_eq!(u16::from(frame.code), 4001);
    let rest = timeout(Duration::from_secs(10), events.text())
        .await
        .expect("an end");
    assert!(rest.unwrap().contains("event: ended"));
}
