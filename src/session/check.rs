//! Does a store keep the rules?

use std::time::{Duration, SystemTime};

use super::{Session, SessionStore, SessionToken};

/// Tries a store against the rules that the layer builds on; for the tests of whoever writes one.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use telenor_auth::session::{MemoryStore, check_store};
///
/// check_store(MemoryStore::new()).await;
/// # }
/// ```
///
/// # Panics
///
/// On the first rule that the store breaks, with the rule as the message.
pub async fn check_store<Store: SessionStore>(store: Store) {
    what_is_saved_is_loaded(&store).await;
    tokens_are_long_and_never_the_same(&store).await;
    clones_share_their_sessions(&store).await;
    removed_session_is_gone_and_no_other(&store).await;
    expired_session_is_not_loaded(&store).await;
    foreign_tokens_are_unknown_and_no_error(&store).await;
    parallel_use_mixes_nothing_up(&store).await;
}

fn session(access_token: &str) -> Session {
    Session::new(access_token, SystemTime::now() + Duration::from_secs(600))
}

async fn save<Store: SessionStore>(store: &Store, access_token: &str) -> SessionToken<'static> {
    let saved = store.save(session(access_token)).await;
    saved.expect("a session can be saved")
}

async fn load<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> Option<String> {
    let loaded = store.load(token).await;
    let session = loaded.expect("looking up a token is no error");
    session.map(|session| session.access_token().secret().to_owned())
}

async fn what_is_saved_is_loaded<Store: SessionStore>(store: &Store) {
    let whole = session("whole");
    let token = store
        .save(whole.clone())
        .await
        .expect("a session can be saved");
    let loaded = store
        .load(&token)
        .await
        .expect("looking up a token is no error");
    let loaded = loaded.expect("a saved session is loaded");
    assert_eq!(
        loaded.access_token().secret(),
        "whole",
        "the access token is kept"
    );
    assert_eq!(
        loaded.expires_at(),
        whole.expires_at(),
        "the end of the session is kept"
    );
    assert_eq!(loaded.scope(), whole.scope(), "the scope is kept");
}

async fn tokens_are_long_and_never_the_same<Store: SessionStore>(store: &Store) {
    let same = session("same");
    let mut tokens = Vec::new();
    for _ in 0..100 {
        let token = store
            .save(same.clone())
            .await
            .expect("a session can be saved");
        let value = token.expose().to_owned();
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

async fn clones_share_their_sessions<Store: SessionStore>(store: &Store) {
    let token = save(&store.clone(), "shared").await;
    assert!(
        load(store, &token).await.is_some(),
        "clones share their sessions"
    );
    store
        .clone()
        .remove(&token)
        .await
        .expect("a session can be removed");
    assert!(
        load(store, &token).await.is_none(),
        "clones share what was removed"
    );
}

async fn removed_session_is_gone_and_no_other<Store: SessionStore>(store: &Store) {
    let (first, second) = (save(store, "first").await, save(store, "second").await);
    store
        .remove(&first)
        .await
        .expect("a session can be removed");
    assert!(
        load(store, &first).await.is_none(),
        "a removed session is gone"
    );
    store
        .remove(&first)
        .await
        .expect("removing twice is no error");
    let other = load(store, &second).await;
    assert_eq!(
        other.as_deref(),
        Some("second"),
        "only the removed session is gone"
    );
}

async fn expired_session_is_not_loaded<Store: SessionStore>(store: &Store) {
    let expired = Session::new("expired", SystemTime::now() - Duration::from_secs(1));
    // Refusing to save it is as good as never handing it out.
    if let Ok(token) = store.save(expired).await {
        assert!(
            load(store, &token).await.is_none(),
            "an expired session is not loaded"
        );
    }
}

async fn foreign_tokens_are_unknown_and_no_error<Store: SessionStore>(store: &Store) {
    let token = save(store, "known").await;
    let known = token.expose();
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
        let found = load(store, &SessionToken::new(foreign)).await;
        assert!(
            found.is_none(),
            "a token that the store did not make is unknown"
        );
        let removed = store.remove(&SessionToken::new(foreign)).await;
        removed.expect("removing an unknown token is no error");
    }
    assert!(
        load(store, &token).await.is_some(),
        "a foreign token removes nothing"
    );
}

async fn parallel_use_mixes_nothing_up<Store: SessionStore>(store: &Store) {
    let mut tasks = Vec::new();
    for number in 0..50 {
        let store = store.clone();
        tasks.push(async move {
            let name = format!("parallel {number}");
            let token = save(&store, &name).await;
            (name, load(&store, &token).await)
        });
    }
    for (name, loaded) in join_all(tasks).await {
        assert_eq!(
            loaded,
            Some(name),
            "sessions saved at the same time are kept apart"
        );
    }
}

/// Polls all of them in turn, so that they overlap wherever the store waits.
async fn join_all<F: Future>(tasks: Vec<F>) -> Vec<F::Output> {
    let mut tasks: Vec<_> = tasks.into_iter().map(Box::pin).map(Some).collect();
    let mut done: Vec<_> = tasks.iter().map(|_| None).collect();
    std::future::poll_fn(move |cx| {
        for (task, done) in tasks.iter_mut().zip(&mut done) {
            if let Some(running) = task
                && let std::task::Poll::Ready(output) = running.as_mut().poll(cx)
            {
                *done = Some(output);
                *task = None;
            }
        }
        if tasks.iter().any(Option::is_some) {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(done.drain(..).flatten().collect())
    })
    .await
}
