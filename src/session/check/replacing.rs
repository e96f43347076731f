//! A later state of a session takes the place of the one before it, and of no other.

use super::{at_once, find, is_whole, keep, load, next, replace, session};
use crate::session::SessionStore;

const AT_ONCE: usize = 20;

pub(super) async fn later_state_takes_the_place_of_the_one_before<Store: SessionStore>(
    store: &Store,
) {
    let mut state = session("state 0");
    let mut token = keep(store, &state).await;
    for number in 1..=3 {
        let later = next(&state, &format!("state {number}"));
        let replaced = replace(store, &token, &later).await;
        let replaced = replaced.expect("a session is replaced by the state that comes next");
        if Store::STABLE_TOKEN {
            assert!(
                replaced == token,
                "the token stays the same, as STABLE_TOKEN says"
            );
        }
        let reloaded = store.reload(&replaced).await;
        let reloaded = reloaded.expect("looking up a token is no error");
        assert!(
            reloaded.is_some_and(|reloaded| is_whole(&reloaded, &later)),
            "what is reloaded is the state at this moment"
        );
        let loaded = find(store, &replaced).await;
        let loaded = loaded.expect("a replaced session is loaded by the token that came of it");
        assert!(
            is_whole(&loaded, &later),
            "the whole of the later state is kept"
        );
        (state, token) = (later, replaced);
    }
}

pub(super) async fn state_that_does_not_come_next_changes_nothing<Store: SessionStore>(
    store: &Store,
) {
    let first = session("first");
    let token = keep(store, &first).await;
    let second = next(&first, "second");
    for wrong in [&first, &next(&second, "two ahead")] {
        assert!(
            replace(store, &token, wrong).await.is_none(),
            "a state of the same version, or two ahead, replaces nothing"
        );
    }
    let loaded = load(store, &token).await;
    assert_eq!(
        loaded.as_deref(),
        Some("first"),
        "what is not replaced stays as it is"
    );
    let token = replace(store, &token, &second).await;
    let token = token.expect("a session is replaced by the state that comes next");
    for wrong in [&first, &next(&first, "another second")] {
        assert!(
            replace(store, &token, wrong).await.is_none(),
            "a state that was overtaken replaces nothing"
        );
    }
    let loaded = load(store, &token).await;
    assert_eq!(
        loaded.as_deref(),
        Some("second"),
        "what is not replaced stays as it is"
    );
}

/// A store whose token holds the session keeps no state that somebody else could have replaced.
pub(super) async fn one_of_many_is_the_first_to_replace<Store: SessionStore>(store: &Store) {
    if !Store::STABLE_TOKEN {
        return;
    }
    let first = session("first");
    let token = keep(store, &first).await;
    let replaces = (0..AT_ONCE).map(|number| {
        let (store, token) = (store.clone(), token.clone());
        let name = format!("replaced by {number}");
        let later = next(&first, &name);
        async move { replace(&store, &token, &later).await.map(|_| name) }
    });
    let won: Vec<_> = at_once(replaces).await.into_iter().flatten().collect();
    assert_eq!(
        won.len(),
        1,
        "of many who replace the same state one wins, and only one"
    );
    assert_eq!(
        load(store, &token).await.as_ref(),
        won.first(),
        "the session is what the one who won made of it"
    );
}
