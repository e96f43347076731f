//! Sends a browser to log in: a 303 to the gateway, and a sealed cookie.

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, Response, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::seal::Seal;

pub(super) struct Challenge {
    pub seal: Seal,
    /// The authorization URL up to the value of `state`.
    url: String,
}

#[derive(Serialize, Deserialize)]
struct Login<'a> {
    state: [u8; 32],
    verifier: [u8; 32],
    return_to: &'a str,
    started_at: SystemTime,
}

impl Challenge {
    pub(super) fn new() -> Self {
        Self {
            seal: Seal::random(),
            url: "https://api.telenor.no/oauth/v2/authorize?response_type=code&client_id=client\
                  &redirect_uri=https%3A%2F%2Fapp.test%2Ftelenor%2Fcallback\
                  &scope=user-info-v1&state="
                .to_owned(),
        }
    }

    pub(super) fn respond<B>(&self, request: &Request<B>) -> Response<Body> {
        let headers = request.headers();
        let is = |name, value| headers.get(name).is_some_and(|sent| sent == value);
        let is_page = *request.method() == Method::GET
            && is("sec-fetch-mode", "navigate")
            && is("sec-fetch-dest", "document");
        if !is_page {
            let response = Response::builder().status(StatusCode::UNAUTHORIZED);
            return response.body(Body::empty()).expect("no bad part");
        }
        let page = request.uri().path_and_query();
        let login = Login {
            state: rand::random(),
            verifier: rand::random(),
            return_to: page.map_or("/", |page| page.as_str()),
            started_at: SystemTime::now(),
        };

        let mut location = String::with_capacity(512);
        location.push_str(&self.url);
        let state = location.len();
        BASE64_URL_SAFE_NO_PAD.encode_string(login.state, &mut location);

        let mut cookie = String::with_capacity(512);
        cookie.push_str("__Host-telenor-login-");
        cookie.push_str(&location[state..state + 12]);
        let name = cookie.len();
        cookie.push('=');
        let mut value = String::with_capacity(256);
        self.seal
            .seal(&cookie.as_bytes()[..name], &login, &mut value);
        cookie.push_str(&value);
        cookie.push_str("; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600");

        location.push_str("&code_challenge_method=S256&code_challenge=");
        let mut verifier = [0; 43];
        BASE64_URL_SAFE_NO_PAD
            .encode_slice(login.verifier, &mut verifier)
            .expect("32 bytes have 43 characters");
        let challenge = digest(&SHA256, &verifier);
        BASE64_URL_SAFE_NO_PAD.encode_string(challenge, &mut location);

        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        let value = |text: String| HeaderValue::try_from(text).expect("it is ASCII");
        headers.insert(header::LOCATION, value(location));
        headers.insert(header::SET_COOKIE, value(cookie));
        let no_store = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, no_store);
        let vary = HeaderValue::from_static("Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest");
        headers.insert(header::VARY, vary);
        let no_referrer = HeaderValue::from_static("no-referrer");
        headers.insert(header::REFERRER_POLICY, no_referrer);
        response
    }
}
