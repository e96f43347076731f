//! The user, as a handler gets it, and the calls to the Mobile User API.

mod address;
mod api;
mod backend;
mod charset;
mod device;
mod ended;
mod error;
mod extract;
mod gateway_uri;
mod info;
mod info_cache;
mod lenient;
mod login;
mod mobile_number;
mod new_login;
mod recent_login;
mod request;

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::SystemTime,
};

use serde::de::DeserializeOwned;

pub use self::{
    address::Address,
    device::DeviceInfo,
    ended::SessionEnded,
    error::{ApiError, ApiErrorKind},
    extract::{LoginRequired, LoginTooOld, MissingLayer, TelenorUserRejection},
    info::{Name, UserInfo},
    login::{LoginMistake, TelenorLogin},
    mobile_number::MobileNumber,
    new_login::{LoginError, NewLogin},
    recent_login::RecentLogin,
    request::{ApiRequest, ApiResponse},
};
pub(crate) use self::{
    backend::{
        CurrentSession, LoginOptions, LoginSource, RefreshOutcome, Unconfirmed, UserBackend,
    },
    extract::{Identity, Visitor},
    info_cache::UserInfoCache,
    new_login::OnLogin,
    recent_login::check as check_recent_login,
};
use crate::{
    access_token::AccessToken,
    app_value::{AppValue, AppValueError},
    browser::request::RequestInfo,
    session::SessionId,
};

/// The user of this request, with an access token for the Mobile User API. The phone line signed
/// the user in.
///
/// It is an extractor, and requires a login: if the layer admits anonymous requests, the extractor
/// sends the visitor to log in, by the same rules as the layer. `Option<TelenorUser>` is `None` for
/// an anonymous request.
///
/// An app can keep it beyond the request. [`ended`](Self::ended) waits for the end of the session,
/// and API calls fail from then on: at once where this process knows of the end, and within 30
/// seconds where it was ended elsewhere. A call within a request costs no look-up. After a refresh
/// elsewhere, a call may go out with the token from before, and is sent again with the new one.
///
/// Cloning it is cheap. `Debug` shows nothing of the person or the token, and it cannot be
/// serialized.
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
pub struct TelenorUser(Arc<Admitted>);

/// The request of a user. The clones of the user share it.
struct Admitted {
    current: CurrentSession,
    backend: Arc<dyn UserBackend>,
    info: RequestInfo,
    /// When the session was last seen, in seconds.
    seen_at: AtomicU64,
}

impl TelenorUser {
    /// Returns the access token, to call Telenor's APIs with your own client.
    ///
    /// ```
    /// use telenor_auth::TelenorUser;
    ///
    /// async fn call(user: TelenorUser, client: reqwest::Client) -> reqwest::Result<String> {
    ///     let call = client.get("https://api.telenor.no/some-product/v1/names");
    ///     call.bearer_auth(user.access_token().secret()).send().await?.text().await
    /// }
    /// ```
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.current().session.access_token()
    }

    /// Returns when the session ends, in whole seconds. That is shortly before its access token
    /// expires, unless the app [refreshes tokens](crate::TelenorAuthBuilder::refresh_tokens).
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.current().session.expires_at()
    }

    /// Returns the id by which an operator can [revoke](crate::TelenorAuthLayer::revoke) this
    /// session. It is not a secret: it gives no access to the session.
    ///
    /// `None` for the user of a unit test, whose session is in no store.
    #[must_use]
    pub fn session_id(&self) -> Option<SessionId> {
        self.backend().session_id(self.current())
    }

    /// Returns the id of the login that made this session: the one in every event, log line and
    /// page of that login. It is not a secret.
    #[must_use]
    pub fn login_id(&self) -> String {
        self.current().session.login_id().to_string()
    }

    /// Returns the value that traveled with the login, which a handler gave to
    /// [`TelenorLogin::note`]. `None` when there was none.
    ///
    /// It stays as it was until the session ends: for a value that the app changes, keep its id
    /// here.
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is of another type.
    pub fn note<T: DeserializeOwned>(&self) -> Result<Option<T>, AppValueError> {
        let note = self.current().session.note();
        note.map(|note| AppValue::read(note.json())).transpose()
    }

    /// Returns the value that the app attached to the session, in
    /// [`NewLogin::data`]. `None` when there is none.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use telenor_auth::{AppValueError, TelenorUser};
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Customer {
    ///     id: u64,
    /// }
    ///
    /// async fn orders(user: TelenorUser) -> Result<String, AppValueError> {
    ///     let customer: Option<Customer> = user.data()?;
    ///     Ok(customer.map_or("no customer".to_owned(), |customer| customer.id.to_string()))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is of another type.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, AppValueError> {
        let data = self.current().session.data();
        data.map(AppValue::read).transpose()
    }

    /// Returns the granted scope, names with blanks between them (RFC 6749 section 3.3), if the
    /// gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.current().session.scope()
    }

    /// Returns the path that a logout form posts to, such as `/telenor/logout`.
    ///
    /// A recognized line proves who pays for it, not who holds the phone. Show who is signed in,
    /// and offer a logout.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn not_you(user: TelenorUser) -> Result<String, ApiError> {
    ///     let info = user.info().await?;
    ///     Ok(match info.mobile_number() {
    ///         // A number is displayed masked: 47 ** ** *5 67
    ///         Some(number) => format!(
    ///             "<form method=post action={}>Innlogget som {number}. \
    ///              <button>Ikke deg? Logg ut</button></form>",
    ///             user.logout_path(),
    ///         ),
    ///         None => String::new(),
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn logout_path(&self) -> &str {
        self.backend().logout_path()
    }

    #[inline]
    pub(crate) fn new(
        current: CurrentSession,
        backend: Arc<dyn UserBackend>,
        info: RequestInfo,
    ) -> Self {
        let seen_at = AtomicU64::new(current.seen_at);
        Self(Arc::new(Admitted {
            current,
            backend,
            info,
            seen_at,
        }))
    }

    pub(crate) fn current(&self) -> &CurrentSession {
        &self.0.current
    }

    pub(crate) fn backend(&self) -> &Arc<dyn UserBackend> {
        &self.0.backend
    }

    pub(crate) fn seen_at(&self) -> &AtomicU64 {
        &self.0.seen_at
    }

    pub(crate) fn request_info(&self) -> &RequestInfo {
        &self.0.info
    }
}

impl fmt::Debug for TelenorUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorUser")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}
