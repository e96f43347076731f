//! Which of the layer's own routes was asked for.

use std::sync::Arc;

use axum_core::body::Body;
use http::{HeaderValue, Method, Response, header, request::Parts};

use super::{Flow, Refusal, routes::Route};
use crate::{
    browser::request::{Caller, Visit},
    failure::FailureCause,
    session::SessionStore,
};

impl<Store: SessionStore> Flow<Store> {
    /// Answers a request to one of the layer's own routes.
    pub(crate) async fn own_route(
        self: Arc<Self>,
        route: Route,
        parts: Parts,
        visit: Visit,
    ) -> Response<Body> {
        let allowed: &[Method] = match route {
            Route::Logout => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        };
        if !allowed.contains(&parts.method) {
            return self.method_not_allowed(&visit, allowed);
        }
        if visit.caller == Caller::Speculative {
            return self.refuse(&visit, Refusal::because(FailureCause::SpeculativeRequest));
        }
        match route {
            Route::Callback => self.callback(&parts, &visit).await,
            Route::Login => self.login(&parts, &visit),
            Route::Logout if parts.method == Method::POST => self.logout(&parts, &visit).await,
            Route::Logout => self.logout_page(&parts, &visit).await,
            Route::Session => self.status(&parts, &visit).await,
            Route::Start => self.start_page(&parts, &visit),
            Route::UserInfo | Route::DeviceInfo => self.script_api(route, &parts, &visit).await,
        }
    }

    fn method_not_allowed(&self, visit: &Visit, allowed: &[Method]) -> Response<Body> {
        let mut response = self.refuse(visit, Refusal::because(FailureCause::MethodNotAllowed));
        let allowed: Vec<_> = allowed.iter().map(Method::as_str).collect();
        if let Ok(allowed) = HeaderValue::try_from(allowed.join(", ")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}
