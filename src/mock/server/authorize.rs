//! The authorization endpoint.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    response::Response,
};

use super::{
    authorization::{Refusal, parse},
    response,
};
use crate::mock::state::Shared;

pub(in crate::mock) async fn authorize(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    match parse(&shared.settings, query.as_deref().unwrap_or_default()) {
        Ok(request) => {
            let id = shared.logins().begin(request);
            response::found(&format!("/mock/login/{id}/network"))
        }
        Err(Refusal::Callback(callback)) => response::found(&callback),
        Err(Refusal::Direct(error)) => error.response(&shared.settings),
    }
}
