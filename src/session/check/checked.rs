//! The store under test, with the time that the suite hands to it.

use std::{
    panic,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::rule::{Found, Rule};
use crate::{
    access_token::{AccessToken, RefreshToken},
    clock::unix_seconds,
    key::CookieKeys,
    session::{
        Leases, Record, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId,
        Tokens,
    },
};

/// How long a session of the suite lasts.
pub(super) const LIFETIME: Duration = Duration::from_secs(600);
/// A store may count whole seconds, of which this is safely a later one.
pub(super) const A_MOMENT: Duration = Duration::from_secs(2);

/// A store at one moment. Its methods are those of the store, for calls that must not fail.
pub(super) struct Checked<Store> {
    store: Arc<Store>,
    pub now: SystemTime,
}

/// A session that was saved.
#[derive(Clone)]
pub(super) struct Saved {
    pub token: SessionToken,
    pub session: Session,
}

impl<Store> Clone for Checked<Store> {
    fn clone(&self) -> Self {
        self.at(self.now)
    }
}

impl<Store> Checked<Store> {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store: Arc::new(store),
            now: SystemTime::now(),
        }
    }

    /// The same store at this time.
    pub(super) fn at(&self, now: SystemTime) -> Self {
        Self {
            store: Arc::clone(&self.store),
            now,
        }
    }

    pub(super) fn later(&self, by: Duration) -> Self {
        self.at(self.now + by)
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// A session that is issued now, with an access token that no other session has.
    pub(super) fn session(&self, access_token: &str) -> Session {
        let session = Session::new(access_token, self.now + LIFETIME);
        let now = unix_seconds(self.now);
        Session::of(Record {
            issued_at: now,
            active_at: now,
            ..session.record().clone()
        })
    }
}

impl<Store: SessionStore> Checked<Store> {
    pub(super) async fn save(&self, session: Session) -> Saved {
        let saved = self.store.save(session.clone(), self.now).await;
        let token = Rule::of("save", "a session can be saved").ok(saved);
        Saved { token, session }
    }

    pub(super) async fn save_new(&self, access_token: &str) -> Saved {
        self.save(self.session(access_token)).await
    }

    /// Looks at what is at hand as well: before, and after, as a cache fills in between.
    pub(super) async fn load(&self, token: &SessionToken) -> Found {
        let before = self.store.try_load(token, self.now);
        let session = looked_up("load", self.store.load(token, self.now).await).session;
        let after = self.store.try_load(token, self.now);
        for at_hand in [before, after].into_iter().flatten() {
            let at_hand = looked_up("try_load", at_hand);
            let rule = Rule::of("try_load", "it returns what `load` returns");
            match &session {
                Some(session) => rule.session(session, &at_hand),
                None => rule.no_session(&at_hand),
            }
        }
        let method = "load";
        Found { method, session }
    }

    pub(super) async fn load_fresh(&self, token: &SessionToken) -> Found {
        let session = self.store.load_fresh(token, self.now).await;
        looked_up("load_fresh", session)
    }

    pub(super) async fn update(&self, token: &SessionToken, new: &Session) -> Option<SessionToken> {
        let updated = self.store.update(token, new.clone(), self.now).await;
        let rule = Rule::of("update", "a session that is not updated is not an error");
        rule.ok(updated)
    }

    /// Puts the state that comes next in the place of this one.
    pub(super) async fn update_to(&self, before: &Saved, access_token: &str) -> Saved {
        let session = next(&before.session, access_token);
        let updated = self.update(&before.token, &session).await;
        let text = "a later state takes the place of the one before it";
        let token = Rule::of("update", text).token(updated);
        Saved { token, session }
    }

    pub(super) async fn remove(&self, token: &SessionToken) {
        let removed = self.store.remove(token, self.now).await;
        Rule::of("remove", "an unknown token is not an error").ok(removed);
    }

    pub(super) async fn revoke(&self, id: SessionId) {
        let revoked = self.store.revoke(id, self.until(), self.now).await;
        Rule::of("revoke", "an unknown id is not an error").ok(revoked);
    }

    pub(super) async fn revoke_subject(&self, subject: SubjectId) {
        let revoked = self.store.revoke_subject(subject, self.until(), self.now);
        let rule = Rule::of("revoke_subject", "an unknown subject is not an error");
        rule.ok(revoked.await);
    }

    pub(super) async fn revoke_all(&self) {
        let revoked = self.store.revoke_all(self.now).await;
        Rule::of("revoke_all", "all sessions can be revoked").ok(revoked);
    }

    /// The names of those that have ended, of sessions that have a name each.
    pub(super) async fn find_ended<'n>(&self, sessions: &[(&'n str, &Saved)]) -> Vec<&'n str> {
        let entry = |(_, saved): &(&str, &Saved)| (self.id(saved), saved.session.clone());
        let entries: Vec<_> = sessions.iter().map(entry).collect();
        let ended = self.store.find_ended(&entries, self.now).await;
        let rule = Rule::of("find_ended", "a session that has ended is not an error");
        self.names(&rule.ok(ended), sessions)
    }

    /// The names of these ids, in the order in which the sessions are listed.
    pub(super) fn names<'n>(
        &self,
        ids: &[SessionId],
        sessions: &[(&'n str, &Saved)],
    ) -> Vec<&'n str> {
        let place = |id| sessions.iter().position(|(_, saved)| self.id(saved) == id);
        let mut places: Vec<_> = ids.iter().map(|id| place(*id)).collect();
        places.sort_unstable();
        let name = |place: Option<usize>| place.map_or("another session", |at| sessions[at].0);
        places.into_iter().map(name).collect()
    }

    pub(super) fn id(&self, saved: &Saved) -> SessionId {
        self.store.id(&saved.token, &saved.session)
    }

    pub(super) fn leases(&self) -> Option<&dyn Leases> {
        self.store.leases()
    }

    /// When every session of the suite has expired.
    pub(super) fn until(&self) -> SystemTime {
        self.now + LIFETIME + A_MOMENT
    }
}

fn looked_up(method: &'static str, session: Result<Option<Session>, StoreError>) -> Found {
    let session = Rule::of(method, "a look-up is not an error").ok(session);
    Found { method, session }
}

/// The state after this one.
pub(super) fn next(session: &Session, access_token: &str) -> Session {
    session.refreshed(Tokens {
        access_token: AccessToken::new(access_token.to_owned()),
        refresh_token: Some(RefreshToken::new(format!("to refresh {access_token}"))),
        scope: Some("some scope".to_owned()),
        refresh_at: session.record().refresh_at - 100,
        expires_at: session.record().token_expires_at - 10,
    })
}

/// A subject that no store has seen.
pub(super) fn new_subject() -> SubjectId {
    SubjectId::new(&CookieKeys::random(), "customer 17")
}

/// Runs all of them at the same time, each in a task of its own.
pub(super) async fn at_once<F>(tasks: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in running {
        match task.await {
            Ok(output) => done.push(output),
            Err(error) => panic::resume_unwind(error.into_panic()),
        }
    }
    done
}
