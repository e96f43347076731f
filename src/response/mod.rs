//! The layer's own responses. None is cached or framed, and none sends a referrer.

mod cache;
pub(crate) mod page;

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::{
    browser::{language::Language, start_script::StartScript},
    failure::FailureCause,
    response::page::{Page, Topic},
    session_refusal::SessionRefusal,
};

pub(crate) use self::cache::{forbid_caching, is_cookie_safe, keep_private, vary_by_cookie};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Most of the headers that decide between a page, a redirect and a problem document.
const VARY: HeaderValue = HeaderValue::from_static(
    "Cookie, Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose",
);
const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");

/// Returns a 303 to an address of the app or the gateway, with an empty body.
pub(crate) fn see_other(location: &str) -> Response<Body> {
    let ascii = location.is_ascii();
    let location = HeaderValue::try_from(location).ok();
    let Some(mut location) = location.filter(|_| ascii) else {
        // All addresses that the layer builds are ASCII without control characters. No other is
        // sent.
        return base_response(StatusCode::INTERNAL_SERVER_ERROR, Body::empty());
    };
    // An address of the gateway holds `state`.
    location.set_sensitive(true);
    let mut response = base_response(StatusCode::SEE_OTHER, Body::empty());
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// Returns a page for a person.
pub(crate) fn page(status: StatusCode, page: &Page<'_>) -> Response<Body> {
    let mut response = base_response(status, Body::from(page.render()));
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, html);
    let style = page::style_hash();
    let script = page.script.map(StartScript::policy).unwrap_or_default();
    // Chromium applies `form-action` to every redirect after the form, so to a page of the app that
    // leads elsewhere after a logout.
    let targets = match page.form_may_lead_away && page.logout.is_some() {
        true => "'self' https:",
        false => "'self'",
    };
    let policy = format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; form-action {targets}; \
         frame-ancestors 'none'{script}"
    );
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let language = HeaderValue::from_static(page.language.lang());
    headers.insert(header::CONTENT_LANGUAGE, language);
    if let Topic::Failure(cause) = page.topic {
        insert_refusal_headers(headers, cause);
    }
    response
}

/// The content of a problem document.
pub(crate) struct Problem<'a> {
    pub cause: FailureCause,
    pub language: Language,
    pub reason: Option<SessionRefusal>,
    /// For a developer, in English.
    pub detail: Option<&'a str>,
    pub login: Option<&'a str>,
    pub login_id: Option<&'a str>,
}

impl Problem<'_> {
    pub(crate) fn because(cause: FailureCause, language: Language) -> Self {
        Self {
            cause,
            language,
            reason: None,
            detail: None,
            login: None,
            login_id: None,
        }
    }
}

/// Returns a problem document for a script (RFC 9457).
pub(crate) fn problem(problem: &Problem<'_>) -> Response<Body> {
    let Problem {
        cause,
        language,
        reason,
        detail,
        login,
        login_id,
    } = *problem;
    let status = cause.status();
    let mut problem = json!({
        "type": "about:blank",
        "title": page::title(cause, reason, language),
        "status": status.as_u16(),
        "cause": cause.as_str(),
    });
    if let Some(reason) = reason {
        problem["reason"] = reason.as_str().into();
    }
    if let Some(detail) = detail {
        problem["detail"] = detail.into();
    }
    if let Some(login) = login {
        problem["login"] = login.into();
    }
    if let Some(login_id) = login_id {
        problem["login_id"] = login_id.into();
    }
    let mut response = base_response(status, Body::from(problem.to_string()));
    let json = HeaderValue::from_static("application/problem+json");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, json);
    insert_refusal_headers(headers, cause);
    response
}

fn insert_refusal_headers(headers: &mut HeaderMap, cause: FailureCause) {
    if cause.status() == StatusCode::UNAUTHORIZED {
        // RFC 9110 section 15.5.2 requires a scheme. No browser opens a password prompt for this
        // one.
        let scheme = HeaderValue::from_static("Telenor");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    if let Some(seconds) = cause.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
}

/// Returns JSON for a script.
pub(crate) fn json(json: String) -> Response<Body> {
    let mut response = base_response(StatusCode::OK, Body::from(json));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Marks a response of the layer, also in the hands of a handler.
#[derive(Clone, Copy)]
struct Own;

/// Whether a response is one of the layer's own.
pub(crate) fn is_own(response: &Response<Body>) -> bool {
    response.extensions().get::<Own>().is_some()
}

fn base_response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.extensions_mut().insert(Own);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::VARY, VARY);
    let no_referrer = HeaderValue::from_static("no-referrer");
    headers.insert(header::REFERRER_POLICY, no_referrer);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

pub(crate) fn with_cookies(
    mut response: Response<Body>,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response<Body> {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
