//! Refuses what a page of another origin has the browser of a signed-in user do.

use axum_core::body::Body;
use http::{Request, Response, header};

use super::{Flow, Refusal, printable::printable};
use crate::{browser::request::RequestInfo, events::Event, failure::FailureCause};

/// Says to a developer what to change.
const HINT: &str = "only pages of the redirect URI's origin may send this request for a signed-in \
                    user. If the page is yours, add its origin with trusted_origin";

impl Flow {
    pub(super) fn is_cross_origin<B>(&self, request: &Request<B>) -> bool {
        let check = self.config.origin_check.as_ref();
        check.is_some_and(|check| check.refuses(request.method(), request.headers()))
    }

    pub(super) fn refuse_cross_origin<B>(&self, request: &Request<B>) -> Response<Body> {
        let info = RequestInfo::of_request(request);
        let origin = request.headers().get(header::ORIGIN);
        let origin = origin.map(|origin| printable(&String::from_utf8_lossy(origin.as_bytes())));
        self.events.emit(Event::CrossOriginRefused {
            method: &printable(request.method().as_str()),
            path: &printable(info.uri.path()),
            origin: origin.as_deref(),
        });
        let refusal = Refusal {
            hint: Some(HINT),
            ..Refusal::because(FailureCause::CrossOriginRequest)
        };
        self.refuse(&info, refusal)
    }
}
