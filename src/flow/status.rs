//! Tells a script of the app whether somebody is signed in, and never with which token.

use axum_core::body::Body;
use http::{Response, request::Parts};
use serde_json::json;

use super::Flow;
use crate::{browser::request::Visit, response, session::SessionStore};

impl<Store: SessionStore> Flow<Store> {
    pub(super) async fn status(&self, parts: &Parts, visit: &Visit) -> Response<Body> {
        let now = self.config.clock.seconds();
        match self.session(&parts.headers).await {
            Ok(Some(session)) => {
                let status = json!({
                    "signed_in": true,
                    "seconds_left": session.seconds_left(now),
                    "logout": self.config.absolute(&self.config.paths.logout),
                });
                response::json(status.to_string())
            }
            Ok(None) => {
                let status = json!({
                    "signed_in": false,
                    "login": self.config.absolute(&self.config.paths.login),
                });
                response::json(status.to_string())
            }
            Err(error) => self.store_failed(visit, &error),
        }
    }
}
