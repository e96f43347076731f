//! Whole logins of customers, by their line and by their password.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{
        Method, Request, StatusCode,
        header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE},
    },
};
use telenor_auth::{Clock, MobileNumber, TelenorAuthLayer, mock::MockGateway};
use tower::ServiceExt;

use crate::{
    app,
    customers::{Customers, VERIFIED_FOR},
};

const SHOP: &str = "https://shop.example";
const OLAS_PASSWORD: &str = "email=ola@eksempel.no&password=ola";

struct Shop {
    router: Router,
    gateway: MockGateway,
    clock: Clock,
}

/// A browser of its own.
struct Browser<'s> {
    shop: &'s Shop,
    jar: Vec<(String, String)>,
}

struct Answer {
    status: StatusCode,
    location: String,
    body: String,
}

impl Shop {
    /// With Kari, whose line is verified, and Ola, who has joined none.
    async fn open() -> Self {
        let gateway = MockGateway::start().await.unwrap();
        let clock = Clock::manual();
        let redirect_uri = format!("{SHOP}/telenor/callback");
        let (id, secret) = (gateway.client_id(), gateway.client_secret());
        let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
            .gateway(gateway.base_url())
            .clock(clock.clone())
            .optional(true)
            .build()
            .unwrap();
        let customers = Customers::new(clock.clone());
        customers.add(1, "kari@eksempel.no", "kari");
        customers.add(2, "ola@eksempel.no", "ola");
        customers.verify_line(1, &karis_number());
        Self {
            router: app::router(auth, customers, true),
            gateway,
            clock,
        }
    }

    fn browser(&self) -> Browser<'_> {
        Browser {
            shop: self,
            jar: Vec::new(),
        }
    }
}

impl Browser<'_> {
    async fn send(&mut self, method: Method, path: &str, form: &'static str) -> Answer {
        let cookies: Vec<_> = (self.jar.iter())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", "text/html")
            .header(ORIGIN, SHOP)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, cookies.join("; "))
            .body(Body::from(form))
            .unwrap();
        let response = self.shop.router.clone().oneshot(request).await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        let location = response.headers().get(LOCATION);
        let location = location.map(|url| url.to_str().unwrap().replace(SHOP, ""));
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        Answer {
            status,
            location: location.unwrap_or_default(),
            body: String::from_utf8(body.into()).unwrap(),
        }
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    async fn post(&mut self, path: &str, form: &'static str) -> Answer {
        self.send(Method::POST, path, form).await
    }

    fn keep(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap();
        let (name, value) = pair.split_once('=').unwrap();
        self.jar.retain(|(known, _)| known != name);
        if !line.contains("Max-Age=0") {
            self.jar.push((name.to_owned(), value.to_owned()));
        }
    }

    /// The browser shows its line to Telenor, and returns to `path`.
    async fn show_line(&mut self, path: &str, number: &str) -> Answer {
        let Shop {
            router, gateway, ..
        } = self.shop;
        let login = format!("/telenor/login?return_to={path}");
        let shown = gateway.login_as(router, &login, number).await.unwrap();
        for pair in shown.cookie_header().to_str().unwrap().split("; ") {
            self.keep(pair);
        }
        assert_eq!(shown.page(), path);
        self.get(path).await
    }

    /// Which customer the account page is of.
    async fn customer(&mut self) -> Option<u32> {
        let page = self.get("/account").await.body;
        let (_, after) = page.split_once("Kunde ")?;
        after.split('.').next()?.parse().ok()
    }
}

const KARI: &str = "91234567";
const OLA: &str = "41234567";

fn karis_number() -> MobileNumber {
    MobileNumber::parse(KARI).unwrap()
}

#[tokio::test]
async fn a_verified_line_logs_its_customer_in_and_both_sessions_live_side_by_side() {
    let shop = Shop::open().await;
    let mut kari = shop.browser();
    let challenge = kari.get("/login/telenor").await;
    assert!(challenge.location.starts_with(&shop.gateway.base_url()));
    kari.jar.clear();
    let done = kari.show_line("/login/telenor", KARI).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    assert_eq!(done.location, "/account");
    assert_eq!(kari.customer().await, Some(1));
    let names: Vec<_> = kari.jar.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"account"), "{names:?}");
    assert!(names.contains(&"__Host-telenor-session"), "{names:?}");

    // The end of one is not the end of the other.
    kari.jar.retain(|(name, _)| name == "account");
    assert_eq!(kari.customer().await, Some(1));
}

#[tokio::test]
async fn a_line_that_no_customer_has_verified_logs_no_customer_in() {
    let shop = Shop::open().await;
    let mut ola = shop.browser();
    let page = ola.show_line("/login/telenor", OLA).await;
    assert!(page.body.contains("kjenner ikke"), "{}", page.body);
    assert_eq!(ola.customer().await, None);
}

