//! The task that looks a session up, for all callers that wait for it.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::SystemTime};

use super::{
    cache::Cache,
    in_flight::{InFlight, given_up},
};
use crate::session::{SessionId, SessionStore, SessionToken};

/// Owes an answer to the callers that wait, also when the store panics or the runtime ends.
pub(super) struct Leader<S> {
    pub store: Arc<S>,
    pub cache: Arc<Cache>,
    pub id: SessionId,
    pub in_flight: Arc<InFlight>,
}

impl<S: SessionStore> Leader<S> {
    /// Asks the store until it has an answer that holds, or no caller waits.
    pub(super) async fn drive(self, token: SessionToken, now: SystemTime) {
        let mut subject = None;
        loop {
            let settled = self.cache.settled(subject);
            let mut look_up = pin!(async {
                settled.await;
                let asked_at = self.in_flight.restart();
                (asked_at, self.store.load_fresh(&token, now).await)
            });
            let mut unwatched = pin!(self.in_flight.unwatched());
            let answer = poll_fn(|cx| match look_up.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => unwatched.as_mut().poll(cx).map(|()| None),
            });
            match answer.await {
                Some((asked_at, answer)) => {
                    let completed = self
                        .cache
                        .complete(self.id, &self.in_flight, asked_at, answer);
                    let Err(invalidated) = completed else { return };
                    subject = invalidated.subject;
                }
                None if self.cache.cancel_if_unwatched(self.id, &self.in_flight) => return,
                None => {}
            }
        }
    }
}

impl<S> Drop for Leader<S> {
    fn drop(&mut self) {
        self.cache.remove_in_flight(self.id, &self.in_flight);
        self.in_flight.complete(given_up());
    }
}
