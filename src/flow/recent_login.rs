//! Asks a user to log in once more, where a handler needs a login of the last minutes (RFC 9470).

use std::time::Duration;

use axum_core::body::Body;
use http::{HeaderValue, Response, header};

use super::{Flow, Refusal, begin::HX_REDIRECT};
use crate::{
    browser::{request::RequestInfo, request_kind::RequestKind},
    failure::FailureCause,
    response,
};

impl Flow {
    /// The response to a request whose user logged in too long ago.
    ///
    /// No login starts by itself: the user reads why first.
    pub(super) fn require_recent_login(
        &self,
        info: &RequestInfo,
        max_age: Duration,
    ) -> Response<Body> {
        match info.kind {
            RequestKind::Prefetch => {
                return self.refuse(info, Refusal::because(FailureCause::SpeculativeRequest));
            }
            // The page that it leads to can be loaded again, and says that the form was not sent.
            RequestKind::FormPost => {
                let page = self.config.return_to_page(info);
                let page = self.config.login_path(page.as_str());
                let page = self.config.absolute(&format!("{page}&form=not-sent"));
                return response::see_other(page);
            }
            _ => {}
        }
        let refusal = Refusal {
            max_age: Some(max_age.as_secs()),
            ..Refusal::because(FailureCause::InsufficientUserAuthentication)
        };
        let mut response = self.refuse(info, refusal);
        let challenge = format!(
            "Telenor error=\"insufficient_user_authentication\", max_age=\"{}\"",
            max_age.as_secs()
        );
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(info.kind, RequestKind::Htmx | RequestKind::HtmxNavigation) {
            let login = self.config.login_path(self.place(info).as_str());
            let login = self.config.absolute(&format!("{login}&ask=first"));
            if let Ok(login) = HeaderValue::try_from(login) {
                response.headers_mut().insert(HX_REDIRECT, login);
            }
        }
        response
    }
}
