//! The Mobile User API: what the access token opens.

mod error;
mod mobile_number;
mod user_info;

pub use self::{
    error::{ApiError, ApiErrorKind},
    mobile_number::MobileNumber,
    user_info::{Address, Name, UserInfo},
};
use crate::TelenorUser;

const USER_INFO: &str = "/user-info/v1/users";

impl TelenorUser {
    /// The user's name, number, address, birth date and e-mail address, as far as Telenor knows and shares them.
    ///
    /// One request to the gateway, `GET /user-info/v1/users`.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn greeting(user: TelenorUser) -> Result<String, ApiError> {
    ///     let info = user.info().await?;
    ///     let name = info.name().and_then(|name| name.given_name());
    ///     Ok(format!("Hei, {}!", name.unwrap_or("du")))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApiError`], which is a response as well: return it from the handler. When the token turns out to be dead, the session
    /// ends, and the response leads a page back to log in.
    pub async fn info(&self) -> Result<UserInfo, ApiError> {
        let gateway = self.guard().gateway();
        let answer = gateway.get(USER_INFO, self.access_token()).await;
        let error = match answer {
            Ok(response) if response.status().is_success() => {
                match UserInfo::parse(response.into_body()) {
                    Some(info) => return Ok(info),
                    None => ApiError::unreadable(),
                }
            }
            Ok(response) => ApiError::answered(&response),
            Err(error) => ApiError::transport(&error),
        };
        tracing::warn!(kind = ?error.kind(), status = ?error.status(), code = ?error.code(), "call to the Mobile User API failed");
        if error.kind() == ApiErrorKind::Reauthorize {
            self.guard().end_session(self.visit()).await;
        }
        Err(error.for_request_of(self))
    }
}
