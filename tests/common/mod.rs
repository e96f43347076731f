//! An app, a gateway, and a browser that keeps cookies as browsers do.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    missing_docs,
    reason = "shared by test binaries that use a part each"
)]

pub mod demo;
pub mod log;
#[cfg(feature = "redis")]
pub mod redis;
pub mod stores;
pub mod tls;
pub mod way;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    routing::{any, get, post},
};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use telenor_auth::{
    Clock, CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    mock::{Endpoint, MockGateway},
    session::SessionStore,
};
use tower::ServiceExt;
use url::Url;

pub const ORIGIN: &str = "https://app.test";
pub const CALLBACK: &str = "/telenor/callback";

/// An app whose every route is guarded, the gateway it sends people to, and the clock of both.
pub struct App {
    pub router: Router,
    pub gateway: MockGateway,
    pub clock: Clock,
    /// How often a handler ran.
    pub hits: Hits,
}

pub type Hits = Arc<AtomicUsize>;

impl App {
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// An app whose layer has other settings.
    pub async fn with<Store: SessionStore>(
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
    ) -> Self {
        Self::at(MockGateway::start().await.unwrap(), settings)
    }

    /// The same, at a gateway with other settings.
    pub fn at<Store: SessionStore>(
        gateway: MockGateway,
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder<Store>,
    ) -> Self {
        let clock = Clock::manual();
        let builder = settings(builder(&gateway).clock(clock.clone()));
        let hits = Hits::default();
        let router = routes(&hits).layer(builder.build().unwrap());
        Self {
            router,
            gateway,
            clock,
            hits,
        }
    }

    /// An app with this layer and these routes.
    pub fn mounted(router: Router, gateway: MockGateway) -> Self {
        Self {
            router,
            gateway,
            clock: Clock::default(),
            hits: Hits::default(),
        }
    }

    pub fn browser(&self) -> Browser {
        Browser {
            router: self.router.clone(),
            jar: Vec::new(),
        }
    }

    /// A browser that is signed in.
    pub async fn signed_in(&self) -> Browser {
        let mut browser = self.browser();
        let callback = browser.callback_url(&self.gateway, "/whoami").await;
        let done = browser.open(&callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        browser
    }

    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    pub fn token_requests(&self) -> usize {
        self.gateway.hits(Endpoint::Token)
    }
}

/// A layer for this gateway, with every default.
pub fn builder(gateway: &MockGateway) -> TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}{CALLBACK}");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

/// Keys that are good, and the same for the same number.
pub fn keys(number: u8) -> CookieKeys {
    let key = |seed: u8| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[seed]);
    CookieKeys::new([key(number)]).unwrap()
}

/// A server elsewhere, as a router: what a test sends goes over the network and its answer comes back.
pub fn remote(base: &str) -> Router {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .unwrap();
    let base = base.to_owned();
    Router::new().fallback(async move |request: Request<Body>| {
        let (parts, body) = request.into_parts();
        let url = format!("{base}{}", parts.uri.path_and_query().unwrap());
        let body = body.collect().await.unwrap().to_bytes();
        let sent = client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body);
        let answer = sent.send().await.unwrap();
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        *response.body_mut() = Body::from(answer.bytes().await.unwrap());
        response
    })
}

/// A few routes that count how often they run.
pub fn routes(hits: &Hits) -> Router {
    async fn whoami(State(hits): State<Hits>, user: TelenorUser) -> String {
        hits.fetch_add(1, Ordering::SeqCst);
        user.access_token().secret().to_owned()
    }
    async fn plain(State(hits): State<Hits>) -> &'static str {
        hits.fetch_add(1, Ordering::SeqCst);
        "handler"
    }
    async fn perhaps(State(hits): State<Hits>, user: Option<TelenorUser>) -> &'static str {
        hits.fetch_add(1, Ordering::SeqCst);
        if user.is_some() { "user" } else { "anonymous" }
    }
    async fn name(
        State(hits): State<Hits>,
        user: TelenorUser,
    ) -> Result<String, telenor_auth::ApiError> {
        hits.fetch_add(1, Ordering::SeqCst);
        let info = user.info().await?;
        let name = info.name().and_then(|name| name.given_name());
        Ok(name.unwrap_or("nobody").to_owned())
    }
    Router::new()
        .route("/", get(perhaps))
        .route("/whoami", get(whoami))
        .route("/private", any(plain))
        .route("/private/{*rest}", any(plain))
        .route("/perhaps", get(perhaps))
        .route("/name", get(name).post(name))
        .route("/form", post(plain))
        .with_state(Arc::clone(hits))
}

