//! A failure as the app sees it: the texts and addresses of the layer's own page, as data.

use std::fmt;

use http::StatusCode;

use super::page::Page;
use crate::{browser::language::Language, failure::FailureCause, session_refusal::SessionRefusal};

/// A failure that the layer reports, with the texts and addresses of its own page. The name of the
/// app, its look and its link to help are not in it, since the app has set them.
///
/// It is the argument of [`failure_page`](crate::TelenorAuthBuilder::failure_page), and it is in
/// the extensions of every response that reports a failure, whether that is a page or a problem
/// document. So a middleware outside the layer can log or replace such a response:
///
/// ```
/// use axum::{Router, extract::Request, middleware::{Next, from_fn}, response::Response};
/// use telenor_auth::{Failure, TelenorAuthLayer};
///
/// async fn log_failures(request: Request, next: Next) -> Response {
///     let response = next.run(request).await;
///     if let Some(failure) = response.extensions().get::<Failure>() {
///         eprintln!("{} for the login {:?}", failure.cause(), failure.login_id());
///     }
///     response
/// }
///
/// # fn app() -> Result<Router, telenor_auth::ConfigError> {
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
/// let app = Router::new().layer(auth).layer(from_fn(log_failures));
/// # Ok(app) }
/// # app().unwrap();
/// ```
///
/// A middleware that replaces the body has to keep the status, the headers and the cookies of the
/// response, with `Response::map`. The headers protect an address that may hold a code, and a
/// cookie ends the login in the browser:
///
/// ```
/// use axum::{body::Body, extract::Request, middleware::Next, response::Response};
/// use http::{HeaderValue, header};
/// use telenor_auth::Failure;
///
/// async fn replace_failures(request: Request, next: Next) -> Response {
///     let response = next.run(request).await;
///     let Some(failure) = response.extensions().get::<Failure>().cloned() else {
///         return response;
///     };
///     let mut response = response.map(|_| Body::from(failure.title().to_owned()));
///     let plain = HeaderValue::from_static("text/plain; charset=utf-8");
///     response.headers_mut().insert(header::CONTENT_TYPE, plain);
///     response.headers_mut().remove(header::CONTENT_LENGTH); // of the previous body
///     response
/// }
/// ```
///
/// Some of it comes from the request or from Telenor. Escape everything that you put into a page.
///
/// `Debug` shows neither texts nor addresses.
#[derive(Clone)]
pub struct Failure {
    cause: FailureCause,
    reason: Option<SessionRefusal>,
    language: Language,
    title: String,
    summary: String,
    consequence: Option<String>,
    advice: &'static [&'static str],
    button: &'static str,
    login_id: Option<String>,
    description: Option<String>,
    purpose: Option<String>,
    retry: Option<String>,
    continue_without: Option<String>,
    home: Option<String>,
    logout: Option<String>,
    login_pending: bool,
}

