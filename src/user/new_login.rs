//! A login that the app may still refuse.

use std::{error::Error, fmt};

use http::Method;
use serde::{Serialize, de::DeserializeOwned};

use super::{ApiError, ApiRequest, ApiResponse, DeviceInfo, TelenorUser, UserInfo};
use crate::{
    access_token::AccessToken,
    app_value::{AppValue, AppValueError},
    boxed::BoxFuture,
    browser::language::Language,
    failure::FailureCause,
    session::{Session, SubjectId},
};

/// A login whose code was redeemed, and which has no session yet: what
/// [`on_login`](crate::TelenorAuthBuilder::on_login) gets, and returns to accept it.
///
/// Its calls to Telenor's APIs return errors as those of a [`TelenorUser`] do. They start no login.
///
/// `Debug` shows the id of the login only.
pub struct NewLogin {
    user: TelenorUser,
    return_to: Box<str>,
    subject: Option<SubjectId>,
    data: Option<AppValue>,
}

impl NewLogin {
    pub(crate) fn new(user: TelenorUser, return_to: &str) -> Self {
        Self {
            user,
            return_to: return_to.into(),
            subject: None,
            data: None,
        }
    }

    /// Returns the id of the login: the one in every event, log line and page of it. The event
    /// [`LoginSucceeded`](crate::events::Event::LoginSucceeded) has it together with the id of the
    /// session.
    #[must_use]
    pub fn login_id(&self) -> String {
        self.user.login_id()
    }

    /// Returns the value that traveled with the login, as [`TelenorUser::note`] does.
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is of another type.
    pub fn note<T: DeserializeOwned>(&self) -> Result<Option<T>, AppValueError> {
        self.user.note()
    }

    /// Returns the path that the login leads to, with its query.
    #[must_use]
    pub fn return_to(&self) -> &str {
        &self.return_to
    }

    /// Returns the language of the visitor's browser, for the texts of a [refusal](Self::refuse).
    #[must_use]
    pub fn language(&self) -> Language {
        self.user.request_info().language()
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> &AccessToken {
        self.user.access_token()
    }

    /// Returns the granted scope, names with blanks between them (RFC 6749 section 3.3), if the
    /// gateway named one.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.user.scope()
    }

    /// Returns what Telenor shares about the user, as [`TelenorUser::info`] does.
    ///
    /// # Errors
    ///
    /// [`ApiError`], as for [`TelenorUser::info`].
    pub async fn info(&self) -> Result<UserInfo, ApiError> {
        self.user.info().await
    }

    /// Returns the phone that the line is used in, as [`TelenorUser::device`] does.
    ///
    /// # Errors
    ///
    /// [`ApiError`], as for [`TelenorUser::info`].
    pub async fn device(&self) -> Result<DeviceInfo, ApiError> {
        self.user.device().await
    }

    /// Calls another API of the gateway, as [`TelenorUser::get`] does.
    ///
    /// # Errors
    ///
    /// [`ApiError`], as for [`TelenorUser::info`].
    pub async fn get(&self, path: &str) -> Result<ApiResponse, ApiError> {
        self.user.get(path).await
    }

