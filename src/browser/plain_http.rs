//! Did this request come over plain http?

/// Marks the requests of a plain-http listener, which only the listener can know.
///
/// An app that lives on https and also answers on port 80 puts this into the extensions of everything that comes in there. The
/// layer then looks at no cookie and sets none: a page is sent to its https address, everything else is refused. Headers
/// like `X-Forwarded-Proto` never count, since anybody can send them.
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
