//! The rows of the table: which subjects are measured at what.

use std::time::Duration;

use axum::Router;
use telenor_auth_benches::by_hand::Sessions;

use crate::{
    browser::Browser,
    case::{Answer, Case},
    facts,
    subjects::{
        axum_login, axum_oidc, axum_security, bare, by_hand, oauth2_and_jar, telenor_auth,
        tower_sessions,
    },
};

pub struct Row {
    pub name: &'static str,
    pub cases: Vec<Case>,
}

/// Every row. The first case of each is the bare router.
pub async fn all(provider: &str) -> Vec<Row> {
    let rows = [
        ("memory", memory(provider).await),
        ("cookie", cookie(provider).await),
        ("public", public(provider).await),
        ("challenge", challenge(provider).await),
    ];
    let mut checked = Vec::new();
    for (name, mut cases) in rows {
        for case in &mut cases {
            case.check().await;
            if matches!(case.answer, Answer::User) {
                facts::check(case);
            }
        }
        checked.push(Row { name, cases });
    }
    checked
}

/// One case of the rows with a user who is signed in.
pub async fn one(provider: &str, row: &str, subject: &str) -> Option<Case> {
    let cases = match row {
        "memory" => memory(provider).await,
        "cookie" => cookie(provider).await,
        _ => return None,
    };
    let mut cases = cases.into_iter();
    cases.find(|case| case.subject == subject)
}

/// A user is signed in, and the session is in memory.
async fn memory(provider: &str) -> Vec<Case> {
    let (by_hand, session) = by_hand::app(Sessions::memory());
    vec![
        signed_in("bare", bare::app(), &session),
        signed_in("by hand", by_hand, &session),
        with_login("telenor-auth", telenor_auth::memory(provider), "/user").await,
        with_login(
            "axum-security",
            axum_security::app(provider),
            axum_security::LOGIN,
        )
        .await,
        with_visit("tower-sessions", tower_sessions::app()).await,
        with_visit("axum-login", axum_login::app()).await,
        with_login("axum-oidc", axum_oidc::app(provider).await, "/user").await,
    ]
}

/// A user is signed in, and the session is in a sealed cookie.
async fn cookie(provider: &str) -> Vec<Case> {
    let (by_hand, session) = by_hand::app(Sessions::cookie());
    vec![
        signed_in("bare", bare::app(), &session),
        signed_in("by hand", by_hand, &session),
        with_login("telenor-auth", telenor_auth::cookie(provider), "/user").await,
        with_login("private jar", oauth2_and_jar::app(provider), "/user").await,
    ]
}

/// A visitor opens a page that needs no login.
async fn public(provider: &str) -> Vec<Case> {
    [
        ("bare", bare::app()),
        ("telenor-auth", telenor_auth::optional(provider)),
        ("axum-security", axum_security::app(provider)),
        ("tower-sessions", tower_sessions::app()),
        ("axum-login", axum_login::app()),
        ("axum-oidc", axum_oidc::app(provider).await),
        ("private jar", oauth2_and_jar::app(provider)),
    ]
    .map(|(subject, app)| visitor(subject, app, "/plain", Answer::Plain))
    .into()
}

/// A visitor opens a page that needs a login, and is sent to the gateway.
async fn challenge(provider: &str) -> Vec<Case> {
    let mut cases = vec![visitor("bare", bare::app(), "/plain", Answer::Plain)];
    let login = axum_security::LOGIN;
    let subjects = [
        ("by hand", by_hand::app(Sessions::memory()).0, "/user"),
        ("telenor-auth", telenor_auth::memory(provider), "/user"),
        ("axum-security", axum_security::app(provider), login),
        (
            "oauth2 + private jar",
            oauth2_and_jar::app(provider),
            "/user",
        ),
        ("axum-oidc", axum_oidc::app(provider).await, "/user"),
    ];
    for (subject, app, path) in subjects {
        cases.push(visitor(subject, app, path, Answer::Challenge));
    }
    cases
}

fn signed_in(subject: &'static str, app: Router, session: &str) -> Case {
    Case {
        subject,
        app: app.with_state(()),
        path: "/user",
        session: session.to_owned(),
        answer: Answer::User,
    }
}

fn visitor(subject: &'static str, app: Router, path: &'static str, answer: Answer) -> Case {
    Case {
        subject,
        app: app.with_state(()),
        path,
        session: String::new(),
        answer,
    }
}

/// Signs in at the provider.
async fn with_login(subject: &'static str, app: Router, start: &str) -> Case {
    loop {
        let mut browser = Browser::new(app.clone());
        browser.log_in(start).await;
        // The first sweep of axum-security ends each session that began before it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        if browser.open("/user").await.status().is_success() {
            return signed_in(subject, app, &session(&browser));
        }
    }
}

/// Signs in by a page of the app.
async fn with_visit(subject: &'static str, app: Router) -> Case {
    let mut browser = Browser::new(app.clone());
    browser.open("/login").await;
    signed_in(subject, app, &session(&browser))
}

/// The cookie of the session, without what a login left besides it.
fn session(browser: &Browser) -> String {
    let cookies = browser.cookies();
    let mut cookies = cookies.split("; ");
    let is_session = |cookie: &&str| {
        let name = cookie.split('=').next().unwrap_or_default();
        name == "id" || name.ends_with("session")
    };
    cookies.find(is_session).expect("a session").to_owned()
}
