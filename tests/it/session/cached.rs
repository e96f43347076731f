//! A read-through cache in front of a store: the age of its answers, its capacity, and the end of
//! sessions.

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
    Clock, CookieKeys, TelenorAuthBuilder,
    mock::{Endpoint, MockGateway},
    session::{
        CachedStore, Fault, FaultyStore, MemoryStore, Operation, Session, SessionStore,
        SessionToken, StoreError, SubjectId, check_store, check_store_faults,
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
type Cached = Arc<CachedStore<Inner>>;

fn inner() -> Inner {
    Blocking::new(FaultyStore::new(MemoryStore::new()))
}

fn cached(inner: &Inner) -> Cached {
    Arc::new(CachedStore::new(inner.clone()))
}

fn cached_for(inner: &Inner, staleness: Duration) -> Cached {
    Arc::new(CachedStore::new(inner.clone()).with_staleness(staleness))
}

fn now() -> SystemTime {
    SystemTime::now()
}

fn session() -> Session {
    Session::new("token", now() + Duration::from_secs(600))
}

fn later(session: &Session) -> Session {
    session.touched_at(now())
}

fn fault_if(fails: bool) -> Fault {
    if fails { Fault::Error } else { Fault::None }
}

fn subject() -> SubjectId {
    SubjectId::new(&CookieKeys::random(), "customer 17")
}

/// A store with a session that its caches do not know yet.
async fn unseen() -> (Inner, SessionToken) {
    let inner = inner();
    let token = inner.inner.save(session(), now()).await.unwrap();
    (inner, token)
}

/// What the layer does.
async fn found(store: &impl SessionStore, token: &SessionToken) -> Option<Session> {
    let found = match store.try_load(token, now()) {
        Some(at_hand) => at_hand,
        None => store.load(token, now()).await,
    };
    found.unwrap()
}

async fn is_there(store: &impl SessionStore, token: &SessionToken) -> bool {
    found(store, token).await.is_some()
}

async fn version(store: &impl SessionStore, token: &SessionToken) -> Option<u32> {
    found(store, token).await.map(|session| session.version())
}

async fn fresh_version(store: &impl SessionStore, token: &SessionToken) -> Option<u32> {
    let session = store.load_fresh(token, now()).await.unwrap();
    session.map(|session| session.version())
}

/// A call in a task.
fn call<T, Output>(
    store: &Cached,
    token: &SessionToken,
    method: impl FnOnce(Cached, SessionToken) -> T,
) -> JoinHandle<Output>
where
    T: Future<Output = Output> + Send + 'static,
    Output: Send + 'static,
{
    tokio::spawn(method(Arc::clone(store), token.clone()))
}

fn load(store: &Cached, token: &SessionToken) -> JoinHandle<Result<Option<Session>, StoreError>> {
    call(store, token, async |store, token| {
        store.load(&token, now()).await
    })
}

/// How to end a session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Remove,
    Revoke,
    Subject(SubjectId),
    All,
}

impl End {
    fn each(subject: SubjectId) -> [Self; 4] {
        [
            Self::Remove,
            Self::Revoke,
            Self::Subject(subject),
            Self::All,
        ]
    }

    async fn call(self, store: &impl SessionStore, token: &SessionToken) -> Result<(), StoreError> {
        let (now, until) = (now(), now() + LONG);
        match self {
            Self::Remove => store.remove(token, now).await,
            Self::Revoke => store.revoke(token.id(), until, now).await,
            Self::Subject(subject) => store.revoke_subject(subject, until, now).await,
            Self::All => store.revoke_all(now).await,
        }
    }

    fn spawn(self, store: &Cached, token: &SessionToken) -> JoinHandle<Result<(), StoreError>> {
        call(store, token, async move |store, token| {
            self.call(&*store, &token).await
        })
    }
}

