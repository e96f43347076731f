//! Handlers that need a login of the last minutes (RFC 9470).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum_core::extract::FromRequestParts;
use http::{Extensions, Uri, request::Parts};

use super::{
    TelenorUser,
    backend::{CurrentSession, UserBackend},
    extract::{LoginTooOld, TelenorUserRejection},
};
use crate::clock::{system_time, unix_seconds};

/// A user who logged in within the last `MINUTES`, as an extractor.
///
/// For what matters more than to be signed in: a change of the address that goods are sent to, or a
/// contract. A user whose login is older gets a page with a button that starts another login, and
/// comes back. A form leads to a page that says that it was not sent. A script gets 401 with the
/// cause `insufficient_user_authentication` and `max_age` in seconds (RFC 9470).
///
/// A new login shows that the phone line is there now. It does not show that a person did
/// something: Telenor may recognize the line silently, and documents no parameter such as `prompt`
/// or `max_age` that would change that.
///
/// ```
/// use telenor_auth::RecentLogin;
///
/// async fn change_address(RecentLogin(user): RecentLogin<5>) -> String {
///     format!("signed in at {:?}", user.signed_in_at())
/// }
/// ```
///
/// For a form with a large body, use [`RecentLoginLayer`](crate::RecentLoginLayer): it reads the
/// body away before it answers.
#[derive(Clone, Debug)]
#[allow(
    clippy::exhaustive_structs,
    reason = "handlers take it apart, as axum's extractors"
)]
pub struct RecentLogin<const MINUTES: u64>(pub TelenorUser);

impl<S: Send + Sync, const MINUTES: u64> FromRequestParts<S> for RecentLogin<MINUTES> {
    type Rejection = TelenorUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        const { assert!(MINUTES > 0, "no login is that recent") };
        let user = TelenorUser::of_parts(parts)?;
        user.require_recent_login(Duration::from_secs(60 * MINUTES))?;
        Ok(Self(user))
    }
}

impl TelenorUser {
    /// Returns when the user logged in, in whole seconds. A refresh of the token does not change
    /// it.
    #[must_use]
    pub fn signed_in_at(&self) -> SystemTime {
        system_time(self.current().session.signed_in_at())
    }

    /// Requires that the user logged in within this time. See [`RecentLogin`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use telenor_auth::{LoginTooOld, TelenorUser};
    ///
    /// async fn order(user: TelenorUser) -> Result<&'static str, LoginTooOld> {
    ///     let price = 12_000;
    ///     if price > 10_000 {
    ///         user.require_recent_login(Duration::from_secs(600))?;
    ///     }
    ///     Ok("ordered")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`LoginTooOld`], which is also a response.
    pub fn require_recent_login(&self, max_age: Duration) -> Result<(), LoginTooOld> {
        match is_recent(&**self.backend(), self.current(), max_age) {
            true => Ok(()),
            false => {
                let backend = Arc::clone(self.backend());
                Err(LoginTooOld::new(
                    backend,
                    self.request_info().clone(),
                    max_age,
                ))
            }
        }
    }
}

/// Whether a request is of a user who logged in within this time.
pub(crate) fn check(
    extensions: &Extensions,
    uri: &Uri,
    max_age: Duration,
) -> Result<(), TelenorUserRejection> {
    let user = super::extract::user(extensions, uri)?;
    Ok(user.require_recent_login(max_age)?)
}

fn is_recent(backend: &dyn UserBackend, current: &CurrentSession, max_age: Duration) -> bool {
    let age = unix_seconds(backend.now()).saturating_sub(current.session.signed_in_at());
    age <= max_age.as_secs()
}
