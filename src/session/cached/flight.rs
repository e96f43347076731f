//! One look-up under way, and all who wait for it.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch::{self, Receiver};

use crate::session::{Session, StoreError};

pub(super) type Answer = Result<Option<Session>, StoreError>;

/// Answered once: by the look-up, or before by whoever knows better. Until then the cache has it, and no other for its session.
pub(super) struct Flight {
    pub(super) answered: watch::Sender<Option<Answer>>,
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

pub(super) fn given_up() -> Answer {
    Err(StoreError::new("the look-up of a session was given up"))
}
