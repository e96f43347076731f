//! The end of a user's session: to wait for, and to look for before a call.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::{ApiError, CurrentSession, TelenorUser};
use crate::boxed::BoxFuture;

impl TelenorUser {
    /// Waits for the end of the user's session. For answers that outlast their request, such as
    /// event streams and WebSockets.
    ///
    /// The layer looks at the session when a request begins. An answer that goes on for hours has
    /// to end by itself when the session does: when it expires, is logged out or
    /// [revoked](crate::TelenorAuthLayer::revoke), or when the browser logs in anew. A refreshed
    /// access token does not end it.
    ///
    /// - **How soon.** An end through a clone of this layer is noticed at once. One through another
    ///   instance, or through the store itself, is noticed within 30 seconds, and within about a
    ///   second where the store is in this process. A session that expires is noticed within about
    ///   a second too.
    /// - **Idle timeout.** An open answer is no use of the session. With an
    ///   [idle timeout](crate::TelenorAuthBuilder::idle_timeout), it ends after that time without
    ///   another request. A page that only listens can send a request from time to time while its
    ///   user is there. With a [`CookieStore`](crate::session::CookieStore), the requests count
    ///   that this process has seen while something waited.
    /// - **Cost.** One task for each layer, which its clones share, asks the store about all
    ///   sessions that something waits for. It asks about each session once, for all its answers.
    ///   It runs while something waits. A store that fails is asked again, and ends nothing.
    ///
    /// The future borrows nothing, and once it is ready it stays ready. An `EventSource` connects
    /// again by itself. It then gets a 401 and stops, and the page can show a login button.
    ///
    /// ```
    /// use axum::{extract::WebSocketUpgrade, response::Response};
    /// use telenor_auth::TelenorUser;
    ///
    /// async fn echo(user: TelenorUser, upgrade: WebSocketUpgrade) -> Response {
    ///     upgrade.on_upgrade(async move |mut socket| {
    ///         let mut ended = user.ended();
    ///         loop {
    ///             tokio::select! {
    ///                 () = &mut ended => break,
    ///                 message = socket.recv() => {
    ///                     let Some(Ok(message)) = message else { break };
    ///                     if socket.send(message).await.is_err() {
    ///                         break;
    ///                     }
    ///                 }
    ///             }
    ///         }
    ///     })
    /// }
    /// ```
    ///
    /// An event stream ends with its session by `take_until` of the crate `futures-util`:
    ///
    /// ```
    /// use std::{convert::Infallible, time::Duration};
    /// use axum::response::sse::{Event, Sse};
    /// use futures_util::{Stream, StreamExt, stream};
    /// use telenor_auth::TelenorUser;
    ///
    /// async fn ticks(user: TelenorUser) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    ///     let ticks = stream::unfold(0, async |tick: u32| {
    ///         tokio::time::sleep(Duration::from_secs(1)).await;
    ///         Some((Ok(Event::default().data(tick.to_string())), tick + 1))
    ///     });
    ///     Sse::new(ticks.take_until(user.ended()))
    /// }
    /// ```
    ///
    /// The example `websocket` shows both in a browser.
    #[must_use = "a future does nothing until it is awaited"]
    pub fn ended(&self) -> SessionEnded {
        let ended = self.backend().ended(self.current());
        SessionEnded(Some(ended))
    }

    /// The session as it is now, for a call with its token.
    pub(super) async fn confirmed(&self) -> Result<CurrentSession, ApiError> {
        let current = self.current();
        let confirmed = self.backend().confirm(current, self.seen_at()).await;
        match confirmed {
            Ok(session) => Ok(CurrentSession {
                session,
                ..current.clone()
            }),
            Err(unconfirmed) => Err(ApiError::unconfirmed(unconfirmed, self)),
        }
    }
}

/// The future of [`TelenorUser::ended`]. It is ready when the user's session has ended.
#[must_use = "a future does nothing until it is awaited"]
pub struct SessionEnded(Option<BoxFuture<'static, ()>>);

impl Future for SessionEnded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let ended = self.0.as_mut();
        if ended.is_some_and(|ended| ended.as_mut().poll(cx).is_pending()) {
            return Poll::Pending;
        }
        self.0 = None;
        Poll::Ready(())
    }
}

impl fmt::Debug for SessionEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEnded").finish_non_exhaustive()
    }
}
