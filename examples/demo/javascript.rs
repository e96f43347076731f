//! User info for a script of the shop's own page, in both ways: through the shop, and straight from
//! Telenor with the access token.
//!
//! The second way is off by default, and its route does not exist then: any script on a page that
//! has the token can read it.

use axum::{
    Json, Router,
    extract::State,
    http::{
        HeaderMap, HeaderName, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::IntoResponse,
    routing::{get, post},
};
use serde::Serialize;
use telenor_auth::{TelenorAuthLayer, TelenorUser};
use url::Url;

use crate::{
    pages::{JavaScriptPage, Page},
    visitor::Visitor,
};

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

#[derive(Clone)]
struct Scripts {
    auth: TelenorAuthLayer,
    /// The endpoint for user info, if pages may get the token.
    direct: Option<Url>,
}

pub(crate) fn router(auth: TelenorAuthLayer, direct: Option<Url>) -> Router {
    let mut router = Router::new().route("/javascript", get(page));
    if direct.is_some() {
        router = router.route("/access-token", post(access_token));
    }
    router.with_state(Scripts { auth, direct })
}

async fn page(State(scripts): State<Scripts>, user: Option<TelenorUser>) -> impl IntoResponse {
    let page = JavaScriptPage::new(Visitor::of(user).await, scripts.direct.is_some());
    let direct = (scripts.direct).map(|url| url.origin().ascii_serialization());
    // The page may call the endpoint, and run the shop's own script alone.
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self' {}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        direct.unwrap_or_default()
    );
    ([(CONTENT_SECURITY_POLICY, policy)], Page(page))
}

/// No `Debug`: the token gives access to personal data.
#[derive(Serialize)]
struct Grant {
    access_token: String,
    /// Where the token is valid.
    user_info: String,
}

/// Only a page of the shop itself gets the token, and no cache keeps it. It is a POST, so that no
/// link, image or preloading leads to it.
async fn access_token(
    State(scripts): State<Scripts>,
    headers: HeaderMap,
    user: TelenorUser,
) -> Result<impl IntoResponse, StatusCode> {
    if !scripts.auth.is_same_origin(&headers) {
        return Err(StatusCode::FORBIDDEN);
    }
    let user_info = scripts.direct.ok_or(StatusCode::NOT_FOUND)?;
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let grant = Grant {
        access_token: user.access_token().secret().to_owned(),
        user_info: user_info.into(),
    };
    Ok((headers, Json(grant)))
}

#[cfg(test)]
mod tests {
    use axum::{
        body::{Body, to_bytes},
        http::{
            Request, Response,
            header::{COOKIE, ORIGIN},
        },
    };
    use telenor_auth::mock::{MockGateway, SignedIn};
    use tower::ServiceExt;

    use super::*;

    const SHOP: &str = "https://shop.example";

    fn app(gateway: &MockGateway, direct: Option<Url>) -> Router {
        let redirect_uri = format!("{SHOP}/telenor/callback");
        let (id, secret) = (gateway.client_id(), gateway.client_secret());
        let auth = TelenorAuthLayer::builder(id, secret, redirect_uri)
            .gateway(gateway.base_url())
            .optional(true)
            .build()
            .expect("the settings are valid");
        router(auth.clone(), direct).layer(auth)
    }

    fn user_info(gateway: &MockGateway) -> Url {
        let url = format!("{}/user-info/v1/users", gateway.base_url());
        url.parse().expect("a URL")
    }

    async fn user(gateway: &MockGateway, app: &Router) -> SignedIn {
        let login = "/telenor/login?return_to=/javascript";
        gateway.login(app, login).await.expect("Kari consents")
    }

    async fn ask(app: &Router, user: Option<&SignedIn>, origin: Option<&str>) -> Response<Body> {
        let mut request = Request::post("/access-token");
        if let Some(user) = user {
            request = request.header(COOKIE, user.cookie_header());
        }
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        let request = request.body(Body::empty()).expect("the request is valid");
        app.clone().oneshot(request).await.expect("infallible")
    }

    #[tokio::test]
    async fn a_page_of_the_shop_gets_the_token_in_a_body_that_nothing_keeps() {
        let gateway = MockGateway::start().await.expect("a free port");
        let app = app(&gateway, Some(user_info(&gateway)));
        let kari = user(&gateway, &app).await;
        let response = ask(&app, Some(&kari), Some(SHOP)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        let policy = &response.headers()[CROSS_ORIGIN_RESOURCE_POLICY];
        assert_eq!(policy, "same-origin");
        let body = to_bytes(response.into_body(), 10_000).await.expect("short");
        let grant: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let url = grant["user_info"].as_str().expect("an address");
        let token = grant["access_token"].as_str().expect("a token");
        let call = reqwest::Client::new().get(url).bearer_auth(token);
        let info = call.send().await.expect("the mock answers");
        assert_eq!(info.status(), 200);
    }

    #[tokio::test]
    async fn no_other_page_and_no_anonymous_visitor_gets_the_token() {
        let gateway = MockGateway::start().await.expect("a free port");
        let app = app(&gateway, Some(user_info(&gateway)));
        let kari = user(&gateway, &app).await;
        for origin in [
            Some("https://pay.shop.example"),
            Some("https://evil.example"),
            Some("null"),
            None,
        ] {
            let refused = ask(&app, Some(&kari), origin).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{origin:?}");
        }
        let anonymous = ask(&app, None, Some(SHOP)).await;
        assert_eq!(anonymous.status(), StatusCode::UNAUTHORIZED);
    }

    #[tokio::test]
    async fn the_route_does_not_exist_by_default() {
        let gateway = MockGateway::start().await.expect("a free port");
        let app = app(&gateway, None);
        let kari = user(&gateway, &app).await;
        let missing = ask(&app, Some(&kari), Some(SHOP)).await;
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
}