/// A cookie jar and the app it talks to. Clones are two browsers from there on.
#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub jar: Vec<(String, String)>,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    /// A person opens a page.
    pub async fn open(&mut self, target: &str) -> Answer {
        self.send(navigation(target)).await
    }

    /// A person opens a page and goes wherever the app's own redirects lead.
    pub async fn follow(&mut self, target: &str) -> Answer {
        let mut answer = self.open(target).await;
        for _ in 0..5 {
            let Some(location) = answer.headers.get(header::LOCATION) else {
                return answer;
            };
            let location = location.to_str().unwrap().to_owned();
            answer = self.open(&location).await;
        }
        panic!("redirected for ever");
    }

    /// Opens a page that needs a login: the address at the gateway that it leads to.
    pub async fn start(&mut self, target: &str) -> String {
        let answer = self.open(target).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{target}: {}",
            answer.body
        );
        answer.location()
    }

    /// The same, and consents: the address that the gateway sends the browser back to.
    pub async fn callback_url(&mut self, gateway: &MockGateway, target: &str) -> String {
        let authorization = self.start(target).await;
        gateway.allow(&authorization).unwrap()
    }

    /// Sends a request with this browser's cookies, and keeps those of the answer.
    pub async fn send(&mut self, mut request: Request<Body>) -> Answer {
        let jar: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !jar.is_empty() {
            let cookies = jar.join("; ").parse().unwrap();
            request.headers_mut().append(header::COOKIE, cookies);
        }
        let mut secrets = secrets_in(&request.uri().to_string());
        let mark = log::mark();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let answer = Answer::read(response).await;
        for line in answer.set_cookies() {
            self.keep(&line);
        }
        secrets.extend(
            answer
                .header_text("location")
                .iter()
                .flat_map(|url| secrets_in(url)),
        );
        secrets.extend(self.jar.iter().map(|(_, value)| value.clone()));
        log::assert_silent(mark, &secrets);
        answer
    }

    /// Takes a Set-Cookie line as a browser does on https.
    pub fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once("; ").unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if name.starts_with("__Host-") {
            let has = |attribute: &str| attributes.split("; ").any(|has| has == attribute);
            assert!(
                has("Secure") && has("Path=/") && !attributes.contains("Domain"),
                "{line}"
            );
        }
        if name.len() + value.len() > 4096 {
            return;
        }
        self.jar.retain(|(known, _)| known != name);
        if !attributes
            .split("; ")
            .any(|attribute| attribute == "Max-Age=0")
        {
            self.jar.push((name.to_owned(), value.to_owned()));
        }
    }

    pub fn cookie(&self, part: &str) -> Option<String> {
        let cookie = self.jar.iter().find(|(name, _)| name.contains(part));
        cookie.map(|(_, value)| value.clone())
    }

    pub fn session(&self) -> Option<String> {
        self.cookie("-session")
    }

    /// The cookies of logins under way.
    pub fn pending(&self) -> Vec<(String, String)> {
        let mut jar = self.jar.clone();
        jar.retain(|(name, _)| name.contains("-login-"));
        jar
    }

    /// The token that the app would use for this browser, if it is signed in.
    pub async fn token(&mut self) -> Option<String> {
        let answer = self.open("/whoami").await;
        (answer.status == StatusCode::OK).then_some(answer.body)
    }
}

impl Answer {
    pub async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    pub fn location(&self) -> String {
        self.header("location").expect("a redirect").to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn header_text(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    pub fn set_cookies(&self) -> Vec<String> {
        let lines = self.headers.get_all(header::SET_COOKIE).iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect()
    }

    /// Nobody was signed in by this.
    #[track_caller]
    pub fn assert_no_session(&self) {
        let session = self
            .set_cookies()
            .into_iter()
            .find(|line| line.contains("-session=") && !line.contains("Max-Age=0"));
        assert_eq!(session, None);
    }

    /// A refusal that changes nothing for anybody: no cookie, nothing to cache.
    #[track_caller]
    pub fn assert_safe_reject(&self) {
        assert!(
            (400..=405).contains(&self.status.as_u16()),
            "{}: {}",
            self.status,
            self.body
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.set_cookies(), [""; 0]);
    }
}

/// What a browser sends when a person opens a page.
pub fn navigation(target: &str) -> Request<Body> {
    request(
        Method::GET,
        target,
        &[
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "none"),
            ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
        ],
    )
}

/// A request to a path, or to an absolute address of the app.
pub fn request(method: Method, target: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let target = target.strip_prefix(ORIGIN).unwrap_or(target);
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

/// What of an address must not be logged.
fn secrets_in(url: &str) -> Vec<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let secret = pairs.filter(|(name, _)| ["code", "state", "t", "resume"].contains(&&**name));
    secret.map(|(_, value)| value.into_owned()).collect()
}

pub fn query(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let mut pairs = url.query_pairs();
    pairs
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
}
