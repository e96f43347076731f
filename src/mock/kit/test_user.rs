//! A user for tests, without a login.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Request;
use serde::Serialize;

use super::offline::OfflineBackend;
use crate::{
    app_value::{AppValue, AppValueError},
    browser::request::RequestInfo,
    mock::{server::grants, subscriber::Subscriber},
    session::{Session, SessionToken},
    user::{CurrentSession, TelenorLogin, TelenorUser},
};

/// A builder of a [`TelenorUser`] for a test, without a login, a gateway or a network.
///
/// [`info`](TelenorUser::info) and [`device`](TelenorUser::device) return the subscriber's data, as
/// [`MockGateway`] does. Any other path is not found. [`logout_path`](TelenorUser::logout_path) is
/// `/telenor/logout`. A handler that needs a login returns 401, also to a page.
///
/// # Example
///
/// ```
/// use telenor_auth::{ApiError, TelenorUser, mock::{Subscriber, TestUser}};
///
/// async fn greeting(user: TelenorUser) -> Result<String, ApiError> {
///     let info = user.info().await?;
///     let name = info.name().and_then(|name| name.given_name());
///     Ok(format!("Hei, {}!", name.unwrap_or("du")))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ApiError> {
/// let ola = TestUser::new(Subscriber::ola());
/// assert_eq!(greeting(ola.into()).await?, "Hei, Ola!");
///
/// let stranger = TestUser::new(Subscriber::new("91234567"));
/// assert_eq!(greeting(stranger.into()).await?, "Hei, du!");
///
/// let over_quota = TestUser::default().api_error(42901);
/// assert_eq!(greeting(over_quota.into()).await.unwrap_err().code(), Some(42901));
/// # Ok(())
/// # }
/// ```
///
/// [`MockGateway`]: crate::mock::MockGateway
#[derive(Clone)]
#[must_use = "convert it into a `TelenorUser`, or pass it to `SignedInLayer::new`"]
pub struct TestUser {
    subscriber: Subscriber,
    scope: Option<String>,
    signed_in_at: SystemTime,
    expires_at: SystemTime,
    data: Option<AppValue>,
    note: Option<AppValue>,
    api_error: Option<u32>,
}

impl TestUser {
    /// Returns a user with this subscriber's line, who is signed in for an hour.
    pub fn new(subscriber: Subscriber) -> Self {
        Self {
            subscriber,
            scope: None,
            signed_in_at: SystemTime::now(),
            expires_at: SystemTime::now() + Duration::from_secs(3600),
            data: None,
            note: None,
            api_error: None,
        }
    }

    /// Sets the granted scope. There is none by default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sets when the user logged in, in whole seconds. It defaults to now.
    pub fn signed_in_at(mut self, time: SystemTime) -> Self {
        self.signed_in_at = time;
        self
    }

    /// Sets what [`TelenorUser::data`] returns, as
    /// [`on_login`](crate::TelenorAuthBuilder::on_login) does. There is none by default.
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is too large or has no JSON.
    pub fn data<T: Serialize + ?Sized>(mut self, data: &T) -> Result<Self, AppValueError> {
        self.data = Some(AppValue::of(data, Session::MAX_DATA)?);
        Ok(self)
    }

    /// Sets what [`TelenorUser::note`] returns, as
    /// [`TelenorLogin::note`](crate::TelenorLogin::note) does. There is none by default.
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is too large or has no JSON.
    pub fn note<T: Serialize + ?Sized>(mut self, note: &T) -> Result<Self, AppValueError> {
        self.note = Some(AppValue::of(note, TelenorLogin::MAX_NOTE)?);
        Ok(self)
    }

    /// Sets when the session ends, in whole seconds.
    ///
    /// It is only what a handler sees: the session never ends, and
    /// [`ended`](TelenorUser::ended) is never ready. For a session that ends, use
    /// [`MockGateway::login`](crate::mock::MockGateway::login) and a [`Clock`](crate::Clock).
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = time;
        self
    }

    /// Sets an error of the gateway for every API call, such as 40301 for a scope that is too
    /// small.
    ///
    /// The codes are those of [`Answer::gateway_error`](crate::mock::Answer::gateway_error). After
    /// a server error a GET is tried again, as in production, which takes a few tenths of a second.
    pub fn api_error(mut self, error_code: u32) -> Self {
        self.api_error = Some(error_code);
        self
    }
}

impl Default for TestUser {
    /// Returns a user with the line of [`Subscriber::kari`].
    fn default() -> Self {
        Self::new(Subscriber::kari())
    }
}

impl From<TestUser> for TelenorUser {
    fn from(user: TestUser) -> Self {
        let session = Session::new(grants::new_access_token(), user.expires_at);
        let session = session.for_test(user.scope, user.signed_in_at, user.data, user.note);
        let offline = OfflineBackend {
            subscriber: user.subscriber,
            api_error: user.api_error,
        };
        // As for a script's request for the front page.
        let info = RequestInfo::of_request(&Request::new(()));
        let token = SessionToken::random();
        let current = CurrentSession {
            token,
            session,
            seen_at: 0,
        };
        Self::new(current, Arc::new(offline), info)
    }
}

impl TelenorUser {
    /// Returns a user with the line of [`Subscriber::kari`], for calling a handler in a test. It
    /// needs the feature `mock`.
    ///
    /// The user needs no login and no gateway. [`TestUser`](crate::mock::TestUser) builds other
    /// users.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn town(user: TelenorUser) -> Result<Option<String>, ApiError> {
    ///     let info = user.info().await?;
    ///     let address = info.address();
    ///     Ok(address.and_then(|address| address.postal_location()).map(str::to_owned))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), ApiError> {
    /// assert_eq!(town(TelenorUser::for_test()).await?.as_deref(), Some("Tromsø"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`Subscriber::kari`]: crate::mock::Subscriber::kari
    #[must_use]
    pub fn for_test() -> Self {
        TestUser::default().into()
    }
}

impl fmt::Debug for TestUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestUser")
            .field("expires_at", &self.expires_at)
            .field("api_error", &self.api_error)
            .finish_non_exhaustive()
    }
}