    /// Returns a request to another API of the gateway, as [`TelenorUser::request`] does.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest<'_> {
        self.user.request(method, path)
    }

    /// Names the customer whose session this will be, by whom the app
    /// [ends](crate::TelenorAuthLayer::revoke_subject) and
    /// [finds](crate::TelenorAuthLayer::sessions_of) sessions.
    ///
    /// Make it of the app's own number of the customer. Telenor's answers have no id of a user, and
    /// a phone number changes hands.
    #[must_use]
    pub fn subject(mut self, subject: SubjectId) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Attaches a small value to the session, which [`TelenorUser::data`] returns as long as the
    /// session lasts, also after a refresh of the token.
    ///
    /// Its JSON has at most [`Session::MAX_DATA`] bytes. In a
    /// [`CookieStore`](crate::session::CookieStore) it must fit the cookie beside the token.
    ///
    /// # Errors
    ///
    /// [`AppValueError`] when the value is too large or has no JSON.
    pub fn data<T: Serialize + ?Sized>(mut self, data: &T) -> Result<Self, AppValueError> {
        self.data = Some(AppValue::of(data, Session::MAX_DATA)?);
        Ok(self)
    }

    /// Returns the error that refuses this login with these words, on a page with the status 403.
    ///
    /// The title is a few words, the text one or two plain sentences, in the
    /// [language](Self::language) of the visitor. Both are text, not HTML.
    #[must_use]
    pub fn refuse(&self, title: impl Into<String>, text: impl Into<String>) -> LoginError {
        LoginError(Kind::Refused {
            title: title.into(),
            text: text.into(),
        })
    }

    /// The session of this login, with what the app has added, or `None` if it is the session of
    /// another login.
    pub(crate) fn add_to(self, session: &Session) -> Option<Session> {
        if self.user.current().session.login_id() != session.login_id() {
            return None;
        }
        let mut session = session.clone();
        if let Some(subject) = self.subject {
            session = session.with_subject(subject);
        }
        match self.data {
            Some(data) => session.with_data(data.into_json()).ok(),
            None => Some(session),
        }
    }
}

impl fmt::Debug for NewLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLogin")
            .field("login_id", &self.login_id())
            .finish_non_exhaustive()
    }
}

/// Why the app does not accept a login: it [refuses](NewLogin::refuse) the customer, or something
/// failed.
///
/// Any error converts into it, so that `?` works in the hook. The visitor then gets a page that
/// says that the login could not be completed. The text of the error is logged, so it must not name
/// the person. `Debug` shows no text.
pub struct LoginError(Kind);

enum Kind {
    Refused { title: String, text: String },
    Failed(Box<dyn Error + Send + Sync>),
}

impl LoginError {
    /// Returns the error for a failure whose type is not an [`Error`], such as a text or the error
    /// of `anyhow`.
    #[must_use]
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Kind::Failed(error.into()))
    }

    /// The app's title and text, if it refused the login.
    pub(crate) fn words(&self) -> Option<(&str, &str)> {
        match &self.0 {
            Kind::Refused { title, text } => Some((title, text)),
            Kind::Failed(_) => None,
        }
    }

    pub(crate) fn cause(&self) -> FailureCause {
        match &self.0 {
            Kind::Refused { .. } => FailureCause::LoginRefused,
            Kind::Failed(error) => match error.downcast_ref::<ApiError>() {
                Some(error) => error.cause_of_failed_login(),
                None => FailureCause::LoginHookFailed,
            },
        }
    }

    /// For the log.
    pub(crate) fn detail(&self) -> String {
        match &self.0 {
            // The words may name the customer.
            Kind::Refused { .. } => String::new(),
            Kind::Failed(error) => crate::error::chain(&**error),
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for LoginError {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

impl fmt::Debug for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Refused { .. } => "LoginError(refused)",
            Kind::Failed(_) => "LoginError(failed)",
        })
    }
}

/// The app's hook.
pub(crate) struct OnLogin(Hook);

type Hook = Box<dyn Fn(NewLogin) -> BoxFuture<'static, HookResult> + Send + Sync>;
type HookResult = Result<NewLogin, LoginError>;

impl OnLogin {
    pub(crate) fn new<F>(hook: impl Fn(NewLogin) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HookResult> + Send + 'static,
    {
        Self(Box::new(move |login| Box::pin(hook(login))))
    }

    pub(crate) async fn ask(&self, login: NewLogin) -> HookResult {
        (self.0)(login).await
    }
}

impl fmt::Debug for OnLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnLogin").finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "mock"))]
mod tests {
    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::browser::request::RequestInfo;

    #[test]
    fn language_is_that_of_the_browser() {
        for language in Language::ALL {
            let request = Request::builder().header("accept-language", language.lang());
            let info = RequestInfo::of_request(&request.body(()).unwrap());
            let user = TelenorUser::for_test();
            let (current, backend) = (user.current().clone(), Arc::clone(user.backend()));
            let login = NewLogin::new(TelenorUser::new(current, backend, info), "/");
            assert_eq!(login.language(), language);
        }
    }
}
