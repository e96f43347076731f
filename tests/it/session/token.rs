//! Session cookies that are replaced, altered, or from another layer.

use telenor_auth::Endpoints;

use crate::support::{App, Browser, Hits, builder, each_store::in_cookie, routes};

over_each_store! {
    apps:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    altered_session_cookie_is_refused
}

async fn login_makes_a_new_session_and_ends_the_old(app: App) {
    let mut browser = app.signed_in().await;
    let old = browser.session().unwrap();
    let callback = browser.callback_url(&app.gateway, "/telenor/login").await;
    browser.open(&callback).await;
    let new = browser.session().unwrap();
    assert_ne!(old, new);
    assert!(browser.token().await.is_some());
    let mut with_old = app.browser();
    with_old.jar = vec![("__Host-telenor-session".into(), old)];
    assert!(with_old.token().await.is_none());
}

async fn login_ends_a_planted_session(app: App) {
    let attacker = app.signed_in().await;
    let planted = attacker.session().unwrap();
    let mut victim = app.browser();
    victim.jar = attacker.jar.clone();
    let callback = victim.callback_url(&app.gateway, "/telenor/login").await;
    victim.open(&callback).await;
    assert_ne!(victim.session().unwrap(), planted);
    let mut attacker = attacker;
    assert!(attacker.token().await.is_none());
    assert!(victim.token().await.is_some());
}

async fn altered_session_cookie_is_refused(app: App) {
    let good = app.signed_in().await.session().unwrap();
    let name = "__Host-telenor-session".to_owned();
    let expected = app.browser().open("/whoami").await;
    let mut altered: Vec<String> = (0..good.len()).map(|cut| good[..cut].to_owned()).collect();
    for at in (0..good.len().min(64)).chain(good.len().saturating_sub(64)..good.len()) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        altered.push(String::from_utf8(bytes).unwrap());
    }
    altered.extend([
        format!("{good}="),
        format!("{good}A"),
        format!("\"{good}\""),
        "x".repeat(300_000),
    ]);
    let hits = app.hits();
    for value in altered {
        let mut browser = app.browser();
        browser.jar = vec![(name.clone(), value.clone())];
        let answer = browser.open("/whoami").await;
        assert_eq!(answer.status, expected.status, "{value:.80}");
        assert_eq!(
            answer.headers.len(),
            expected.headers.len(),
            "all causes look the same"
        );
    }
    for twins in [[&good, "other"], ["other", &good]] {
        let mut browser = app.browser();
        browser.jar = twins.map(|value| (name.clone(), value.to_owned())).into();
        assert_eq!(browser.open("/whoami").await.status, expected.status);
    }
    assert_eq!(app.hits(), hits);
}

#[tokio::test]
async fn sessions_do_not_pass_between_layers() {
    let apps = [
        App::with(in_cookie).await,
        App::with(|builder| in_cookie(builder.scope("other"))).await,
    ];
    let mut browser = apps[0].signed_in().await;
    let authorization = browser.start("/telenor/login").await;
    let callback = apps[0].gateway.allow(&authorization).unwrap();
    let mut moved = apps[1].browser();
    moved.jar = browser.jar.clone();
    assert!(
        moved.token().await.is_none(),
        "a session of another layer is invalid"
    );
    moved.open(&callback).await.assert_safe_reject();
    assert!(browser.token().await.is_some());
}

#[tokio::test]
async fn token_reaches_no_endpoint_of_another_layer() {
    let app = App::with(in_cookie).await;
    let mut browser = app.signed_in().await;
    let authorization = browser.start("/telenor/login").await;
    let callback = app.gateway.allow(&authorization).unwrap();
    let layer = |endpoints| {
        let layer = in_cookie(builder(&app.gateway).clock(app.clock.clone()));
        let layer = layer.endpoints(endpoints).build().unwrap();
        let (router, jar) = (routes(&Hits::default()).layer(layer), browser.jar.clone());
        Browser { router, jar }
    };
    assert!(
        layer(Endpoints::new()).token().await.is_some(),
        "the same layer"
    );
    let other = "https://other.test/x";
    for endpoints in [
        Endpoints::new().with_authorization(other),
        Endpoints::new().with_token(other),
        Endpoints::new().with_logout(other),
        Endpoints::new().with_user_info(other),
        Endpoints::new().with_device_info(other),
    ] {
        let mut other = layer(endpoints);
        assert!(other.token().await.is_none());
        other.open(&callback).await.assert_safe_reject();
    }
    assert_eq!(app.token_requests(), 1, "of the first login alone");
}

over_http2! {
    sessions_do_not_pass_between_layers
    token_reaches_no_endpoint_of_another_layer
    ; over_each_store:
    login_makes_a_new_session_and_ends_the_old
    login_ends_a_planted_session
    altered_session_cookie_is_refused
}
