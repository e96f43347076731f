//! Refuses what a page of another origin has the browser of a signed-in user do.

use axum_core::body::Body;
use http::{HeaderMap, Request, Response};

use super::{Flow, Refusal, printable::printable};
use crate::{
    browser::{origin_check::CrossOrigin, request::RequestInfo},
    events::Event,
    failure::FailureCause,
};

/// Says to a developer what to change.
const HINT: &str = "only pages of the redirect URI's origin may send this request for a signed-in \
                    user. If the page is yours, add its origin with trusted_origin";

impl Flow {
    pub(super) fn is_cross_origin(&self, info: &RequestInfo, headers: &HeaderMap) -> bool {
        let check = self.config.origin_check.as_ref();
        check.is_some_and(|check| check.refuses(info, headers))
    }

    pub(super) fn refuse_cross_origin<B>(
        &self,
        info: &RequestInfo,
        request: &Request<B>,
    ) -> Response<Body> {
        let request = CrossOrigin::of(request.method(), request.headers());
        self.refuse_of_other_origin(info, &request)
    }

    pub(super) fn refuse_of_other_origin(
        &self,
        info: &RequestInfo,
        request: &CrossOrigin,
    ) -> Response<Body> {
        self.events.emit(Event::CrossOriginRefused {
            method: &printable(&request.method),
            path: &printable(info.uri.path()),
            origin: request.origin.as_deref().map(printable).as_deref(),
        });
        let refusal = Refusal {
            hint: Some(HINT),
            ..Refusal::because(FailureCause::CrossOriginRequest)
        };
        self.refuse(info, refusal)
    }
}
