//! Whoever looks a session up, for all who wait for it.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll};

use tokio::time::Instant;

use super::{
    cache::Cache,
    flight::{Flight, given_up},
};
use crate::session::{SessionId, SessionStore, SessionToken};

/// What a look-up owes to those who wait: an answer, also when it panics or its runtime ends.
pub(super) struct Landing {
    pub cache: Arc<Cache>,
    pub id: SessionId,
    pub flight: Arc<Flight>,
}

impl Landing {
    /// Looks up until there is an answer, or nobody who waits for it.
    pub(super) async fn fly<S: SessionStore>(self, store: S, token: SessionToken<'static>) {
        let Self { cache, id, flight } = &self;
        loop {
            let mut look_up = pin!(async {
                cache.settled().await;
                let begun = Instant::now();
                (begun, store.reload(&token).await)
            });
            let mut left = pin!(flight.answered.closed());
            let landed = poll_fn(|cx| match look_up.as_mut().poll(cx) {
                Poll::Ready(landed) => Poll::Ready(Some(landed)),
                Poll::Pending => left.as_mut().poll(cx).map(|()| None),
            });
            let over = match landed.await {
                Some((begun, answer)) => cache.land(*id, flight, begun, answer),
                None => cache.abandon(*id, flight),
            };
            if over {
                return;
            }
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.cache.detach(self.id, &self.flight);
        self.flight.answer(given_up());
    }
}
