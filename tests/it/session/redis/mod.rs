//! Sessions in Redis: a real one, which is killed, hung and brought back.

use std::{
    error::Error,
    time::{Duration, Instant, SystemTime},
};

use http::StatusCode;
use telenor_auth::session::{
    RedisStore, Session, SessionStore, SessionToken, StoreError, SubjectId,
};

use crate::support::{Answer, MINUTE, keys, redis::Redis};

mod connection;
mod contract;
mod instances;
mod outages;
mod revocations;
mod subjects;

/// Far longer than a store waits by default, on a busy machine as well.
const SOON: Duration = Duration::from_secs(5);

/// A store that waits even for a machine that has a lot to do.
fn store(redis: &Redis) -> RedisStore {
    at(&redis.url())
}

fn at(url: &str) -> RedisStore {
    hasty(url).with_timeout(Duration::from_secs(5))
}

/// A store that waits as long as it does by default.
fn hasty(url: &str) -> RedisStore {
    RedisStore::new(url, &keys(1)).unwrap()
}

fn now() -> SystemTime {
    SystemTime::now()
}

fn session(access_token: &str) -> Session {
    Session::new(access_token, now() + 10 * MINUTE)
}

fn subject(name: &str) -> SubjectId {
    SubjectId::new(&keys(1), name)
}

async fn load<Store: SessionStore>(store: &Store, token: &SessionToken) -> Option<String> {
    let session = store.load(token, now()).await.unwrap();
    session.map(|session| session.access_token().secret().to_owned())
}

/// Waits for something that takes a moment.
async fn eventually(what: &str, mut happens: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !happens().await {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn key(token: &SessionToken) -> String {
    format!("telenor:session:{}", token.id())
}

/// All that an error says.
fn text(error: &StoreError) -> String {
    format!("{error} {error:?} {}", error.source().unwrap())
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("location"), None, "no login");
    assert_eq!(answer.set_cookies(), [""; 0], "and the session is kept");
}
