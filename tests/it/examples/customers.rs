//! The insurer whose customers log in with their line.

#[path = "../../../examples/customers/app.rs"]
mod app;
#[path = "../../../examples/customers/register.rs"]
mod register;

use std::time::Duration;

use http::{Method, Request, StatusCode};
use telenor_auth::{
    Clock, MobileNumber,
    mock::{MockGateway, Subscriber},
};

use self::register::Customers;
use crate::support::{App, Browser, browser::ORIGIN, keys, request};

async fn insurer() -> (App, Clock) {
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let mut customers = Customers::default();
    let kari = MobileNumber::parse(Subscriber::kari().mobile_number()).unwrap();
    customers.add(17, &kari);
    let (id, secret) = (gateway.client_id(), gateway.client_secret());
    let redirect_uri = format!("{ORIGIN}/telenor/callback");
    let auth = app::layer(id, secret, &redirect_uri, keys(1), customers)
        .gateway(gateway.base_url())
        .clock(clock.clone());
    let router = app::router(auth.build().unwrap(), keys(1));
    (App::mounted(router, gateway), clock)
}

fn form(path: &str, body: &'static str) -> Request<axum::body::Body> {
    let mut request = request(
        Method::POST,
        path,
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-dest", "document"),
            ("accept", "text/html"),
            ("content-type", "application/x-www-form-urlencoded"),
        ],
    );
    *request.body_mut() = body.into();
    request
}

async fn customer(app: &App) -> Browser {
    let mut browser = app.browser();
    let choose = browser.send(form("/choose", "insurance=reise")).await;
    let callback = app.gateway.allow(&choose.location()).unwrap();
    let page = browser.open(&callback).await.location();
    assert_eq!(page, format!("{ORIGIN}/insurance"));
    browser
}

#[tokio::test]
async fn choice_comes_back_with_the_customer_and_an_order_needs_a_recent_login() {
    let (app, clock) = insurer().await;
    let mut browser = customer(&app).await;
    let page = browser.open("/insurance").await.body;
    assert!(
        page.contains("<h1>Reiseforsikring</h1><p>Kundenummer 17."),
        "{page}"
    );
    assert_eq!(browser.send(form("/order", "")).await.body, "Bestilt");
    clock.advance(Duration::from_secs(61));
    assert_eq!(browser.open("/insurance").await.status, StatusCode::OK);
    let page = browser.open("/order").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert!(page.body.contains("return_to=%2Forder"), "{}", page.body);
}

#[tokio::test]
async fn choice_that_the_insurer_does_not_have_starts_no_login() {
    let (app, _clock) = insurer().await;
    let mut browser = app.browser();
    let answer = browser.send(form("/choose", "insurance=b%C3%A5t")).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(browser.pending().is_empty());
}

#[tokio::test]
async fn stranger_reads_the_words_of_the_insurer() {
    let (app, _clock) = insurer().await;
    let mut browser = app.browser();
    let choose = browser.send(form("/choose", "insurance=reise")).await;
    let ola = Subscriber::ola();
    let callback = app
        .gateway
        .allow_as(&choose.location(), ola.mobile_number());
    let page = browser.open(&callback.unwrap()).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(
        page.body.contains("<h1>Vi kjenner ikke nummeret ditt</h1>"),
        "{}",
        page.body
    );
    assert!(browser.session().is_none());
}

#[tokio::test]
async fn customer_is_logged_out_everywhere() {
    let (app, _clock) = insurer().await;
    let (mut first, mut second) = (customer(&app).await, customer(&app).await);
    first.send(form("/log-out-everywhere", "")).await;
    for browser in [&mut first, &mut second] {
        assert_eq!(
            browser.open("/insurance").await.status,
            StatusCode::SEE_OTHER
        );
    }
}
