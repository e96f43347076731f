//! What the app adds to a session, from a login to its end by its subject.

use axum::{Router, routing::get};
use http::StatusCode;
use telenor_auth::{
    AppValueError, Clock, LoginTooOld, NewLogin, TelenorAuthLayer, TelenorLogin, TelenorUser,
    mock::MockGateway,
};
use telenor_auth_store_tests::{
    database::Database,
    support::{
        app::{App, builder},
        browser::Browser,
    },
};

use super::{MINUTE, keys, subject};

over_each_store! {
    what_a_login_brought_is_known_to_every_instance_until_its_subject_is_revoked
    ;
    where_creating_is_atomic:
}

fn routes(auth: TelenorAuthLayer) -> Router {
    async fn page(user: TelenorUser) -> Result<String, AppValueError> {
        let (note, data): (Option<String>, Option<String>) = (user.note()?, user.data()?);
        Ok(format!("{note:?} {data:?}"))
    }
    async fn recent(user: TelenorUser) -> Result<&'static str, LoginTooOld> {
        user.require_recent_login(5 * MINUTE)?;
        Ok("recent")
    }
    let pay = async |login: TelenorLogin| login.return_to("/page").note("basket 17");
    Router::new()
        .route("/page", get(page))
        .route("/recent", get(recent))
        .route("/pay", get(pay))
        .layer(auth)
}

async fn what_a_login_brought_is_known_to_every_instance_until_its_subject_is_revoked(
    database: Database,
) {
    let (gateway, clock) = (MockGateway::start().await.unwrap(), Clock::manual());
    let instance = || {
        let hook = async |login: NewLogin| {
            let note: Option<String> = login.note()?;
            let data = format!("customer of {}", note.as_deref().unwrap_or("nothing"));
            Ok(login.data(&data)?.subject(subject("kari")))
        };
        let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
        let auth = auth.session_store(database.instance()).optional(true);
        auth.on_login(hook).build().unwrap()
    };
    let (auth, other) = (instance(), instance());
    let elsewhere = routes(other.clone());
    let app = App::mounted(routes(auth.clone()), gateway);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/pay").await;
    let done = browser.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let mut moved = Browser {
        router: elsewhere,
        jar: browser.jar.clone(),
    };

    for browser in [&mut browser, &mut moved] {
        let page = browser.open("/page").await;
        let expected = r#"Some("basket 17") Some("customer of basket 17")"#;
        assert_eq!(page.body, expected);
        assert_eq!(browser.open("/recent").await.body, "recent");
    }
    clock.advance(6 * MINUTE);
    for browser in [&mut browser, &mut moved] {
        let page = browser.open("/recent").await;
        assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{}", page.body);
        assert_eq!(browser.open("/page").await.status, StatusCode::OK);
    }

    let kari = subject("kari");
    let listed = auth.sessions_of(kari).await.unwrap().expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(other.sessions_of(kari).await.unwrap(), Some(listed));
    other.revoke_subject(subject("ola")).await.unwrap();
    assert_eq!(browser.open("/page").await.status, StatusCode::OK);
    other.revoke_subject(kari).await.unwrap();
    for browser in [&mut browser, &mut moved] {
        let page = browser.open("/page").await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
    }
    for auth in [&auth, &other] {
        assert_eq!(auth.sessions_of(kari).await.unwrap(), Some(Vec::new()));
    }
}
