//! An app with a WebSocket and an event stream that end with the session of their user.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    response::{
        Html, Response,
        sse::{Event, Sse},
    },
    routing::{get, post},
};
use futures_util::{Stream, StreamExt, stream};
use http::StatusCode;
use telenor_auth::{TelenorAuthLayer, TelenorUser};

/// A code of the app's own (RFC 6455).
const SESSION_ENDED: u16 = 4001;

pub(crate) fn router(auth: TelenorAuthLayer) -> Router {
    let page = async |_: TelenorUser| Html("");
    Router::new()
        .route("/", get(page))
        .route("/socket", get(socket))
        .route("/events", get(events))
        .route("/end-all", post(end_all))
        .with_state(auth.clone())
        .layer(auth)
}

async fn socket(user: TelenorUser, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async move |mut socket| {
        if talk(&mut socket, &user).await.is_none() {
            // The browser has hung up.
            return;
        }
        let close = CloseFrame {
            code: SESSION_ENDED,
            reason: "the session has ended".into(),
        };
        let _ = socket.send(Message::Close(Some(close))).await;
    })
}

/// Counts, and returns messages, until the session has ended or the browser hangs up.
async fn talk(socket: &mut WebSocket, user: &TelenorUser) -> Option<()> {
    let mut ended = user.ended();
    let mut ticks = Box::pin(ticks());
    loop {
        tokio::select! {
            () = &mut ended => return Some(()),
            Some(tick) = ticks.next() => socket.send(tick.to_string().into()).await.ok()?,
            message = socket.recv() => {
                if let Message::Text(text) = message?.ok()? {
                    socket.send(Message::Text(text)).await.ok()?;
                }
            }
        }
    }
}

async fn events(user: TelenorUser) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let ticks = ticks().map(|tick| Event::default().data(tick.to_string()));
    // An `EventSource` whose stream just ends connects again. This event stops it.
    let ended = Event::default()
        .event("ended")
        .data("the session has ended");
    let events = ticks
        .take_until(user.ended())
        .chain(stream::once(async { ended }));
    Sse::new(events.map(Ok))
}

/// A number at once, and the next one each second.
fn ticks() -> impl Stream<Item = u32> + Send {
    stream::unfold(0, async |tick: u32| {
        if tick > 0 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((tick, tick + 1))
    })
}

/// What only an operator can do in a real app.
async fn end_all(State(auth): State<TelenorAuthLayer>, _: TelenorUser) -> StatusCode {
    match auth.revoke_all().await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