#[tokio::test]
async fn cache_meets_the_contract_of_a_store() {
    let cached = || CachedStore::new(MemoryStore::new());
    check_store(cached()).await;
    check_store(cached().with_staleness(Duration::ZERO)).await;
    check_store(cached().with_staleness(LONG)).await;
    check_store(cached().with_capacity(0)).await;
    check_store(cached().with_capacity(1)).await;
    check_store(CachedStore::new(cached())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cache_meets_the_contract_of_a_store_on_several_threads() {
    check_store(CachedStore::new(inner())).await;
}

#[tokio::test(start_paused = true)]
async fn cache_meets_the_contract_in_front_of_a_slow_store() {
    let slow = FaultyStore::new(MemoryStore::new());
    slow.set(Fault::Slow);
    for staleness in [Duration::ZERO, STALENESS] {
        check_store(CachedStore::new(slow.clone()).with_staleness(staleness)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn failing_store_is_not_hidden_by_its_cache() {
    for staleness in [Duration::ZERO, STALENESS, LONG] {
        let faulty = FaultyStore::new(MemoryStore::new());
        let store = CachedStore::new(Deadline(faulty.clone())).with_staleness(staleness);
        check_store_faults(store, async |fault| faulty.set(fault)).await;
    }
}

#[tokio::test]
async fn thousand_calls_at_once_make_one_look_up() {
    for staleness in [Duration::ZERO, STALENESS] {
        let (inner, token) = unseen().await;
        let store = cached_for(&inner, staleness);
        inner.loads.shut();
        let calls: Vec<_> = (0..1_000).map(|_| load(&store, &token)).collect();
        inner.loads.came(1).await;
        tokio::task::yield_now().await;
        inner.loads.open();
        for call in calls {
            assert!(call.await.unwrap().unwrap().is_some());
        }
        assert_eq!(inner.loads.count(), 1);
    }
}

#[tokio::test]
async fn first_caller_may_hang_up() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.shut();
    let first = load(&store, &token);
    inner.loads.came(1).await;
    let mut second = pin!(store.load(&token, now()));
    let polled = poll_fn(|cx| Poll::Ready(second.as_mut().poll(cx))).await;
    assert!(polled.is_pending());
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    inner.loads.open();
    assert!(second.await.unwrap().is_some());
    assert_eq!(inner.loads.count(), 1);
}

#[tokio::test]
async fn look_up_is_given_up_when_no_caller_waits() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.shut();
    let call = load(&store, &token);
    inner.loads.came(1).await;
    assert_eq!(inner.loads.waiting(), 1);
    call.abort();
    let given_up = async {
        while inner.loads.waiting() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), given_up).await.unwrap();
    inner.loads.open();
    assert!(is_there(&*store, &token).await, "and the next one is made");
}

#[tokio::test(start_paused = true)]
async fn answer_is_kept_for_exactly_the_staleness() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    assert!(is_there(&*store, &token).await);
    inner.inner.remove(&token, now()).await.unwrap();
    advance(STALENESS - INSTANT).await;
    assert!(is_there(&*store, &token).await);
    assert_eq!(inner.loads.count(), 1);
    advance(INSTANT).await;
    assert!(!is_there(&*store, &token).await);
    assert_eq!(inner.loads.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn staleness_counts_from_when_the_store_was_asked() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.shut();
    let call = load(&store, &token);
    inner.loads.came(1).await;
    advance(STALENESS - INSTANT).await;
    inner.loads.open();
    assert!(call.await.unwrap().unwrap().is_some());
    assert!(is_there(&*store, &token).await);
    assert_eq!(inner.loads.count(), 1);
    advance(INSTANT).await;
    assert!(is_there(&*store, &token).await);
    assert_eq!(inner.loads.count(), 2);
}

/// No clock that is set changes how long an answer is kept.
#[tokio::test(start_paused = true)]
async fn staleness_goes_by_the_time_that_passes() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    assert!(is_there(&*store, &token).await);
    let in_a_minute = now() + Duration::from_secs(60);
    assert!(store.load(&token, in_a_minute).await.unwrap().is_some());
    assert_eq!(inner.loads.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_token_is_looked_up_once_in_a_staleness() {
    let inner = inner();
    let store = cached(&inner);
    let unknown = SessionToken::random();
    for expected in 1..=3 {
        for _ in 0..50 {
            assert!(!is_there(&*store, &unknown).await);
        }
        assert_eq!(inner.loads.count(), expected);
        advance(STALENESS).await;
    }
}

#[tokio::test]
async fn made_up_tokens_push_no_session_out() {
    let (inner, token) = unseen().await;
    let store = CachedStore::new(inner.clone())
        .with_capacity(16)
        .with_staleness(LONG);
    assert!(is_there(&store, &token).await);
    for _ in 0..1_000 {
        assert!(!is_there(&store, &SessionToken::random()).await);
    }
    let before = inner.loads.count();
    assert!(is_there(&store, &token).await);
    assert_eq!(inner.loads.count(), before);
}

#[tokio::test]
async fn kept_session_expires_by_the_time_that_is_handed_in() {
    let inner = inner();
    let store = cached_for(&inner, LONG);
    let token = store.save(session(), now()).await.unwrap();
    for (seconds, is_live) in [(590, true), (601, false)] {
        let at = now() + Duration::from_secs(seconds);
        let at_hand = store.try_load(&token, at).expect("it is kept").unwrap();
        assert_eq!(at_hand.is_some(), is_live);
        assert_eq!(store.load(&token, at).await.unwrap().is_some(), is_live);
    }
    assert_eq!(inner.loads.count(), 0);
}

/// The callers of one look-up may have different times.
#[tokio::test]
async fn shared_answer_is_judged_by_the_time_of_each_caller() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.shut();
    let early = load(&store, &token);
    inner.loads.came(1).await;
    let late = call(&store, &token, async |store, token| {
        store.load(&token, now() + LONG).await
    });
    tokio::task::yield_now().await;
    inner.loads.open();
    assert!(early.await.unwrap().unwrap().is_some());
    assert!(late.await.unwrap().unwrap().is_none());
    assert_eq!(inner.loads.count(), 1);
}

#[tokio::test]
async fn error_goes_to_all_that_wait_and_is_not_kept() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.inner.set_for(Operation::Load, Fault::Error);
    inner.loads.shut();
    let calls: Vec<_> = (0..10).map(|_| load(&store, &token)).collect();
    inner.loads.came(1).await;
    inner.loads.open();
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "the test has set Fault::Error");
    }
    assert_eq!(inner.loads.count(), 1);
    inner.inner.set(Fault::None);
    assert!(is_there(&*store, &token).await);
}

