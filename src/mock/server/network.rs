//! The clear-text hop on which the mobile network tells whose line it is.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::HeaderMap;

use super::{pages, response::found};
use crate::mock::{settings::Settings, state::Shared};

/// Where the browser goes first: an operator can write a subscriber into a plain-http request only.
pub(in crate::mock) async fn recognise(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    pages::with_login(&shared, &id, |login| {
        // The first answer stands, or one person could become another in the middle of a login.
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

/// Ours; what Telenor's network writes is not public.
const MSISDN: &str = "x-mock-msisdn";
