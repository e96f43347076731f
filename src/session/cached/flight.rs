//! One look-up under way, and all who wait for it.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
};

use tokio::{
    sync::watch::{self, Receiver},
    time::Instant,
};

use super::cache::Cache;
use crate::session::{Session, SessionId, SessionStore, SessionToken, StoreError};

pub(super) type Answer = Result<Option<Session>, StoreError>;

/// Answered once: by the look-up, or before by whoever knows better. Until then the cache has it, and no other for its session.
pub(super) struct Flight {
    answered: watch::Sender<Option<Answer>>,
    overtaken: AtomicBool,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self {
            answered: watch::Sender::new(None),
            overtaken: AtomicBool::new(false),
        }
    }

    pub(super) fn join(&self) -> Waiter {
        Waiter(self.answered.subscribe())
    }

    pub(super) fn answer(&self, answer: Answer) {
        self.answered.send_if_modified(|answered| {
            let first = answered.is_none();
            if first {
                *answered = Some(answer);
            }
            first
        });
    }

    /// The session may have been changed since it was looked up: whoever waits shall have it as it is now.
    pub(super) fn overtake(&self) {
        self.overtaken.store(true, Ordering::SeqCst);
    }

    /// Whether to look up again.
    pub(super) fn is_overtaken(&self) -> bool {
        self.overtaken.swap(false, Ordering::SeqCst)
    }

    pub(super) fn is_awaited(&self) -> bool {
        self.answered.receiver_count() > 0
    }
}

/// Somebody who waits for the answer.
pub(super) struct Waiter(Receiver<Option<Answer>>);

impl Waiter {
    pub(super) async fn answer(mut self) -> Answer {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(given_up)
    }
}

fn given_up() -> Answer {
    Err(StoreError::new("the look-up of a session was given up"))
}

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
