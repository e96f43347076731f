//! A browser for a login, which calls the app in this process.

use std::{fmt, future::poll_fn};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use cookie::Cookie;
use http::{HeaderName, HeaderValue, Request, header};
use tower_service::Service;
use url::{Position, Url};

use crate::mock::error::MockError;

/// The host before the app's own host is known. No `Host` header is sent for it.
pub(in crate::mock) const UNKNOWN_HOST: &str = "app.invalid";

const NAVIGATION: [(HeaderName, &str); 4] = [
    (header::ACCEPT, "text/html"),
    (HeaderName::from_static("sec-fetch-mode"), "navigate"),
    (HeaderName::from_static("sec-fetch-dest"), "document"),
    (HeaderName::from_static("sec-fetch-site"), "none"),
];

/// Opens the pages of one app, on any host, and stores the cookies that the app sets.
pub(in crate::mock) struct Browser<S> {
    app: S,
    jar: Vec<Cookie<'static>>,
}

impl<S> Browser<S>
where
    S: Service<Request<Body>>,
    S::Response: IntoResponse,
    S::Error: fmt::Display,
{
    pub(in crate::mock) const fn new(app: S) -> Self {
        Self {
            app,
            jar: Vec::new(),
        }
    }

    /// Opens a page as a top-level navigation.
    pub(in crate::mock) async fn open(&mut self, url: &Url) -> Result<Response, MockError> {
        let mut request = Request::new(Body::empty());
        let path = &url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = path.parse().map_err(|_| MockError::InvalidPath)?;
        let headers = request.headers_mut();
        for (name, value) in NAVIGATION {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let host = &url[Position::BeforeHost..Position::AfterPort];
        if let Ok(host) = HeaderValue::from_str(host)
            && host != UNKNOWN_HOST
        {
            headers.insert(header::HOST, host);
        }
        if let Some(cookies) = self.cookie_header(url.scheme() == "https") {
            headers.insert(header::COOKIE, cookies);
        }
        let response = self.send(request).await?;
        for line in response.headers().get_all(header::SET_COOKIE) {
            self.store_cookie(line);
        }
        Ok(response)
    }

    /// Returns the stored cookies as a `Cookie` header. `Secure` cookies are not sent over plain
    /// http.
    pub(in crate::mock) fn cookie_header(&self, secure: bool) -> Option<HeaderValue> {
        let sent = |cookie: &&Cookie<'_>| secure || cookie.secure() != Some(true);
        let pairs = self.jar.iter().filter(sent);
        let pairs: Vec<_> = pairs.map(|pair| pair.stripped().to_string()).collect();
        let mut line = HeaderValue::try_from(pairs.join("; ")).ok()?;
        line.set_sensitive(true);
        (!pairs.is_empty()).then_some(line)
    }

    pub(in crate::mock) fn has_cookie(&self, name_ends_with: &str) -> bool {
        let mut jar = self.jar.iter();
        jar.any(|cookie| cookie.name().ends_with(name_ends_with))
    }

    async fn send(&mut self, request: Request<Body>) -> Result<Response, MockError> {
        let failed = |error: S::Error| MockError::AppFailed {
            error: error.to_string(),
        };
        let ready = poll_fn(|cx| self.app.poll_ready(cx)).await;
        ready.map_err(failed)?;
        let response = self.app.call(request).await;
        Ok(response.map_err(failed)?.into_response())
    }

    fn store_cookie(&mut self, line: &HeaderValue) {
        let cookie = line.to_str().ok().map(str::to_owned);
        let Some(Ok(cookie)) = cookie.map(Cookie::parse) else {
            return;
        };
        self.jar.retain(|known| known.name() != cookie.name());
        if cookie.max_age().is_none_or(|age| age.is_positive()) {
            self.jar.push(cookie);
        }
    }
}
