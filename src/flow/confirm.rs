//! Whether the session of a user goes on, for an app that keeps the user beyond its request.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Flow;
use crate::{
    clock::unix_seconds,
    session::Session,
    session_refusal::SessionRefusal,
    user::{CurrentSession, Unconfirmed},
};

/// In seconds. The store is asked about a session that was seen longer ago. With the time for which
/// a [`CachedStore`](crate::session::CachedStore) keeps its answers by default, an end elsewhere is
/// noticed within 30 seconds.
const MAX_AGE: u64 = 25;

impl Flow {
    /// Returns the session as it is now. A session that was seen a moment ago costs no call to a
    /// store behind a network.
    pub(super) async fn confirm(
        &self,
        current: &CurrentSession,
        seen_at: &AtomicU64,
    ) -> Result<Session, Unconfirmed> {
        let (store, session) = (&self.store, &current.session);
        let now = self.config.clock.now();
        let seconds = unix_seconds(now);
        if session.has_expired(seconds) {
            return Err(Unconfirmed::Ended(SessionRefusal::Expired));
        }
        let seen = seen_at.load(Ordering::Relaxed);
        let is_fresh = seconds.abs_diff(seen) < MAX_AGE;
        let at_hand = is_fresh
            .then(|| store.try_load(&current.token, now))
            .flatten();
        let is_asked = at_hand.is_none();
        let loaded = match at_hand {
            Some(loaded) => loaded,
            None if is_fresh && !store.may_have_ended(store.id(&current.token, session), seen) => {
                return Ok(session.clone());
            }
            None => store.load_fresh(&current.token, now).await,
        };
        let latest = |session| store.latest(&current.token, session);
        let loaded = loaded.map(|session| session.map(latest));
        match self.judge(&current.token, loaded, seconds) {
            Ok(Ok(session)) => {
                // What a cache has at hand may be from before.
                if is_asked {
                    seen_at.store(seconds, Ordering::Relaxed);
                }
                Ok(session)
            }
            Ok(Err(refusal)) => Err(Unconfirmed::Ended(refusal)),
            Err(error) => {
                self.events.store_failed(&error);
                Err(Unconfirmed::StoreUnavailable)
            }
        }
    }
}
