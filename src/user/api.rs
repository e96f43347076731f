//! What the access token opens: the Mobile User API and its siblings on the same gateway.

use std::time::Duration;

use http::Method;

use super::{ApiError, ApiErrorKind, ApiRequest, ApiResponse, DeviceInfo, TelenorUser, UserInfo};

const USER_INFO: &str = "/user-info/v1/users";
/// Longer than one call may take.
const PATIENCE: Duration = Duration::from_secs(20);
const DEVICE_INFO: &str = "/mobile-device-info/v1/device";

impl TelenorUser {
    /// The user's name, number, address, birth date and e-mail address, as far as Telenor knows and shares them.
    ///
    /// One request to the gateway, `GET /user-info/v1/users`, unless [`profile`](crate::TelenorAuthBuilder::profile) keeps the answer.
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
    /// [`ApiError`], which is a response as well: return it from the handler. When the token turns out to be dead, and there is no
    /// other, the session ends, and the response leads a page back to log in.
    pub async fn info(&self) -> Result<UserInfo, ApiError> {
        match self.guard().profiles() {
            None => self.fetch_info().await,
            Some((profiles, now)) => {
                let login = self.session().login();
                let info = profiles.info(login, now, || self.fetch_info());
                // Who waits for a call that fails makes one too, and others may be waiting before.
                let info = tokio::time::timeout(PATIENCE, info).await;
                info.unwrap_or_else(|_| Err(ApiError::timed_out().for_request_of(self)))
            }
        }
    }

    async fn fetch_info(&self) -> Result<UserInfo, ApiError> {
        let answer = self.get(USER_INFO).await?;
        UserInfo::parse(answer.into_body()).ok_or_else(|| self.unreadable())
    }

    /// The phone that the line is used in: model, maker, and what it can do.
    ///
    /// One request to the gateway, `GET /mobile-device-info/v1/device`.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn phone(user: TelenorUser) -> Result<String, ApiError> {
    ///     let device = user.device().await?;
    ///     Ok(device.model().unwrap_or("en telefon").to_owned())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApiError`], as for [`info`](Self::info).
    pub async fn device(&self) -> Result<DeviceInfo, ApiError> {
        let answer = self.get(DEVICE_INFO).await?;
        DeviceInfo::parse(answer.into_body()).ok_or_else(|| self.unreadable())
    }

    /// Whatever another API of the gateway answers at this path, which starts with a slash and may have a query.
    ///
    /// # Errors
    ///
    /// [`ApiError`]; of the kind [`InvalidRequest`](ApiErrorKind::InvalidRequest), before anything is sent, when the path would leave
    /// the gateway.
    pub async fn get(&self, path: &str) -> Result<ApiResponse, ApiError> {
        self.request(Method::GET, path).send().await
    }

    /// A call to another API of the gateway, to be put together.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest<'_> {
        ApiRequest::new(self, method, path)
    }

    fn unreadable(&self) -> ApiError {
        ApiError::local(ApiErrorKind::Unexpected).for_request_of(self)
    }
}
