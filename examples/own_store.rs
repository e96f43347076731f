//! A session store of the app's own, and the conformance suite that tries it.
//!
//! ```text
//! cargo run --example own_store --features mock
//! ```

#![allow(clippy::unwrap_used, reason = "only a panic breaks a lock")]

use std::{collections::HashMap, sync::Mutex, time::SystemTime};

use telenor_auth::{CookieKeys, session::*};

type Outcome<T> = Result<T, StoreError>;

/// Stands for a table of your database: a key, a column to look for, and the sealed session.
type Rows = HashMap<SessionId, (Option<SubjectId>, String)>;
struct Table(CookieKeys, Mutex<Rows>);

#[tokio::main]
async fn main() {
    // Panics with the first rule that is broken. In an app: `.session_store(Table(keys, rows))`.
    check_store(Table(CookieKeys::random(), Mutex::default())).await;
}

fn live(keys: &CookieKeys, rows: &Rows, id: SessionId, now: SystemTime) -> Option<Session> {
    let session = Session::open(keys, id, &rows.get(&id)?.1)?;
    (!session.is_expired_at(now)).then_some(session)
}

impl SessionStore for Table {
    async fn load(&self, token: &SessionToken, now: SystemTime) -> Outcome<Option<Session>> {
        Ok(live(&self.0, &self.1.lock().unwrap(), token.id(), now))
    }
    async fn save(&self, session: Session, _: SystemTime) -> Outcome<SessionToken> {
        let token = SessionToken::random();
        let row = (session.subject(), session.seal(&self.0, token.id()));
        self.1.lock().unwrap().insert(token.id(), row);
        Ok(token)
    }
    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Outcome<Option<SessionToken>> {
        let (mut rows, id) = (self.1.lock().unwrap(), token.id());
        let known = live(&self.0, &rows, id, now);
        if !known.is_some_and(|it| it.accepts_update(&new)) || new.is_expired_at(now) {
            return Ok(None);
        }
        rows.insert(id, (new.subject(), new.seal(&self.0, id)));
        Ok(Some(token.clone()))
    }
    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Outcome<()> {
        self.revoke(token.id(), now, now).await
    }
    async fn revoke(&self, id: SessionId, _: SystemTime, _: SystemTime) -> Outcome<()> {
        self.1.lock().unwrap().remove(&id);
        Ok(())
    }
    async fn revoke_subject(&self, of: SubjectId, _: SystemTime, _: SystemTime) -> Outcome<()> {
        (self.1.lock().unwrap()).retain(|_, (subject, _)| *subject != Some(of));
        Ok(())
    }
    async fn revoke_all(&self, _: SystemTime) -> Outcome<()> {
        self.1.lock().unwrap().clear();
        Ok(())
    }
    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Outcome<Vec<SessionId>> {
        let mut ended: Vec<_> = sessions.iter().map(|(id, _)| *id).collect();
        let rows = self.1.lock().unwrap();
        ended.retain(|id| live(&self.0, &rows, *id, now).is_none());
        Ok(ended)
    }
}
