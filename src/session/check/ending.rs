//! A session that was ended is gone for good, and no other with it.

use std::time::SystemTime;

use super::{
    checked::{A_MOMENT, Checked, at_once, next},
    rule::Rule,
};
use crate::session::{SessionStore, SessionToken};

const ROUNDS: usize = 50;
const REMOVED: Rule = Rule::of("remove", "a removed session is gone");
const REVOKED: Rule = Rule::of("revoke", "a revoked session is gone");
const ALL_REVOKED: Rule = Rule::of("revoke_all", "every session that was saved before is gone");
const NOT_REVIVED: Rule = Rule::of("update", "a session that was ended does not come back");

pub(super) async fn removed_session_is_gone_and_no_other<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let (first, second) = (
        store.save_new("first").await,
        store.save_new("second").await,
    );
    // Once more, as a browser may send its logout twice.
    for _ in 0..2 {
        store.remove(&first.token).await;
        REMOVED.no_session(&store.load(&first.token).await);
        REMOVED.no_session(&store.load_fresh(&first.token).await);
    }
    let no_other = Rule::of("remove", "no other session is gone");
    no_other.session(&second.session, &store.load(&second.token).await);
}

pub(super) async fn revoked_session_is_gone_and_no_other<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let (first, second) = (
        store.save_new("first").await,
        store.save_new("second").await,
    );
    store.revoke(SessionToken::random().id()).await;
    let unknown = Rule::of("revoke", "an unknown id ends no session");
    unknown.session(&first.session, &store.load(&first.token).await);
    for _ in 0..2 {
        store.revoke(store.id(&first)).await;
        REVOKED.no_session(&store.load(&first.token).await);
        REVOKED.no_session(&store.load_fresh(&first.token).await);
    }
    let no_other = Rule::of("revoke", "no other session is gone");
    no_other.session(&second.session, &store.load(&second.token).await);
}

pub(super) async fn ended_session_does_not_come_back_by_an_update<Store: SessionStore>(
    store: &Checked<Store>,
) {
    for revoked in [false, true] {
        let first = store.save_new("first").await;
        if revoked {
            store.revoke(store.id(&first)).await;
        } else {
            store.remove(&first.token).await;
        }
        let later = next(&first.session, "later");
        NOT_REVIVED.no_token(store.update(&first.token, &later).await);
        NOT_REVIVED.no_session(&store.load(&first.token).await);
    }
    // Where the token changes, a browser may hold either of them.
    for by_the_old in [false, true] {
        let old = store.save_new("first").await;
        let new = store.update_to(&old, "later").await;
        store
            .remove(if by_the_old { &old.token } else { &new.token })
            .await;
        REMOVED.no_session(&store.load(&old.token).await);
        REMOVED.no_session(&store.load(&new.token).await);
    }
}

/// A logout while another request is noted.
pub(super) async fn removal_wins_over_an_update<Store: SessionStore>(store: &Checked<Store>) {
    let mut tokens = Vec::new();
    let mut tasks = Vec::new();
    for round in 0..ROUNDS {
        let first = store.save_new("first").await;
        // Each is begun first every other time.
        for removes in [round % 2 == 0, round % 2 != 0] {
            let (store, first) = (store.clone(), first.clone());
            tasks.push(async move {
                if removes {
                    store.remove(&first.token).await;
                    return None;
                }
                let later = next(&first.session, "later");
                store.update(&first.token, &later).await
            });
        }
        tokens.push(first.token);
    }
    tokens.extend(at_once(tasks).await.into_iter().flatten());
    let text = "a session that is removed and updated at the same time is gone";
    for token in tokens {
        Rule::of("update", text).no_session(&store.load(&token).await);
    }
}

pub(super) async fn id_names_one_session_as_long_as_it_lasts<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let (first, other) = (store.save_new("first").await, store.save_new("other").await);
    let id = store.id(&first);
    let differs = |rule: Rule| rule.is_broken("one id", "two");
    if Store::STABLE_TOKEN && id != first.token.id() {
        differs(Rule::of(
            "id",
            "it is the token's id, unless the token changes",
        ));
    }
    if id == store.id(&other) {
        let rule = Rule::of("id", "no two sessions have the same id");
        rule.is_broken("two ids", "one");
    }
    let later = store.update_to(&first, "later").await;
    if id != store.id(&later) {
        differs(Rule::of(
            "id",
            "it stays the same when the session is updated",
        ));
    }
    store.revoke(id).await;
    let updated = Rule::of(
        "revoke",
        "an updated session is known by the id it had before",
    );
    updated.no_session(&store.load(&later.token).await);
}

pub(super) async fn revoking_all_ends_what_was_saved_before<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let saved = [store.save_new("first").await, store.save_new("other").await];
    // A store may go by its server's clock.
    let now = store.at(SystemTime::now());
    now.revoke_all().await;
    for saved in &saved {
        ALL_REVOKED.no_session(&now.load(&saved.token).await);
        ALL_REVOKED.no_session(&now.load_fresh(&saved.token).await);
    }
    let [first, other] = saved;
    let later = next(&first.session, "later");
    NOT_REVIVED.no_token(now.update(&first.token, &later).await);
    let later = now.later(A_MOMENT);
    let new = later.save_new("new").await;
    let spared = Rule::of("revoke_all", "a session that is saved afterwards lives");
    spared.session(&new.session, &later.load(&new.token).await);

    let sessions = [("first", &first), ("other", &other), ("new", &new)];
    let ended = later.find_ended(&sessions).await;
    let rule = Rule::of(
        "find_ended",
        "it names every session after all were revoked",
    );
    rule.equal(&vec!["first", "other"], &ended);
}
