//! The server of a native app: a page hands a login in the browser to the app by a one-time code.
//!
//! ```text
//! cargo run --example native_app --features mock
//! ```
//!
//! It prints the steps of the app, as in docs/native.md. `CODE_SECONDS=0` shows a late app.

#![allow(clippy::print_stdout, reason = "a program writes to its terminal")]

use std::{collections::HashMap, env, error::Error, sync::*, time::*};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{Form, Router, extract::Query, http::StatusCode, response::Html, routing::*};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::distr::{Alphanumeric, SampleString as _};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway};

/// By the hash of a code: the challenge of the app, who logged in, and until when it is good.
type Codes = HashMap<String, (String, TelenorUser, Instant)>;
static CODES: LazyLock<Mutex<Codes>> = LazyLock::new(Mutex::default);
type Fields = HashMap<String, String>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri);
    let auth = auth.gateway(mock.base_url()).build()?;
    let app = Router::new().route("/app/done", get(done));
    let app = app.telenor_auth(auth).route("/app/token", post(token));
    let verifier = random();
    let challenge = s256(&verifier);
    println!("open {origin}/telenor/login?return_to=/app/done?challenge={challenge}");
    println!(
        "take CODE from the link: curl -d code=CODE -d code_verifier={verifier} {origin}/app/token"
    );
    Ok(axum::serve(listener, app).await?)
}

fn random() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 43) // 256 bits
}

fn s256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn codes() -> MutexGuard<'static, Codes> {
    CODES.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn done(user: TelenorUser, Query(query): Query<Fields>) -> Result<Html<String>, StatusCode> {
    let challenge = query.get("challenge").ok_or(StatusCode::BAD_REQUEST)?;
    let (code, login, now) = (random(), user.session_id(), Instant::now());
    let seconds = env::var("CODE_SECONDS").unwrap_or("60".to_owned());
    let until = now + Duration::from_secs(seconds.parse().unwrap_or(60));
    let mut codes = codes();
    // A login has one code: a reload replaces it.
    codes.retain(|_, (_, user, until)| user.session_id() != login && now < *until);
    codes.insert(s256(&code), (challenge.clone(), user, until));
    let link = format!("https://app.shop.example/app/open?code={code}");
    Ok(Html(format!("<a href='{link}'>Tilbake til appen</a>")))
}

async fn token(Form(form): Form<Fields>) -> Result<String, StatusCode> {
    let field = |name| form.get(name).ok_or(StatusCode::BAD_REQUEST);
    let (code, verifier) = (field("code")?, field("code_verifier")?);
    // Used up by the first attempt, right or wrong.
    let login = codes().remove(&s256(code));
    let (challenge, user, until) = login.ok_or(StatusCode::BAD_REQUEST)?;
    if verifier.len() < 43 || s256(verifier) != challenge || Instant::now() >= until {
        return Err(StatusCode::BAD_REQUEST);
    }
    Ok(format!("a token for login {}", user.login_id()))
}
