//! A browser that keeps cookies as browsers do, and asserts after each answer that its secrets are
//! not logged.

use std::{cell::Cell, pin::Pin};

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::log;

pub const ORIGIN: &str = "https://app.test";

/// Takes a request to these routes, and brings the answer.
pub type Transport =
    fn(Router, Request<Body>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

thread_local! {
    /// How the browsers of this test reach the app, where it is not in this process.
    pub static TRANSPORT: Cell<Option<Transport>> = const { Cell::new(None) };
}

/// A cookie jar and the app it talks to. A clone is a browser of its own.
#[derive(Clone)]
pub struct Browser {
    pub router: Router,
    pub jar: Vec<(String, String)>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    /// Opens a page as a user does.
    pub async fn open(&mut self, target: &str) -> Answer {
        self.send(navigation(target)).await
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
        let response = match TRANSPORT.get() {
            Some(send) => send(self.router.clone(), request).await,
            None => self.router.clone().oneshot(request).await.unwrap(),
        };
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
}

/// The request of a browser whose user opens a page.
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

/// The parts of an address that must not be logged.
fn secrets_in(url: &str) -> Vec<String> {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let secret =
        pairs.filter(|(name, _)| ["code", "state", "t", "go", "resume"].contains(&&**name));
    secret.map(|(_, value)| value.into_owned()).collect()
}
