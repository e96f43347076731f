//! The server of the native app, from the login in the browser to the app's own token.

#[path = "../../../examples/native/app.rs"]
mod app;
#[path = "../../../examples/native/secrets.rs"]
mod secrets;

use std::time::{Duration, UNIX_EPOCH};

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use telenor_auth::{
    Clock, TelenorAuthLayer,
    mock::{MockGateway, SignedIn},
};
use tower::ServiceExt;

use self::secrets::{MAX_SECRETS, Secrets};
use crate::support::{Answer, browser::navigation, query};

const LINKS: &str = "https://app.shop.example";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const OTHER_VERIFIER: &str = "EjXk-mB92K27uhbUJU1p1r_wW1gFWFOdBjftJeZ4CVP";

struct Server {
    router: Router,
    gateway: MockGateway,
    clock: Clock,
}

impl Server {
    async fn start() -> Self {
        let gateway = MockGateway::start().await.unwrap();
        let clock = Clock::manual();
        let redirect_uri = "https://shop.example/telenor/callback";
        let (id, secret) = (gateway.client_id(), gateway.client_secret());
        let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
            .gateway(gateway.base_url())
            .clock(clock.clone())
            .build()
            .unwrap();
        Self {
            router: app::router(auth, LINKS, clock.clone()),
            gateway,
            clock,
        }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// The browser logs in for the app that has `VERIFIER`.
    async fn log_in(&self) -> SignedIn {
        let done = format!("%2Fapp%2Fdone%3Fchallenge%3D{}", app::challenge(VERIFIER));
        let login = format!("/telenor/login?return_to={done}");
        self.gateway.login(&self.router, &login).await.unwrap()
    }

    async fn page(&self, user: &SignedIn, path: &str) -> Answer {
        let mut request = navigation(path);
        let cookie = user.cookie_header();
        request.headers_mut().insert("cookie", cookie);
        self.send(request).await
    }

    /// The code in the link on the page after the login.
    async fn code(&self, user: &SignedIn) -> String {
        let page = self.page(user, user.page()).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        let (_, link) = page.body.split_once("href=\"").unwrap();
        let (link, _) = link.split_once('"').unwrap();
        assert!(
            link.starts_with("https://app.shop.example/app/open?"),
            "{link}"
        );
        query(link, "code").unwrap()
    }

    async fn exchange(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let form = Request::post("/app/token")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("code={code}&code_verifier={verifier}")))
            .unwrap();
        let answer = self.send(form).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        (answer.status, serde_json::from_str(&answer.body).unwrap())
    }

    async fn token(&self) -> String {
        let code = self.code(&self.log_in().await).await;
        let (status, body) = self.exchange(&code, VERIFIER).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: Method, path: &str, token: &str) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn assert_refused(&self, code: &str, verifier: &str) {
        let refused = self.exchange(code, verifier).await;
        let error = json!({ "error": "invalid_grant" });
        assert_eq!(refused, (StatusCode::BAD_REQUEST, error));
    }
}

#[tokio::test]
async fn the_app_gets_a_token_of_its_own_by_the_code_of_the_link() {
    let server = Server::start().await;
    let code = server.code(&server.log_in().await).await;
    let (status, body) = server.exchange(&code, VERIFIER).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body["token_type"], "Bearer");
    let token = body["access_token"].as_str().unwrap();
    let me = server.call(Method::GET, "/app/me", token).await;
    assert_eq!(me.body, r#"{"given_name":"Kari"}"#);
}

#[tokio::test]
async fn a_code_is_accepted_once() {
    let server = Server::start().await;
    let code = server.code(&server.log_in().await).await;
    assert_eq!(server.exchange(&code, VERIFIER).await.0, StatusCode::OK);
    server.assert_refused(&code, VERIFIER).await;
}

#[tokio::test]
async fn another_app_that_catches_the_link_gets_nothing_and_uses_the_code_up() {
    for verifier in [OTHER_VERIFIER, "", "short", &app::challenge(VERIFIER)] {
        let server = Server::start().await;
        let code = server.code(&server.log_in().await).await;
        server.assert_refused(&code, verifier).await;
        server.assert_refused(&code, VERIFIER).await;
    }
}

