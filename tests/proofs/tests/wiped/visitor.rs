//! A browser whose own texts are not looked at.

use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use telenor_auth_proofs::support::browser::Answer;
use tower::ServiceExt;

use super::memory::Memory;

/// A browser, and the app that it talks to.
pub struct Visitor {
    router: Router,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    pub fn of(router: Router) -> Self {
        Self {
            router,
            cookies: Vec::new(),
        }
    }

    /// Opens a page.
    pub async fn open(&mut self, target: &str) -> Answer {
        let request = Memory::aside(|| self.request(target));
        self.send(request).await
    }

    pub async fn log_out(&mut self) -> Answer {
        let mut request = Memory::aside(|| self.request("/telenor/logout"));
        *request.method_mut() = http::Method::POST;
        let same_origin = HeaderValue::from_static("same-origin");
        request.headers_mut().insert("sec-fetch-site", same_origin);
        self.send(request).await
    }

    /// The text of the address and of the cookies is never freed: it belongs to the sender.
    fn request(&self, target: &str) -> Request<Body> {
        let leaked = |text: String| Bytes::from_static(text.leak().as_bytes());
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_maybe_shared(leaked(target.to_owned())).unwrap();
        let headers = request.headers_mut();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        let pairs = self.cookies.iter();
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if !pairs.is_empty() {
            let cookies = HeaderValue::from_maybe_shared(leaked(pairs.join("; "))).unwrap();
            headers.insert(header::COOKIE, cookies);
        }
        request
    }

    async fn send(&mut self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let answer = Answer::read(response).await;
        for line in answer.set_cookies() {
            let (pair, _) = line.split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !line.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }
}

/// The address at Telenor that the app answered with.
pub fn state(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    telenor_auth_proofs::support::steps::state_of(&answer.location())
}
