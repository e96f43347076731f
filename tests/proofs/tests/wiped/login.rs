//! Whole logins, from the builder to the end of the app.

use std::time::Duration;

use axum::{Router, routing::get};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::StatusCode;
use telenor_auth::{
    ApiError, Clock, CookieKeys, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser,
    session::CookieStore,
};
use telenor_auth_proofs::support::browser::ORIGIN;

use super::{
    gateway::Gateway,
    memory::Memory,
    visitor::{Visitor, state},
};

/// With a character that RFC 6749 section 2.3.1 encodes.
const CLIENT_SECRET: &str = "client-secret/Wq8rT2nX5vB9kL3m";
const ENCODED_SECRET: &str = "client-secret%2FWq8rT2nX5vB9kL3m";
const CODE: &str = "Yb4uJ7sE1dH6gP0zQa-is-a/code";

/// A text that is never freed.
pub fn random_text(length: usize) -> &'static str {
    let mut bytes = vec![0; length];
    aws_lc_rs::rand::fill(&mut bytes).unwrap();
    &BASE64_URL_SAFE_NO_PAD.encode(bytes).leak()[..length]
}

/// The tokens that a gateway grants to a login, and to a refresh.
struct Tokens {
    access: [&'static str; 2],
    refresh: [&'static str; 2],
}

impl Tokens {
    fn of_length(length: usize) -> Self {
        let text = || random_text(length);
        Self {
            access: [text(), text()],
            refresh: [text(), text()],
        }
    }

    fn responses(&self) -> Vec<String> {
        let pairs = self.access.iter().zip(&self.refresh);
        let bodies = pairs.map(|(access, refresh)| {
            format!(r#"{{"access_token":"{access}","expires_in":600,"refresh_token":"{refresh}"}}"#)
        });
        bodies.collect()
    }
}

async fn page(user: TelenorUser) -> Result<&'static str, ApiError> {
    user.info().await?;
    Ok("page")
}

/// An app whose memory is watched from its first setting on.
struct App {
    memory: Memory,
    gateway: Gateway,
    runtime: tokio::runtime::Runtime,
    clock: Clock,
    visitor: Visitor,
}

impl App {
    fn start(
        token_responses: Vec<String>,
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) -> Self {
        let gateway = Gateway::start(token_responses);
        let mut memory = Memory::watch();
        memory.secret("client secret", CLIENT_SECRET);
        memory.secret("encoded client secret", ENCODED_SECRET);
        let pair = Memory::aside(|| BASE64_STANDARD.encode(format!("client:{ENCODED_SECRET}")));
        memory.secret("header", pair.leak());
        memory.secret("code", CODE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let clock = Clock::manual();
        let redirect_uri = format!("{ORIGIN}/telenor/callback");
        let builder = TelenorAuthLayer::builder("client", CLIENT_SECRET, redirect_uri)
            .gateway(&*gateway.base_url)
            .clock(clock.clone());
        let auth = settings(builder).build().unwrap();
        let visitor = Visitor::of(Router::new().route("/", get(page)).layer(auth));
        Self {
            memory,
            gateway,
            runtime,
            clock,
            visitor,
        }
    }

    /// Begins a login, and brings this query back with its `state`.
    fn log_in(&mut self, query: &str) -> StatusCode {
        self.runtime.block_on(async {
            let state = state(&self.visitor.open("/").await);
            let callback = Memory::aside(|| format!("/telenor/callback?state={state}&{query}"));
            let status = self.visitor.open(&callback).await.status;
            Memory::aside(|| drop(callback));
            status
        })
    }

    #[track_caller]
    fn assert_signed_in(&mut self) {
        let opened = self.runtime.block_on(self.visitor.open("/"));
        assert_eq!(opened.body, "page");
    }

    fn log_out(&mut self) {
        let answer = self.runtime.block_on(self.visitor.log_out());
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }

    /// Ends the app, and asserts that nothing of its secrets is left.
    #[track_caller]
    fn assert_wiped(self) {
        let Self {
            mut memory,
            gateway,
            runtime,
            visitor,
            ..
        } = self;
        drop(visitor);
        drop(runtime);
        memory.stop();
        if let Some(verifier) = gateway.parameter(0, "code_verifier") {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&verifier).unwrap();
            memory.secret("text of the verifier", verifier);
            memory.secret_in_small_blocks("verifier", bytes);
        }
        memory.assert_wiped();
    }
}

/// The parameter of a callback, which is never freed.
fn code() -> &'static str {
    Memory::aside(|| format!("code={}", CODE.replace('/', "%2F")).leak())
}

/// S122.
#[test]
fn nothing_is_left_of_a_login_whose_session_is_in_memory() {
    for length in [64, 700, 5_000] {
        let tokens = Tokens::of_length(length);
        let refreshing = |builder: TelenorAuthBuilder| builder.refresh_tokens(true);
        let mut app = App::start(tokens.responses(), refreshing);
        app.memory.secret("access token", tokens.access[0]);
        app.memory.secret("new access token", tokens.access[1]);
        app.memory.secret("refresh token", tokens.refresh[0]);
        app.memory.secret("new refresh token", tokens.refresh[1]);
        assert_eq!(app.log_in(code()), StatusCode::SEE_OTHER);
        app.assert_signed_in();
        app.clock.advance(Duration::from_secs(601));
        app.assert_signed_in();
        app.log_out();
        app.assert_wiped();
    }
}

/// S122.
#[test]
fn nothing_is_left_of_a_login_whose_session_is_in_its_cookie() {
    for length in [64, 700, 1_800] {
        let tokens = Tokens::of_length(length);
        let in_cookies = |builder: TelenorAuthBuilder| {
            let keys = CookieKeys::random();
            builder.session_store(CookieStore::new(&keys))
        };
        let mut app = App::start(tokens.responses(), in_cookies);
        app.memory.secret("access token", tokens.access[0]);
        app.memory.secret("refresh token", tokens.refresh[0]);
        assert_eq!(app.log_in(code()), StatusCode::SEE_OTHER);
        app.assert_signed_in();
        app.log_out();
        app.assert_wiped();
    }
}

/// S122.
#[test]
fn only_the_header_of_the_client_secret_is_in_use_after_build() {
    let app = App::start(Vec::new(), |builder| builder);
    assert_eq!(app.memory.in_use(), ["header"].into());
    app.assert_wiped();
}

/// S122.
#[test]
fn token_of_a_session_in_memory_is_gone_after_a_logout() {
    let tokens = Tokens::of_length(64);
    let mut app = App::start(tokens.responses(), |builder| builder);
    app.memory.secret("access token", tokens.access[0]);
    assert_eq!(app.log_in(code()), StatusCode::SEE_OTHER);
    app.assert_signed_in();
    assert_eq!(app.memory.in_use(), ["access token", "header"].into());
    app.log_out();
    assert_eq!(app.memory.in_use(), ["header"].into());
    app.assert_wiped();
}

/// S122.
#[test]
fn nothing_is_left_of_an_answer_that_is_refused() {
    for rest in [
        r#""token_type":"mac""#,
        r#""error":"odd""#,
        r#""expires_in":0"#,
        r#""access_token":"twice""#,
    ] {
        let tokens = Tokens::of_length(64);
        let ([access, _], [refresh, _]) = (tokens.access, tokens.refresh);
        let response =
            format!(r#"{{"access_token":"{access}","refresh_token":"{refresh}",{rest}}}"#);
        let mut app = App::start(vec![response], |builder| builder);
        // Where serde itself refuses an answer, it frees what it has read so far.
        if !rest.contains("twice") {
            app.memory.secret("access token", access);
            app.memory.secret("refresh token", refresh);
        }
        assert!(app.log_in(code()).is_server_error(), "{rest}");
        app.assert_wiped();
    }
}

/// S122.
#[test]
fn nothing_is_left_of_the_code_of_a_callback_that_is_refused() {
    let mut app = App::start(Vec::new(), |builder| builder);
    let code = code();
    for rest in ["&code=other", "&error=access_denied", "%00", "%FF"] {
        let query = Memory::aside(|| format!("{code}{rest}").leak());
        assert_eq!(app.log_in(query), StatusCode::BAD_REQUEST, "{rest}");
    }
    let too_long = Memory::aside(|| format!("{code}{}", "a".repeat(2_048)).leak());
    assert_eq!(app.log_in(too_long), StatusCode::BAD_REQUEST);
    app.assert_wiped();
}
