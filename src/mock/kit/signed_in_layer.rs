//! A layer for tests that signs every request in, without a login.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    browser::{msisdn_headers, request::RequestInfo},
    session_refusal::SessionRefusal,
    user::{Identity, TelenorUser, Visitor},
};

/// A layer for tests that signs every request in as one user, in place of a
/// [`TelenorAuthLayer`](crate::TelenorAuthLayer).
///
/// It passes the user to the extractors and does nothing else: it has no cookies and no routes, and
/// sets no headers on responses.
///
/// # For tests only
///
/// Behind this layer, every client is that user. So it is kept out of production:
///
/// - It needs the feature `mock`, which belongs under `[dev-dependencies]`.
/// - Each layer that signs requests in logs a warning.
/// - Together with a `TelenorAuthLayer` it has no effect, in either order: the real layer decides
///   who is signed in and who must log in.
///
/// # Example
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use telenor_auth::{TelenorUser, mock::SignedInLayer};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let routes = Router::new().route("/", get(async |user: Option<TelenorUser>| match user {
///     Some(_) => "Hei igjen!",
///     None => "Hei!",
/// }));
/// let open = async |app: Router| {
///     let answer = app.oneshot(Request::new(Body::empty())).await.unwrap();
///     axum::body::to_bytes(answer.into_body(), 1000).await.unwrap()
/// };
/// let signed_in = routes.clone().layer(SignedInLayer::new(TelenorUser::for_test()));
/// assert_eq!(open(signed_in).await, "Hei igjen!");
/// let anonymous = routes.layer(SignedInLayer::anonymous());
/// assert_eq!(open(anonymous).await, "Hei!");
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct SignedInLayer {
    user: TelenorUser,
    is_signed_in: bool,
}

impl SignedInLayer {
    /// Returns a layer that signs every request in as this user: a [`TelenorUser`], or a
    /// [`TestUser`](crate::mock::TestUser).
    pub fn new(user: impl Into<TelenorUser>) -> Self {
        tracing::warn!(
            "SignedInLayer: every request is signed in, without a login. For tests only"
        );
        Self {
            user: user.into(),
            is_signed_in: true,
        }
    }

    /// Returns a layer that admits every request without a user, as an
    /// [`optional`](crate::TelenorAuthBuilder::optional) layer does.
    ///
    /// `Option<TelenorUser>` is `None`, and a handler that takes a [`TelenorUser`] is not called:
    /// the response is 401.
    pub fn anonymous() -> Self {
        Self {
            user: TelenorUser::for_test(),
            is_signed_in: false,
        }
    }
}

impl<S> Layer<S> for SignedInLayer {
    type Service = SignedInService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SignedInService {
            inner,
            user: self.user.clone(),
            is_signed_in: self.is_signed_in,
        }
    }
}

impl fmt::Debug for SignedInLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedInLayer")
            .field("signed_in", &self.is_signed_in)
            .finish_non_exhaustive()
    }
}

/// The service of a [`SignedInLayer`].
#[derive(Clone)]
pub struct SignedInService<S> {
    inner: S,
    user: TelenorUser,
    is_signed_in: bool,
}

impl<S, B> Service<Request<B>> for SignedInService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        msisdn_headers::remove(request.headers_mut());
        let info = RequestInfo::of_request(&request);
        let backend = Arc::clone(self.user.backend());
        let identity = match self.is_signed_in {
            true => {
                let current = self.user.current().clone();
                Identity::User(TelenorUser::new(current, backend, info))
            }
            false => {
                let info = info.refused(SessionRefusal::NoCookie);
                Identity::Visitor(Arc::new(Visitor {
                    backend,
                    info,
                    cross_origin: None,
                }))
            }
        };
        // The result of a real layer takes precedence, also if it found no user.
        request.extensions_mut().get_or_insert(identity);
        self.inner.call(request)
    }
}

impl<S: fmt::Debug> fmt::Debug for SignedInService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedInService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
