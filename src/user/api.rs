//! Calls with the user's access token: the Mobile User API and the other APIs of the gateway.

use std::time::Duration;

use http::{Method, Uri};

use super::{ApiError, ApiErrorKind, ApiRequest, ApiResponse, DeviceInfo, TelenorUser, UserInfo};

/// A caller waits this long for another caller's call. It is longer than one call may take.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

impl TelenorUser {
    /// Returns the user's name, number, address, birth date and e-mail address, as far as Telenor
    /// shares them.
    ///
    /// It sends `GET /user-info/v1/users` to the gateway, or to the endpoint that
    /// [`Endpoints`](crate::Endpoints) set, unless
    /// [`cache_user_info`](crate::TelenorAuthBuilder::cache_user_info) has the info.
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
    /// [`ApiError`], which is also a response: return it from the handler. If the token is no
    /// longer valid and cannot be refreshed, the session ends, and the response sends a page to log
    /// in again.
    pub async fn info(&self) -> Result<UserInfo, ApiError> {
        match self.backend().info_cache().zip(self.session_id()) {
            None => self.fetch_info().await,
            Some(((cache, now), session)) => {
                self.confirmed().await?;
                let info = cache.info(session, now, || self.fetch_info());
                // If the call that a caller waits for fails, the caller makes its own. Other
                // callers may be ahead of it.
                let info = tokio::time::timeout(WAIT_TIMEOUT, info).await;
                info.unwrap_or_else(|_| Err(ApiError::timed_out().with_request(self)))
            }
        }
    }

    async fn fetch_info(&self) -> Result<UserInfo, ApiError> {
        let response = self.call(self.backend().user_info_endpoint()).await?;
        UserInfo::parse(response.bytes()).ok_or_else(|| self.unreadable())
    }

    /// Returns the phone that the line is used in: its model, maker and capabilities.
    ///
    /// It sends `GET /mobile-device-info/v1/device` to the gateway, or to the endpoint that
    /// [`Endpoints`](crate::Endpoints) set.
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
        let response = self.call(self.backend().device_info_endpoint()).await?;
        DeviceInfo::parse(response.bytes()).ok_or_else(|| self.unreadable())
    }

    /// Calls another API of the gateway by a GET. The path starts with a slash and may have a
    /// query.
    ///
    /// ```
    /// use telenor_auth::{ApiError, TelenorUser};
    ///
    /// async fn first(user: TelenorUser) -> Result<Option<String>, ApiError> {
    ///     let response = user.get("/some-product/v1/names?limit=1").await?;
    ///     let names: Vec<String> = response.json()?;
    ///     Ok(names.into_iter().next())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ApiError`]. If the path could lead off the gateway or to another path, nothing is sent,
    /// and the kind is [`InvalidRequest`](ApiErrorKind::InvalidRequest): a path with dot segments,
    /// backslashes or control characters, raw or percent-encoded, is refused. Pass what comes from
    /// a user to [`query`](ApiRequest::query), or check it first. If the gateway has nothing at the
    /// path, the kind is [`NotFound`](ApiErrorKind::NotFound).
    pub async fn get(&self, path: &str) -> Result<ApiResponse, ApiError> {
        self.request(Method::GET, path).send().await
    }

    /// Returns a request to another API of the gateway, for any method. The path is as for
    /// [`get`](Self::get), and [`ApiRequest`] has an example.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest<'_> {
        ApiRequest::new(self, method, path)
    }

    async fn call(&self, endpoint: Uri) -> Result<ApiResponse, ApiError> {
        ApiRequest::to_endpoint(self, endpoint).send().await
    }

    fn unreadable(&self) -> ApiError {
        ApiError::new(ApiErrorKind::Unexpected).with_request(self)
    }
}
