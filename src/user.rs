//! Who is signed in, as handlers get it.

use std::{fmt, future::Future, pin::Pin, sync::Arc, time::SystemTime};

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, request::Parts};

use crate::{
    AccessToken, FailureCause,
    flow::Refreshed,
    http_client::TransportError,
    profiles::Profiles,
    session::{Session, SessionId},
    visit::Visit,
};

/// The user of this request: signed in by the phone line, with an access token for the Mobile User API.
///
/// An extractor. `TelenorUser` demands a login: where the layer lets anonymous requests pass, it sends a visitor to log in by
/// itself, with the same rules as the layer. `Option<TelenorUser>` is `None` for an anonymous request.
///
/// Cloning it is cheap. `Debug` shows nothing of the person or the token, and it cannot be serialized.
///
/// ```
/// use telenor_auth::TelenorUser;
///
/// async fn greeting(user: Option<TelenorUser>) -> &'static str {
///     match user {
///         Some(_) => "Hei igjen!",
///         None => "Hei!",
///     }
/// }
/// ```
#[derive(Clone)]
pub struct TelenorUser {
    session: Session,
    guard: Arc<dyn Guard>,
    visit: Visit,
}

impl TelenorUser {
    /// The access token, for calling Telenor's APIs with a client of your own.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.session.access_token()
    }

    /// When the session ends: a little before its access token does, unless the app
    /// [refreshes](crate::TelenorAuthBuilder::refresh_tokens) those.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.session.expires_at()
    }

    /// What an operator can [revoke](crate::TelenorAuthLayer::revoke) this session by; it opens nothing, and may be kept.
    ///
    /// `None` in a request that came without the session's cookie, as in a handler's unit test.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.guard.session_id(&self.visit, &self.session)
    }

    /// The scope that was granted, if the gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.session.scope()
    }

    /// Where a form on your pages posts to for logging out, like `/telenor/logout`.
    ///
    /// Recognising a line proves who pays for it, not who holds the phone: show who is signed in, and offer this.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn not_you(user: TelenorUser) -> Result<String, ApiError> {
    ///     let info = user.info().await?;
    ///     Ok(match info.mobile_number() {
    ///         // A number shows itself masked: 47 ** ** *5 67
    ///         Some(number) => format!(
    ///             "<form method=post action={}>Innlogget som {number}. <button>Ikke deg? Logg ut</button></form>",
    ///             user.logout_path(),
    ///         ),
    ///         None => String::new(),
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn logout_path(&self) -> &str {
        self.guard.logout_path()
    }

    pub(crate) fn new(session: Session, guard: Arc<dyn Guard>, visit: Visit) -> Self {
        Self {
            session,
            guard,
            visit,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        &self.session
    }

    pub(crate) fn guard(&self) -> &Arc<dyn Guard> {
        &self.guard
    }

    pub(crate) fn visit(&self) -> &Visit {
        &self.visit
    }
}

impl fmt::Debug for TelenorUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorUser")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

pub(crate) type BoxFuture<'f, T> = Pin<Box<dyn Future<Output = T> + Send + 'f>>;

/// What a layer does for the requests that it let in, whatever its store.
pub(crate) trait Guard: Send + Sync {
    /// The answer for somebody who has to log in first.
    fn challenge(&self, visit: &Visit) -> Response<Body>;

    /// The answer for somebody who cannot be served, and why.
    fn refuse(&self, visit: &Visit, cause: FailureCause) -> Response<Body>;

    /// The session that this request came with, with another token; `None` where tokens are not refreshed.
    fn refresh<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, Option<Refreshed>>;

    /// Forgets that session, whose token the gateway knows no more.
    fn end_session<'g>(
        self: Arc<Self>,
        visit: &'g Visit,
        session: &'g Session,
    ) -> BoxFuture<'g, ()>;

    /// What the paths of the APIs are appended to.
    fn base(&self) -> &str;

    /// A request for a protected resource.
    fn call<'g>(
        &'g self,
        request: Request<Vec<u8>>,
        token: &'g AccessToken,
    ) -> BoxFuture<'g, Result<http::Response<Vec<u8>>, TransportError>>;

    /// User infos that are kept, where the app asked for that, and what time it is.
    fn profiles(&self) -> Option<(&Profiles, u64)>;

    fn logout_path(&self) -> &str;

    /// What an operator would revoke the session by that this request came with.
    fn session_id(&self, visit: &Visit, session: &Session) -> Option<SessionId>;
}

/// What the layer puts into a request that it lets in: private, so that nothing else can claim to be a user.
#[derive(Clone)]
pub(crate) struct Identity {
    pub guard: Arc<dyn Guard>,
    pub session: Option<Session>,
}

impl<S: Send + Sync> FromRequestParts<S> for TelenorUser {
    type Rejection = TelenorUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let Some(Identity { guard, session }) = parts.extensions.get().cloned() else {
            return Err(MissingLayer::noticed().into());
        };
        let visit = Visit::of(parts);
        match session {
            Some(session) => Ok(Self {
                session,
                guard,
                visit,
            }),
            None => Err(LoginRequired(Box::new(guard.challenge(&visit))).into()),
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for TelenorUser {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, MissingLayer> {
        let Some(Identity { guard, session }) = parts.extensions.get().cloned() else {
            return Err(MissingLayer::noticed());
        };
        Ok(session.map(|session| Self {
            session,
            guard,
            visit: Visit::of(parts),
        }))
    }
}

/// Why a handler that takes a [`TelenorUser`] was not called.
#[derive(Debug)]
#[non_exhaustive]
pub enum TelenorUserRejection {
    /// Nobody is signed in.
    LoginRequired(LoginRequired),
    /// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer).
    MissingLayer(MissingLayer),
}

/// Nobody is signed in. As a response it leads a page to log in, and tells a script with 401.
pub struct LoginRequired(Box<Response<Body>>);

impl fmt::Debug for LoginRequired {
    /// The response holds `state` and a cookie.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequired")
            .field("status", &self.0.status())
            .finish_non_exhaustive()
    }
}

/// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer): a mistake in the app, answered with 500.
///
/// In axum, a layer reaches only the routes that were added before it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MissingLayer;

impl MissingLayer {
    fn noticed() -> Self {
        tracing::error!(
            "a handler takes TelenorUser, but its route has no TelenorAuthLayer: add routes before `.layer(auth)`"
        );
        Self
    }
}

impl From<LoginRequired> for TelenorUserRejection {
    fn from(rejection: LoginRequired) -> Self {
        Self::LoginRequired(rejection)
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
            Self::MissingLayer(rejection) => rejection.into_response(),
        }
    }
}

impl IntoResponse for LoginRequired {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        let text = "TelenorAuthLayer is missing on this route";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

impl fmt::Display for TelenorUserRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginRequired(_) => "nobody is signed in",
            Self::MissingLayer(_) => "TelenorAuthLayer is missing on this route",
        })
    }
}

impl std::error::Error for TelenorUserRejection {}
