//! A browser: it keeps cookies, and follows what the app answers.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
};
use telenor_auth_benches::requests;
use tower::ServiceExt;

use crate::app::ORIGIN;

/// A request for a page, with the `Cookie` header of this value.
#[must_use]
pub fn page(path: &str, cookies: &str) -> Request<Body> {
    requests::page(path, cookies).map(|()| Body::empty())
}

pub struct Browser {
    app: Router,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    #[must_use]
    pub fn new(app: Router) -> Self {
        let cookies = BTreeMap::new();
        Self { app, cookies }
    }

    /// Opens a page of the app.
    pub async fn open(&mut self, path: &str) -> Response<Body> {
        let request = page(path, &self.cookies());
        let Ok(response) = self.app.clone().oneshot(request).await;
        for line in response.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("a cookie is text");
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }

    /// Logs in: opens a page that sends the browser to the gateway, and comes back with a code.
    ///
    /// # Panics
    ///
    /// When the app does not send the browser to the gateway, or the code is refused.
    pub async fn log_in(&mut self, start: &str) {
        let response = self.open(start).await;
        let callback = callback(&response);
        let response = self.open(&callback).await;
        let status = response.status();
        assert!(status.is_redirection(), "{callback}: {status}");
    }

    /// The value of the `Cookie` header.
    #[must_use]
    pub fn cookies(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }
}

/// Where the gateway sends the browser back to: a path of the app.
///
/// # Panics
///
/// When the response does not lead to a gateway.
#[must_use]
pub fn callback(response: &Response<Body>) -> String {
    let location = response.headers().get(header::LOCATION);
    let location = location.unwrap_or_else(|| panic!("no redirect: {}", response.status()));
    let location = url::Url::parse(location.to_str().expect("ASCII")).expect("a URL");
    let parameter = |name: &str| {
        let mut pairs = location.query_pairs();
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    let redirect_uri = parameter("redirect_uri").expect("where to come back to");
    let path = redirect_uri.strip_prefix(ORIGIN).expect("the app");
    let state = parameter("state").expect("a state");
    // The provider puts the nonce of an OpenID login into the ID token. It finds it in the code.
    let code = parameter("nonce").unwrap_or_else(|| "SplxlOBeZQQYbYS6WxSbIA".to_owned());
    format!("{path}?code={code}&state={state}")
}
