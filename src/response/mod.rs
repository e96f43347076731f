//! The layer's own responses. None is cached or framed, and none sends a referrer.
//!
//! Each that reports a failure has that [`Failure`] in its extensions.

mod cache;
mod failure;
mod failure_page;
pub(crate) mod page;
mod readiness;

use axum_core::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::{
    browser::{language::Language, start_script::StartScript},
    failure::FailureCause,
    response::page::{Page, Topic},
};

pub(crate) use self::{
    cache::{forbid_caching, is_cookie_safe, keep_private, vary_by_cookie},
    failure_page::FailurePages,
};
pub use self::{failure::Failure, failure_page::FailurePage, page::Logo, readiness::Readiness};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Most of the headers that decide between a page, a redirect and a problem document.
const VARY: HeaderValue = HeaderValue::from_static(
    "Cookie, Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose",
);
const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");
/// With these, the map of a redirect or a page grows once.
const USUAL_HEADERS: usize = 10;
/// For a page whose app has set a policy: of two policies, a browser enforces both.
const NO_FRAMES: HeaderValue = HeaderValue::from_static("frame-ancestors 'none'");

/// Returns a 303 to an address of the app or the gateway, with an empty body.
pub(crate) fn see_other<L>(location: L) -> Response<Body>
where
    L: AsRef<str>,
    HeaderValue: TryFrom<L>,
{
    let ascii = location.as_ref().is_ascii();
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
    let look = page.look();
    let (style, targets) = (&look.style_source, form_targets(page));
    let script = page.script.map(StartScript::policy).unwrap_or_default();
    let logo = look.has_images().then_some("data:");
    let origins = page.script.map(StartScript::origins).unwrap_or_default();
    let images: Vec<_> = logo
        .into_iter()
        .chain(origins.iter().map(|origin| &**origin))
        .collect();
    let images = match &*images {
        [] => String::new(),
        images => format!("; img-src {}", images.join(" ")),
    };
    let policy = format!(
        "default-src 'none'; style-src {style}; base-uri 'none'; form-action {targets}; \
         frame-ancestors 'none'{script}{images}"
    );
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    let policy = HeaderValue::try_from(policy).ok();
    page_response(status, page.language, html, policy, page.render().into())
}

/// Returns a page that reports a failure to a person: the app's, or else ours.
pub(crate) fn failure(
    page: &Page<'_>,
    cause: FailureCause,
    app_pages: Option<&FailurePages>,
) -> Response<Body> {
    let failure = Failure::of(page, cause);
    let mut response = match app_pages.and_then(|pages| pages.render(&failure)) {
        Some(own) => app_page(page, cause, own),
        None => self::page(cause.status(), page),
    };
    insert_failure(&mut response, failure);
    response
}

/// The app's page. Its policy or ours keeps scripts of others from an address that may hold a code.
fn app_page(page: &Page<'_>, cause: FailureCause, own: FailurePage) -> Response<Body> {
    let has_policy = own.policy.is_some();
    let policy = own.policy.or_else(|| {
        let targets = form_targets(page);
        let policy = format!(
            "script-src 'self'; object-src 'none'; base-uri 'none'; form-action {targets}; \
             frame-ancestors 'none'"
        );
        HeaderValue::try_from(policy).ok()
    });
    let (content_type, body) = (own.content_type, own.body.into());
    let status = cause.status();
    let mut response = page_response(status, page.language, content_type, policy, body);
    if has_policy {
        let headers = response.headers_mut();
        headers.append(header::CONTENT_SECURITY_POLICY, NO_FRAMES);
    }
    response
}

/// Where the forms of a page may lead.
fn form_targets(page: &Page<'_>) -> &'static str {
    // Chromium applies `form-action` to every redirect after the form, so to a page of the app that
    // leads elsewhere after a logout.
    match page.form_may_lead_away && page.logout.is_some() {
        true => "'self' https:",
        false => "'self'",
    }
}

fn page_response(
    status: StatusCode,
    language: Language,
    content_type: HeaderValue,
    policy: Option<HeaderValue>,
    body: Body,
) -> Response<Body> {
    let mut response = base_response(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    if let Some(policy) = policy {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    let language = HeaderValue::from_static(language.lang());
    headers.insert(header::CONTENT_LANGUAGE, language);
    response
}

/// The content of a problem document.
pub(crate) struct Problem<'a> {
    pub failure: Failure,
    /// For a developer, in English, or the app's own words for the user.
    pub detail: Option<&'a str>,
    pub login: Option<&'a str>,
    /// In seconds: how old a login may be (RFC 9470).
    pub max_age: Option<u64>,
}

impl Problem<'_> {
    pub(crate) fn because(cause: FailureCause, language: Language) -> Self {
        let page = Page::new(Topic::Failure(cause), language);
        Self {
            failure: Failure::of(&page, cause),
            detail: None,
            login: None,
            max_age: None,
        }
    }
}

/// The members of a problem document (RFC 9457 section 3.1, and our own).
#[derive(Serialize)]
struct ProblemDocument<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    login_id: Option<&'a str>,
}

/// Returns a problem document for a script (RFC 9457).
pub(crate) fn problem(problem: Problem<'_>) -> Response<Body> {
    let Problem {
        failure,
        detail,
        login,
        max_age,
    } = problem;
    let status = failure.status();
    let document = ProblemDocument {
        r#type: "about:blank",
        title: failure.title(),
        status: status.as_u16(),
        cause: failure.cause().as_str(),
        reason: failure.reason().map(|reason| reason.as_str()),
        detail,
        login,
        max_age,
        login_id: failure.login_id(),
    };
    // Texts and numbers always become JSON.
    let document = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = base_response(status, Body::from(document));
    let json = HeaderValue::from_static("application/problem+json");
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, json);
    insert_failure(&mut response, failure);
    response
}

/// Adds what each report of a failure has, as a page and as a problem document.
fn insert_failure(response: &mut Response<Body>, failure: Failure) {
    insert_refusal_headers(response.headers_mut(), failure.cause());
    response.extensions_mut().insert(failure);
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

/// Marks a response that the layer has made for a handler.
#[derive(Clone, Copy)]
struct ForHandler;

/// The same response, for a handler to return.
pub(crate) fn for_handler(mut response: Response<Body>) -> Response<Body> {
    response.extensions_mut().insert(ForHandler);
    response
}

/// Whether the layer has made this response of a handler.
pub(crate) fn is_for_handler(response: &Response<Body>) -> bool {
    response.extensions().get::<ForHandler>().is_some()
}

fn base_response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(USUAL_HEADERS);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// S38.
    #[test]
    fn address_that_is_not_ascii_is_not_sent() {
        let response = see_other("https://shop.example/\u{e5}");
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!response.headers().contains_key(header::LOCATION));
    }

    /// S57.
    #[test]
    fn address_is_shown_in_no_debug_output() {
        let response = see_other("https://gateway.example/?state=secret");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert!(!format!("{response:?}").contains("secret"));
    }

    #[test]
    fn answer_for_a_handler_is_marked() {
        let answer = || base_response(StatusCode::OK, Body::empty());
        assert!(!is_for_handler(&answer()));
        assert!(is_for_handler(&for_handler(answer())));
    }
}
