//! The user in a request, as an extractor and without one, and the rejections.

use std::{fmt, sync::Arc, time::Duration};

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Extensions, Request, StatusCode, Uri, request::Parts};

use super::{
    TelenorUser,
    backend::{LoginSource, UserBackend},
};
use crate::browser::{
    origin_check::CrossOrigin,
    request::{RequestInfo, original_uri},
};

/// The request extension that the layer inserts when it admits a request. The type is private, so
/// that no other code can forge a user.
#[derive(Clone)]
pub(crate) enum Identity {
    User(TelenorUser),
    Visitor(Arc<Visitor>),
}

/// A request without a user, as the layer saw it.
pub(crate) struct Visitor {
    pub backend: Arc<dyn UserBackend>,
    /// It says why the request has no session.
    pub info: RequestInfo,
    /// What a handler that starts a login has to refuse.
    pub cross_origin: Option<CrossOrigin>,
}

impl Identity {
    /// Returns the layer that admitted the request.
    pub(crate) fn backend(&self) -> &Arc<dyn UserBackend> {
        match self {
            Self::User(user) => user.backend(),
            Self::Visitor(visitor) => &visitor.backend,
        }
    }

    /// Returns the facts of the request. What is between the layer and the handler may have changed
    /// the request since.
    pub(super) fn request_info(&self) -> &RequestInfo {
        match self {
            Self::User(user) => user.request_info(),
            Self::Visitor(visitor) => &visitor.info,
        }
    }

    /// Returns where the request comes from, as the layer saw it, for a login that its handler
    /// starts. The layer has answered what comes over plain http, and refused what another origin
    /// sends for a user.
    pub(super) fn login_source(&self) -> LoginSource {
        match self {
            Self::User(_) => LoginSource::Own,
            Self::Visitor(visitor) => match &visitor.cross_origin {
                Some(foreign) => LoginSource::OtherOrigin(foreign.clone()),
                None => LoginSource::Own,
            },
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TelenorUser {
    type Rejection = TelenorUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Self::of_parts(parts)
    }
}

impl TelenorUser {
    /// Returns the user of this request, for a service that is not axum's.
    ///
    /// In axum, take the user as an argument of the handler.
    ///
    /// ```
    /// use std::convert::Infallible;
    /// use http::{Request, Response};
    /// use telenor_auth::{TelenorAuthLayer, TelenorUser, TelenorUserRejection};
    /// use tower::{Layer, service_fn};
    ///
    /// fn account<B>(request: &Request<B>) -> Result<Response<String>, TelenorUserRejection> {
    ///     let user = TelenorUser::of_request(request)?;
    ///     Ok(Response::new(format!("signed in until {:?}", user.expires_at())))
    /// }
    ///
    /// # fn main() -> Result<(), telenor_auth::ConfigError> {
    /// let redirect_uri = "https://shop.example/telenor/callback";
    /// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri).build()?;
    /// // The rejection is a response as well, so that the layer sends either.
    /// let service = auth.layer(service_fn(async |request: Request<String>| {
    ///     Ok::<_, Infallible>(account(&request))
    /// }));
    /// # let _ = service;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`TelenorUserRejection`], which is also a response: no user is signed in, or the request did
    /// not pass a [`TelenorAuthLayer`](crate::TelenorAuthLayer).
    pub fn of_request<B>(request: &Request<B>) -> Result<Self, TelenorUserRejection> {
        user(request.extensions(), request.uri())
    }

    /// Returns the user of the request with these parts, as
    /// [`of_request`](Self::of_request) does.
    ///
    /// # Errors
    ///
    /// As for [`of_request`](Self::of_request).
    pub fn of_parts(parts: &Parts) -> Result<Self, TelenorUserRejection> {
        user(&parts.extensions, &parts.uri)
    }
}

/// Returns the user that the layer found for a request.
#[inline]
pub(super) fn user(
    extensions: &Extensions,
    uri: &Uri,
) -> Result<TelenorUser, TelenorUserRejection> {
    match extensions.get() {
        Some(Identity::User(user)) => Ok(user.clone()),
        Some(Identity::Visitor(visitor)) => Err(LoginRequired(Arc::clone(visitor)).into()),
        None => Err(MissingLayer::logged(extensions, uri).into()),
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for TelenorUser {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, MissingLayer> {
        match parts.extensions.get() {
            Some(Identity::User(user)) => Ok(Some(user.clone())),
            Some(Identity::Visitor(_)) => Ok(None),
            None => Err(MissingLayer::logged(&parts.extensions, &parts.uri)),
        }
    }
}

/// Why a handler that takes a [`TelenorUser`] was not called. As a response, it starts a login, or
/// says what is wrong.
///
/// A handler that has an answer of its own takes a `Result`:
///
/// ```
/// use telenor_auth::{TelenorUser, TelenorUserRejection};
///
/// type User = Result<TelenorUser, TelenorUserRejection>;
///
/// async fn offers(user: User) -> Result<&'static str, TelenorUserRejection> {
///     match user {
///         Ok(_) => Ok("offers for customers"),
///         Err(TelenorUserRejection::LoginRequired(_)) => Ok("offers for all"),
///         Err(error) => Err(error),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TelenorUserRejection {
    /// No user is signed in.
    LoginRequired(LoginRequired),
    /// The user logged in too long ago for the handler.
    LoginTooOld(LoginTooOld),
    /// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer).
    MissingLayer(MissingLayer),
}

/// No user is signed in. As a response, it sends a person to log in, and is a 401 for a script.
///
/// The login starts when it becomes a response. A handler that takes `Result<TelenorUser, _>` and
/// responds in its own way starts none.
pub struct LoginRequired(Arc<Visitor>);

impl fmt::Debug for LoginRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequired").finish_non_exhaustive()
    }
}

/// The user logged in too long ago for what the handler does. As a response, it is a page with a
/// button that starts another login, and a 401 for a script.
pub struct LoginTooOld(Box<(Arc<dyn UserBackend>, RequestInfo, Duration)>);

impl LoginTooOld {
    pub(super) fn new(backend: Arc<dyn UserBackend>, info: RequestInfo, max_age: Duration) -> Self {
        Self(Box::new((backend, info, max_age)))
    }
}

impl fmt::Debug for LoginTooOld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginTooOld").finish_non_exhaustive()
    }
}

/// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer). This is a mistake in the app,
/// and returns 500.
///
/// In axum, a layer reaches only the routes that were added before it.
#[derive(Clone, Debug)]
pub struct MissingLayer {
    path: Box<str>,
}

impl MissingLayer {
    pub(super) fn logged(extensions: &Extensions, uri: &Uri) -> Self {
        let path = original_uri(extensions, uri).path();
        tracing::error!(
            path,
            "a handler takes TelenorUser or TelenorLogin, but its route has no TelenorAuthLayer: \
             add routes before `.layer(auth)`"
        );
        Self { path: path.into() }
    }
}

impl From<LoginRequired> for TelenorUserRejection {
    fn from(rejection: LoginRequired) -> Self {
        Self::LoginRequired(rejection)
    }
}

impl From<LoginTooOld> for TelenorUserRejection {
    fn from(rejection: LoginTooOld) -> Self {
        Self::LoginTooOld(rejection)
    }
}

impl From<MissingLayer> for TelenorUserRejection {
    fn from(rejection: MissingLayer) -> Self {
        Self::MissingLayer(rejection)
    }
}

impl IntoResponse for TelenorUserRejection {
    fn into_response(self) -> Response {
        match self {
            Self::LoginRequired(rejection) => rejection.into_response(),
            Self::LoginTooOld(rejection) => rejection.into_response(),
            Self::MissingLayer(rejection) => rejection.into_response(),
        }
    }
}

impl IntoResponse for LoginRequired {
    fn into_response(self) -> Response {
        self.0.backend.challenge(&self.0.info)
    }
}

impl IntoResponse for LoginTooOld {
    fn into_response(self) -> Response {
        let (backend, info, max_age) = *self.0;
        backend.require_recent_login(&info, max_age)
    }
}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl fmt::Display for TelenorUserRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoginRequired(_) => f.write_str("no user is signed in"),
            Self::LoginTooOld(_) => f.write_str("the user logged in too long ago"),
            Self::MissingLayer(missing) => missing.fmt(f),
        }
    }
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TelenorAuthLayer is missing on the route of {}",
            self.path
        )
    }
}

impl std::error::Error for TelenorUserRejection {}
