//! Stores and databases that fail.

use std::{error::Error, time::Duration};

use http::{Method, StatusCode};
use telenor_auth::session::{
    self, Leases, SessionStore, SessionToken, StoreError, TowerSessionsStore, check_store_faults,
};
use telenor_auth_store_tests::{
    database::in_postgres,
    memory::Fault,
    postgres::Postgres,
    support::{
        app::{App, keys},
        browser::request,
        fault_proxy::FaultProxy,
    },
};
use tokio::time::Instant;

use super::{MINUTE, later, memory, now, session, subject};

/// Everything that can be asked of a store, and what it said.
async fn ask_everything(store: &TowerSessionsStore) -> Vec<(&'static str, Option<StoreError>)> {
    let token = SessionToken::random();
    let until = now() + MINUTE;
    let state = later(&session(), 1);
    let kari = subject("kari");
    let open = [(token.id(), session())];
    vec![
        ("load", store.load(&token, now()).await.err()),
        ("save", store.save(session(), now()).await.err()),
        ("update", store.update(&token, state, now()).await.err()),
        ("remove", store.remove(&token, now()).await.err()),
        ("revoke", store.revoke(token.id(), until, now()).await.err()),
        ("revoke_all", store.revoke_all(now()).await.err()),
        (
            "revoke_subject",
            store.revoke_subject(kari, until, now()).await.err(),
        ),
        ("find_ended", store.find_ended(&open, now()).await.err()),
        ("sessions_of", store.sessions_of(kari, now()).await.err()),
        ("ping", store.ping(now()).await.err()),
        ("acquire", store.acquire("login-5", MINUTE).await.err()),
        ("release", store.release("login-5").await.err()),
        (
            "complete",
            store.complete("login-5", "x", MINUTE).await.err(),
        ),
    ]
}

#[tokio::test]
async fn failure_of_the_store_is_an_error_with_its_words() {
    let (memory, store) = memory();
    memory.set_fault(Some(Fault::Fails), None);
    for (call, error) in ask_everything(&store).await {
        let error = error.unwrap_or_else(|| panic!("{call} does not say so"));
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "the disk is gone", "{call}");
    }
}

/// S82.
#[tokio::test(start_paused = true)]
async fn store_that_hangs_is_an_error_in_time() {
    let (memory, store) = memory();
    memory.set_fault(Some(Fault::Hangs), None);
    let started = Instant::now();
    store
        .load(&SessionToken::random(), now())
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 2);
    let store = store.with_timeout(Duration::from_millis(500));
    let started = Instant::now();
    store
        .load(&SessionToken::random(), now())
        .await
        .unwrap_err();
    assert_eq!(started.elapsed().as_millis() / 10, 50);
    let started = Instant::now();
    for (call, error) in ask_everything(&store).await {
        let error = error.unwrap_or_else(|| panic!("{call} does not say so"));
        let cause = error.source().unwrap().to_string();
        assert_eq!(cause, "the store did not answer in time", "{call}");
    }
    // None of the twelve makes more than two calls that hang.
    assert!(started.elapsed() < Duration::from_millis(12 * 2 * 510));
}

#[tokio::test(start_paused = true)]
async fn store_meets_the_contract_when_the_store_within_fails() {
    let (memory, store) = memory();
    check_store_faults(store, async |fault| {
        let fault = match fault {
            session::Fault::Error => Some(Fault::Fails),
            session::Fault::Hang => Some(Fault::Hangs),
            session::Fault::Slow => Some(Fault::Lags),
            _ => None,
        };
        memory.set_fault(fault, None);
    })
    .await;
}

#[tokio::test]
async fn store_in_postgresql_meets_the_contract_when_its_server_or_the_way_to_it_fails() {
    let server = Postgres::start();
    let proxy = FaultProxy::start(server.address()).await;
    let (store, _) = in_postgres(&Postgres::url_at(proxy.address), "faults").await;
    let store = TowerSessionsStore::from_core_014(store, &keys(1));
    let store = store.with_timeout(Duration::from_secs(1));
    check_store_faults(store, async |fault| match fault {
        session::Fault::Error => server.stop(),
        fault => {
            server.heal();
            proxy.set(fault);
        }
    })
    .await;
}

/// Logs in, takes the database away for a while, and logs out.
async fn login_outlasts_the_database(app: App, server: &Postgres) {
    let mut browser = app.signed_in().await;
    assert!(browser.token().await.is_some());

    server.stop();
    let away = browser.open("/whoami").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.header("retry-after").is_some());
    assert_eq!(away.header("location"), None);
    assert!(browser.session().is_some());
    server.start_again();
    let deadline = Instant::now() + Duration::from_secs(60);
    while browser.token().await.is_none() {
        assert!(Instant::now() < deadline, "the session is not back");
    }

    let mut copied = browser.clone();
    let same_origin = &[("sec-fetch-site", "same-origin")];
    let logout = request(Method::POST, "/telenor/logout", same_origin);
    assert_eq!(browser.send(logout).await.status, StatusCode::SEE_OTHER);
    assert!(copied.token().await.is_none());
    assert_eq!(copied.open("/whoami").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn login_with_postgresql_outlasts_the_database() {
    let server = Postgres::start();
    for (schema, changes) in [("fixed", false), ("changing", true)] {
        let (store, _) = in_postgres(&server.url(), schema).await;
        let app = App::with(|builder| {
            let keys = keys(1);
            let store = TowerSessionsStore::from_core_014(store, &keys);
            let builder = builder.cookie_keys(keys);
            let builder = match changes {
                true => builder.idle_timeout(10 * MINUTE),
                false => builder,
            };
            builder.session_store(store.with_timeout(Duration::from_secs(3)))
        });
        login_outlasts_the_database(app.await, &server).await;
    }
}
