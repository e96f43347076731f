//! The router alone. Its handler has the token at hand.

use axum::{Router, http::header::SET_COOKIE, response::Redirect, routing::get};

use crate::app::{self, ACCESS_TOKEN};

#[must_use]
pub fn app() -> Router {
    Router::new()
        .route("/plain", get(app::plain))
        .route("/user", get(async || app::user(ACCESS_TOKEN)))
}

/// Redirects as a login makes them, from constants.
#[must_use]
pub fn logins() -> Router {
    let begin = async || {
        let cookie = "login=c2VhbGVk; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600";
        ([(SET_COOKIE, cookie)], Redirect::to(AUTHORIZATION_URL))
    };
    let finish = async || {
        let cookie = "session=c2Vzc2lvbg; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3600";
        ([(SET_COOKIE, cookie)], Redirect::to("/user"))
    };
    Router::new()
        .route("/user", get(begin))
        .route("/telenor/callback", get(finish))
}

const AUTHORIZATION_URL: &str = "https://api.telenor.no/oauth/v2/authorize?response_type=code\
&client_id=client&redirect_uri=https%3A%2F%2Fapp.test%2Ftelenor%2Fcallback\
&state=dGhlIHN0YXRlIG9mIGEgbG9naW4gaXMgcmFuZG9tISE&code_challenge_method=S256\
&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
