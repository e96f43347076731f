//! Refuses what a page of another origin has the browser of a signed-in user do.

use axum_core::body::Body;
use http::{HeaderMap, Method, Response};

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
    /// What is logged of this request, if it can change something and a page of another origin may
    /// have caused it.
    #[inline]
    pub(super) fn cross_origin(
        &self,
        info: &RequestInfo,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<CrossOrigin> {
        let check = self.config.origin_check.as_ref()?;
        let refuses = check.refuses(info, headers);
        refuses.then(|| CrossOrigin::of(method, headers))
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
