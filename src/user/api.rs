//! What the access token opens: the Mobile User API and its siblings on the same gateway.

use std::time::Duration;

use http::Method;

use super::{ApiError, ApiErrorKind, ApiRequest, ApiResponse, DeviceInfo, TelenorUser, UserInfo};

const USER_INFO: &str = "/user-info/v1/users";
/// Longer than one call may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);
const DEVICE_INFO: &str = "/mobile-device-info/v1/device";

impl TelenorUser {
    /// The user's name, number, address, birth date and e-mail address, as far as Telenor knows and shares them.
    ///
    /// One request to the gateway, `GET /user-info/v1/users`, unless
    /// [`cache_user_info`](crate::TelenorAuthBuilder::cache_user_info) keeps the answer.
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
    /// [`ApiError`], which is a response as well: return it from the handler. When the token turns
    /// out to be dead, and there is no other, the session ends, and the response leads a page back to
    /// log in.
    pub async fn info(&self) -> Result<UserInfo, ApiError> {
        match self.backend().info_cache() {
            None => self.fetch_info().await,
            Some((cache, now)) => {
                let login = self.current().session.login_id();
                let info = cache.info(login, now, || self.fetch_info());
                // A caller that waits for a call that fails makes one too, and others may wait
                // before it.
                let info = tokio::time::timeout(WAIT_TIMEOUT, info).await;
                info.unwrap_or_else(|_| Err(ApiError::timed_out().with_request(self)))
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

    /// The answer of another API of the gateway, at this path. It starts with a slash and may have a
    /// query.
    ///
    /// # Errors
    ///
    /// [`ApiError`]. It is of the kind [`InvalidRequest`](ApiErrorKind::InvalidRequest), before
    /// anything is sent, when the path would leave the gateway.
    pub async fn get(&self, path: &str) -> Result<ApiResponse, ApiError> {
        self.request(Method::GET, path).send().await
    }

    /// A request to another API of the gateway, which is then built and sent.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest<'_> {
        ApiRequest::new(self, method, path)
    }

    fn unreadable(&self) -> ApiError {
        ApiError::new(ApiErrorKind::Unexpected).with_request(self)
    }
}
