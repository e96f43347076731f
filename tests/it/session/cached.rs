//! A short memory in front of a store: how old it may be, how large, and that it brings nobody back.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use axum::Router;
use http::StatusCode;
use telenor_auth::{
    Clock, TelenorAuthBuilder,
    mock::{Endpoint, MockGateway},
    session::{
        CachedStore, Fault, FaultyStore, MemoryStore, Operation, Session, SessionStore,
        SessionToken, StoreError, check_store, check_store_faults,
    },
};
use tokio::{
    task::JoinHandle,
    time::{advance, timeout},
};

use crate::support::{
    self, App, Browser, builder,
    stores::{Blocking, Deadline},
};

const STALENESS: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(3_600);
const INSTANT: Duration = Duration::from_nanos(1);

type Inner = Blocking<FaultyStore<MemoryStore>>;

fn inner() -> Inner {
    Blocking::new(FaultyStore::new(MemoryStore::new()))
}

fn session() -> Session {
    Session::new("token", SystemTime::now() + Duration::from_secs(600))
}

fn later(session: &Session) -> Session {
    session.touched_at(SystemTime::now())
}

/// A cache, the store behind it, and a session that only the store knows.
async fn unseen() -> (CachedStore<Inner>, Inner, SessionToken<'static>) {
    let inner = inner();
    let token = inner.inner.save(session()).await.unwrap();
    (CachedStore::new(inner.clone()), inner, token)
}

async fn is_there<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> bool {
    store.load(token).await.unwrap().is_some()
}

async fn version<Store: SessionStore>(store: &Store, token: &SessionToken<'_>) -> Option<u32> {
    let session = store.load(token).await.unwrap();
    session.map(|session| session.version())
}

/// Somebody who asks, in a task.
fn asked<Store: SessionStore>(
    store: &Store,
    token: &SessionToken<'_>,
) -> JoinHandle<Result<Option<Session>, StoreError>> {
    tokio::spawn(store.load(token))
}

