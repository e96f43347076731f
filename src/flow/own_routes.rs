//! Answers a request to one of the layer's own routes.

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderValue, Method, Response, header, request::Parts};

use super::{Flow, Refusal, routes::Route};
use crate::{
    browser::{request::RequestInfo, request_kind::RequestKind},
    failure::FailureCause,
};

impl Flow {
    pub(crate) async fn own_route(
        self: Arc<Self>,
        route: Route,
        info: RequestInfo,
        parts: Parts,
    ) -> Response<Body> {
        let allowed: &[Method] = match route {
            Route::Logout => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        };
        if !allowed.contains(&parts.method) {
            return self.method_not_allowed(&info, allowed);
        }
        if info.kind == RequestKind::Prefetch {
            let refusal = Refusal {
                login_pending: self.can_continue(&info),
                ..Refusal::because(FailureCause::SpeculativeRequest)
            };
            return self.refuse(&info, refusal);
        }
        let headers = &parts.headers;
        match route {
            Route::Callback => {
                self.notices.callback_arrived();
                self.callback(&info).await
            }
            Route::Login => self.login(&info).await,
            Route::Logout if parts.method == Method::POST => self.logout(headers, &info).await,
            Route::Logout => self.logout_page(&info).await,
            Route::Session => self.status(&info).await,
            Route::Start => self.start_route(&info),
            Route::UserInfo | Route::DeviceInfo => self.script_api(route, headers, info).await,
        }
    }

    fn method_not_allowed(&self, info: &RequestInfo, allowed: &[Method]) -> Response<Body> {
        let mut response = self.refuse(info, Refusal::because(FailureCause::MethodNotAllowed));
        let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
        if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}
