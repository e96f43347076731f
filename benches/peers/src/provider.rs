//! A provider: a token endpoint as RFC 6749 describes it, and what OpenID Connect needs besides.
//!
//! It keeps nothing, and takes every code. A code is the nonce of the ID token.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use axum::{
    Form, Json, Router,
    extract::State,
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{ACCESS_TOKEN, CLIENT_ID, LIFETIME, SCOPE};

/// Paths as Telenor's gateway has them.
pub const AUTHORIZE: &str = "/oauth/v2/authorize";
pub const TOKEN: &str = "/oauth/v2/token";

struct Provider {
    issuer: String,
    key: RsaKeyPair,
}

/// Serves on a free port in the background of the runtime, and returns the base URL.
///
/// # Errors
///
/// When there is no free port.
///
/// # Panics
///
/// When no RSA key can be made.
pub async fn start() -> io::Result<String> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let issuer = format!("http://{}", listener.local_addr()?);
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let provider = Arc::new(Provider {
        issuer: issuer.clone(),
        key,
    });
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(discovery))
        .route("/jwks", get(keys))
        .route(TOKEN, post(token))
        .with_state(provider);
    tokio::spawn(async { axum::serve(listener, app).await });
    Ok(issuer)
}

async fn discovery(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let issuer = &provider.issuer;
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}{AUTHORIZE}"),
        "token_endpoint": format!("{issuer}{TOKEN}"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
}

async fn keys(State(provider): State<Arc<Provider>>) -> Json<Value> {
    let key = provider.key.public_key();
    let text = |number: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(number);
    Json(json!({ "keys": [{
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": "1",
        "n": text(key.modulus().big_endian_without_leading_zero()),
        "e": text(key.exponent().big_endian_without_leading_zero()),
    }]}))
}

#[derive(Deserialize)]
struct TokenRequest {
    code: String,
    redirect_uri: String,
}

async fn token(
    State(provider): State<Arc<Provider>>,
    Form(request): Form<TokenRequest>,
) -> Json<Value> {
    let mut response = json!({
        "access_token": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "scope": SCOPE,
    });
    // The one subject that speaks OpenID Connect is sent back to the page it came from.
    if !request.redirect_uri.ends_with("/callback") {
        response["id_token"] = provider.id_token(&request.code).into();
    }
    Json(response)
}

impl Provider {
    fn id_token(&self, nonce: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("after 1970").as_secs();
        let header = json!({ "alg": "RS256", "kid": "1", "typ": "JWT" });
        let claims = json!({
            "iss": self.issuer,
            "sub": "4799999999",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + LIFETIME,
            "nonce": nonce,
        });
        let text = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        let part = |value: Value| text(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        (self.key)
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .expect("it can be signed");
        format!("{signed}.{}", text(&signature))
    }
}
