//! The behavior of the mock gateway, over real HTTP.

use std::task::{Context, Waker};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, Response, header, redirect};
use serde_json::Value;
use telenor_auth::mock::MockGateway;
use url::{Url, form_urlencoded};

use crate::support::capture::capture;

mod api;
mod authorize;
mod cors;
mod kit;
mod script;
mod token;

const CALLBACK: &str = "https://shop.example/telenor/callback";

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const DENIED: &str = "The resource owner denied the request";

fn client() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none());
    client.no_proxy().build().unwrap()
}

#[tokio::test]
async fn each_start_under_a_name_for_other_machines_logs_a_warning() {
    let start = async |host: Option<&str>| {
        let (log, _guard) = capture();
        let builder = MockGateway::builder().listen(([127, 0, 0, 1], 0).into());
        let builder = match host {
            Some(host) => builder.dangerous_reachable_as(host),
            None => builder,
        };
        let started = builder.start().await;
        let warnings = log.lines("WARN", &["dangerous_reachable_as is set"]);
        (started.is_ok(), warnings.len())
    };
    assert_eq!(start(None).await, (true, 0));
    assert_eq!(start(Some("192.168.1.20")).await, (true, 1));
    assert_eq!(start(Some("mock:4000")).await, (true, 1));
    assert_eq!(start(Some("no host")).await, (false, 0));
}

#[test]
#[should_panic(expected = "Tokio")]
fn start_outside_of_a_runtime_panics() {
    let mut start = std::pin::pin!(MockGateway::start());
    let mut context = Context::from_waker(Waker::noop());
    let _ = start.as_mut().poll(&mut context);
}

async fn registered() -> MockGateway {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK);
    gateway.start().await.unwrap()
}

fn authorize_url(gateway: &MockGateway, extra: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&gateway.base_url()).unwrap();
    url.set_path("/oauth/v2/authorize");
    let client_id = [("client_id", gateway.client_id())];
    url.query_pairs_mut()
        .extend_pairs(client_id.iter().chain(extra));
    url.into()
}

fn challenge() -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.map(|(_, value)| value.into_owned())
}

fn location(response: &Response) -> String {
    let location = response.headers()[header::LOCATION].to_str().unwrap();
    response.url().join(location).unwrap().into()
}

async fn get(url: impl AsRef<str>) -> Response {
    client().get(url.as_ref()).send().await.unwrap()
}

/// A request into which the mobile network has written `msisdn`.
async fn get_as(msisdn: &str, url: impl AsRef<str>) -> Response {
    let request = client().get(url.as_ref());
    let request = request.header("x-mock-msisdn", msisdn);
    request.send().await.unwrap()
}

async fn post(url: impl AsRef<str>, fields: &[(&str, &str)]) -> Response {
    let form = client().post(url.as_ref());
    form.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encode(fields))
        .send()
        .await
        .unwrap()
}

fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}

fn token_request(gateway: &MockGateway, fields: &[(&str, &str)]) -> reqwest::RequestBuilder {
    client()
        .post(format!("{}/oauth/v2/token", gateway.base_url()))
        .basic_auth(gateway.client_id(), Some(gateway.client_secret()))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encode(fields))
}

async fn token(gateway: &MockGateway, fields: &[(&str, &str)]) -> Response {
    token_request(gateway, fields).send().await.unwrap()
}

async fn redeem(gateway: &MockGateway, code: &str) -> Response {
    let fields = [("grant_type", "authorization_code"), ("code", code)];
    token(gateway, &fields).await
}

async fn api(gateway: &MockGateway, path: &str, access_token: &str) -> Response {
    let request = client().get(format!("{}{path}", gateway.base_url()));
    request.bearer_auth(access_token).send().await.unwrap()
}

async fn json_of(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

fn allowed_code(gateway: &MockGateway) -> String {
    let callback = gateway.allow(&authorize_url(gateway, &[])).unwrap();
    parameter(&callback, "code").unwrap()
}

async fn signed_in(gateway: &MockGateway) -> String {
    let body = json_of(redeem(gateway, &allowed_code(gateway)).await).await;
    body["access_token"].as_str().unwrap().to_owned()
}

/// The page after the network hop, which adds `msisdn`.
async fn first_page(gateway: &MockGateway, extra: &[(&str, &str)], msisdn: Option<&str>) -> String {
    let hop = location(&get(authorize_url(gateway, extra)).await);
    location(&match msisdn {
        Some(msisdn) => get_as(msisdn, hop).await,
        None => get(hop).await,
    })
}

/// The phone with the USSD question, after a start with the state `s`.
async fn asked_phone(gateway: &MockGateway) -> String {
    let ussd = first_page(gateway, &[("state", "s")], Some("none")).await;
    location(&post(&ussd, &[("msisdn", "91234567")]).await)
}

async fn answer_on_the_phone(gateway: &MockGateway, answer: &str) -> String {
    let phone = asked_phone(gateway).await;
    location(&post(&phone, &[("answer", answer)]).await)
}

const USERS: &str = "/user-info/v1/users";

const DEVICE: &str = "/mobile-device-info/v1/device";

const LOGOUT: &str = "/oauth/v2/logout";
