//! A WebSocket and an event stream that end when their user logs out.
//!
//! ```text
//! cargo run -p telenor-auth-examples --example websocket
//! ```
//!
//! Both also end when the session expires, and when another instance ends it.

use std::{convert::Infallible, env, error::Error, time::Duration};

use axum::{
    Router,
    extract::ws::{CloseFrame, Message, WebSocketUpgrade},
    response::{Html, Response, sse::*},
    routing::get,
};
use futures_util::{Stream, StreamExt, stream};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway};
use tokio::{net::TcpListener, time::interval};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let app = Router::new()
        .route(
            "/",
            get(async |_: TelenorUser| Html(include_str!("websocket.html"))),
        )
        .route("/socket", get(socket))
        .route("/events", get(events))
        .telenor_auth(auth.build()?);
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

async fn socket(user: TelenorUser, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        let mut ticks = ticks().take_until(user.ended()).boxed();
        while let Some(tick) = ticks.next().await {
            if socket.send(tick.to_string().into()).await.is_err() {
                return;
            }
        }
        // By this the page knows that a login helps. Codes from 4000 are the app's own (RFC 6455).
        let (code, reason) = (4001, "the session has ended".into());
        let _ = socket
            .send(Message::Close(Some(CloseFrame { code, reason })))
            .await;
    })
}

async fn events(user: TelenorUser) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = ticks().take_until(user.ended());
    let ticks = ticks.map(|tick| Event::default().data(tick.to_string()));
    // Else an `EventSource` connects again.
    let ended = stream::once(async { Event::default().event("ended").data("") });
    Sse::new(ticks.chain(ended).map(Ok))
}

/// A number at once, and the next one each second.
fn ticks() -> impl Stream<Item = u32> + Send {
    let clock = interval(Duration::from_secs(1));
    stream::unfold((clock, 0), async |(mut clock, tick)| {
        clock.tick().await;
        Some((tick, (clock, tick + 1)))
    })
}
