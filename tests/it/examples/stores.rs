//! The examples that keep sessions elsewhere: redis, sql_store, own_store.

use http::StatusCode;
use telenor_auth::mock::MockGateway;

use super::program::{NOT_BUILT, Program, at, command};

#[test]
fn own_store_keeps_every_rule_of_the_conformance_suite() {
    let output = command("own_store").output().expect(NOT_BUILT);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_store_keeps_its_users_over_a_restart() {
    let gateway = MockGateway::start().await.unwrap();
    let file = std::env::temp_dir().join(format!("telenor-auth-{:016x}", rand::random::<u64>()));
    let mut settings = at(&gateway);
    settings.push((
        "DATABASE_URL",
        format!("sqlite:{}?mode=rwc", file.display()),
    ));
    let first = Program::start("sql_store", &settings);
    let mut browser = first.visitor();
    let callback = browser.callback_url(&gateway, "/account").await;
    browser.open(&callback).await;
    let account = browser.open("/account").await;
    assert!(account.body.starts_with("Innlogging "), "{}", account.body);
    drop(first);
    let second = Program::start("sql_store", &settings);
    browser.router = second.visitor().router;
    assert_eq!(browser.open("/account").await.body, account.body);
    drop(second);
    std::fs::remove_file(file).unwrap();
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn redis_shares_its_users_with_every_process_and_tells_when_it_is_away() {
    let gateway = MockGateway::start().await.unwrap();
    let mut redis = crate::support::redis::Redis::with(&[]).await;
    let mut settings = at(&gateway);
    settings.push(("REDIS_URL", redis.url()));
    let (first, second) = (
        Program::start("redis", &settings),
        Program::start("redis", &settings),
    );
    let mut browser = first.visitor();
    let callback = browser.callback_url(&gateway, "/account").await;
    browser.open(&callback).await;
    let account = browser.open("/account").await;
    assert!(account.body.starts_with("Innlogging "), "{}", account.body);
    browser.router = second.visitor().router;
    assert_eq!(browser.open("/account").await.body, account.body);
    assert_eq!(browser.open("/ready").await.status, StatusCode::OK);
    redis.kill();
    let away = browser.open("/account").await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    let not_ready = first.visitor().open("/ready").await;
    assert_eq!(not_ready.status, StatusCode::SERVICE_UNAVAILABLE);
}
