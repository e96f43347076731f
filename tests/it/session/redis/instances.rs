//! What several instances of an app are to each other through Redis.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::Router;
use http::StatusCode;
use redis::cmd;
use telenor_auth::{
    Clock, TelenorAuthBuilder,
    mock::{Endpoint, MockGateway},
    session::{Fault, FaultyStore, Operation, SessionStore, SessionToken},
};
use tokio::sync::Semaphore;

use super::{assert_unavailable, eventually, now, store};
use crate::support::{self, App, Browser, MINUTE, builder, keys, redis::Redis, stores::Blocking};

/// Two instances of an app behind one balancer.
pub(super) struct Instances {
    routers: [Router; 2],
    gateway: MockGateway,
    clock: Clock,
}

impl Instances {
    pub(super) async fn start(
        gateway: MockGateway,
        settings: impl Fn(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) -> Self {
        let clock = Clock::manual();
        let instance = || {
            let builder = builder(&gateway).cookie_keys(keys(1)).clock(clock.clone());
            let layer = settings(builder).build().unwrap();
            support::routes(&support::Hits::default()).layer(layer)
        };
        Self {
            routers: [instance(), instance()],
            gateway,
            clock,
        }
    }

    fn browser(&self, at: usize) -> Browser {
        Browser {
            router: self.routers[at].clone(),
            jar: Vec::new(),
        }
    }

    pub(super) async fn signed_in(&self, at: usize) -> Browser {
        let mut browser = self.browser(at);
        let callback = browser.callback_url(&self.gateway, "/whoami").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        browser
    }

    /// The same browser, sent to the other instance from here on.
    pub(super) fn moved(&self, browser: &Browser, to: usize) -> Browser {
        Browser {
            router: self.routers[to].clone(),
            jar: browser.jar.clone(),
        }
    }
}

async fn two_instances(redis: &Redis) -> Instances {
    let gateway = MockGateway::start().await.unwrap();
    Instances::start(gateway, |builder| builder.session_store(store(redis))).await
}

/// S8.
#[tokio::test]
async fn callback_that_reaches_two_instances_is_one_login() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tasks = tokio::task::JoinSet::new();
    for at in [0, 1] {
        let (mut browser, callback) = (app.moved(&browser, at), callback.clone());
        tasks.spawn(async move {
            let done = browser.open(&callback).await;
            assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
            browser
        });
    }
    gate.waiting(1).await;
    eventually("the other one has seen that it is being done", async || {
        redis.calls().contains(&("get".to_owned(), 2))
    })
    .await;
    gate.open();
    let browsers = tasks.join_all().await;
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
    assert_eq!(browsers[0].session(), browsers[1].session());
    for mut browser in browsers {
        assert!(browser.token().await.is_some());
    }
    // And later still, by Back or a second tab.
    let mut again = app.moved(&browser, 1);
    assert_eq!(again.open(&callback).await.status, StatusCode::SEE_OTHER);
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
}

/// A hook that waits for a permit, and how often it ran.
fn held_hook(
    builder: TelenorAuthBuilder,
    accepts: bool,
    runs: &Arc<AtomicUsize>,
    permits: &Arc<Semaphore>,
) -> TelenorAuthBuilder {
    let (runs, permits) = (Arc::clone(runs), Arc::clone(permits));
    builder.on_login(move |login| {
        runs.fetch_add(1, Ordering::SeqCst);
        let permits = Arc::clone(&permits);
        async move {
            permits.acquire().await?.forget();
            match accepts {
                true => Ok(login),
                false => Err(login.refuse("Kontoen er sperret", "Ring oss.")),
            }
        }
    })
}

#[tokio::test]
async fn hook_runs_once_for_two_instances_and_both_have_its_answer() {
    for accepts in [true, false] {
        let redis = Redis::start().await;
        let (runs, permits) = (Arc::default(), Arc::new(Semaphore::new(0)));
        let gateway = MockGateway::start().await.unwrap();
        let app = Instances::start(gateway, |builder| {
            held_hook(
                builder.session_store(store(&redis)),
                accepts,
                &runs,
                &permits,
            )
        })
        .await;
        let mut browser = app.browser(0);
        let callback = browser.callback_url(&app.gateway, "/whoami").await;
        let mut tasks = tokio::task::JoinSet::new();
        for at in [0, 1] {
            let (mut browser, callback) = (app.moved(&browser, at), callback.clone());
            tasks.spawn(async move { browser.open(&callback).await });
        }
        eventually("the hook of one runs, and the other waits", async || {
            runs.load(Ordering::SeqCst) == 1 && redis.calls().contains(&("get".to_owned(), 2))
        })
        .await;
        permits.add_permits(2);
        for answer in tasks.join_all().await {
            if accepts {
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
            } else {
                assert_eq!(answer.status, StatusCode::FORBIDDEN);
                let heading = "<h1>Kontoen er sperret</h1>";
                assert!(answer.body.contains(heading), "{}", answer.body);
            }
        }
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(app.gateway.hits(Endpoint::Token), 1);
    }
}

#[tokio::test]
async fn session_of_one_instance_is_good_and_over_at_the_other() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let browser = app.signed_in(0).await;
    let mut other = app.moved(&browser, 1);
    assert!(other.token().await.is_some());
    let copied = other.clone();
    assert_eq!(other.log_out().await.status, StatusCode::SEE_OTHER);
    for at in [0, 1] {
        assert!(app.moved(&copied, at).token().await.is_none());
    }
}

