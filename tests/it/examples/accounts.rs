//! The examples with customers of their own: customers, axum_login.

use http::StatusCode;

use super::program::{KARI, OLA, Program};

#[tokio::test]
async fn customers_are_found_by_a_confirmed_line_and_others_read_the_words_of_the_app() {
    let app = Program::start("customers", &[("DATABASE_URL", "sqlite::memory:")]);
    let mut kari = app.visitor();
    kari.log_in_as(KARI, "/account").await;
    assert_eq!(kari.open("/account").await.body, "Kunde 17");
    let mut ola = app.visitor();
    let page = ola.log_in_as(OLA, "/account").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.body.contains("<h1>Vi kjenner ikke nummeret ditt</h1>"),
        "{}",
        page.body
    );
    assert!(ola.session().is_none());
}

#[tokio::test]
async fn axum_login_has_a_session_of_its_own_for_the_customer_of_a_line() {
    let app = Program::start("axum_login", &[("RUST_LOG", "off")]);
    let mut kari = app.visitor();
    kari.log_in_as(KARI, "/login/telenor").await;
    let done = kari.open("/login/telenor").await;
    assert_eq!(
        (done.status, &*done.location()),
        (StatusCode::SEE_OTHER, "/")
    );
    assert_eq!(kari.open("/").await.body, "Konto 17");
    // The account goes on when the layer's session is gone.
    kari.jar.retain(|(name, _)| !name.contains("telenor"));
    assert_eq!(kari.open("/").await.body, "Konto 17");

    let mut ola = app.visitor();
    ola.log_in_as(OLA, "/login/telenor").await;
    assert_eq!(
        ola.open("/login/telenor").await.body,
        "Logg ut først, eller inn med passord."
    );
    assert!(ola.open("/").await.body.contains("Logg inn"));
}

#[tokio::test]
async fn axum_login_replaces_no_session_of_an_account_by_a_link() {
    let app = Program::start("axum_login", &[("RUST_LOG", "off")]);
    let mut kari = app.visitor();
    kari.log_in_as(KARI, "/login/telenor").await;
    kari.open("/login/telenor").await;
    let again = kari.open("/login/telenor").await;
    assert_eq!(again.body, "Logg ut først, eller inn med passord.");
    assert_eq!(kari.open("/").await.body, "Konto 17");
}
