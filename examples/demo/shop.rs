//! The routes of the shop.
//!
//! The signatures are the policy: `TelenorUser` needs a login, `Option<TelenorUser>` does not. The
//! layer refuses forms that another site sends in the name of a user. The form without a login has
//! a check of its own.

use std::{fmt::Write, time::SystemTime};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Serialize;
use telenor_auth::{ApiError, TelenorAuthLayer, TelenorUser};
use url::Url;

use crate::{
    delivery_form::{Answers, DeliveryForm},
    javascript,
    pages::{BasketPage, Checkout, Notice, Page, Thanks},
    visitor::Visitor,
};

/// `direct` is the endpoint for user info, if scripts may get the access token.
pub(crate) fn router(auth: TelenorAuthLayer, direct: Option<Url>) -> Router {
    Router::new()
        .route("/", get(basket))
        .route("/checkout", get(checkout))
        .route("/orders", post(order))
        .route("/orders/thanks", get(thanks))
        .route(
            "/manual-form",
            get(manual_form)
                .post(manual_order)
                .with_state(auth.clone()),
        )
        .route("/api/me", get(me))
        .route("/whoami", get(whoami))
        .merge(javascript::router(auth.clone(), direct))
        .route("/payment/done", get(paid).post(paid))
        .fallback(not_found)
        .layer(auth.clone())
        // After the layer, since a probe needs no session.
        .route("/ready", get(async move || auth.ready().await))
}

async fn basket(user: Option<TelenorUser>) -> Page<BasketPage> {
    Page(BasketPage::new(Visitor::of(user).await))
}

async fn checkout(user: TelenorUser) -> Result<Page<Checkout>, ApiError> {
    let info = user.info().await?;
    let form = DeliveryForm::prefilled(&info);
    Ok(Page(Checkout::new(Visitor::known(&info), form)))
}

async fn order(user: TelenorUser, Form(answers): Form<Answers>) -> Response {
    let form = DeliveryForm::checked(answers);
    if form.has_problem() {
        let page = Page(Checkout::new(Visitor::of(Some(user)).await, form));
        return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
    }
    // A real shop stores the order here. After the redirect, a reload does not order twice.
    Redirect::to("/orders/thanks").into_response()
}

/// Where a payment page leads back to, by a link or by a form. A form of another site comes without
/// the session cookie, and the layer leads it on to a request that has the cookie.
async fn paid(_: TelenorUser) -> Redirect {
    Redirect::to("/orders/thanks")
}

async fn thanks(user: Option<TelenorUser>) -> Page<Thanks> {
    Page(Thanks::new(Visitor::of(user).await))
}

async fn manual_form(user: Option<TelenorUser>) -> Page<Checkout> {
    Page(Checkout::manual(
        Visitor::of(user).await,
        DeliveryForm::blank(),
    ))
}

/// Visitors without a login can order here, and the layer does not look at their forms.
async fn manual_order(
    State(auth): State<TelenorAuthLayer>,
    headers: HeaderMap,
    user: Option<TelenorUser>,
    Form(answers): Form<Answers>,
) -> Response {
    if user.is_none() && !auth.is_same_origin(&headers) {
        let page = Page(Notice::foreign_form());
        return (StatusCode::FORBIDDEN, page).into_response();
    }
    let form = DeliveryForm::checked(answers);
    if form.has_problem() {
        let page = Page(Checkout::manual(Visitor::of(user).await, form));
        return (StatusCode::UNPROCESSABLE_ENTITY, page).into_response();
    }
    Redirect::to("/orders/thanks").into_response()
}

#[derive(Serialize)]
struct Me {
    mobile_number_masked: Option<String>,
    given_name: Option<String>,
    /// Seconds until the session ends.
    expires_in: u64,
}

async fn me(user: TelenorUser) -> Result<Json<Me>, ApiError> {
    let info = user.info().await?;
    let left = user.expires_at().duration_since(SystemTime::now());
    Ok(Json(Me {
        mobile_number_masked: info.mobile_number().map(ToString::to_string),
        given_name: info
            .name()
            .and_then(|name| name.given_name())
            .map(str::to_owned),
        expires_in: left.unwrap_or_default().as_secs(),
    }))
}

/// A hash that differs between two sessions, without showing a token.
async fn whoami(user: TelenorUser) -> String {
    let hash = digest(&SHA256, user.access_token().secret().as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

async fn not_found(user: Option<TelenorUser>) -> (StatusCode, Page<Notice>) {
    let page = Page(Notice::not_found(Visitor::of(user).await));
    (StatusCode::NOT_FOUND, page)
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        http::{
            Request,
            header::{CONTENT_TYPE, ORIGIN},
        },
    };
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn form_without_a_login_has_to_come_from_the_shop_itself() {
        let redirect_uri = "https://shop.example/telenor/callback";
        let auth = TelenorAuthLayer::builder("id", "secret", redirect_uri).optional(true);
        let shop = router(auth.build().expect("the settings are valid"), None);
        for (origin, status) in [
            ("https://shop.example", StatusCode::UNPROCESSABLE_ENTITY),
            ("https://evil.example", StatusCode::FORBIDDEN),
        ] {
            let form = Request::post("/manual-form")
                .header(ORIGIN, origin)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from("name=Kari"))
                .expect("the request is valid");
            let response = shop.clone().oneshot(form).await.expect("infallible");
            assert_eq!(response.status(), status, "{origin}");
        }
    }
}
