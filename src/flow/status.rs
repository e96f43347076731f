//! Returns to a script of the app whether a user is signed in, and never the token.

use axum_core::body::Body;
use http::Response;
use serde_json::json;

use super::Flow;
use crate::{browser::request::RequestInfo, clock::unix_seconds, response};

impl Flow {
    pub(super) async fn status(&self, info: &RequestInfo) -> Response<Body> {
        let now = self.config.clock.now();
        let status = match self.current_session(info, now).await {
            Ok(Some(current)) => json!({
                "signed_in": true,
                "seconds_left": current.session.seconds_left(unix_seconds(now)),
                "logout": self.config.absolute(&self.config.paths.logout),
            }),
            Ok(None) => json!({
                "signed_in": false,
                "login": self.config.absolute(&self.config.paths.login),
            }),
            Err(error) => return self.store_failed(info, &error),
        };
        response::json(status.to_string())
    }
}