impl Failure {
    /// The failure that this page reports.
    pub(crate) fn of(page: &Page<'_>, cause: FailureCause) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            cause,
            reason: page.reason,
            language: page.language,
            title: page.title().to_owned(),
            summary: page.summary().to_owned(),
            consequence: page.consequence(),
            advice: page.advice(),
            button: page.button(),
            login_id: owned(page.login_id),
            description: owned(page.description),
            purpose: owned(page.purpose()),
            retry: owned(page.retry()),
            continue_without: owned(page.way_out()),
            home: owned(page.home),
            logout: owned(page.form()),
            login_pending: page.login_pending,
        }
    }

    /// Returns the cause, which also decides the status.
    #[must_use]
    pub fn cause(&self) -> FailureCause {
        self.cause
    }

    /// Returns the status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.cause.status()
    }

    /// Returns why there is no session, where that says more than the cause.
    #[must_use]
    pub fn reason(&self) -> Option<SessionRefusal> {
        self.reason
    }

    /// Returns the language of the texts, chosen by `Accept-Language`.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns what happened, in a few words: the heading of the page.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns what happened, in one or two sentences.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Returns what the app cannot do without the login, as a sentence with the app's
    /// [purpose](Self::purpose). Returns `None` where no login has failed.
    #[must_use]
    pub fn consequence(&self) -> Option<&str> {
        self.consequence.as_deref()
    }

    /// Returns what the user can do: one text, or several steps in their order.
    #[must_use]
    pub fn advice(&self) -> &[&'static str] {
        self.advice
    }

    /// Returns the label of the main button, which opens [`retry`](Self::retry) or posts to
    /// [`logout`](Self::logout).
    #[must_use]
    pub fn button(&self) -> &str {
        self.button
    }

    /// Returns the id of the login, the same as in events and log lines, if the failure belongs to
    /// a login. A user can read it to your support.
    #[must_use]
    pub fn login_id(&self) -> Option<&str> {
        self.login_id.as_deref()
    }

    /// Returns the description (`error_description`) that came with an error from Telenor.
    ///
    /// It is untrusted: it is in the address that the browser opened, so anyone can have written
    /// it, and it may name the user. Show it to the user, escaped and as a quote, and keep it out
    /// of logs. It has at most 256 characters and no control characters.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns what the app needs the login for at this place, as it was set by
    /// [`purpose`](crate::TelenorAuthBuilder::purpose) or
    /// [`purpose_at`](crate::TelenorAuthBuilder::purpose_at) in this language.
    #[must_use]
    pub fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    /// Returns the address of another attempt: a path with a query. Returns `None` where another
    /// attempt cannot help.
    #[must_use]
    pub fn retry(&self) -> Option<&str> {
        self.retry.as_deref()
    }

    /// Returns the path of the app that works without a login, as it was set for this place.
    #[must_use]
    pub fn continue_without(&self) -> Option<&str> {
        self.continue_without.as_deref()
    }

    /// Returns the path of the app's home.
    #[must_use]
    pub fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    /// Returns the address of a form that logs the user out, where the failure is a logout that
    /// may not have been the user's. Post to it, and do not link to it.
    #[must_use]
    pub fn logout(&self) -> Option<&str> {
        self.logout.as_deref()
    }

    /// Returns whether the login goes on when the browser loads the same address again, as for a
    /// gateway that is busy: the code is not used up, and the browser keeps the login.
    #[must_use]
    pub fn login_pending(&self) -> bool {
        self.login_pending
    }

    /// Returns a failure like one of the layer, for a test of your
    /// [`failure_page`](crate::TelenorAuthBuilder::failure_page).
    ///
    /// Its addresses and its description are such that a page without escapes breaks.
    ///
    /// ```
    /// use telenor_auth::{Failure, FailureCause, Language};
    ///
    /// let failure = Failure::for_test(FailureCause::AccessDenied, Language::English);
    /// assert_eq!(failure.title(), "You said no to sharing your details");
    /// assert!(failure.description().unwrap().contains('<'));
    /// ```
    #[cfg(feature = "mock")]
    #[must_use]
    pub fn for_test(cause: FailureCause, language: Language) -> Self {
        let page = Page {
            retry: Some("/telenor/login?return_to=%2F&x=\"'<b>"),
            continue_without: Some("/without?x=1&y=\"'<b>"),
            home: Some("/"),
            logout: Some("/telenor/logout?form=1&x=\"'<b>"),
            description: Some("<b>\"Denied\"</b> by 'the user' & more"),
            login_id: Some("hM1cEgaR"),
            ..Page::new(super::page::Topic::Failure(cause), language)
        };
        Self::of(&page, cause)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("cause", &self.cause)
            .field("reason", &self.reason)
            .field("language", &self.language)
            .field("login_id", &self.login_id)
            .field("login_pending", &self.login_pending)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::page::Topic, *};

    #[test]
    fn failure_has_the_texts_and_addresses_of_its_page() {
        for language in Language::ALL {
            let cause = FailureCause::AccessDenied;
            let page = Page {
                purpose: Some("fill in your address"),
                retry: Some("/telenor/login"),
                continue_without: Some("/form"),
                home: Some("/home"),
                login_id: Some("hM1cEgaR"),
                ..Page::new(Topic::Failure(cause), language)
            };
            let failure = Failure::of(&page, cause);
            assert_eq!(failure.language(), language);
            assert_eq!(failure.home(), Some("/home"));
            let html = page.render();
            let consequence = failure.consequence().unwrap();
            assert!(consequence.contains("fill in your address") && html.contains(consequence));
            assert!(!failure.advice().is_empty());
            for advice in failure.advice() {
                assert!(!advice.is_empty() && html.contains(advice), "{advice}");
            }
        }
    }

    #[cfg(feature = "mock")]
    #[test]
    fn failure_for_a_test_has_what_a_page_can_show() {
        let failure = Failure::for_test(FailureCause::AccessDenied, Language::English);
        for text in [
            failure.consequence(),
            failure.login_id(),
            failure.description(),
            failure.retry(),
            failure.continue_without(),
            failure.home(),
        ] {
            assert!(text.is_some_and(|text| !text.is_empty()), "{failure:?}");
        }
        let failure = Failure::for_test(FailureCause::CrossSiteRequest, Language::English);
        assert!(failure.logout().is_some());
    }
}
