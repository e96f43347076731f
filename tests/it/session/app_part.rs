//! What the app adds to a session stays in it as long as the session lasts.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{Router, routing::get};
use http::StatusCode;
use telenor_auth::{
    AppValueError, Clock, TelenorAuthBuilder, TelenorLogin, TelenorUser, mock::MockGateway,
    session::SubjectId,
};

use crate::support::{App, builder, keys};

/// Longer than a token of this gateway is good.
const TWENTY_MINUTES: Duration = Duration::from_secs(20 * 60);

fn routes() -> Router {
    async fn page(user: TelenorUser) -> Result<String, AppValueError> {
        let (note, data): (Option<String>, Option<u64>) = (user.note()?, user.data()?);
        Ok(format!("{note:?} {data:?}"))
    }
    let pay = async |login: TelenorLogin| login.return_to("/page").note("basket 17");
    Router::new()
        .route("/page", get(page))
        .route("/pay", get(pay))
}

over_each_store! {
    builders:
    new_login_begins_without_what_the_app_kept_before
}

/// S61.
async fn new_login_begins_without_what_the_app_kept_before(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let logins = AtomicU64::new(0);
    let auth = move |builder| {
        settings(builder).optional(true).on_login(move |login| {
            let first = logins.fetch_add(1, Ordering::SeqCst) == 0;
            async move {
                if first {
                    Ok(login.data(&17_u64)?)
                } else {
                    Ok(login)
                }
            }
        })
    };
    let gateway = MockGateway::start().await.unwrap();
    let auth = auth(builder(&gateway)).build().unwrap();
    let app = App::mounted(routes().layer(auth), gateway);
    let mut browser = app.browser();
    for (login, kept) in [
        ("/pay", "Some(\"basket 17\") Some(17)"),
        ("/telenor/login", "None None"),
    ] {
        let callback = browser.callback_url(&app.gateway, login).await;
        browser.open(&callback).await;
        assert_eq!(browser.open("/page").await.body, kept);
    }
}

/// A session in a cookie has no refresh, and so no test here.
async fn value_note_and_subject_stay_through_refreshes(
    settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
) {
    let gateway = MockGateway::builder().refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    gateway.set_expires_in(600);
    let (clock, subject) = (Clock::manual(), SubjectId::new(&keys(1), "customer 17"));
    let auth = settings(builder(&gateway))
        .clock(clock.clone())
        .optional(true)
        .refresh_tokens(true)
        .on_login(move |login| async move { Ok(login.data(&17_u64)?.subject(subject)) })
        .build()
        .unwrap();
    let app = App::mounted(routes().layer(auth.clone()), gateway);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/pay").await;
    browser.open(&callback).await;
    for refreshes in 0..3 {
        assert_eq!(
            browser.open("/page").await.body,
            "Some(\"basket 17\") Some(17)"
        );
        assert_eq!(app.token_requests(), 1 + refreshes);
        let listed = auth.sessions_of(subject).await.unwrap();
        assert_eq!(listed.map(|sessions| sessions.len()), Some(1));
        clock.advance(TWENTY_MINUTES);
    }
    auth.revoke_subject(subject).await.unwrap();
    assert_eq!(browser.open("/page").await.status, StatusCode::SEE_OTHER);
    let listed = auth.sessions_of(subject).await.unwrap();
    assert_eq!(listed, Some(Vec::new()));
}

#[tokio::test]
async fn value_note_and_subject_stay_through_refreshes_in_memory() {
    value_note_and_subject_stay_through_refreshes(|builder| builder).await;
}

#[cfg(feature = "redis")]
#[tokio::test]
async fn value_note_and_subject_stay_through_refreshes_in_redis() {
    use crate::support::{each_store::in_redis, redis::Redis};

    let redis = Redis::start().await;
    let settings = |builder| in_redis(&redis, builder);
    value_note_and_subject_stay_through_refreshes(settings).await;
}

#[cfg(feature = "cached")]
#[tokio::test]
async fn value_note_and_subject_stay_through_refreshes_in_a_cache() {
    value_note_and_subject_stay_through_refreshes(crate::support::each_store::in_cache).await;
}
