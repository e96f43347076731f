//! The server of a native app: the page after the login, and what the app calls.
//!
//! | route | who | what |
//! | --- | --- | --- |
//! | `GET /app/done?challenge=…` | the browser, after the login | a page with a link that opens the app and holds a one-time code |
//! | `GET /app/open?code=…` | the browser, where the app is not installed | that the app is missing |
//! | `POST /app/token` | the app | a token of the app's own for the code and its verifier |
//! | `GET /app/me`, `POST /app/logout` | the app, with its token | |
//! | `GET /.well-known/…` | Apple and Android | which app may open the links |

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{SHA256, digest},
};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{
        HeaderMap, StatusCode,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY,
            WWW_AUTHENTICATE,
        },
    },
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::json;
use telenor_auth::{ApiError, Clock, TelenorAuthLayer, TelenorUser};

use super::secrets::Secrets;

/// The tap on the link, and one request of the app.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
const TOKEN_LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

struct Server {
    /// The origin of the links that open the app.
    links: String,
    codes: Secrets<Handover>,
    tokens: Secrets<Customer>,
    clock: Clock,
}

/// A login on its way from the browser to the app that began it.
#[derive(Clone)]
struct Handover {
    /// SHA-256 of a verifier that the app alone has (RFC 7636, S256).
    challenge: Vec<u8>,
    customer: Customer,
}

/// What the shop knows of the user. A real one has the number of its own customer here.
#[derive(Clone)]
struct Customer {
    given_name: String,
}

pub(crate) fn router(auth: TelenorAuthLayer, links: &str, clock: Clock) -> Router {
    let server = Server {
        links: links.to_owned(),
        codes: Secrets::new(CODE_LIFETIME),
        tokens: Secrets::new(TOKEN_LIFETIME),
        clock,
    };
    Router::new()
        .route("/app/done", get(done))
        .layer(auth)
        // After the layer: the app has a token of its own, and no cookie.
        .route("/app/open", get(not_installed))
        .route("/app/token", post(token))
        .route("/app/me", get(me))
        .route("/app/logout", post(log_out))
        .route("/.well-known/apple-app-site-association", get(apple))
        .route("/.well-known/assetlinks.json", get(android))
        .with_state(Arc::new(server))
}

/// Returns the challenge that belongs to a verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[derive(Deserialize)]
struct Begun {
    challenge: String,
}

/// A page with a link and not a redirect, because some browsers open an app after a tap only.
async fn done(
    State(server): State<Arc<Server>>,
    Query(begun): Query<Begun>,
    user: TelenorUser,
) -> Result<Response, ApiError> {
    let challenge = URL_SAFE_NO_PAD.decode(&begun.challenge).unwrap_or_default();
    if challenge.len() != 32 {
        return Ok((
            StatusCode::BAD_REQUEST,
            page("<p>Prøv igjen fra appen.</p>"),
        )
            .into_response());
    }
    let info = user.info().await?;
    let given_name = info.name().and_then(|name| name.given_name());
    let customer = Customer {
        given_name: given_name.unwrap_or("du").to_owned(),
    };
    let handover = Handover {
        challenge,
        customer,
    };
    let code = server
        .codes
        .issue(user.session_id(), handover, server.clock.now());
    let Some(code) = code else {
        let busy = page("<p>For mange logger inn nå. Prøv igjen om litt.</p>");
        return Ok((StatusCode::SERVICE_UNAVAILABLE, busy).into_response());
    };
    let link = format!(
        "<p>Du er logget inn.</p><p><a href=\"{}/app/open?code={code}\">Tilbake til appen</a></p>",
        server.links
    );
    Ok(page(&link).into_response())
}

async fn not_installed() -> impl IntoResponse {
    page("<p>Appen er ikke installert på denne enheten.</p>")
}

#[derive(Deserialize)]
struct TokenRequest {
    code: String,
    code_verifier: String,
}

/// As the token request of RFC 6749 section 4.1.3 and RFC 7636 section 4.5.
async fn token(State(server): State<Arc<Server>>, Form(request): Form<TokenRequest>) -> Response {
    let now = server.clock.now();
    // A code is used up by the first attempt, right or wrong.
    let handover = server.codes.take(&request.code, now);
    let issued = handover
        .filter(|(_, handover)| is_verified(&request.code_verifier, &handover.challenge))
        .and_then(|(login, handover)| server.tokens.issue(login, handover.customer, now));
    let (status, body) = match issued {
        None => (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })),
        Some(token) => (
            StatusCode::OK,
            json!({
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": TOKEN_LIFETIME.as_secs(),
            }),
        ),
    };
    (status, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

fn is_verified(verifier: &str, challenge: &[u8]) -> bool {
    // The lengths of RFC 7636: a shorter one could be guessed.
    let is_long = (43..=128).contains(&verifier.len());
    let hash = digest(&SHA256, verifier.as_bytes());
    is_long && verify_slices_are_equal(hash.as_ref(), challenge).is_ok()
}

async fn me(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    let now = server.clock.now();
    match bearer(&headers).and_then(|token| server.tokens.get(token, now)) {
        Some(customer) => {
            let body = Json(json!({ "given_name": customer.given_name }));
            ([(CACHE_CONTROL, "no-store")], body).into_response()
        }
        None => (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response(),
    }
}

async fn log_out(State(server): State<Arc<Server>>, headers: HeaderMap) -> StatusCode {
    if let Some(token) = bearer(&headers) {
        server.tokens.take(token, server.clock.now());
    }
    StatusCode::NO_CONTENT
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ")
}

/// The host of the links has to serve it, without a redirect. Put your team and bundle id in.
async fn apple() -> Json<serde_json::Value> {
    let app = "ABCDE12345.example.shop.app";
    Json(json!({
        "applinks": {
            "details": [{ "appIDs": [app], "components": [{ "/": "/app/open" }] }],
        },
        // For `ASWebAuthenticationSession`.
        "webcredentials": { "apps": [app] },
    }))
}

/// The same for Android. Put your package and the fingerprint of its certificate in.
async fn android() -> Json<serde_json::Value> {
    let fingerprint = ["00"; 32].join(":");
    Json(json!([{
        "relation": ["delegate_permission/common.handle_all_urls"],
        "target": {
            "namespace": "android_app",
            "package_name": "example.shop.app",
            "sha256_cert_fingerprints": [fingerprint],
        },
    }]))
}

/// The address of a page, or a link on it, holds a challenge or a code, so neither is passed on.
fn page(content: &str) -> impl IntoResponse {
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    let html = format!(
        "<!doctype html><html lang=\"nb\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Fjellbua</title><main>{content}</main></html>"
    );
    (headers, Html(html))
}
