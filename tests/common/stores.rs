//! A store to put around others: it gives up waiting.

use std::{
    pin::Pin,
    time::{Duration, SystemTime},
};

use telenor_auth::session::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};
use tokio::time::timeout;

type Load = Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>;

const DEADLINE: Duration = Duration::from_secs(1);

/// Gives up after a second, as a store behind a network does.
#[derive(Clone)]
pub struct Deadline<S>(pub S);

async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = timeout(DEADLINE, answer).await;
    answer.unwrap_or_else(|_| Err(StoreError::new("no answer")))
}

impl<S: SessionStore> SessionStore for Deadline<S> {
    type Load = Load;

    const KEEPS_TOKEN: bool = S::KEEPS_TOKEN;

    fn load(&self, token: &SessionToken<'_>) -> Load {
        Box::pin(within(self.0.load(token)))
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        within(self.0.save(session)).await
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        within(self.0.replace(token, new)).await
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        within(self.0.remove(token)).await
    }

    async fn revoke(&self, id: SessionId, until: SystemTime) -> Result<(), StoreError> {
        within(self.0.revoke(id, until)).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        within(self.0.revoke_all()).await
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        within(self.0.claim(name, ttl)).await
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        within(self.0.release(name)).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        within(self.0.settle(name, result, ttl)).await
    }
}
