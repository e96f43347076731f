//! A user without a login.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::Request;

use super::offline::Offline;
use crate::{
    browser::request::RequestInfo,
    mock::{server::grants, subscriber::Subscriber},
    session::{Session, SessionToken},
    user::{CurrentSession, TelenorUser},
};

/// Sets up a [`TelenorUser`] for a test, without a login, a gateway or a network.
///
/// [`info`](TelenorUser::info) and [`device`](TelenorUser::device) tell what the subscriber was made with, as [`MockGateway`] does;
/// any other path is not found. [`logout_path`](TelenorUser::logout_path) is `/telenor/logout`, and a handler that needs somebody to
/// log in answers 401, to pages too.
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
#[must_use = "turn it into a `TelenorUser`, or hand it to `SignedInLayer::new`"]
pub struct TestUser {
    subscriber: Subscriber,
    scope: Option<String>,
    expires_at: SystemTime,
    api_error: Option<u32>,
}

impl TestUser {
    /// A user with this subscriber's line, signed in for an hour.
    pub fn new(subscriber: Subscriber) -> Self {
        Self {
            subscriber,
            scope: None,
            expires_at: SystemTime::now() + Duration::from_secs(3600),
            api_error: None,
        }
    }

    /// Sets the scope that was granted; none by default.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sets when the session ends, in whole seconds.
    ///
    /// A handler sees it and that is all: nobody stops being this user. A session that really ends takes a
    /// [`MockGateway::login`](crate::mock::MockGateway::login) and a [`Clock`](crate::Clock).
    pub fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = time;
        self
    }

    /// Answers every API call with an error of the gateway, such as 40301 for a scope that does not reach so far.
    ///
    /// The codes are those of [`Answer::gateway_error`](crate::mock::Answer::gateway_error). After one that stands for an error of the server a
    /// GET is tried again, as ever, which takes a few tenths of a second.
    pub fn api_error(mut self, error_code: u32) -> Self {
        self.api_error = Some(error_code);
        self
    }
}

impl Default for TestUser {
    /// A user with [`Subscriber::kari`]'s line.
    fn default() -> Self {
        Self::new(Subscriber::kari())
    }
}

impl From<TestUser> for TelenorUser {
    fn from(user: TestUser) -> Self {
        let session = Session::new(grants::new_access_token(), user.expires_at);
        let session = session.with_scope(user.scope);
        let offline = Offline {
            subscriber: user.subscriber,
            api_error: user.api_error,
        };
        // As if a script had asked for the front page.
        let info = RequestInfo::of_request(&Request::new(()));
        let token = SessionToken::random();
        Self::new(CurrentSession { token, session }, Arc::new(offline), info)
    }
}

impl TelenorUser {
    /// [`Subscriber::kari`], for calling a handler in a test; with the feature `mock` only.
    ///
    /// There is neither a login nor a gateway behind her. [`TestUser`](crate::mock::TestUser) makes others.
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
