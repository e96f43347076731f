//! What waits for the end of a session, and what a user can do after it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use telenor_auth::{
    ApiErrorKind, Clock, CookieKeys, NewLogin, TelenorAuthBuilder,
    mock::{Endpoint, MockGateway},
    session::{
        Fault, FaultyStore, Leases, MemoryStore, Operation, Session, SessionId, SessionStore,
        SessionToken, StoreError, SubjectId,
    },
};

use crate::support::{
    App, MINUTE,
    kept::{Keeper, assert_ends, assert_goes_on, has_ended, pass},
    keys,
};

const SECOND: Duration = Duration::from_secs(1);

over_each_store! {
    builders:
    logout_ends_what_waits_for_its_session_alone
    login_in_the_same_browser_ends_what_waits_for_the_session_before
    operator_ends_what_waits
    end_of_a_customers_sessions_ends_what_waits_for_them
    session_that_expires_ends_what_waits
    unused_session_ends_what_waits_and_a_use_puts_that_off
    wait_after_the_end_is_over_at_once
    call_after_the_end_fails_and_asks_no_gateway
}

async fn logout_ends_what_waits_for_its_session_alone(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let keeper = Keeper::start(store).await;
    let (mut browser, user) = keeper.signed_in().await;
    let (_other, other_user) = keeper.signed_in().await;
    let (mut one, mut two) = (user.ended(), user.clone().ended());
    let mut other = other_user.ended();
    drop(user);
    assert!(!has_ended(&mut one) && !has_ended(&mut two));
    browser.log_out().await;
    assert_ends(&mut one).await;
    assert_ends(&mut two).await;
    assert!(has_ended(&mut one), "it stays ready");
    assert_goes_on(&mut other).await;
}