#[tokio::test]
async fn panic_in_the_store_is_an_error_for_all_that_wait() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.panics(true);
    let calls: Vec<_> = (0..10).map(|_| load(&store, &token)).collect();
    for call in calls {
        let answer = timeout(Duration::from_secs(10), call).await;
        assert!(answer.unwrap().unwrap().is_err());
    }
    inner.loads.panics(false);
    assert!(is_there(&*store, &token).await);
}

#[test]
fn look_up_without_a_runtime_is_an_error() {
    let store = CachedStore::new(MemoryStore::new());
    let token = SessionToken::random();
    let load = pin!(store.load(&token, now()));
    let polled = load.poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Err(_))));
}

#[tokio::test]
async fn look_up_from_before_a_session_ended_gives_it_to_no_caller() {
    let subject = subject();
    for staleness in [Duration::ZERO, LONG] {
        for end in End::each(subject) {
            let inner = inner();
            let of_subject = session().with_subject(subject);
            let token = inner.inner.save(of_subject, now()).await.unwrap();
            let store = cached_for(&inner, staleness);
            inner.loads.shut();
            let waits = load(&store, &token);
            inner.loads.came(1).await;
            end.call(&*store, &token).await.unwrap();
            inner.loads.open();
            assert!(waits.await.unwrap().unwrap().is_none(), "{end:?}");
            assert!(!is_there(&*store, &token).await, "{end:?}");
        }
    }
}

#[tokio::test]
async fn end_of_a_subject_asks_for_no_other_session_again() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.loads.shut();
    let waits = load(&store, &token);
    inner.loads.came(1).await;
    let other = End::Subject(subject());
    other.call(&*store, &token).await.unwrap();
    inner.loads.open();
    assert!(waits.await.unwrap().unwrap().is_some());
    assert!(is_there(&*store, &token).await);
    assert_eq!(inner.loads.count(), 1);
}

