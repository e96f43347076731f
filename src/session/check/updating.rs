//! A later state of a session takes the place of the one before it, and of no other.

use super::{
    checked::{Checked, Saved, at_once, next},
    rule::Rule,
};
use crate::session::{Session, SessionStore};

const CONCURRENT: usize = 20;

pub(super) async fn later_state_takes_the_place_of_the_one_before<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let mut state = store.save_new("state 0").await;
    for number in 1..=3 {
        let later = store.update_to(&state, &format!("state {number}")).await;
        if Store::STABLE_TOKEN && later.token != state.token {
            let rule = Rule::of("update", "the token stays the same, as STABLE_TOKEN says");
            rule.is_broken("Some(same token)", "Some(other token)");
        }
        let fresh = Rule::of("load_fresh", "it returns the state at this moment");
        fresh.session(&later.session, &store.load_fresh(&later.token).await);
        let whole = Rule::of("update", "the whole of the later state is kept");
        whole.session(&later.session, &store.load(&later.token).await);
        state = later;
    }
}

pub(super) async fn state_that_does_not_come_next_changes_nothing<Store: SessionStore>(
    store: &Checked<Store>,
) {
    let first = store.save_new("first").await;
    let two_ahead = next(&next(&first.session, "second"), "two ahead");
    let not_next = "a state of the same version, or two ahead, is not taken";
    refuses(store, &first, &first.session, not_next).await;
    refuses(store, &first, &two_ahead, not_next).await;

    let second = store.update_to(&first, "second").await;
    let overtaken = "a state that was overtaken is not taken";
    refuses(store, &second, &first.session, overtaken).await;
    let another = next(&first.session, "another second");
    refuses(store, &second, &another, overtaken).await;
}

async fn refuses<Store: SessionStore>(
    store: &Checked<Store>,
    known: &Saved,
    new: &Session,
    text: &'static str,
) {
    let updated = store.update(&known.token, new).await;
    Rule::of("update", text).no_token(updated);
    let unchanged = Rule::of("update", "a session that is not updated stays as it is");
    unchanged.session(&known.session, &store.load(&known.token).await);
}

/// A store whose token holds the session keeps no state that another caller could have updated.
pub(super) async fn one_of_many_updates<Store: SessionStore>(store: &Checked<Store>) {
    if !Store::STABLE_TOKEN {
        return;
    }
    let first = store.save_new("first").await;
    let updates = (0..CONCURRENT).map(|number| {
        let (store, token) = (store.clone(), first.token.clone());
        let later = next(&first.session, &format!("updated by {number}"));
        async move { store.update(&token, &later).await.map(|_| later) }
    });
    let updated: Vec<_> = at_once(updates).await.into_iter().flatten().collect();
    let one = Rule::of("update", "of many who update the same state one succeeds");
    one.equal(&1, &updated.len());
    let kept = Rule::of(
        "update",
        "the session is what the one who succeeded made of it",
    );
    kept.session(&updated[0], &store.load(&first.token).await);
}