/// Two instances, of which the first one cannot say any more what became of a login.
async fn one_that_died(redis: &Redis) -> Instances {
    let gateway = MockGateway::start().await.unwrap();
    let first = std::cell::Cell::new(true);
    Instances::start(gateway, |builder| {
        let faulty = FaultyStore::new(store(redis));
        if first.replace(false) {
            faulty.set_for(Operation::CompleteLease, Fault::Error);
            faulty.set_for(Operation::ReleaseLease, Fault::Error);
        }
        builder.session_store(faulty)
    })
    .await
}

#[tokio::test]
async fn login_of_an_instance_that_died_goes_on_at_another() {
    let redis = Redis::start().await;
    let app = one_that_died(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut elsewhere = app.moved(&browser, 1);
    assert_unavailable(&browser.open(&callback).await);
    let lease = redis.keys().pop().unwrap();
    let seconds: u64 = redis.ask(cmd("TTL").arg(&lease));
    assert!(seconds <= 45, "{seconds}");

    let answer = elsewhere.open(&callback).await;
    assert_unavailable(&answer);
    assert_eq!(answer.set_cookies(), [""; 0], "the login is as it was");
    let () = redis.ask(cmd("DEL").arg(&lease));
    let answer = elsewhere.open(&callback).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert!(elsewhere.token().await.is_some());
    assert_eq!(app.gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn code_that_an_instance_may_have_sent_before_it_died_is_sent_by_no_other() {
    let redis = Redis::start().await;
    let app = one_that_died(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let mut elsewhere = app.moved(&browser, 1);
    browser.open(&callback).await;
    let lease = redis.keys().pop().unwrap();
    let () = redis.ask(cmd("SET").arg(&lease).arg("=sent"));
    for _ in 0..2 {
        let answer = elsewhere.open(&callback).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
    assert_eq!(app.gateway.hits(Endpoint::Token), 0);
}

#[tokio::test]
async fn code_counts_as_sent_for_as_long_as_its_login_may_come_back() {
    let redis = Redis::start().await;
    let app = two_instances(&redis).await;
    let mut browser = app.browser(0);
    let callback = browser.callback_url(&app.gateway, "/whoami").await;
    let gate = app.gateway.hold(Endpoint::Token);
    let done = tokio::spawn(async move { browser.open(&callback).await.status });
    gate.waiting(1).await;
    let lease = redis.keys().pop().unwrap();
    assert_eq!(redis.get(&lease), "=sent");
    let seconds: u64 = redis.ask(cmd("TTL").arg(&lease));
    assert!((301..=360).contains(&seconds), "{seconds}");
    gate.open();
    assert_eq!(done.await.unwrap(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn two_instances_refresh_a_token_once() {
    let redis = Redis::start().await;
    let gateway = MockGateway::builder()
        .refresh_tokens(true)
        .start()
        .await
        .unwrap();
    gateway.set_expires_in(60);
    let app = Instances::start(gateway, |builder| {
        builder.refresh_tokens(true).session_store(store(&redis))
    })
    .await;
    let browser = app.signed_in(0).await;
    let before = app.moved(&browser, 0).token().await.unwrap();
    app.clock.advance(2 * MINUTE);
    let gate = app.gateway.hold(Endpoint::Token);
    let mut tasks = tokio::task::JoinSet::new();
    for at in [0, 1, 0, 1] {
        let mut browser = app.moved(&browser, at);
        tasks.spawn(async move { browser.token().await });
    }
    gate.waiting(1).await;
    gate.open();
    let tokens = tasks.join_all().await;
    assert!(
        tokens.iter().all(|token| *token == tokens[0]),
        "the same for all"
    );
    assert_ne!(tokens[0].as_ref().unwrap(), &before);
    assert_eq!(
        app.gateway.hits(Endpoint::Token),
        2,
        "a login, and a refresh"
    );
}

#[tokio::test]
async fn use_of_a_session_is_noted_after_the_answer_and_sets_no_cookie() {
    let redis = Redis::start().await;
    let store = store(&redis);
    let app = App::with(|builder| {
        let builder = builder.cookie_keys(keys(1)).idle_timeout(10 * MINUTE);
        builder.session_store(store.clone())
    })
    .await;
    let mut browser = app.signed_in().await;
    app.clock.advance(MINUTE);
    let answer = browser.open("/whoami").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.set_cookies(), [""; 0]);
    let token = SessionToken::new(browser.session().unwrap());
    eventually("it is noted", async || {
        let session = store.load(&token, now()).await.unwrap();
        session.unwrap().version() == 1
    })
    .await;
}

#[tokio::test]
async fn refresh_that_could_not_begin_leaves_it_to_the_other_instance() {
    let redis = Redis::start().await;
    let gateway = MockGateway::builder().refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    gateway.set_expires_in(60);
    let (faults, gates) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let app = Instances::start(gateway, |builder| {
        let faulty = FaultyStore::new(store(&redis));
        let gated = Blocking::new(faulty.clone());
        faults.lock().unwrap().push(faulty);
        gates.lock().unwrap().push(Arc::clone(&gated.loads));
        builder.refresh_tokens(true).session_store(gated)
    })
    .await;
    let (faults, gates) = (faults.into_inner().unwrap(), gates.into_inner().unwrap());
    let browser = app.signed_in(0).await;
    app.clock.advance(2 * MINUTE);
    gates[0].shut();
    let mut first = app.moved(&browser, 0);
    let refused = tokio::spawn(async move { first.open("/whoami").await });
    gates[0].came(gates[0].count() + 1).await;
    faults[0].set_for(Operation::Load, Fault::Error);
    gates[0].open();
    let refused = refused.await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.gateway.hits(Endpoint::Token), 1, "it had not begun");
    assert!(app.moved(&browser, 1).token().await.is_some());
}