#[tokio::test]
async fn a_line_that_was_verified_long_ago_logs_no_customer_in() {
    let shop = Shop::open().await;
    shop.clock.advance(VERIFIED_FOR / 2);
    let mut kari = shop.browser();
    kari.show_line("/login/telenor", KARI).await;
    assert_eq!(kari.customer().await, Some(1));
    // That login has not verified the line again.
    shop.clock.advance(VERIFIED_FOR / 2);
    let mut other = shop.browser();
    other.show_line("/login/telenor", KARI).await;
    assert_eq!(other.customer().await, None);
}

#[tokio::test]
async fn a_customer_with_a_password_joins_their_line() {
    let shop = Shop::open().await;
    let mut ola = shop.browser();
    let wrong = ola.post("/login", "email=ola@eksempel.no&password=kari");
    assert_eq!(wrong.await.status, StatusCode::UNAUTHORIZED);
    ola.post("/login", OLAS_PASSWORD).await;
    assert_eq!(ola.customer().await, Some(2));
    let question = ola.show_line("/account/line", OLA).await;
    assert!(question.body.contains("*5 67"), "{}", question.body);
    assert!(!question.body.contains(OLA), "{}", question.body);

    let mut phone = shop.browser();
    phone.show_line("/login/telenor", OLA).await;
    assert_eq!(phone.customer().await, None, "a question changes nothing");
    ola.post("/account/line", "").await;
    phone.get("/login/telenor").await;
    assert_eq!(phone.customer().await, Some(2));
}

#[tokio::test]
async fn a_number_that_changes_hands_logs_its_new_customer_in_alone() {
    let shop = Shop::open().await;
    let mut ola = shop.browser();
    ola.post("/login", OLAS_PASSWORD).await;
    ola.show_line("/account/line", KARI).await;
    ola.post("/account/line", "").await;
    let mut phone = shop.browser();
    phone.show_line("/login/telenor", KARI).await;
    assert_eq!(phone.customer().await, Some(2));
}

#[tokio::test]
async fn a_login_replaces_the_session_of_another_customer() {
    let shop = Shop::open().await;
    let mut browser = shop.browser();
    browser.post("/login", OLAS_PASSWORD).await;
    let olas = browser.jar.clone();
    browser.show_line("/login/telenor", KARI).await;
    browser.post("/login/telenor", "").await;
    assert_eq!(browser.customer().await, Some(1));
    let karis = browser.jar.clone();
    browser.post("/login", OLAS_PASSWORD).await;
    assert_eq!(browser.customer().await, Some(2));
    for ended in [olas, karis] {
        browser.jar = ended;
        assert_eq!(browser.customer().await, None);
    }
}

#[tokio::test]
async fn a_link_does_not_replace_the_session_of_another_customer() {
    let shop = Shop::open().await;
    let mut browser = shop.browser();
    browser.post("/login", OLAS_PASSWORD).await;
    let question = browser.show_line("/login/telenor", KARI).await;
    assert_eq!(question.status, StatusCode::OK, "{}", question.body);
    assert!(question.body.contains("method=post"), "{}", question.body);
    assert_eq!(browser.customer().await, Some(2));
    let switched = browser.post("/login/telenor", "").await;
    assert_eq!(switched.location, "/account", "{}", switched.body);
    assert_eq!(browser.customer().await, Some(1));
    let again = browser.get("/login/telenor").await;
    assert_eq!(again.location, "/account", "the same customer is not asked");
}

#[tokio::test]
async fn a_logout_ends_both_sessions() {
    let shop = Shop::open().await;
    let mut kari = shop.browser();
    kari.show_line("/login/telenor", KARI).await;
    let before = kari.jar.clone();
    let ended = kari.post("/logout", "").await;
    assert_eq!(ended.status, StatusCode::TEMPORARY_REDIRECT);
    let ended = kari.post(&ended.location, "").await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.body);
    assert_eq!(shop.gateway.live_tokens(), 0);
    kari.jar = before;
    assert_eq!(kari.customer().await, None);
    let challenge = kari.get("/login/telenor").await;
    assert!(challenge.location.starts_with(&shop.gateway.base_url()));
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let shop = Shop::open().await;
    for path in ["/login", "/login/telenor", "/account/line", "/logout"] {
        let form = Request::post(path).header(ORIGIN, "https://evil.example");
        let form = form.header("sec-fetch-site", "cross-site");
        let request = form.body(Body::empty()).unwrap();
        let response = shop.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
}

#[test]
fn the_log_of_axum_login_shows_nothing_of_a_customer() {
    let customers = Customers::new(Clock::manual());
    customers.add(1, "kari@eksempel.no", "kari");
    customers.verify_line(1, &karis_number());
    let customer = customers.by_verified_line(&karis_number()).unwrap();
    assert_eq!(format!("{customer:?}"), "Customer { id: 1, .. }");
}