async fn login_in_the_same_browser_ends_what_waits_for_the_session_before(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let keeper = Keeper::start(store).await;
    let (mut browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    let login = browser.open("/telenor/login").await.location();
    let callback = keeper.app.gateway.allow(&login).unwrap();
    browser.open(&callback).await;
    assert_ends(&mut ended).await;
    let mut next = keeper.keep(&browser).await.ended();
    assert!(!has_ended(&mut next));
}

async fn operator_ends_what_waits(store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) {
    let keeper = Keeper::start(store).await;
    let (_, first) = keeper.signed_in().await;
    let (_, second) = keeper.signed_in().await;
    let (mut one, mut two) = (first.ended(), second.ended());
    keeper
        .auth
        .revoke(first.session_id().unwrap())
        .await
        .unwrap();
    assert_ends(&mut one).await;
    assert!(!has_ended(&mut two));
    keeper.auth.revoke_all().await.unwrap();
    assert_ends(&mut two).await;
}

/// S115.
async fn end_of_a_customers_sessions_ends_what_waits_for_them(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let subject = |number: usize| SubjectId::new(&keys(1), &format!("customer {number}"));
    let logins = AtomicUsize::new(0);
    let on_login = move |login: NewLogin| {
        let number = logins.fetch_add(1, Ordering::SeqCst) % 2;
        async move { Ok(login.subject(subject(number))) }
    };
    let keeper = Keeper::start(|builder| store(builder.on_login(on_login))).await;
    let (_, first) = keeper.signed_in().await;
    let (_, second) = keeper.signed_in().await;
    let (_, third) = keeper.signed_in().await;
    let (mut one, mut two, mut three) = (first.ended(), second.ended(), third.ended());
    keeper.auth.revoke_subject(subject(0)).await.unwrap();
    assert_ends(&mut one).await;
    assert_ends(&mut three).await;
    assert_ended(&first).await;
    assert!(!has_ended(&mut two));
}

async fn session_that_expires_ends_what_waits(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let keeper = Keeper::start(store).await;
    keeper.app.gateway.set_expires_in(600);
    let (_, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    // The token is good for half a minute less in the layer.
    keeper.app.clock.advance(10 * MINUTE - 31 * SECOND);
    assert_goes_on(&mut ended).await;
    keeper.app.clock.advance(SECOND);
    pass(SECOND).await;
    assert_ends(&mut ended).await;
}

async fn unused_session_ends_what_waits_and_a_use_puts_that_off(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let keeper = Keeper::start(|builder| store(builder.idle_timeout(10 * MINUTE))).await;
    keeper.app.gateway.set_expires_in(1_000_000);
    let (mut browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    for _ in 0..3 {
        keeper.app.clock.advance(9 * MINUTE);
        assert!(browser.token().await.is_some());
        assert_goes_on(&mut ended).await;
    }
    assert!(user.device().await.is_ok(), "and calls go on");
    keeper.app.clock.advance(10 * MINUTE);
    pass(SECOND).await;
    assert_ends(&mut ended).await;
    assert_ended(&user).await;
}

async fn wait_after_the_end_is_over_at_once(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let keeper = Keeper::start(store).await;
    let (mut browser, user) = keeper.signed_in().await;
    browser.log_out().await;
    assert_ends(&mut user.ended()).await;
}

async fn call_after_the_end_fails_and_asks_no_gateway(
    store: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let cache = |builder: TelenorAuthBuilder| builder.cache_user_info(10 * MINUTE);
    let keeper = Keeper::start(|builder| store(cache(builder))).await;
    keeper.app.gateway.set_expires_in(600);
    let (mut logged_out, first) = keeper.signed_in().await;
    let (_, revoked) = keeper.signed_in().await;
    let (_, expired) = keeper.signed_in().await;
    let calls = || {
        let info = keeper.app.gateway.hits(Endpoint::UserInfo);
        info + keeper.app.gateway.hits(Endpoint::DeviceInfo)
    };
    for user in [&first, &revoked, &expired] {
        assert!(user.info().await.is_ok() && user.device().await.is_ok());
    }
    let before = calls();
    logged_out.log_out().await;
    assert_ended(&first).await;
    keeper
        .auth
        .revoke(revoked.session_id().unwrap())
        .await
        .unwrap();
    assert_ended(&revoked).await;
    assert!(expired.device().await.is_ok(), "it goes on");
    keeper.app.clock.advance(10 * MINUTE);
    assert_ended(&expired).await;
    assert_eq!(calls(), before + 1);

    let (_, user) = keeper.signed_in().await;
    keeper.auth.revoke_all().await.unwrap();
    assert_ended(&user).await;
    assert_eq!(calls(), before + 1);
}

/// Asserts that no call is made for this user, with the cache or without.
async fn assert_ended(user: &telenor_auth::TelenorUser) {
    let kinds = [
        user.info().await.map(drop).unwrap_err().kind(),
        user.device().await.map(drop).unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ApiErrorKind::SessionEnded; 2]);
}

#[tokio::test]
async fn end_in_a_store_of_this_process_is_seen_without_waiting() {
    let store = MemoryStore::new();
    let keeper = Keeper::start(|builder| builder.session_store(store.clone())).await;
    let (mut browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    browser.log_out().await;
    assert!(has_ended(&mut ended), "without a look at the store");

    // By the store's own handle, or another layer over it.
    let (_, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    assert!(!has_ended(&mut ended));
    let now = keeper.app.clock.now();
    store.revoke_all(now).await.unwrap();
    assert_ended(&user).await;
    pass(SECOND).await;
    pass(SECOND).await;
    assert_ends(&mut ended).await;
}

#[tokio::test]
async fn refresh_of_the_token_ends_nothing_and_calls_have_the_new_one() {
    let gateway = MockGateway::builder().refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    gateway.set_expires_in(600);
    let clock = Clock::manual();
    let keeper = Keeper::at(gateway, clock.clone(), |builder| {
        builder.refresh_tokens(true)
    });
    let (mut browser, user) = keeper.signed_in().await;
    let before = browser.token().await;
    let mut ended = user.ended();
    clock.advance(10 * MINUTE);
    let after = browser.token().await;
    assert!(after.is_some() && after != before);
    assert_goes_on(&mut ended).await;
    assert!(user.info().await.is_ok());
    let call = &keeper.app.gateway.requests(Endpoint::UserInfo)[0];
    let bearer = format!("Bearer {}", after.unwrap());
    assert_eq!(call.headers()["authorization"], bearer.as_str());
    assert_eq!(keeper.app.token_requests(), 2, "a login, and one refresh");
    browser.log_out().await;
    assert!(has_ended(&mut ended));
}

#[tokio::test]
async fn refresh_that_is_refused_ends_what_waits() {
    let gateway = MockGateway::builder().refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    gateway.set_expires_in(600);
    let clock = Clock::manual();
    let keeper = Keeper::at(gateway, clock.clone(), |builder| {
        builder.refresh_tokens(true)
    });
    let (mut browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    clock.advance(10 * MINUTE);
    keeper.app.gateway.revoke_tokens();
    assert!(browser.token().await.is_none());
    assert!(has_ended(&mut ended));
}

/// A store behind a network, which counts what it is asked.
#[derive(Clone)]
struct Distant {
    inner: FaultyStore<MemoryStore>,
    loads: Arc<AtomicUsize>,
    /// How many sessions it was asked about, in how many calls.
    asked: Arc<AtomicUsize>,
    calls: Arc<AtomicUsize>,
    panics: Arc<AtomicBool>,
}

impl Distant {
    fn new() -> Self {
        Self {
            inner: FaultyStore::new(MemoryStore::new()),
            loads: Arc::default(),
            asked: Arc::default(),
            calls: Arc::default(),
            panics: Arc::default(),
        }
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl SessionStore for Distant {
    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.inner.load(token, now).await
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        self.inner.save(session, now).await
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        self.inner.update(token, new, now).await
    }

    async fn remove(&self, token: &SessionToken, now: SystemTime) -> Result<(), StoreError> {
        self.inner.remove(token, now).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.inner.revoke(id, until, now).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        until: SystemTime,
        now: SystemTime,
    ) -> Result<(), StoreError> {
        self.inner.revoke_subject(subject, until, now).await
    }

    async fn revoke_all(&self, now: SystemTime) -> Result<(), StoreError> {
        self.inner.revoke_all(now).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.asked.fetch_add(sessions.len(), Ordering::SeqCst);
        tokio::task::yield_now().await;
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
        self.inner.find_ended(sessions, now).await
    }

    fn keys(&self) -> Option<CookieKeys> {
        self.inner.keys()
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.inner.leases()
    }
}

async fn over(store: &Distant) -> Keeper {
    Keeper::start(|builder| builder.session_store(store.clone())).await
}

/// Lets the background task look at the store as often as it would in this time.
async fn watch_for(time: Duration) {
    for _ in 0..time.as_secs() {
        pass(SECOND).await;
        // The look is a task of its own, and wakes tasks of their own.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn end_elsewhere_is_noticed_within_thirty_seconds() {
    let store = Distant::new();
    let keeper = over(&store).await;
    let (browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    watch_for(3 * SECOND).await;
    let token = SessionToken::new(browser.session().unwrap());
    store
        .inner
        .remove(&token, keeper.app.clock.now())
        .await
        .unwrap();
    watch_for(8 * SECOND).await;
    assert!(!has_ended(&mut ended), "it is not asked all the time");
    watch_for(20 * SECOND).await;
    assert!(has_ended(&mut ended));
    // What the watcher has seen, a call knows too.
    assert_ended(&user).await;
}

#[tokio::test]
async fn store_is_asked_once_for_all_that_waits_and_only_while_it_waits() {
    let store = Distant::new();
    let keeper = over(&store).await;
    let mut users = Vec::new();
    for _ in 0..5 {
        users.push(keeper.signed_in().await.1);
    }
    assert_eq!(store.calls(), 0, "nothing waits");
    let waits: Vec<_> = users
        .iter()
        .cycle()
        .take(50)
        .map(|user| user.ended())
        .collect();
    watch_for(2 * SECOND).await;
    let asked = store.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 5, "each session once, for all that waits for it");
    assert!(store.calls() <= 2, "{}", store.calls());
    watch_for(Duration::from_secs(25)).await;
    let asked = store.asked.load(Ordering::SeqCst);
    assert!((10..=15).contains(&asked), "{asked}");
    drop(waits);
    watch_for(2 * SECOND).await;
    let calls = store.calls();
    watch_for(MINUTE).await;
    assert_eq!(store.calls(), calls, "nothing waits any more");
    // And it begins again.
    let mut ended = users[0].ended();
    watch_for(2 * SECOND).await;
    assert_eq!(store.calls(), calls + 1);
    keeper.auth.revoke_all().await.unwrap();
    assert_ends(&mut ended).await;
}

#[tokio::test]
async fn store_that_fails_ends_nothing_and_holds_up_no_end_by_the_clock() {
    let store = Distant::new();
    let keeper = over(&store).await;
    keeper.app.gateway.set_expires_in(600);
    let (browser, user) = keeper.signed_in().await;
    let (_, other) = keeper.signed_in().await;
    let mut ended = user.ended();
    store.panics.store(true, Ordering::SeqCst);
    watch_for(MINUTE).await;
    store.panics.store(false, Ordering::SeqCst);
    for fault in [Fault::Error, Fault::Hang] {
        store.inner.set_for(Operation::FindEnded, fault);
        watch_for(MINUTE).await;
        assert!(!has_ended(&mut ended), "{fault:?}");
    }
    let token = SessionToken::new(browser.session().unwrap());
    store
        .inner
        .remove(&token, keeper.app.clock.now())
        .await
        .unwrap();
    store.inner.set_for(Operation::FindEnded, Fault::None);
    watch_for(30 * SECOND).await;
    assert!(has_ended(&mut ended), "it is asked again");

    let mut ended = other.ended();
    store.inner.set_for(Operation::FindEnded, Fault::Hang);
    watch_for(2 * SECOND).await;
    keeper.app.clock.advance(10 * MINUTE);
    watch_for(2 * SECOND).await;
    assert!(has_ended(&mut ended));
}

#[tokio::test]
async fn call_in_a_request_costs_no_look_up_and_one_later_does() {
    let store = Distant::new();
    let keeper = over(&store).await;
    let (browser, user) = keeper.signed_in().await;
    let loads = store.loads();
    for _ in 0..3 {
        assert!(user.info().await.is_ok());
    }
    assert_eq!(store.loads(), loads, "it was seen a moment ago");
    keeper.app.clock.advance(25 * SECOND);
    for _ in 0..3 {
        assert!(user.info().await.is_ok());
    }
    assert_eq!(
        store.loads(),
        loads + 1,
        "and it was seen a moment ago again"
    );

    let token = SessionToken::new(browser.session().unwrap());
    store
        .inner
        .remove(&token, keeper.app.clock.now())
        .await
        .unwrap();
    keeper.app.clock.advance(30 * SECOND);
    let calls = keeper.app.gateway.hits(Endpoint::UserInfo);
    assert_ended(&user).await;
    assert_eq!(keeper.app.gateway.hits(Endpoint::UserInfo), calls);
}

#[tokio::test]
async fn store_that_fails_keeps_a_user_that_was_kept_from_calls() {
    let store = Distant::new();
    let keeper = over(&store).await;
    let (_, user) = keeper.signed_in().await;
    store.inner.set_for(Operation::Load, Fault::Error);
    assert!(user.info().await.is_ok(), "it was seen a moment ago");
    keeper.app.clock.advance(30 * SECOND);
    let calls = keeper.app.gateway.hits(Endpoint::UserInfo);
    let error = user.info().await.unwrap_err();
    assert_eq!(error.kind(), ApiErrorKind::StoreUnavailable);
    let response = axum::response::IntoResponse::into_response(error);
    assert_eq!(response.status(), 503);
    assert_eq!(keeper.app.gateway.hits(Endpoint::UserInfo), calls);
    store.inner.set_for(Operation::Load, Fault::None);
    assert!(user.info().await.is_ok());
    store.inner.set_for(Operation::Load, Fault::Error);
    keeper.app.clock.advance(60 * MINUTE);
    assert_ended(&user).await;
}

#[tokio::test]
async fn cached_info_is_not_given_out_after_an_end_elsewhere() {
    let store = Distant::new();
    let keeper = Keeper::start(|builder| {
        let builder = builder.cache_user_info(60 * MINUTE);
        builder.session_store(store.clone())
    })
    .await;
    let (browser, user) = keeper.signed_in().await;
    assert!(user.info().await.is_ok());
    let token = SessionToken::new(browser.session().unwrap());
    let now = keeper.app.clock.now();
    store.inner.remove(&token, now).await.unwrap();
    keeper.app.clock.advance(30 * SECOND);
    assert_ended(&user).await;
}

#[tokio::test]
async fn call_after_the_end_answers_its_request_with_a_login() {
    let keeper = Keeper::start(|builder| builder).await;
    let (_, user) = keeper.signed_in().await;
    keeper.auth.revoke_all().await.unwrap();
    let error = user.info().await.unwrap_err();
    assert_eq!(error.to_string(), "the user's session has ended");
    let response = axum::response::IntoResponse::into_response(error);
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    assert!(
        location.starts_with(&keeper.app.gateway.base_url()),
        "{location}"
    );
}

#[tokio::test]
async fn use_at_another_instance_puts_the_idle_timeout_off() {
    let (store, clock) = (MemoryStore::new(), Clock::manual());
    let gateway = MockGateway::start().await.unwrap();
    gateway.set_expires_in(1_000_000);
    let settings = |builder: TelenorAuthBuilder| {
        builder
            .idle_timeout(10 * MINUTE)
            .session_store(store.clone())
    };
    let elsewhere = settings(crate::support::builder(&gateway).clock(clock.clone()));
    let elsewhere =
        crate::support::routes(&crate::support::Hits::default()).layer(elsewhere.build().unwrap());
    let keeper = Keeper::at(gateway, clock.clone(), settings);
    let (browser, user) = keeper.signed_in().await;
    let mut ended = user.ended();
    let mut other = crate::support::Browser {
        router: elsewhere,
        jar: browser.jar,
    };
    for _ in 0..2 {
        clock.advance(9 * MINUTE);
        assert!(other.token().await.is_some());
    }
    assert_goes_on(&mut ended).await;
    clock.advance(10 * MINUTE);
    pass(SECOND).await;
    assert_ends(&mut ended).await;
}

#[tokio::test]
async fn what_waits_does_not_keep_the_layer() {
    let app = Keeper::start(|builder| builder).await;
    let (_, user) = app.signed_in().await;
    let mut ended = user.ended();
    let Keeper { app, auth, .. } = app;
    let App { gateway, clock, .. } = app;
    drop((user, auth));
    // The wait itself goes on: the session does.
    assert_goes_on(&mut ended).await;
    clock.advance(24 * 60 * MINUTE);
    pass(SECOND).await;
    assert_ends(&mut ended).await;
    drop(gateway);
}

#[cfg(feature = "redis")]
mod instances {
    use telenor_auth::session::CookieStore;

    use super::*;
    use crate::support::{each_store::in_redis, redis::Redis};

    /// Two instances, each with a store of its own.
    async fn end_at_the_other_instance(
        settings: impl Fn(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) {
        let clock = Clock::manual();
        let gateway = MockGateway::start().await.unwrap();
        let other = settings(crate::support::builder(&gateway).clock(clock.clone()));
        let other = other.build().unwrap();
        let elsewhere = crate::support::routes(&crate::support::Hits::default());
        let elsewhere = elsewhere.layer(other.clone());
        let here = Keeper::at(gateway, clock.clone(), settings);
        let (browser, first) = here.signed_in().await;
        let (_, second) = here.signed_in().await;
        let (mut one, mut two) = (first.ended(), second.ended());
        assert_goes_on(&mut one).await;
        let mut browser = crate::support::Browser {
            router: elsewhere,
            jar: browser.jar,
        };
        browser.log_out().await;
        pass(20 * SECOND).await;
        assert_ends(&mut one).await;
        assert!(!has_ended(&mut two));
        other.revoke_all().await.unwrap();
        pass(20 * SECOND).await;
        assert_ends(&mut two).await;
        // And one for whose end nothing waits. All sessions of the second before have ended.
        clock.advance(MINUTE);
        let (_, third) = here.signed_in().await;
        other.revoke(third.session_id().unwrap()).await.unwrap();
        clock.advance(30 * SECOND);
        for _ in 0..100 {
            if third.device().await.is_err() {
                break;
            }
            // The list of revocations is read once a second.
            pass(SECOND).await;
        }
        assert_ended(&third).await;
    }

    #[tokio::test]
    async fn redis() {
        let redis = Redis::start().await;
        end_at_the_other_instance(|builder| in_redis(&redis, builder)).await;
    }

    #[tokio::test]
    async fn cookies_that_share_their_revocations() {
        let redis = Redis::start().await;
        end_at_the_other_instance(|builder| {
            let keys = keys(1);
            let redis = telenor_auth::session::RedisStore::new(&redis.url(), &keys).unwrap();
            builder.session_store(CookieStore::new(&keys).share_revocations(&redis))
        })
        .await;
    }
}
