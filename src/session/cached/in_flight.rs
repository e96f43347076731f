//! One look-up in flight, and all callers that wait for it.

use tokio::{
    sync::watch::{self, Receiver},
    time::Instant,
};

use super::target::Target;
use crate::{
    session::{Session, SessionId, StoreError, SubjectId},
    sync::{Mutex, lock},
};

pub(super) type Answer = Result<Option<Session>, StoreError>;

/// Answered once: by the store, or before that by the end of the session.
pub(super) struct InFlight {
    answer: watch::Sender<Option<Answer>>,
    /// What was changed or ended since the store was asked.
    invalidated: Mutex<Vec<Target>>,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self {
            answer: watch::Sender::new(None),
            invalidated: Mutex::default(),
        }
    }

    pub(super) fn follow(&self) -> Follower {
        Follower(self.answer.subscribe())
    }

    /// Notes that the store is asked now. Its answer holds as of then.
    pub(super) fn restart(&self) -> Instant {
        lock(&self.invalidated).clear();
        Instant::now()
    }

    /// Has the store asked again, if its answer is about this.
    pub(super) fn invalidate(&self, target: Target) {
        let mut invalidated = lock(&self.invalidated);
        if !invalidated.contains(&target) {
            invalidated.push(target);
        }
    }

    pub(super) fn is_invalidated(&self, id: SessionId, subject: Option<SubjectId>) -> bool {
        let invalidated = lock(&self.invalidated);
        invalidated.iter().any(|target| target.covers(id, subject))
    }

    /// Hands the answer to all callers that wait. The first answer counts.
    pub(super) fn complete(&self, answer: Answer) {
        self.answer.send_if_modified(|known| {
            let is_first = known.is_none();
            if is_first {
                *known = Some(answer);
            }
            is_first
        });
    }

    pub(super) fn is_watched(&self) -> bool {
        self.answer.receiver_count() > 0
    }

    /// Waits until no caller waits.
    pub(super) async fn unwatched(&self) {
        self.answer.closed().await;
    }
}

/// A caller that waits for the answer.
pub(super) struct Follower(Receiver<Option<Answer>>);

impl Follower {
    pub(super) async fn answer(mut self) -> Answer {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| answer.clone());
        answer.unwrap_or_else(given_up)
    }
}

pub(super) fn given_up() -> Answer {
    Err(StoreError::new("the look-up of a session was given up"))
}
