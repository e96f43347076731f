//! The mark of a request that arrived over plain http.

/// Marks the requests of a plain-http listener, which only the listener can know.
///
/// An app on https that also listens on port 80 puts this into the extensions of every request
/// there. The layer then reads no cookie and sets none: it redirects a page to its https address,
/// and refuses every other request. Headers like `X-Forwarded-Proto` never count, since any client
/// can send them.
///
/// ```
/// use axum::{Extension, Router};
/// use telenor_auth::PlainHttp;
///
/// # let app: Router = Router::new();
/// let port_443 = app.clone();
/// let port_80 = app.layer(Extension(PlainHttp));
/// # let _: (Router, Router) = (port_443, port_80);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "a marker has nothing to add")]
pub struct PlainHttp;
