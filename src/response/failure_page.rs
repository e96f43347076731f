//! A page of the app's own in place of the layer's, for a failure.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use http::HeaderValue;

use super::Failure;

/// A page of the app's own for a failure: a body, and its media type.
///
/// The layer sends it in place of its own page. The status, the headers that keep the page out of
/// caches and frames, and `Referrer-Policy: no-referrer` stay the layer's.
///
/// ```
/// use telenor_auth::{FailureCause, FailurePage, TelenorAuthLayer};
///
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
///     .failure_page(|failure| match failure.cause() {
///         FailureCause::AccessDenied => Some(FailurePage::html("<h1>Uten innlogging</h1>")),
///         _ => None, // the layer's own page
///     })
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
///
/// # Content security policy
///
/// The address of the page may hold the code and the `state` of a login. A script on the page can
/// read both, and often sends them on: analytics and error reports do. So the page gets a policy
/// that allows styles and images from anywhere, and scripts only from files of the app's own
/// origin. It forbids frames around the page, another base URL, and forms that lead to other
/// origins. Set another one with [`content_security_policy`](Self::content_security_policy), for
/// example a stricter one. Allow no foreign script in it.
pub struct FailurePage {
    pub(super) content_type: HeaderValue,
    pub(super) body: Vec<u8>,
    pub(super) policy: Option<HeaderValue>,
}

impl FailurePage {
    /// Makes a page of this HTML, in UTF-8.
    pub fn html(html: impl Into<String>) -> Self {
        let content_type = HeaderValue::from_static("text/html; charset=utf-8");
        Self::new(content_type, html.into())
    }

    /// Makes a page of this `Content-Type` and body.
    pub fn new(content_type: HeaderValue, body: impl Into<Vec<u8>>) -> Self {
        Self {
            content_type,
            body: body.into(),
            policy: None,
        }
    }

    /// Sets the `Content-Security-Policy` of the page, in place of the layer's. Frames around the
    /// page stay forbidden, also where it allows them.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use telenor_auth::FailurePage;
    ///
    /// let policy = HeaderValue::from_static("default-src 'none'; style-src 'self'");
    /// let page = FailurePage::html("<h1>Beklager</h1>").content_security_policy(policy);
    /// ```
    #[must_use]
    pub fn content_security_policy(mut self, policy: HeaderValue) -> Self {
        self.policy = Some(policy);
        self
    }
}

impl fmt::Debug for FailurePage {
    /// The body may hold what is known of the user.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailurePage")
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The app's function that makes such pages.
pub(crate) struct FailurePages(Box<Render>);

type Render = dyn Fn(&Failure) -> Option<FailurePage> + Send + Sync;

impl FailurePages {
    pub(crate) fn new<P>(render: impl Fn(&Failure) -> P + Send + Sync + 'static) -> Self
    where
        P: Into<Option<FailurePage>>,
    {
        Self(Box::new(move |failure| render(failure).into()))
    }

    /// Returns the app's page, or `None` for the layer's. A panic must not become an empty response
    /// to a user who needs to read what went wrong.
    pub(super) fn render(&self, failure: &Failure) -> Option<FailurePage> {
        let page = catch_unwind(AssertUnwindSafe(|| (self.0)(failure)));
        page.unwrap_or_else(|_| {
            tracing::error!(
                login_id = failure.login_id(),
                cause = %failure.cause(),
                "failure_page panicked, and the user gets the layer's own page"
            );
            None
        })
    }
}

impl fmt::Debug for FailurePages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailurePages").finish_non_exhaustive()
    }
}
