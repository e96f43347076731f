//! Takes a browser back: a code becomes a session.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, Response, StatusCode, Uri, header, request::Parts},
    routing::get,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use tokio::time::timeout;

use super::{ByHand, COOKIE_NAME, Session, Shared, cookie};

const TOTAL_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 64 * 1024;
const REDIRECT_URI: &str = "https://app.test/telenor/callback";

struct Callback {
    shared: Arc<Shared>,
    client: Client<HttpConnector, Full<Bytes>>,
    token_endpoint: Uri,
    authorization: HeaderValue,
}

/// What the challenge has sealed.
#[derive(Deserialize)]
struct Login {
    state: [u8; 32],
    verifier: [u8; 32],
    return_to: String,
    started_at: SystemTime,
}

#[derive(Deserialize)]
struct TokenResponse {
    access_token: String,
    expires_in: u64,
    scope: Option<String>,
}

impl ByHand {
    /// The route that ends the logins which the layer begins.
    ///
    /// # Panics
    ///
    /// When the id and the secret cannot stand in a header.
    pub fn callback(&self, token_endpoint: Uri, id: &str, secret: &str) -> Router {
        let pair = BASE64_STANDARD.encode(format!("{id}:{secret}"));
        let mut authorization = HeaderValue::try_from(format!("Basic {pair}")).expect("ASCII");
        authorization.set_sensitive(true);
        let state = Callback {
            shared: Arc::clone(&self.0),
            client: Client::builder(TokioExecutor::new()).build_http(),
            token_endpoint,
            authorization,
        };
        let routes = Router::new().route("/telenor/callback", get(callback));
        routes.with_state(Arc::new(state))
    }
}

async fn callback(State(callback): State<Arc<Callback>>, request: Request) -> Response<Body> {
    let (parts, _) = request.into_parts();
    let response = callback.finish(&parts).await;
    response.unwrap_or_else(|| {
        let response = Response::builder().status(StatusCode::BAD_REQUEST);
        response.body(Body::empty()).expect("no bad part")
    })
}

impl Callback {
    async fn finish(&self, request: &Parts) -> Option<Response<Body>> {
        let (mut code, mut state) = (None, None);
        for (name, value) in form_urlencoded::parse(request.uri.query()?.as_bytes()) {
            match &*name {
                "code" => code = Some(value),
                "state" => state = Some(value),
                _ => {}
            }
        }
        let (code, state) = code.zip(state)?;

        let name = format!("__Host-telenor-login-{}", state.get(..12)?);
        let sealed = cookie::find(&request.headers, &name)?;
        let seal = &self.shared.challenge.seal;
        let login: Login = seal.open(name.as_bytes(), sealed)?;
        let mut known = [0; 43];
        let known = match BASE64_URL_SAFE_NO_PAD.encode_slice(login.state, &mut known) {
            Ok(length) => &known[..length],
            Err(_) => return None,
        };
        verify_slices_are_equal(known, state.as_bytes()).ok()?;
        let now = SystemTime::now();
        let age = now.duration_since(login.started_at).ok()?;
        if age > Duration::from_secs(600) {
            return None;
        }

        let token = timeout(TOTAL_TIMEOUT, self.exchange(&code, &login)).await;
        let token = token.ok().flatten()?;
        let lifetime = token.expires_in;
        let session = self.shared.sessions.save(Session {
            access_token: token.access_token,
            scope: token.scope,
            login_id: *login.state.first_chunk()?,
            expires_at: now + Duration::from_secs(lifetime),
        });

        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, login.return_to.try_into().ok()?);
        for cookie in [
            format!(
                "{COOKIE_NAME}={session}; HttpOnly; SameSite=Lax; Secure; Path=/; \
                 Max-Age={lifetime}"
            ),
            format!("{name}=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"),
        ] {
            headers.append(header::SET_COOKIE, cookie.try_into().ok()?);
        }
        let no_store = HeaderValue::from_static("no-store");
        headers.insert(header::CACHE_CONTROL, no_store);
        let no_referrer = HeaderValue::from_static("no-referrer");
        headers.insert(header::REFERRER_POLICY, no_referrer);
        Some(response)
    }

    async fn exchange(&self, code: &str, login: &Login) -> Option<TokenResponse> {
        let body = Serializer::new(String::new())
            .append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", REDIRECT_URI)
            .append_pair(
                "code_verifier",
                &BASE64_URL_SAFE_NO_PAD.encode(login.verifier),
            )
            .finish();
        let mut request = Request::new(Full::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.token_endpoint.clone();
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::ACCEPT, json);
        let response = self.client.request(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
        serde_json::from_slice(&body.ok()?.to_bytes()).ok()
    }
}
