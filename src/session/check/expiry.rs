//! A session expires by the time that is handed in.

use std::time::Duration;

use super::{
    checked::{A_MOMENT, Checked, LIFETIME, next},
    rule::{Found, Rule},
};
use crate::session::{Session, SessionStore};

const SECOND: Duration = Duration::from_secs(1);
const TEXT: &str = "a session expires by the time that is handed in, and by no other clock";

pub(super) async fn expired_session_is_not_loaded<Store: SessionStore>(store: &Checked<Store>) {
    let expired = Session::new("expired", store.now - SECOND);
    // A store may refuse to save it.
    if let Ok(token) = store.store().save(expired, store.now).await {
        let rule = Rule::of("load", "an expired session is not loaded");
        rule.no_session(&store.load(&token).await);
    }
}

pub(super) async fn expiry_goes_by_the_time_that_is_handed_in<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let saved = store.save_new("short").await;
    // The end of a session is in whole seconds.
    let (before, after) = (store.later(LIFETIME - A_MOMENT), store.later(LIFETIME));
    Rule::of("load", TEXT).session(&saved.session, &before.load(&saved.token).await);
    Rule::of("load", TEXT).no_session(&after.load(&saved.token).await);
    Rule::of("load_fresh", TEXT).no_session(&after.load_fresh(&saved.token).await);
}

pub(super) async fn expired_session_is_not_updated<Store: SessionStore>(store: &Checked<Store>) {
    let saved = store.save_new("short").await;
    let after = store.later(LIFETIME);
    let updated = after
        .update(&saved.token, &next(&saved.session, "later"))
        .await;
    Rule::of("update", "an expired session is not updated").no_token(updated);
}

/// A server deletes what has expired by its own clock. What a store has at hand it must judge by
/// the time that is handed in.
pub(super) async fn session_at_hand_does_not_expire_by_another_clock<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let past = store.at(store.now - LIFETIME - LIFETIME);
    let session = past.session("past");
    let Ok(token) = past.store().save(session.clone(), past.now).await else {
        return;
    };
    if let Some(at_hand) = past.store().try_load(&token, past.now) {
        let rule = Rule::of("try_load", TEXT);
        let found = Found {
            method: "try_load",
            session: rule.ok(at_hand),
        };
        rule.session(&session, &found);
        Rule::of("load", TEXT).session(&session, &past.load(&token).await);
    }
}
