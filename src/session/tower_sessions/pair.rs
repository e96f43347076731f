//! What is kept of a session: a record of its own, and one of its state.
//!
//! A store of this family cannot replace a record on a condition, and saving one that was deleted brings it back, or fails. So a session's
//! own record is created once and never saved again: where it is gone, the session is. What changes while the session lasts is
//! in the record of its state, which is worth nothing without the other.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    super::{Record, Session, SessionId, SessionToken, StoreError},
    TowerSessionsStore,
    table::id_of,
};

const TRIES: u32 = 5;

/// A session's own record.
#[derive(Serialize, Deserialize)]
struct Own {
    generation: String,
    /// Unless it changes while it lasts: then it is in the record of its state.
    session: Option<Record>,
}

impl TowerSessionsStore {
    /// What [`SessionStore::save`] does.
    pub(super) async fn keep(
        &self,
        session: &Session,
    ) -> Result<SessionToken<'static>, StoreError> {
        let generation = self.generation.for_login(&self.table, &self.clock).await?;
        let until = session.record().expires_at;
        let changes = session.is_renewable();
        let own = Own {
            generation: generation.as_ref().into(),
            session: (!changes).then(|| session.record().clone()),
        };
        for _ in 0..TRIES {
            let token = SessionToken::random();
            let (id, state) = (token.id(), state_of(token.id()));
            if changes {
                let sealed = self.seal(state, session.record());
                if !self.table.create(state, sealed, until).await? {
                    continue;
                }
            }
            // Last, so that a session without its state is one that was ended.
            if self.table.create(id, self.seal(id, &own), until).await? {
                return Ok(token);
            }
            if changes {
                self.table.delete(state).await?;
            }
        }
        Err(StoreError::new(
            "the store gives every record another id than it was told",
        ))
    }

    pub(super) async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let Some(own) = self.own(id).await? else {
            return Ok(None);
        };
        // A state that is missing was deleted along with its session a moment ago, or dropped: then the session is over as well, as
        // nobody knows what has become of it.
        let session = match own.session {
            Some(record) => Some(Session::of(record)),
            None => self.state(id).await?,
        };
        let now = self.clock.seconds();
        Ok(session.filter(|session| session.is_live(now)))
    }

    /// The session's own record, as long as the session was not ended.
    async fn own(&self, id: SessionId) -> Result<Option<Own>, StoreError> {
        let Some(own) = self.open::<Own>(id).await? else {
            return Ok(None);
        };
        let counts = self.generation.is(&self.table, &own.generation).await?;
        Ok(counts.then_some(own))
    }

    async fn state(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let state = self.open(state_of(id)).await?;
        Ok(state.map(Session::of))
    }

    async fn open<T: DeserializeOwned>(&self, id: SessionId) -> Result<Option<T>, StoreError> {
        let sealed = self.table.load(id).await?;
        Ok(sealed.and_then(|sealed| self.sealer.open(&id.to_string(), sealed.as_bytes())))
    }

    fn seal<T: Serialize>(&self, id: SessionId, value: &T) -> String {
        self.sealer.seal(&id.to_string(), value)
    }

    /// What [`SessionStore::replace`] does, for whoever is alone with the session.
    pub(super) async fn replace_alone(
        &self,
        id: SessionId,
        new: &Session,
    ) -> Result<bool, StoreError> {
        if !self.comes_before(id, new).await? {
            return Ok(false);
        }
        let state = state_of(id);
        let sealed = self.seal(state, new.record());
        if let Err(error) = self
            .table
            .save(state, sealed, new.record().expires_at)
            .await
        {
            // Redis says so when there is nothing left to save over.
            return match self.state(id).await? {
                Some(_) => Err(error),
                None => Ok(false),
            };
        }
        // Ended meanwhile? Then others made the state anew.
        let ended = self.own(id).await?.is_none();
        if ended {
            self.table.delete(state).await?;
        }
        Ok(!ended)
    }

    pub(super) async fn comes_before(
        &self,
        id: SessionId,
        new: &Session,
    ) -> Result<bool, StoreError> {
        let known = self.state(id).await?;
        Ok(known.is_some_and(|known| known.comes_before(new)))
    }

    pub(super) async fn end(&self, id: SessionId) -> Result<(), StoreError> {
        self.table.delete(id).await?;
        // By now the session is over, whatever comes of this.
        let _ = self.table.delete(state_of(id)).await;
        Ok(())
    }
}

fn state_of(id: SessionId) -> SessionId {
    id_of("state", &id.to_string())
}