#[tokio::test]
async fn session_is_refused_at_once_while_it_is_being_removed() {
    for staleness in [Duration::ZERO, LONG] {
        let (inner, token) = unseen().await;
        let store = cached_for(&inner, staleness);
        assert!(is_there(&*store, &token).await);
        let before = inner.loads.count();
        inner.endings.shut();
        let removed = End::Remove.spawn(&store, &token);
        inner.endings.came(1).await;
        assert!(is_there(&inner.inner, &token).await, "it is still there");
        assert!(!is_there(&*store, &token).await);
        let updated = store.update(&token, later(&session()), now()).await;
        assert_eq!(updated.unwrap(), None);
        assert_eq!(inner.loads.count(), before, "it is not looked up");
        assert_eq!(inner.writes.count(), 0, "and not written");
        inner.endings.open();
        removed.await.unwrap().unwrap();
        assert!(!is_there(&*store, &token).await);
    }
}

#[tokio::test(start_paused = true)]
async fn session_that_could_not_be_removed_is_refused_for_the_staleness() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    assert!(is_there(&*store, &token).await);
    inner.inner.set_for(Operation::Remove, Fault::Error);
    assert!(store.remove(&token, now()).await.is_err());
    inner.inner.set(Fault::None);
    advance(STALENESS - INSTANT).await;
    assert!(!is_there(&*store, &token).await);
    assert_eq!(fresh_version(&*store, &token).await, None);
    advance(INSTANT).await;
    assert!(is_there(&*store, &token).await);
}

#[tokio::test(start_paused = true)]
async fn removal_that_was_cancelled_counts_as_failed() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.endings.shut();
    let removed = End::Remove.spawn(&store, &token);
    inner.endings.came(1).await;
    removed.abort();
    assert!(removed.await.unwrap_err().is_cancelled());
    assert!(!is_there(&*store, &token).await);
    advance(STALENESS).await;
    assert!(is_there(&*store, &token).await);
}

/// Sessions that are ended together: a caller has to wait, and gets what the store has then.
#[tokio::test]
async fn look_up_waits_while_its_session_is_ended_together_with_others() {
    let subject = subject();
    for end in [End::Subject(subject), End::All] {
        for fails in [false, true] {
            let inner = inner();
            let of_subject = session().with_subject(subject);
            let token = inner.inner.save(of_subject, now()).await.unwrap();
            let store = cached(&inner);
            assert!(is_there(&*store, &token).await);
            inner.endings.shut();
            for operation in [Operation::RevokeAll, Operation::RevokeSubject] {
                inner.inner.set_for(operation, fault_if(fails));
            }
            let ended = end.spawn(&store, &token);
            inner.endings.came(1).await;
            assert!(store.try_load(&token, now()).is_none());
            let mut waits = pin!(store.load(&token, now()));
            for _ in 0..20 {
                let polled = poll_fn(|cx| Poll::Ready(waits.as_mut().poll(cx))).await;
                assert!(polled.is_pending());
                tokio::task::yield_now().await;
            }
            inner.endings.open();
            assert_eq!(ended.await.unwrap().is_err(), fails);
            let is_there = waits.await.unwrap().is_some();
            assert_eq!(
                is_there, fails,
                "a session that could not be ended is there"
            );
            let look_ups = inner.loads.count();
            assert!(look_ups <= 3, "it does not ask meanwhile: {look_ups}");
        }
    }
}

#[tokio::test]
async fn other_sessions_do_not_wait_while_a_subject_is_being_ended() {
    let (inner, token) = unseen().await;
    let store = cached(&inner);
    inner.endings.shut();
    let ended = End::Subject(subject()).spawn(&store, &token);
    inner.endings.came(1).await;
    assert!(is_there(&*store, &token).await);
    assert!(store.try_load(&token, now()).is_some(), "and it is kept");
    inner.endings.open();
    ended.await.unwrap().unwrap();
    assert!(store.try_load(&token, now()).is_some());
}

