//! The records of a session: its own, and one of its state.
//!
//! A store of this family cannot replace a record on a condition, and to save one that was deleted
//! brings it back, or fails. So a session's own record is created once and never saved again: where
//! it is gone, the session has ended. What changes during the session is in the record of its
//! state, which is worth nothing without the other.

use std::time::SystemTime;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    super::{Record, Session, SessionId, SessionToken, StoreError},
    TowerSessionsStore,
    subjects::SubjectEpoch,
    table::id_of,
};

const MAX_ATTEMPTS: u32 = 5;

/// A session's own record.
#[derive(Serialize, Deserialize)]
struct SessionRow {
    epoch: String,
    subject: Option<SubjectEpoch>,
    /// Where the session may be updated, it is in the record of its state.
    session: Option<Record>,
}

impl TowerSessionsStore {
    /// Keeps a session, as [`SessionStore::save`](crate::session::SessionStore::save) does.
    pub(super) async fn create(
        &self,
        session: &Session,
        now: SystemTime,
    ) -> Result<SessionToken, StoreError> {
        let epoch = self.epoch.for_login(&self.table, now).await?;
        let subject = self.subject_epoch(session).await?;
        let until = session.record().expires_at;
        let changes = session.is_renewable();
        let row = SessionRow {
            epoch: epoch.as_ref().into(),
            subject,
            session: (!changes).then(|| session.record().clone()),
        };
        for _ in 0..MAX_ATTEMPTS {
            let token = SessionToken::random();
            let (id, state) = (token.id(), state_of(token.id()));
            if changes {
                let sealed = self.seal(state, session.record());
                if !self.table.create(state, sealed, until).await? {
                    continue;
                }
            }
            // Last, so that a session without its state is one that was ended.
            if self.table.create(id, self.seal(id, &row), until).await? {
                return Ok(token);
            }
            if changes {
                self.table.delete(state).await?;
            }
        }
        Err(StoreError::new(
            "the store gives every record another id than it was asked for",
        ))
    }

    pub(super) async fn find(
        &self,
        id: SessionId,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let Some(row) = self.row(id).await? else {
            return Ok(None);
        };
        // A state that is missing was deleted with its session a moment ago, or was dropped by the
        // store. Then the session has ended as well, as its state is not known.
        let session = match row.session {
            Some(record) => Some(Session::of(record)),
            None => self.state(id).await?,
        };
        Ok(session.filter(|session| !session.is_expired_at(now)))
    }

    /// The session's own record, as long as the session has not ended.
    async fn row(&self, id: SessionId) -> Result<Option<SessionRow>, StoreError> {
        let Some(row) = self.open::<SessionRow>(id).await? else {
            return Ok(None);
        };
        if !self.epoch.is_current(&self.table, &row.epoch).await? {
            return Ok(None);
        }
        if let Some(subject) = &row.subject
            && !self.is_current_subject(subject).await?
        {
            return Ok(None);
        }
        Ok(Some(row))
    }

    async fn state(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let state = self.open(state_of(id)).await?;
        Ok(state.map(Session::of))
    }

    pub(super) async fn open<T: DeserializeOwned>(
        &self,
        id: SessionId,
    ) -> Result<Option<T>, StoreError> {
        let sealed = self.table.load(id).await?;
        Ok(sealed.and_then(|sealed| self.sealer.open(&id.to_string(), sealed.as_bytes())))
    }

    pub(super) fn seal<T: Serialize>(&self, id: SessionId, value: &T) -> String {
        self.sealer.seal(&id.to_string(), value)
    }

    /// Updates a session, for a caller that is alone with it.
    pub(super) async fn update_alone(
        &self,
        id: SessionId,
        new: &Session,
    ) -> Result<bool, StoreError> {
        if !self.accepts_update(id, new).await? {
            return Ok(false);
        }
        let state = state_of(id);
        let sealed = self.seal(state, new.record());
        if let Err(error) = self
            .table
            .save(state, sealed, new.record().expires_at)
            .await
        {
            // The Redis store fails when there is nothing left to save over.
            return match self.state(id).await? {
                Some(_) => Err(error),
                None => Ok(false),
            };
        }
        // Where the session ended in the meantime, this made its state again.
        let ended = self.row(id).await?.is_none();
        if ended {
            self.table.delete(state).await?;
        }
        Ok(!ended)
    }

    pub(super) async fn accepts_update(
        &self,
        id: SessionId,
        new: &Session,
    ) -> Result<bool, StoreError> {
        let known = self.state(id).await?;
        Ok(known.is_some_and(|known| known.accepts_update(new)))
    }

    pub(super) async fn end(&self, id: SessionId) -> Result<(), StoreError> {
        self.table.delete(id).await?;
        // The session has ended, whether or not this fails.
        let _ = self.table.delete(state_of(id)).await;
        Ok(())
    }
}

fn state_of(id: SessionId) -> SessionId {
    id_of("state", &id.to_string())
}
