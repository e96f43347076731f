//! What is saved is found again, by its own token and by no other.

use std::time::{Duration, SystemTime};

use super::{at_once, find, is_whole, keep, load, next, remove, replace, save, session};
use crate::session::{Session, SessionStore, SessionToken};

pub(super) async fn what_is_saved_is_loaded<Store: SessionStore>(store: &Store) {
    let whole = next(&session("whole"), "whole");
    let token = keep(store, &whole).await;
    let loaded = find(store, &token)
        .await
        .expect("a saved session is loaded");
    assert!(is_whole(&loaded, &whole), "the whole session is kept");
}

pub(super) async fn tokens_are_long_and_never_the_same<Store: SessionStore>(store: &Store) {
    let same = session("same");
    let mut tokens = Vec::new();
    for _ in 0..100 {
        let token = keep(store, &same).await;
        let value = token.secret().to_owned();
        assert!(value.len() >= 22, "a token holds at least 128 bits");
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        assert!(
            value.bytes().all(safe),
            "a token passes through a cookie unchanged"
        );
        assert!(
            !tokens.contains(&value),
            "no two sessions have the same token"
        );
        tokens.push(value);
    }
}

pub(super) async fn clones_share_their_sessions<Store: SessionStore>(store: &Store) {
    let first = session("shared");
    let token = keep(&store.clone(), &first).await;
    assert!(
        load(store, &token).await.is_some(),
        "clones share their sessions"
    );
    let replaced = replace(&store.clone(), &token, &next(&first, "shared later")).await;
    let token = replaced.expect("clones share what can be replaced");
    assert_eq!(
        load(store, &token).await.as_deref(),
        Some("shared later"),
        "clones share what was replaced"
    );
    remove(&store.clone(), &token).await;
    assert!(
        load(store, &token).await.is_none(),
        "clones share what was removed"
    );
}

pub(super) async fn expired_session_is_not_loaded<Store: SessionStore>(store: &Store) {
    let expired = Session::new("expired", SystemTime::now() - Duration::from_secs(1));
    // Refusing to save it is as good as never handing it out.
    if let Ok(token) = store.save(expired).await {
        assert!(
            load(store, &token).await.is_none(),
            "an expired session is not loaded"
        );
    }
}

pub(super) async fn foreign_tokens_are_unknown_and_no_error<Store: SessionStore>(store: &Store) {
    let token = save(store, "known").await;
    let known = token.secret();
    let long = "a".repeat(4000);
    let altered = format!(
        "{}{}",
        &known[..known.len() - 1],
        if known.ends_with('A') { 'B' } else { 'A' }
    );
    for foreign in [
        "",
        "-",
        "*",
        "' OR 1=1 --",
        "\r\nDEL x",
        &long,
        &altered,
        &known[1..],
    ] {
        let foreign = SessionToken::new(foreign);
        assert!(
            find(store, &foreign).await.is_none(),
            "a token that the store did not make is unknown"
        );
        let later = next(&session("foreign"), "foreign later");
        assert!(
            replace(store, &foreign, &later).await.is_none(),
            "a token that the store did not make replaces nothing"
        );
        remove(store, &foreign).await;
    }
    assert!(
        load(store, &token).await.is_some(),
        "a foreign token removes nothing"
    );
}

pub(super) async fn parallel_use_mixes_nothing_up<Store: SessionStore>(store: &Store) {
    let uses = (0..50).map(|number| {
        let store = store.clone();
        async move {
            let name = format!("parallel {number}");
            let token = save(&store, &name).await;
            (load(&store, &token).await, name)
        }
    });
    for (loaded, name) in at_once(uses).await {
        assert_eq!(
            loaded,
            Some(name),
            "sessions saved at the same time are kept apart"
        );
    }
}
