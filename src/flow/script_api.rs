//! User and device info for scripts of the app's own pages, so that the token never enters a page.

use std::sync::Arc;

use axum_core::{body::Body, response::IntoResponse};
use http::{HeaderMap, Response};

use super::{Flow, HEADERS_OF_OWN_PAGE, Refusal, routes::Route};
use crate::{
    browser::request::{self, RequestInfo},
    failure::FailureCause,
    response,
    user::{RefreshOutcome, TelenorUser},
};

impl Flow {
    pub(super) async fn script_api(
        self: &Arc<Self>,
        route: Route,
        headers: &HeaderMap,
        info: RequestInfo,
    ) -> Response<Body> {
        // The browser must state that a page of the app asks. A foreign page could not read the
        // answer, but must not cause the call.
        if !request::is_same_origin(headers, &self.config.origin_str) {
            let refusal = Refusal {
                hint: Some(HEADERS_OF_OWN_PAGE),
                ..Refusal::because(FailureCause::ForeignOrigin)
            };
            return self.refuse(&info, refusal);
        }
        let current = self.current_session(&info, self.config.clock.now()).await;
        let mut current = match current {
            Ok(Ok(current)) => current,
            Ok(Err(refusal)) => {
                let info = info.refused(refusal);
                return self.refuse(&info, Refusal::because(FailureCause::LoginRequired));
            }
            Err(error) => return self.store_failed(&info, &error),
        };
        match self.with_live_token(&current).await {
            RefreshOutcome::Refreshed(session) => current.session = session,
            RefreshOutcome::Ended => {
                return self.refuse(&info, Refusal::because(FailureCause::LoginRequired));
            }
            RefreshOutcome::Unavailable(cause) => {
                return self.refuse(&info, Refusal::because(cause));
            }
        }
        let user = TelenorUser::new(current, Arc::clone(self) as _, info);
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
