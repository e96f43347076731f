//! Who is signed in, as handlers get it.

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
    backend::{Guard, Identity, Refreshed},
    info_cache::Profiles,
};
pub use self::{
    device::DeviceInfo,
    error::{ApiError, ApiErrorKind},
    extract::{LoginRequired, MissingLayer, TelenorUserRejection},
    info::{Address, Name, UserInfo},
    mobile_number::MobileNumber,
    request::{ApiRequest, ApiResponse},
};
use crate::{
    access_token::AccessToken,
    browser::request::Visit,
    session::{Session, SessionId},
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