#[tokio::test]
async fn login_after_the_end_of_a_subject_is_not_refused() {
    let inner = inner();
    let (store, subject) = (cached(&inner), subject());
    let save = async || {
        let session = session().with_subject(subject);
        store.save(session, now()).await.unwrap()
    };
    let before = save().await;
    let end = End::Subject(subject);
    end.call(&*store, &before).await.unwrap();
    let after = save().await;
    assert!(!is_there(&*store, &before).await);
    assert!(is_there(&*store, &after).await);
    let listed = store.sessions_of(subject, now()).await.unwrap();
    assert_eq!(listed, inner.sessions_of(subject, now()).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn slow_update_brings_no_ended_session_back() {
    let subject = subject();
    for passes in [Duration::ZERO, STALENESS, LONG] {
        for end in End::each(subject) {
            let inner = inner();
            let store = cached(&inner);
            let first = session().with_subject(subject);
            let token = store.save(first.clone(), now()).await.unwrap();
            inner.writes.shut();
            let updated = call(&store, &token, async move |store, token| {
                store.update(&token, later(&first), now()).await
            });
            inner.writes.came(2).await;
            end.call(&*store, &token).await.unwrap();
            advance(passes).await;
            inner.writes.open();
            assert!(updated.await.unwrap().unwrap().is_some());
            assert!(!is_there(&*store, &token).await, "{end:?}");
        }
    }
}

#[tokio::test]
async fn session_that_was_saved_during_an_end_is_looked_up() {
    let subject = subject();
    for end in [End::Subject(subject), End::All] {
        let inner = inner();
        let store = cached(&inner);
        inner.writes.shut();
        let saved = call(&store, &SessionToken::random(), async move |store, _| {
            let session = session().with_subject(subject);
            store.save(session, now()).await
        });
        inner.writes.came(1).await;
        end.call(&*store, &SessionToken::random()).await.unwrap();
        inner.writes.open();
        let token = saved.await.unwrap().unwrap();
        assert!(!is_there(&*store, &token).await);
    }
}

#[tokio::test]
async fn what_is_written_here_is_known_here_at_once() {
    let inner = inner();
    let store = cached(&inner);
    let first = session();
    let token = store.save(first.clone(), now()).await.unwrap();
    assert_eq!(version(&*store, &token).await, Some(0));
    let updated = store.update(&token, later(&first), now()).await.unwrap();
    assert!(updated.is_some());
    assert_eq!(version(&*store, &token).await, Some(1));
    assert_eq!(inner.loads.count(), 0);
}

#[tokio::test]
async fn look_up_from_before_an_update_is_made_again() {
    let inner = inner();
    let first = session();
    let token = inner.inner.save(first.clone(), now()).await.unwrap();
    let store = cached(&inner);
    inner.loads.shut();
    let waits = load(&store, &token);
    inner.loads.came(1).await;
    store.update(&token, later(&first), now()).await.unwrap();
    inner.loads.open();
    assert_eq!(waits.await.unwrap().unwrap().unwrap().version(), 1);
    assert_eq!(version(&*store, &token).await, Some(1));
}

#[tokio::test]
async fn session_is_looked_up_after_an_update_that_was_lost_or_failed() {
    for fails in [false, true] {
        let inner = inner();
        let store = cached_for(&inner, LONG);
        let first = session();
        let token = store.save(first.clone(), now()).await.unwrap();
        let elsewhere = inner.inner.update(&token, later(&first), now()).await;
        assert!(elsewhere.unwrap().is_some());
        assert_eq!(version(&*store, &token).await, Some(0), "seen late");
        inner.inner.set_for(Operation::Update, fault_if(fails));
        let updated = store.update(&token, later(&first), now()).await;
        assert_eq!(updated.is_err(), fails);
        assert_eq!(version(&*store, &token).await, Some(1));
    }
}

#[tokio::test]
async fn load_fresh_goes_past_what_is_known_and_past_a_look_up_in_flight() {
    let inner = inner();
    let store = cached_for(&inner, LONG);
    let first = session();
    let token = inner.inner.save(first.clone(), now()).await.unwrap();
    inner.loads.shut();
    let waits = load(&store, &token);
    inner.loads.came(1).await;
    let second = later(&first);
    let update = async |new: &Session| {
        let updated = inner.inner.update(&token, new.clone(), now()).await;
        assert!(updated.unwrap().is_some());
    };
    update(&second).await;
    let fresh = call(&store, &token, async |store, token| {
        store.load_fresh(&token, now()).await
    });
    tokio::task::yield_now().await;
    inner.loads.open();
    assert_eq!(fresh.await.unwrap().unwrap().unwrap().version(), 1);
    assert_eq!(waits.await.unwrap().unwrap().unwrap().version(), 1);

    update(&later(&second)).await;
    assert_eq!(version(&*store, &token).await, Some(1), "seen late");
    assert_eq!(fresh_version(&*store, &token).await, Some(2));
    assert_eq!(version(&*store, &token).await, Some(2), "and known then");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_caller_finds_a_session_once_it_has_ended() {
    let (store, subject) = (cached(&inner()), subject());
    for end in End::each(subject).into_iter().cycle().take(200) {
        let of_subject = session().with_subject(subject);
        let token = store.save(of_subject, now()).await.unwrap();
        let calls = [false, true, false, true].map(|fresh| {
            call(&store, &token, async move |store, token| {
                let is_there = async || match fresh {
                    true => fresh_version(&*store, &token).await.is_some(),
                    false => is_there(&*store, &token).await,
                };
                while is_there().await {
                    tokio::task::yield_now().await;
                }
            })
        });
        tokio::task::yield_now().await;
        end.call(&*store, &token).await.unwrap();
        assert!(!is_there(&*store, &token).await, "{end:?}");
        for call in calls {
            let ended = timeout(Duration::from_secs(10), call).await;
            ended.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn ended_sessions_are_those_of_the_store_behind() {
    let (inner, token) = unseen().await;
    let store = cached_for(&inner, LONG);
    assert!(is_there(&*store, &token).await);
    inner.inner.remove(&token, now()).await.unwrap();
    let asked = [(token.id(), session())];
    let ended = store.find_ended(&asked, now()).await.unwrap();
    assert_eq!(ended, [token.id()]);
}

/// S118.
#[tokio::test]
async fn debug_shows_neither_sessions_nor_the_store_behind() {
    let store = CachedStore::new(MemoryStore::new());
    store.save(session(), now()).await.unwrap();
    assert_eq!(
        format!("{store:?}"),
        "CachedStore { sessions: 1, unknown: 0, capacity: 10000, staleness: 2s, .. }"
    );
}

/// An instance of the app, with a cache of its own in front of the store that all share.
fn instance(
    gateway: &MockGateway,
    store: &Inner,
    staleness: Duration,
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) -> Router {
    let store = CachedStore::new(store.clone()).with_staleness(staleness);
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
async fn layer_refuses_a_kept_session_that_has_expired() {
    let app = App::with(|builder| {
        builder.session_store(CachedStore::new(MemoryStore::new()).with_staleness(LONG))
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
    let refreshing =
        |builder: TelenorAuthBuilder| builder.refresh_tokens(true).clock(clock.clone());
    let [here, there] = [(); 2].map(|()| instance(&gateway, &store, LONG, refreshing));
    let mut browser = signed_in(here, &gateway).await;
    let mut moved = browser.clone();
    moved.router = there;
    assert_eq!(browser.token().await, moved.token().await);
    clock.advance(Duration::from_secs(590));
    (gateway, [browser, moved])
}

/// A refresh token works once: an instance that used the one it keeps would end the session.
#[tokio::test]
async fn refresh_token_is_used_once_though_another_instance_keeps_it() {
    let (gateway, [mut browser, mut moved]) = two_before_a_refresh().await;
    let before = gateway.hits(Endpoint::Token);
    let refreshed = browser.token().await;
    assert!(refreshed.is_some());
    assert_eq!(moved.token().await, refreshed);
    assert_eq!(gateway.hits(Endpoint::Token), before + 1);
}

/// S91.
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
