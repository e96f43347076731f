//! The authorization endpoint.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use super::{
    authorization_request::{AuthorizationError, parse},
    response,
};
use crate::mock::state::GatewayState;

pub(in crate::mock) async fn authorize(
    State(shared): State<Arc<GatewayState>>,
    RawQuery(query): RawQuery,
) -> Response {
    match parse(&shared.settings, query.as_deref().unwrap_or_default()) {
        Ok(request) => {
            let id = shared.logins().start(request);
            response::found(&format!("/mock/login/{id}/network"))
        }
        Err(AuthorizationError::Callback(callback)) => response::found(&callback),
        Err(AuthorizationError::Direct(error)) => error.response(&shared.settings),
    }
}
