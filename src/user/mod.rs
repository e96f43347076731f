//! The user, as handlers get it.

mod api;
mod backend;
mod device;
mod error;
mod extract;
mod info;
mod info_cache;
mod lenient;
mod mobile_number;
mod path;
mod request;

use std::{fmt, sync::Arc, time::SystemTime};

pub(crate) use self::{
    backend::{CurrentSession, Identity, RefreshOutcome, UserBackend},
    info_cache::UserInfoCache,
};
pub use self::{
    device::DeviceInfo,
    error::{ApiError, ApiErrorKind},
    extract::{LoginRequired, MissingLayer, TelenorUserRejection},
    info::{Address, Name, UserInfo},
    mobile_number::MobileNumber,
    request::{ApiRequest, ApiResponse},
};
use crate::{access_token::AccessToken, browser::request::RequestInfo, session::SessionId};

/// The user of this request: signed in by the phone line, with an access token for the Mobile User API.
///
/// An extractor. `TelenorUser` demands a login: where the layer admits anonymous requests, the
/// extractor sends a visitor to log in by itself, with the same rules as the layer.
/// `Option<TelenorUser>` is `None` for an anonymous request.
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
    current: CurrentSession,
    backend: Arc<dyn UserBackend>,
    info: RequestInfo,
}

impl TelenorUser {
    /// The access token, for calling Telenor's APIs with a client of your own.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.current.session.access_token()
    }

    /// When the session ends: a little before its access token does, unless the app
    /// [refreshes](crate::|builder| builder.refresh_tokens(true)) those.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.current.session.expires_at()
    }

    /// What an operator can [revoke](crate::TelenorAuthLayer::revoke) this session by. It opens
    /// nothing, and may be kept.
    ///
    /// `None` for the user of a unit test, which no store keeps.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.backend.session_id(&self.current)
    }

    /// The scope that was granted, if the gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.current.session.scope()
    }

    /// Where a form on your pages posts to for logging out, like `/telenor/logout`.
    ///
    /// A recognized line proves who pays for it, not who holds the phone. Show who is signed in, and
    /// offer this.
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
        self.backend.logout_path()
    }

    pub(crate) fn new(
        current: CurrentSession,
        backend: Arc<dyn UserBackend>,
        info: RequestInfo,
    ) -> Self {
        Self {
            current,
            backend,
            info,
        }
    }

    pub(crate) fn current(&self) -> &CurrentSession {
        &self.current
    }

    pub(crate) fn backend(&self) -> &Arc<dyn UserBackend> {
        &self.backend
    }

    pub(crate) fn request_info(&self) -> &RequestInfo {
        &self.info
    }
}

impl fmt::Debug for TelenorUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorUser")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
