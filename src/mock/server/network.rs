//! The plain-http hop on which the mobile network recognizes the line.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;

use super::{pages, response::found};
use crate::mock::{settings::Settings, state::GatewayState};

/// The mock's own header. The one of Telenor's network is not public.
const MSISDN: &str = "x-mock-msisdn";

/// Recognizes the line. The browser comes here first, because an operator can add a subscriber only
/// to a plain-http request.
pub(in crate::mock) async fn recognize(
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    pages::with_login(&shared, &id, |login| {
        // The first result counts. Otherwise the subscriber could change during a login.
        let line = *(login.network).get_or_init(|| line(&shared.settings, &headers));
        let page = if line.is_some() { "" } else { "/ussd" };
        found(&format!("/mock/login/{id}{page}"))
    })
}

fn line(settings: &Settings, headers: &HeaderMap) -> Option<usize> {
    match headers.get(MSISDN) {
        Some(number) => settings.subscriber(number.to_str().ok()?),
        None if settings.wifi => None,
        None => Some(0),
    }
}
