//! The routes of the gateway.

use std::sync::Arc;

use axum::{
    Router,
    extract::connect_info::IntoMakeServiceWithConnectInfo,
    middleware::{from_fn_with_state, map_response},
    routing::{MethodRouter, any, get, post},
};

use super::{
    api, authorize, cors, network, pages, response,
    scripted::{scripted, scripted_path},
    token,
};
use crate::mock::{
    script::{Endpoint, connection::Connection},
    state::GatewayState,
};

pub(in crate::mock) fn service(
    shared: Arc<GatewayState>,
) -> IntoMakeServiceWithConnectInfo<Router, Connection> {
    // The script is the outermost layer, so that a scripted answer is sent unchanged.
    let endpoint = |endpoint, handler: MethodRouter<Arc<GatewayState>>| {
        handler
            .fallback(api::not_found)
            .layer(map_response(response::no_store))
            .layer(from_fn_with_state(
                (Arc::clone(&shared), endpoint),
                scripted,
            ))
    };
    // As the edge of a gateway adds them: to errors as well, so that a page can read them.
    let api = |name, handler: MethodRouter<Arc<GatewayState>>| {
        endpoint(name, handler).layer(from_fn_with_state(Arc::clone(&shared), cors::cors))
    };
    let pages = Router::new()
        .route(
            "/mock/login/{id}",
            get(pages::recognized).post(pages::confirm_recognition),
        )
        .route("/mock/login/{id}/network", get(network::recognize))
        .route(
            "/mock/login/{id}/ussd",
            get(pages::ussd).post(pages::send_ussd),
        )
        .route(
            "/mock/login/{id}/phone",
            get(pages::phone).post(pages::answer_ussd),
        )
        .route(
            "/mock/login/{id}/consent",
            get(pages::consent).post(pages::decide),
        )
        .layer(map_response(response::no_store));
    let other = any(api::other)
        .with_state(Arc::clone(&shared))
        .layer(from_fn_with_state(Arc::clone(&shared), scripted_path))
        .layer(from_fn_with_state(Arc::clone(&shared), cors::cors));
    let endpoints = shared.settings.endpoints.clone();
    Router::new()
        .route(
            &endpoints.authorization,
            endpoint(Endpoint::Authorize, get(authorize::authorize)),
        )
        .route(
            &endpoints.token,
            endpoint(Endpoint::Token, post(token::token)),
        )
        .route(
            &endpoints.logout,
            endpoint(Endpoint::Logout, get(api::logout)),
        )
        .route(
            &endpoints.user_info,
            api(Endpoint::UserInfo, get(api::user_info)),
        )
        .route(
            &endpoints.device_info,
            api(Endpoint::DeviceInfo, get(api::device_info)),
        )
        .merge(pages)
        .fallback_service(other.with_state(()))
        .with_state(shared)
        .into_make_service_with_connect_info()
}
