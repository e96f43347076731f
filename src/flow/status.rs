//! Returns to a script of the app whether a user is signed in, and never the token.

use std::sync::Arc;

use axum_core::body::Body;
use http::Response;
use serde_json::json;

use super::Flow;
use crate::{browser::request::RequestInfo, clock::unix_seconds, response};

impl Flow {
    pub(super) async fn status(self: &Arc<Self>, info: &RequestInfo) -> Response<Body> {
        let now = self.config.clock.now();
        let status = match self.current_session(info, now).await {
            Ok(Ok(current)) => json!({
                "signed_in": true,
                "seconds_left": current.session.seconds_left(unix_seconds(now)),
                "logout": self.config.absolute(&self.config.paths.logout),
            }),
            Ok(Err(_)) => json!({
                "signed_in": false,
                "login": self.config.absolute(&self.config.paths.login),
            }),
            Err(error) => return self.store_failed(info, &error),
        };
        response::json(status.to_string())
    }
}