#[tokio::test]
async fn cache_keeps_the_rules_of_a_store() {
    let cached = || CachedStore::new(MemoryStore::new());
    check_store(cached()).await;
    check_store(cached().staleness(Duration::ZERO)).await;
    check_store(cached().staleness(LONG)).await;
    check_store(cached().capacity(0)).await;
    check_store(cached().capacity(1)).await;
    check_store(CachedStore::new(cached())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_keeps_the_rules_of_a_store_on_several_threads() {
    check_store(CachedStore::new(inner())).await;
}

#[tokio::test(start_paused = true)]
async fn cache_keeps_the_rules_in_front_of_a_slow_store() {
    let slow = FaultyStore::new(MemoryStore::new());
    slow.set(Fault::Slow);
    for staleness in [Duration::ZERO, STALENESS] {
        check_store(CachedStore::new(slow.clone()).staleness(staleness)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_is_not_hidden_by_its_cache() {
    for staleness in [Duration::ZERO, STALENESS, LONG] {
        let faulty = FaultyStore::new(MemoryStore::new());
        let store = CachedStore::new(Deadline(faulty.clone())).staleness(staleness);
        check_store_faults(store, async |fault| faulty.set(fault)).await;
    }
}

#[tokio::test]
async fn thousand_who_ask_at_once_make_one_look_up() {
    for staleness in [Duration::ZERO, STALENESS] {
        let (store, inner, token) = unseen().await;
        let store = store.staleness(staleness);
        inner.loads.shut();
        let asked: Vec<_> = (0..1_000).map(|_| asked(&store, &token)).collect();
        inner.loads.came(1).await;
        tokio::task::yield_now().await;
        inner.loads.open();
        for asked in asked {
            assert!(asked.await.unwrap().unwrap().is_some());
        }
        assert_eq!(inner.loads.count(), 1);
    }
}

#[tokio::test]
async fn who_asked_first_may_hang_up() {
    let (store, inner, token) = unseen().await;
    inner.loads.shut();
    let first = asked(&store, &token);
    inner.loads.came(1).await;
    let mut second = store.load(&token);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    inner.loads.open();
    assert!((&mut second).await.unwrap().is_some());
    assert_eq!(inner.loads.count(), 1);
}

#[tokio::test]
async fn look_up_that_nobody_waits_for_is_given_up() {
    let (store, inner, token) = unseen().await;
    inner.loads.shut();
    let asked = asked(&store, &token);
    inner.loads.came(1).await;
    let held = Arc::strong_count(&inner.loads);
    asked.abort();
    let given_up = async {
        while Arc::strong_count(&inner.loads) == held {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), given_up).await.unwrap();
    inner.loads.open();
    assert!(is_there(&store, &token).await, "and the next one asks anew");
}

#[tokio::test(start_paused = true)]
async fn answer_is_given_again_for_exactly_the_staleness() {
    let (store, inner, token) = unseen().await;
    assert!(is_there(&store, &token).await);
    inner.inner.remove(&token).await.unwrap();
    advance(STALENESS - INSTANT).await;
    assert!(is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), 1);
    advance(INSTANT).await;
    assert!(!is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn staleness_counts_from_when_the_store_was_asked() {
    let (store, inner, token) = unseen().await;
    inner.loads.shut();
    let asked = asked(&store, &token);
    inner.loads.came(1).await;
    advance(STALENESS - INSTANT).await;
    inner.loads.open();
    assert!(asked.await.unwrap().unwrap().is_some());
    assert!(is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), 1);
    advance(INSTANT).await;
    assert!(is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn token_that_is_none_is_asked_for_once_in_a_staleness() {
    let inner = inner();
    let store = CachedStore::new(inner.clone());
    let dead = SessionToken::random();
    for expected in 1..=3 {
        for _ in 0..50 {
            assert!(!is_there(&store, &dead).await);
        }
        assert_eq!(inner.loads.count(), expected);
        advance(STALENESS).await;
    }
}

#[tokio::test]
async fn made_up_tokens_push_no_session_out() {
    let (store, inner, token) = unseen().await;
    let store = store.capacity(16).staleness(LONG);
    assert!(is_there(&store, &token).await);
    for _ in 0..1_000 {
        assert!(!is_there(&store, &SessionToken::random()).await);
    }
    let before = inner.loads.count();
    assert!(is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), before);
}

#[tokio::test]
async fn remembered_session_ends_when_it_does() {
    let clock = Clock::manual();
    let inner = inner();
    let store = CachedStore::new(inner.clone())
        .staleness(LONG)
        .clock(clock.clone());
    let token = store.save(session()).await.unwrap();
    assert!(is_there(&store, &token).await);
    clock.advance(Duration::from_secs(600));
    assert!(!is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), 0, "it was remembered");
}

#[tokio::test]
async fn errors_are_told_to_all_who_wait_and_never_remembered() {
    let (store, inner, token) = unseen().await;
    inner.inner.set_for(Operation::Load, Fault::Error);
    inner.loads.shut();
    let asked: Vec<_> = (0..10).map(|_| asked(&store, &token)).collect();
    inner.loads.came(1).await;
    inner.loads.open();
    for asked in asked {
        let error = asked.await.unwrap().unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the store was told to fail");
    }
    inner.inner.set(Fault::None);
    assert!(is_there(&store, &token).await);
}

#[tokio::test]
async fn panic_in_the_store_is_an_error_for_all_who_wait_and_holds_nobody() {
    let (store, inner, token) = unseen().await;
    inner.loads.panics(true);
    let asked: Vec<_> = (0..10).map(|_| asked(&store, &token)).collect();
    for asked in asked {
        let answer = timeout(Duration::from_secs(10), asked).await;
        assert!(answer.unwrap().unwrap().is_err());
    }
    inner.loads.panics(false);
    assert!(is_there(&store, &token).await);
}

#[test]
fn without_a_runtime_it_is_an_error_and_no_panic() {
    let store = CachedStore::new(MemoryStore::new());
    let load = pin!(store.load(&SessionToken::random()));
    let polled = load.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Err(_))));
}

/// Each way to end a session while it is looked up: nobody who waits gets it, and it is not remembered.
#[tokio::test]
async fn look_up_from_before_a_session_ended_hands_it_to_nobody() {
    for staleness in [Duration::ZERO, LONG] {
        for way in 0..3 {
            let (store, inner, token) = unseen().await;
            let store = store.staleness(staleness);
            inner.loads.shut();
            let waits = asked(&store, &token);
            inner.loads.came(1).await;
            match way {
                0 => store.remove(&token).await.unwrap(),
                1 => {
                    let id = store.id(&token, &session());
                    store.revoke(id, SystemTime::now()).await.unwrap();
                }
                _ => store.revoke_all().await.unwrap(),
            }
            inner.loads.open();
            assert!(waits.await.unwrap().unwrap().is_none(), "way {way}");
            assert!(!is_there(&store, &token).await, "way {way}");
        }
    }
}

#[tokio::test]
async fn session_is_refused_at_once_while_it_is_being_removed() {
    for staleness in [Duration::ZERO, LONG] {
        let (store, inner, token) = unseen().await;
        let store = store.staleness(staleness);
        assert!(is_there(&store, &token).await);
        let before = inner.loads.count();
        inner.endings.shut();
        let removed = {
            let (store, token) = (store.clone(), token.clone());
            tokio::spawn(async move { store.remove(&token).await })
        };
        inner.endings.came(1).await;
        assert!(is_there(&inner.inner, &token).await, "it is still there");
        assert!(!is_there(&store, &token).await);
        let state = later(&session());
        assert_eq!(store.replace(&token, state).await.unwrap(), None);
        assert_eq!(inner.loads.count(), before, "nobody looks it up");
        assert_eq!(inner.writes.count(), 0, "and nobody writes it");
        inner.endings.open();
        removed.await.unwrap().unwrap();
        assert!(!is_there(&store, &token).await);
    }
}

#[tokio::test(start_paused = true)]
async fn session_that_could_not_be_removed_is_refused_for_the_staleness() {
    let (store, inner, token) = unseen().await;
    assert!(is_there(&store, &token).await);
    inner.inner.set_for(Operation::Remove, Fault::Error);
    assert!(store.remove(&token).await.is_err());
    inner.inner.set(Fault::None);
    advance(STALENESS - INSTANT).await;
    assert!(!is_there(&store, &token).await);
    assert!(store.reload(&token).await.unwrap().is_none());
    advance(INSTANT).await;
    assert!(is_there(&store, &token).await);
}

#[tokio::test(start_paused = true)]
async fn removing_that_was_broken_off_counts_as_failed() {
    let (store, inner, token) = unseen().await;
    inner.endings.shut();
    let removed = {
        let (store, token) = (store.clone(), token.clone());
        tokio::spawn(async move { store.remove(&token).await })
    };
    inner.endings.came(1).await;
    removed.abort();
    assert!(removed.await.unwrap_err().is_cancelled());
    assert!(!is_there(&store, &token).await);
    advance(STALENESS).await;
    assert!(is_there(&store, &token).await);
}

#[tokio::test]
async fn whoever_asks_while_all_are_being_ended_is_told_when_they_are() {
    for fails in [false, true] {
        let (store, inner, token) = unseen().await;
        assert!(is_there(&store, &token).await);
        inner.endings.shut();
        let fault = if fails { Fault::Error } else { Fault::None };
        inner.inner.set_for(Operation::RevokeAll, fault);
        let all = {
            let store = store.clone();
            tokio::spawn(async move { store.revoke_all().await })
        };
        inner.endings.came(1).await;
        let mut waits = pin!(store.load(&token));
        for _ in 0..20 {
            let polled = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        inner.endings.open();
        assert_eq!(all.await.unwrap().is_err(), fails);
        assert_eq!(
            waits.await.unwrap().is_some(),
            fails,
            "what could not be ended is there, and nobody is taken for a stranger"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn replacing_that_took_long_brings_no_removed_session_back() {
    for passes in [Duration::ZERO, STALENESS, LONG] {
        for everything in [false, true] {
            let inner = inner();
            let store = CachedStore::new(inner.clone());
            let first = session();
            let token = store.save(first.clone()).await.unwrap();
            inner.writes.shut();
            let replaced = {
                let (store, token) = (store.clone(), token.clone());
                tokio::spawn(async move { store.replace(&token, later(&first)).await })
            };
            inner.writes.came(2).await;
            if everything {
                store.revoke_all().await.unwrap();
            } else {
                store.remove(&token).await.unwrap();
            }
            advance(passes).await;
            inner.writes.open();
            assert!(replaced.await.unwrap().unwrap().is_some());
            assert!(!is_there(&store, &token).await);
        }
    }
}

#[tokio::test]
async fn session_saved_while_all_are_revoked_is_looked_up() {
    let inner = inner();
    let store = CachedStore::new(inner.clone());
    inner.writes.shut();
    let saved = {
        let store = store.clone();
        tokio::spawn(async move { store.save(session()).await })
    };
    inner.writes.came(1).await;
    store.revoke_all().await.unwrap();
    inner.writes.open();
    let token = saved.await.unwrap().unwrap();
    assert!(!is_there(&store, &token).await);
}

#[tokio::test]
async fn what_is_written_here_is_known_here_at_once() {
    let inner = inner();
    let store = CachedStore::new(inner.clone());
    let first = session();
    let token = store.save(first.clone()).await.unwrap();
    assert_eq!(version(&store, &token).await, Some(0));
    let replaced = store.replace(&token, later(&first)).await.unwrap();
    assert!(replaced.is_some());
    assert_eq!(version(&store, &token).await, Some(1));
    assert_eq!(inner.loads.count(), 0);
}

#[tokio::test]
async fn look_up_from_before_a_session_was_replaced_is_made_again() {
    let inner = inner();
    let first = session();
    let token = inner.inner.save(first.clone()).await.unwrap();
    let store = CachedStore::new(inner.clone());
    inner.loads.shut();
    let waits = asked(&store, &token);
    inner.loads.came(1).await;
    store.replace(&token, later(&first)).await.unwrap();
    inner.loads.open();
    assert_eq!(waits.await.unwrap().unwrap().unwrap().version(), 1);
    assert_eq!(version(&store, &token).await, Some(1));
}

#[tokio::test]
async fn session_that_another_instance_replaced_first_is_looked_up() {
    for fails in [false, true] {
        let inner = inner();
        let store = CachedStore::new(inner.clone()).staleness(LONG);
        let first = session();
        let token = store.save(first.clone()).await.unwrap();
        inner.inner.replace(&token, later(&first)).await.unwrap();
        assert_eq!(version(&store, &token).await, Some(0), "seen late");
        let fault = if fails { Fault::Error } else { Fault::None };
        inner.inner.set_for(Operation::Replace, fault);
        let replaced = store.replace(&token, later(&first)).await;
        assert_eq!(replaced.is_err(), fails);
        assert_eq!(version(&store, &token).await, Some(1));
    }
}

#[tokio::test]
async fn reload_goes_past_what_is_known_and_past_who_looks_already() {
    let inner = inner();
    let store = CachedStore::new(inner.clone()).staleness(LONG);
    let first = session();
    let token = inner.inner.save(first.clone()).await.unwrap();
    inner.loads.shut();
    let waits = asked(&store, &token);
    inner.loads.came(1).await;
    let second = later(&first);
    inner.inner.replace(&token, second.clone()).await.unwrap();
    let reloaded = tokio::spawn(store.reload(&token));
    inner.loads.open();
    let reloaded = reloaded.await.unwrap().unwrap().unwrap();
    assert_eq!(reloaded.version(), 1);
    assert_eq!(waits.await.unwrap().unwrap().unwrap().version(), 1);

    inner.inner.replace(&token, later(&second)).await.unwrap();
    assert_eq!(version(&store, &token).await, Some(1), "seen late");
    assert_eq!(store.reload(&token).await.unwrap().unwrap().version(), 2);
    assert_eq!(version(&store, &token).await, Some(2), "and known then");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_finds_a_session_once_it_is_removed() {
    let store = CachedStore::new(inner());
    for _ in 0..200 {
        let token = store.save(session()).await.unwrap();
        let asks: Vec<_> = (0..4)
            .map(|_| {
                let (store, token) = (store.clone(), token.clone());
                tokio::spawn(async move { while store.reload(&token).await.unwrap().is_some() {} })
            })
            .collect();
        tokio::task::yield_now().await;
        store.remove(&token).await.unwrap();
        assert!(!is_there(&store, &token).await);
        for ask in asks {
            timeout(Duration::from_secs(10), ask)
                .await
                .unwrap()
                .unwrap();
        }
    }
}

#[test]
fn debug_shows_neither_sessions_nor_the_store_behind() {
    let store = CachedStore::new(MemoryStore::new());
    assert_eq!(
        format!("{store:?}"),
        "CachedStore { sessions: 0, unknown: 0, capacity: 10000, staleness: 2s, .. }"
    );
}

type Builder = TelenorAuthBuilder;

/// An instance of the app, with a cache of its own in front of a store that all share.
fn instance(
    gateway: &MockGateway,
    store: &Inner,
    staleness: Duration,
    settings: impl FnOnce(Builder) -> Builder,
) -> Router {
    let store = CachedStore::new(store.clone()).staleness(staleness);
    let builder = builder(gateway)
        .cookie_keys(support::keys(1))
        .session_store(store);
    support::routes(&support::Hits::default()).layer(settings(builder).build().unwrap())
}

async fn signed_in(router: Router, gateway: &MockGateway) -> Browser {
    let mut browser = Browser {
        router,
        jar: Vec::new(),
    };
    let callback = browser.callback_url(gateway, "/private").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
    browser
}

#[tokio::test]
async fn fifty_requests_in_one_staleness_make_one_look_up() {
    let gateway = MockGateway::start().await.unwrap();
    let store = inner();
    let [here, there] = [(); 2].map(|()| instance(&gateway, &store, LONG, |builder| builder));
    let mut browser = signed_in(here, &gateway).await;
    assert!(browser.token().await.is_some());
    let before = store.loads.count();
    browser.router = there;
    for _ in 0..50 {
        assert!(browser.token().await.is_some());
    }
    assert_eq!(store.loads.count(), before + 1);
}

#[tokio::test]
async fn logout_is_immediate_here_and_soon_elsewhere() {
    let gateway = MockGateway::start().await.unwrap();
    let store = inner();
    let [here, there] = [LONG, Duration::from_millis(50)]
        .map(|staleness| instance(&gateway, &store, staleness, |builder| builder));
    let mut browser = signed_in(here, &gateway).await;
    let (mut copied, mut moved) = (browser.clone(), browser.clone());
    moved.router = there;
    assert!(copied.token().await.is_some() && moved.token().await.is_some());
    let done = browser.log_out().await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    assert!(copied.token().await.is_none());
    let gone = async { while moved.token().await.is_some() {} };
    timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn layer_refuses_a_remembered_session_that_has_expired() {
    let app = App::with(|builder| {
        // By a clock that stays behind.
        builder.session_store(CachedStore::new(MemoryStore::new()).staleness(LONG))
    })
    .await;
    app.gateway.set_expires_in(60);
    let mut browser = app.signed_in().await;
    app.clock.advance(Duration::from_secs(29));
    assert!(browser.token().await.is_some());
    app.clock.advance(Duration::from_secs(1));
    assert!(browser.token().await.is_none());
}

/// Two instances that know the same session, a moment before its token is refreshed.
async fn two_before_a_refresh() -> (MockGateway, [Browser; 2]) {
    let gateway = MockGateway::builder().refresh_tokens(true).start().await;
    let gateway = gateway.unwrap();
    gateway.set_expires_in(600);
    let (store, clock) = (inner(), Clock::manual());
    let refreshing = |builder: Builder| builder.refresh_tokens(true).clock(clock.clone());
    let [here, there] = [(); 2].map(|()| instance(&gateway, &store, LONG, refreshing));
    let mut browser = signed_in(here, &gateway).await;
    let mut moved = browser.clone();
    moved.router = there;
    assert_eq!(browser.token().await, moved.token().await);
    clock.advance(Duration::from_secs(590));
    (gateway, [browser, moved])
}

/// A refresh token works once: an instance that used the one it remembers would end the session.
#[tokio::test]
async fn refresh_token_is_used_once_though_another_instance_remembers_it() {
    let (gateway, [mut browser, mut moved]) = two_before_a_refresh().await;
    let before = gateway.hits(Endpoint::Token);
    let refreshed = browser.token().await;
    assert!(refreshed.is_some());
    assert_eq!(moved.token().await, refreshed);
    assert_eq!(gateway.hits(Endpoint::Token), before + 1);
}

#[tokio::test]
async fn logout_ends_the_token_that_another_instance_refreshed() {
    let (gateway, [mut browser, mut moved]) = two_before_a_refresh().await;
    let refreshed = browser.token().await.unwrap();
    let done = moved.log_out().await;
    assert_eq!(done.status, StatusCode::SEE_OTHER);
    let ended = gateway.requests(Endpoint::Logout).remove(0);
    assert_eq!(
        ended.headers()["authorization"],
        format!("Bearer {refreshed}")
    );
}
