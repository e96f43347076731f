//! User and device info for scripts of the app's own pages, so that the token never enters a page.

use std::sync::Arc;

use axum_core::{body::Body, response::IntoResponse};
use http::{Response, request::Parts};

use super::{Flow, Refusal};
use crate::{
    browser::request::{self, Visit},
    failure::FailureCause,
    flow::routes::Route,
    response,
    session::SessionStore,
    user::{Guard, Refreshed, TelenorUser},
};

impl<Store: SessionStore> Flow<Store> {
    pub(super) async fn script_api(
        self: &Arc<Self>,
        route: Route,
        parts: &Parts,
        visit: &Visit,
    ) -> Response<Body> {
        // The browser must say that a page of the app asks; a foreign one could not read the answer, but shall not cause the call.
        if !request::is_same_origin(&parts.headers, &self.config.origin_text) {
            return self.refuse(visit, Refusal::because(FailureCause::CrossSiteRequest));
        }
        let session = match self.session(&parts.headers).await {
            Ok(Some(session)) => session,
            Ok(None) => return self.refuse(visit, Refusal::because(FailureCause::LoginRequired)),
            Err(error) => return self.store_failed(visit, &error),
        };
        let session = match self.with_good_token(&parts.headers, session).await {
            Refreshed::Session(session) => session,
            Refreshed::Over => {
                return self.refuse(visit, Refusal::because(FailureCause::LoginRequired));
            }
            Refreshed::NotNow(cause) => return self.refuse(visit, Refusal::because(cause)),
        };
        let guard: Arc<dyn Guard> = Arc::clone(self) as _;
        let user = TelenorUser::new(session, guard, visit.clone());
        let answer = if route == Route::DeviceInfo {
            user.device().await.map(|device| device.json().to_owned())
        } else {
            user.info().await.map(|info| info.json().to_owned())
        };
        match answer {
            Ok(json) => response::json(json),
            Err(error) => error.into_response(),
        }
    }
}