#[tokio::test]
async fn a_short_verifier_is_refused_even_if_its_hash_fits() {
    let server = Server::start().await;
    let user = server.log_in().await;
    let path = format!("/app/done?challenge={}", app::challenge("short"));
    let page = server.page(&user, &path).await;
    let (_, code) = page.body.split_once("code=").unwrap();
    let (code, _) = code.split_once('"').unwrap();
    server.assert_refused(code, "short").await;
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    let server = Server::start().await;
    let user = server.log_in().await;
    let code = server.code(&user).await;
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(server.exchange(&code, VERIFIER).await.0, StatusCode::OK);
    let code = server.code(&user).await;
    server.clock.advance(Duration::from_secs(60));
    server.assert_refused(&code, VERIFIER).await;
}

#[tokio::test]
async fn a_reloaded_page_replaces_the_code_of_its_login_alone() {
    let server = Server::start().await;
    let (kari, other) = (server.log_in().await, server.log_in().await);
    let kept = server.code(&other).await;
    let replaced = server.code(&kari).await;
    let code = server.code(&kari).await;
    server.assert_refused(&replaced, VERIFIER).await;
    assert_eq!(server.exchange(&code, VERIFIER).await.0, StatusCode::OK);
    assert_eq!(server.exchange(&kept, VERIFIER).await.0, StatusCode::OK);
}

#[tokio::test]
async fn no_code_is_issued_without_a_login_or_a_challenge() {
    let server = Server::start().await;
    let challenge = app::challenge(VERIFIER);
    let anonymous = navigation(&format!("/app/done?challenge={challenge}"));
    assert_eq!(server.send(anonymous).await.status, StatusCode::SEE_OTHER);
    let user = server.log_in().await;
    for challenge in ["", "abc", &challenge[1..], "%22%3E%3Cscript%3E"] {
        let path = format!("/app/done?challenge={challenge}");
        let page = server.page(&user, &path).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{challenge}");
        assert!(!page.body.contains("href"), "{}", page.body);
    }
}

#[tokio::test]
async fn the_pages_pass_neither_challenge_nor_code_on() {
    let server = Server::start().await;
    let user = server.log_in().await;
    for path in [user.page(), "/app/open?code=code"] {
        let page = server.page(&user, path).await;
        assert_eq!(page.status, StatusCode::OK);
        let cache = page.header("cache-control").unwrap();
        assert!(cache.contains("no-store"), "{cache}");
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn the_apps_token_ends_by_a_logout_or_in_time() {
    let server = Server::start().await;
    let token = server.token().await;
    let unknown = server.call(Method::GET, "/app/me", "unknown").await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert_eq!(unknown.header("www-authenticate"), Some("Bearer"));
    server.call(Method::POST, "/app/logout", &token).await;
    let me = server.call(Method::GET, "/app/me", &token).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);

    let token = server.token().await;
    server.clock.advance(Duration::from_secs(8 * 60 * 60));
    let me = server.call(Method::GET, "/app/me", &token).await;
    assert_eq!(me.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_association_files_are_public_json_and_name_the_path_of_the_link() {
    let server = Server::start().await;
    let file = async |name: &str| {
        let request = Request::get(format!("/.well-known/{name}"));
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        serde_json::from_str::<Value>(&answer.body).unwrap()
    };
    let apple = file("apple-app-site-association").await;
    let details = &apple["applinks"]["details"][0];
    assert_eq!(details["components"][0]["/"], "/app/open");
    assert_eq!(apple["webcredentials"]["apps"], details["appIDs"]);
    let android = file("assetlinks.json").await;
    assert_eq!(android[0]["target"]["namespace"], "android_app");
}

#[test]
fn a_full_table_issues_nothing_until_a_secret_has_expired() {
    let secrets = Secrets::new(Duration::from_secs(60));
    let start = UNIX_EPOCH + Duration::from_secs(1000);
    for _ in 0..MAX_SECRETS {
        assert!(secrets.issue(None, (), start).is_some());
    }
    assert!(secrets.issue(None, (), start).is_none());
    let later = start + Duration::from_secs(60);
    assert!(secrets.issue(None, (), later).is_some());
}
