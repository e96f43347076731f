//! What the mock gateway promises, shown over real HTTP.

#![cfg(feature = "mock")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]

use std::{
    error::Error,
    io::ErrorKind,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Client, Response, StatusCode, header, redirect};
use serde_json::{Value, json};
use telenor_auth::mock::{
    Address, Answer, Endpoint, MockError, MockGateway, Subscriber, TokenShape,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::{Url, form_urlencoded};

const CALLBACK: &str = "https://shop.example/telenor/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const DENIED: &str = "The resource owner denied the request";

fn client() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none());
    client.no_proxy().build().unwrap()
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

/// Where the network hop leads, on which `msisdn` stands.
async fn first_page(gateway: &MockGateway, extra: &[(&str, &str)], msisdn: Option<&str>) -> String {
    let hop = location(&get(authorize_url(gateway, extra)).await);
    location(&match msisdn {
        Some(msisdn) => get_as(msisdn, hop).await,
        None => get(hop).await,
    })
}

/// The phone that has the USSD question on it, after a start with the state `s`.
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

// ---- the authorization endpoint and its pages --------------------------------------------------

#[tokio::test]
async fn two_clicks_lead_from_the_authorization_endpoint_to_the_callback() {
    let gateway = registered().await;

    let start = get(authorize_url(&gateway, &[("state", "a b&c")])).await;
    assert_eq!(start.status(), 302);
    let hop = get(location(&start)).await;
    assert_eq!(hop.status(), 302);
    let page = get(location(&hop)).await;
    let url = page.url().clone();
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("47 ** ** *5 67"), "{html}");
    assert!(html.contains("id=\"continue\"") && html.contains("id=\"use-ussd\""));

    let consent = post(url, &[]).await;
    assert_eq!(consent.status(), 303);
    let consent = location(&consent);
    let html = get(&consent).await.text().await.unwrap();
    for shared in [
        "Kari Eksempel Nordmann",
        "912 34 567",
        "Prøveveien 12B, 9008 Tromsø",
        "17.05.1985",
    ] {
        assert!(html.contains(shared), "{shared} in {html}");
    }
    assert!(html.contains("id=\"allow\"") && html.contains("id=\"deny\""));

    let done = post(&consent, &[("answer", "allow")]).await;
    assert_eq!(done.status(), 302);
    let callback = location(&done);
    assert!(callback.starts_with(CALLBACK));
    assert_eq!(parameter(&callback, "state").unwrap(), "a b&c");
    let code = parameter(&callback, "code").unwrap();
    assert!(code.len() == 8 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(redeem(&gateway, &code).await.status(), 200);
}

#[tokio::test]
async fn no_on_the_consent_page_is_access_denied_in_telenors_words() {
    let gateway = registered().await;
    let start = first_page(&gateway, &[("state", "s")], None).await;
    let consent = location(&post(&start, &[]).await);
    let callback = location(&post(&consent, &[("answer", "deny")]).await);
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
    assert_eq!(parameter(&callback, "error_description").unwrap(), DENIED);
    assert_eq!(parameter(&callback, "state").unwrap(), "s");
    assert_eq!(parameter(&callback, "code"), None);

    // Whoever goes back finds the login used up.
    assert_eq!(get(&consent).await.status(), 410);
    assert_eq!(post(&consent, &[("answer", "allow")]).await.status(), 410);
}

#[tokio::test]
async fn on_wifi_ussd_proves_the_number_before_consent() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK).wifi();
    let gateway = gateway.start().await.unwrap();
    let ussd = first_page(&gateway, &[], None).await;
    assert!(ussd.ends_with("/ussd"), "{ussd}");
    let base = ussd.strip_suffix("/ussd").unwrap();

    // Nobody gets to consent on recognition that did not happen.
    assert_eq!(location(&post(base, &[]).await), ussd);
    let decided = post(format!("{base}/consent"), &[("answer", "allow")]).await;
    assert_eq!(location(&decided), base);

    let unknown = post(&ussd, &[("msisdn", "<b>40000000")]).await;
    assert_eq!(unknown.status(), 422);
    let html = unknown.text().await.unwrap();
    assert!(html.contains("id=\"msisdn\"") && html.contains("id=\"ussd-send\""));
    assert!(!html.contains("<b>"), "{html}");

    let phone = location(&post(&ussd, &[("msisdn", "+47 412 34 567")]).await);
    let html = get(&phone).await.text().await.unwrap();
    for button in ["ussd-ok", "ussd-not-ok", "ussd-timeout"] {
        assert!(html.contains(&format!("id=\"{button}\"")), "{html}");
    }
    let consent = location(&post(&phone, &[("answer", "ok")]).await);
    let html = get(&consent).await.text().await.unwrap();
    assert!(html.contains("Ola Nordmann") && html.contains("Ikke registrert"));
    let callback = location(&post(&consent, &[("answer", "allow")]).await);
    assert!(parameter(&callback, "code").is_some());
}

#[tokio::test]
async fn not_ok_on_the_phone_is_access_denied() {
    let gateway = registered().await;
    let callback = answer_on_the_phone(&gateway, "not-ok").await;
    assert_eq!(parameter(&callback, "error").unwrap(), "access_denied");
}

#[tokio::test]
async fn no_answer_on_the_phone_is_login_required_or_what_is_set() {
    let set = MockGateway::builder().redirect_uri(CALLBACK);
    let set = set.ussd_timeout_error("ussd timeout&x=1");
    for (gateway, error) in [
        (registered().await, "login_required"),
        (set.start().await.unwrap(), "ussd timeout&x=1"),
    ] {
        let callback = answer_on_the_phone(&gateway, "time-out").await;
        assert!(callback.starts_with(CALLBACK), "{callback}");
        assert_eq!(parameter(&callback, "error").unwrap(), error);
        assert!(parameter(&callback, "error_description").is_some());
        assert_eq!(parameter(&callback, "state").unwrap(), "s");
        assert_eq!(parameter(&callback, "code"), None);

        // A person without a browser ends in the same place.
        let url = authorize_url(&gateway, &[("state", "s")]);
        assert_eq!(gateway.time_out(&url).unwrap(), callback);
    }
}

#[tokio::test]
async fn the_ussd_question_ends_the_login_unless_the_answer_is_ok() {
    let gateway = registered().await;
    for answer in ["not-ok", "time-out"] {
        let phone = asked_phone(&gateway).await;
        post(&phone, &[("answer", answer)]).await;
        assert_eq!(get(&phone).await.status(), 410);
        assert_eq!(post(&phone, &[("answer", "ok")]).await.status(), 410);
    }
}

#[tokio::test]
async fn the_network_names_the_subscriber_or_leaves_it_to_ussd() {
    let on_mobile_data = registered().await;
    let on_wifi = MockGateway::builder().redirect_uri(CALLBACK).wifi();
    let on_wifi = on_wifi.start().await.unwrap();
    let kari = Some("Kari Eksempel Nordmann");
    let ola = Some("Ola Nordmann");
    let cases = [
        (&on_mobile_data, None, kari),
        (&on_mobile_data, Some("41234567"), ola),
        (&on_mobile_data, Some("+47 412 34 567"), ola),
        (&on_mobile_data, Some("40000000"), None),
        (&on_mobile_data, Some("none"), None),
        (&on_mobile_data, Some(""), None),
        (&on_wifi, None, None),
        (&on_wifi, Some("91234567"), kari),
    ];
    for (gateway, msisdn, recognised) in cases {
        let page = first_page(gateway, &[], msisdn).await;
        let html = get(&page).await.text().await.unwrap();
        if let Some(name) = recognised {
            assert!(html.contains("id=\"continue\""), "{msisdn:?}: {html}");
            let consent = location(&post(&page, &[]).await);
            let html = get(consent).await.text().await.unwrap();
            assert!(html.contains(name), "{msisdn:?}: {html}");
        } else {
            assert!(page.ends_with("/ussd"), "{msisdn:?}: {page}");
            assert!(html.contains("Vi kjenner ikke igjen"), "{html}");
        }
    }
}

#[tokio::test]
async fn the_network_shows_nothing_sets_nothing_and_keeps_the_number_out_of_addresses() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let response = get_as("41234567", &hop).await;
    assert_eq!(response.status(), 302);
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let page = location(&response);
    assert_eq!(response.text().await.unwrap(), "");
    let consent = location(&post(&page, &[]).await);
    for url in [hop, page, consent] {
        assert!(url.starts_with(&gateway.base_url()), "{url}");
        assert!(!url.contains("1234567"), "{url}");
    }
}

#[tokio::test]
async fn a_login_keeps_the_line_that_the_network_named_first() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let page = location(&get_as("91234567", &hop).await);

    // Neither a second hop nor the header on a page makes it someone else.
    assert_eq!(location(&get_as("41234567", &hop).await), page);
    assert_eq!(location(&get_as("none", &hop).await), page);
    get_as("41234567", &page).await;
    let post_as = |url: &str, body: &'static str| {
        let request = client().post(url).header("x-mock-msisdn", "41234567");
        request.body(body).send()
    };
    let consent = location(&post_as(&page, "").await.unwrap());
    let html = get_as("41234567", &consent).await.text().await.unwrap();
    assert!(html.contains("Kari Eksempel Nordmann"), "{html}");
    let callback = location(&post_as(&consent, "answer=allow").await.unwrap());
    let code = parameter(&callback, "code").unwrap();
    let body = json_of(redeem(&gateway, &code).await).await;
    let users = api(&gateway, USERS, body["access_token"].as_str().unwrap()).await;
    assert_eq!(json_of(users).await["mobileNumber"], "4791234567");
}

#[tokio::test]
async fn nobody_is_recognised_by_the_header_on_a_page() {
    let gateway = registered().await;
    let hop = location(&get(authorize_url(&gateway, &[])).await);
    let page = hop.strip_suffix("/network").unwrap();
    let ussd = format!("{page}/ussd");
    let recognition = [
        // Without the hop, and after one that told of nobody.
        get_as("91234567", page).await,
        get_as("none", &hop).await,
        get_as("91234567", page).await,
        get_as("91234567", &hop).await,
    ];
    for response in recognition {
        assert_eq!(location(&response), ussd);
    }
    let consent = get_as("91234567", format!("{page}/consent")).await;
    assert_eq!(location(&consent), page);
}

#[tokio::test]
async fn pages_are_for_nobodys_cache_and_name_nobody_in_their_address() {
    let gateway = registered().await;
    let start = first_page(&gateway, &[], None).await;
    let consent = location(&post(&start, &[]).await);
    let page = get(&consent).await;
    assert_eq!(page.headers()[header::CACHE_CONTROL], "no-store");
    assert!(!consent.contains("9123"), "{consent}");
    for gone in ["/mock/login/x", "/mock/login/x/network"] {
        let page = get(format!("{}{gone}", gateway.base_url())).await;
        assert_eq!(page.status(), 410);
    }
}

#[tokio::test]
async fn a_bad_client_or_redirect_uri_is_told_directly_and_redirects_nobody() {
    let gateway = registered().await;
    let base = gateway.base_url();
    let elsewhere = authorize_url(&gateway, &[("redirect_uri", "https://evil.example/")]);
    let twice = format!("{}&state=a&state=b", authorize_url(&gateway, &[]));
    let cases = [
        (format!("{base}/oauth/v2/authorize"), 400, "client_id"),
        (
            format!("{base}/oauth/v2/authorize?client_id=x"),
            401,
            "ClientId is Invalid",
        ),
        (
            elsewhere,
            400,
            "Invalid redirection uri https://evil.example/",
        ),
        (
            authorize_url(&gateway, &[("response_type", "token")]),
            400,
            "Response type",
        ),
        (twice, 400, "state"),
    ];
    for (url, status, text) in cases {
        let response = get(&url).await;
        assert_eq!(response.status(), status, "{url}");
        assert!(!response.headers().contains_key(header::LOCATION), "{url}");
        let body = json_of(response).await;
        assert_eq!(body["ErrorCode"], "invalid_request", "{url}");
        assert!(body["Error"].as_str().unwrap().contains(text), "{body}");
        let Err(MockError::Refused { status: told, .. }) = gateway.allow(&url) else {
            panic!("{url} was followed");
        };
        assert_eq!(told, status);
    }
}

#[tokio::test]
async fn without_a_registered_redirect_uri_the_request_has_to_bring_one() {
    let gateway = MockGateway::start().await.unwrap();
    assert!(gateway.allow(&authorize_url(&gateway, &[])).is_err());
    let any = authorize_url(&gateway, &[("redirect_uri", "http://127.0.0.1:1/cb")]);
    assert!(
        gateway
            .allow(&any)
            .unwrap()
            .starts_with("http://127.0.0.1:1/cb?code=")
    );
    let script = authorize_url(&gateway, &[("redirect_uri", "javascript:alert(1)")]);
    assert!(gateway.allow(&script).is_err());
}

#[tokio::test]
async fn a_query_in_the_redirect_uri_is_kept() {
    let gateway = MockGateway::builder().redirect_uri("https://shop.example/cb?shop=1");
    let gateway = gateway.start().await.unwrap();
    let callback = gateway.deny(&authorize_url(&gateway, &[])).unwrap();
    assert!(callback.starts_with("https://shop.example/cb?shop=1&error=access_denied&"));
}

#[tokio::test]
async fn a_weak_code_challenge_ends_at_the_callback_with_invalid_request() {
    let gateway = registered().await;
    for extra in [
        &[("code_challenge", VERIFIER)][..],
        &[
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ],
        &[
            ("code_challenge", "short"),
            ("code_challenge_method", "S256"),
        ],
        &[("code_challenge_method", "S256")],
    ] {
        let callback = location(&get(authorize_url(&gateway, extra)).await);
        assert_eq!(parameter(&callback, "error").unwrap(), "invalid_request");
    }
}

#[tokio::test]
async fn strict_demands_response_type_and_redirect_uri() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK).strict();
    let gateway = gateway.start().await.unwrap();
    let response_type = ("response_type", "code");
    let redirect_uri = ("redirect_uri", CALLBACK);
    assert_eq!(
        get(authorize_url(&gateway, &[response_type]))
            .await
            .status(),
        400
    );
    assert_eq!(
        get(authorize_url(&gateway, &[redirect_uri])).await.status(),
        400
    );

    let url = authorize_url(&gateway, &[response_type, redirect_uri]);
    let code = parameter(&gateway.allow(&url).unwrap(), "code").unwrap();
    let refused = redeem(&gateway, &code).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(
        json_of(refused).await["Error"],
        "Required param : redirect_uri"
    );

    let code = parameter(&gateway.allow(&url).unwrap(), "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        redirect_uri,
    ];
    assert_eq!(token(&gateway, &fields).await.status(), 200);
}

// ---- a person without a browser ----------------------------------------------------------------

#[tokio::test]
async fn fail_carries_whatever_error_the_test_wants() {
    let gateway = registered().await;
    let url = authorize_url(&gateway, &[("state", "s")]);
    let callback = gateway.fail(&url, "server_error", None).unwrap();
    assert_eq!(callback, format!("{CALLBACK}?error=server_error&state=s"));
    let stray = gateway.allow("https://shop.example/").unwrap_err();
    assert_eq!(stray, MockError::NotAnAuthorizationUrl);
}

#[tokio::test]
async fn a_person_can_be_any_subscriber() {
    let gateway = registered().await;
    let url = authorize_url(&gateway, &[]);
    let callback = gateway.allow_as(&url, "412 34 567").unwrap();
    let body = json_of(redeem(&gateway, &parameter(&callback, "code").unwrap()).await).await;
    let users = api(&gateway, USERS, body["access_token"].as_str().unwrap()).await;
    assert_eq!(json_of(users).await["name"]["givenName"], "Ola");
    let unknown = gateway.allow_as(&url, "40000000").unwrap_err();
    assert_eq!(unknown, MockError::UnknownSubscriber);
}

// ---- the token endpoint ------------------------------------------------------------------------

#[tokio::test]
async fn pkce_the_whole_way_opens_both_apis() {
    let gateway = registered().await;
    let challenge = challenge();
    let pkce = [
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let callback = gateway.allow(&authorize_url(&gateway, &pkce)).unwrap();
    let code = parameter(&callback, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let response = token(&gateway, &fields).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let body = json_of(response).await;
    let access_token = body["access_token"].as_str().unwrap();

    let users = json_of(api(&gateway, USERS, access_token).await).await;
    assert_eq!(
        users,
        json!({
            "mobileNumber": "4791234567",
            "name": { "givenName": "Kari", "middleName": "Eksempel", "familyName": "Nordmann" },
            "address": {
                "streetAddress": "Prøveveien", "streetNumber": "12", "entrance": "B",
                "postalCode": "9008", "postalLocation": "Tromsø", "country": "Norge",
                "formattedAddress": "Prøveveien 12B, 9008 Tromsø",
            },
            "birthDate": "1985-05-17",
            "emailAddress": "kari.nordmann@example.com",
        })
    );
    let device = json_of(api(&gateway, DEVICE, access_token).await).await;
    assert_eq!(
        device,
        json!({
            "manufacturer": "Apple", "model": "iPhone 13", "tac": "00100001",
            "capabilities": { "hdVoice": true, "lte": true, "lteAdvanced": true },
        })
    );
}

#[tokio::test]
async fn a_wrong_missing_or_uncalled_for_verifier_is_refused() {
    let gateway = registered().await;
    let challenge = challenge();
    let pkce = [
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    let cases = [
        (&pkce[..], Some("wrong")),
        (&pkce[..], None),
        (&[], Some(VERIFIER)),
    ];
    for (asked, verifier) in cases {
        let callback = gateway.allow(&authorize_url(&gateway, asked)).unwrap();
        let code = parameter(&callback, "code").unwrap();
        let mut fields = vec![("grant_type", "authorization_code"), ("code", &code)];
        fields.extend(verifier.map(|verifier| ("code_verifier", verifier)));
        assert_eq!(token(&gateway, &fields).await.status(), 400, "{verifier:?}");
    }
    assert_eq!(gateway.live_tokens(), 0);
}

#[tokio::test]
async fn a_code_is_good_once_and_reuse_takes_the_tokens_back() {
    let gateway = registered().await;
    let code = allowed_code(&gateway);
    let body = json_of(redeem(&gateway, &code).await).await;
    let access_token = body["access_token"].as_str().unwrap();
    let other = signed_in(&gateway).await;
    assert_eq!(gateway.live_tokens(), 2);

    let again = redeem(&gateway, &code).await;
    assert_eq!(again.status(), 400);
    let error = json!({ "ErrorCode": "invalid_request", "Error": "Invalid Authorization Code" });
    assert_eq!(json_of(again).await, error);
    assert_eq!(api(&gateway, USERS, access_token).await.status(), 401);
    assert_eq!(api(&gateway, USERS, &other).await.status(), 200);
}

#[tokio::test]
async fn a_code_is_refused_with_another_redirect_uri() {
    let gateway = registered().await;
    let code = allowed_code(&gateway);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &*code),
        ("redirect_uri", "https://shop.example/elsewhere"),
    ];
    assert_eq!(token(&gateway, &fields).await.status(), 400);
    // The attempt has used it up.
    assert_eq!(redeem(&gateway, &code).await.status(), 400);
    assert_eq!(gateway.live_tokens(), 0);
}

#[tokio::test]
async fn a_code_past_its_lifetime_is_refused() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK);
    let gateway = gateway.code_lifetime(Duration::ZERO).start().await.unwrap();
    assert_eq!(
        redeem(&gateway, &allowed_code(&gateway)).await.status(),
        400
    );
}

#[tokio::test]
async fn only_the_registered_client_gets_tokens() {
    let gateway = MockGateway::builder().client("id+1", "s:e%c r&et=");
    let gateway = gateway.redirect_uri(CALLBACK).start().await.unwrap();
    let url = format!("{}/oauth/v2/token", gateway.base_url());
    let attempts = [
        ("id+1", "s:e%c r&et=", 200),
        ("id%2B1", "s%3Ae%25c+r%26et%3D", 200),
        ("id+1", "wrong", 401),
        ("other", "s:e%c r&et=", 401),
    ];
    for (id, secret, status) in attempts {
        let code = allowed_code(&gateway);
        let fields = [("grant_type", "authorization_code"), ("code", &*code)];
        let request = client().post(&url).basic_auth(id, Some(secret));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = request.body(encode(&fields)).send().await.unwrap();
        assert_eq!(response.status(), status, "{id} {secret}");
    }
    let anonymous = post(&url, &[("grant_type", "authorization_code"), ("code", "x")]).await;
    assert_eq!(anonymous.status(), 401);
    let error = json!({ "ErrorCode": "invalid_client", "Error": "ClientId is Invalid" });
    assert_eq!(json_of(anonymous).await, error);
}

#[tokio::test]
async fn token_responses_come_in_every_shape() {
    let gateway = registered().await;
    gateway.set_expires_in(120);
    let cases = [
        (TokenShape::Trimmed, json!(120), Value::Null),
        (TokenShape::TrimmedString, json!("120"), Value::Null),
        (TokenShape::Bearer, json!(120), json!("Bearer")),
        (TokenShape::BearerToken, json!(120), json!("BearerToken")),
        (TokenShape::RawApigee, json!("120"), json!("BearerToken")),
    ];
    for (shape, expires_in, token_type) in cases {
        gateway.set_token_response(shape);
        let body = json_of(redeem(&gateway, &allowed_code(&gateway)).await).await;
        assert_eq!(body["expires_in"], expires_in, "{shape:?}");
        assert_eq!(body["token_type"], token_type, "{shape:?}");
        assert_eq!(body.get("refresh_token"), None, "{shape:?}");
        if shape == TokenShape::RawApigee {
            let members = body.as_object().unwrap();
            assert!(members.values().all(Value::is_string), "{body}");
            assert_eq!(body["issued_at"].as_str().unwrap().len(), 13);
        }
    }
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_only_where_refresh_is_on() {
    let gateway = MockGateway::builder()
        .redirect_uri(CALLBACK)
        .refresh_tokens(true);
    let gateway = gateway.start().await.unwrap();
    let body = json_of(redeem(&gateway, &allowed_code(&gateway)).await).await;
    let first = body["refresh_token"].as_str().unwrap().to_owned();
    let fields = [("grant_type", "refresh_token"), ("refresh_token", &*first)];
    let body = json_of(token(&gateway, &fields).await).await;
    let access_token = body["access_token"].as_str().unwrap();
    assert_eq!(api(&gateway, USERS, access_token).await.status(), 200);
    assert_ne!(body["refresh_token"], first);
    assert_eq!(token(&gateway, &fields).await.status(), 400);

    let off = registered().await;
    let refused = json_of(token(&off, &fields).await).await;
    assert_eq!(refused["ErrorCode"], "unsupported_grant_type");
}

#[tokio::test]
async fn errors_can_have_the_form_of_rfc_6749() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK).rfc_errors();
    let gateway = gateway.start().await.unwrap();
    let body = json_of(redeem(&gateway, "nosuch00").await).await;
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(body["error_description"], "Invalid Authorization Code");
}

// ---- the APIs ----------------------------------------------------------------------------------

#[tokio::test]
async fn api_errors_have_the_gateways_envelope() {
    let gateway = registered().await;
    let bare = get(format!("{}{USERS}", gateway.base_url())).await;
    assert_eq!(bare.status(), 401);
    let error = json_of(bare).await;
    assert_eq!(error["httpStatus"], 401);
    assert_eq!(error["httpMessage"], "Unauthorized");
    assert_eq!(error["errorCode"], 40102);
    for member in ["description", "resourceId", "origin"] {
        assert!(error[member].is_string(), "{error}");
    }

    let unknown = json_of(api(&gateway, DEVICE, "unknown").await).await;
    assert_eq!(unknown["errorCode"], 40105);

    let access_token = signed_in(&gateway).await;
    gateway.expire_tokens();
    let expired = json_of(api(&gateway, USERS, &access_token).await).await;
    assert_eq!(expired["errorCode"], 40106);
    gateway.revoke_tokens();
    let revoked = json_of(api(&gateway, USERS, &access_token).await).await;
    assert_eq!(revoked["errorCode"], 40105);

    let lost = get(format!("{}/user-info/v2/users", gateway.base_url())).await;
    assert_eq!(lost.status(), 404);
    assert_eq!(json_of(lost).await["errorCode"], 40401);
    let posted = post(format!("{}{USERS}", gateway.base_url()), &[]).await;
    assert_eq!(posted.status(), 404);
}

#[tokio::test]
async fn a_token_expires_when_its_time_is_up() {
    let gateway = registered().await;
    gateway.set_expires_in(0);
    let access_token = signed_in(&gateway).await;
    let expired = json_of(api(&gateway, USERS, &access_token).await).await;
    assert_eq!(expired["errorCode"], 40106);
    gateway.set_expires_in(u64::MAX);
    let access_token = signed_in(&gateway).await;
    assert_eq!(api(&gateway, USERS, &access_token).await.status(), 200);
}

#[tokio::test]
async fn logout_says_ok_and_ends_the_token() {
    let gateway = registered().await;
    let access_token = signed_in(&gateway).await;
    let out = api(&gateway, LOGOUT, &access_token).await;
    assert_eq!(out.status(), 200);
    assert!(
        out.headers()[header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(out.text().await.unwrap(), "OK!");
    let after = api(&gateway, USERS, &access_token).await;
    assert_eq!(after.status(), 401);
    assert_eq!(json_of(after).await["errorCode"], 40105);
    assert_eq!(api(&gateway, LOGOUT, &access_token).await.status(), 401);
    assert_eq!(gateway.live_tokens(), 0);
}

#[tokio::test]
async fn what_is_not_known_of_a_subscriber_is_left_out() {
    let lean = Subscriber::new("40000001").with_capability("lte", false);
    let moved = Subscriber::ola().with_address(Address::new("Storgata", "1", "0155", "Oslo"));
    let gateway = MockGateway::builder().redirect_uri(CALLBACK);
    let gateway = gateway
        .subscriber(lean)
        .subscriber(moved)
        .start()
        .await
        .unwrap();
    let access_token = signed_in(&gateway).await;
    let users = json_of(api(&gateway, USERS, &access_token).await).await;
    assert_eq!(users, json!({ "mobileNumber": "4740000001" }));
    let device = json_of(api(&gateway, DEVICE, &access_token).await).await;
    assert_eq!(device, json!({ "capabilities": { "lte": false } }));
}

// ---- scripts and records -----------------------------------------------------------------------

#[tokio::test]
async fn scripted_answers_go_queue_first_then_always_then_normal() {
    let gateway = registered().await;
    let access_token = signed_in(&gateway).await;
    gateway.answer_always(Endpoint::UserInfo, Answer::gateway_error(42902));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::html(502, "<h1>Bad Gateway</h1>"),
    );
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::status(503).with_header("retry-after", "7"),
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(api(&gateway, USERS, &access_token).await);
    }
    assert_eq!(seen[0].status(), 502);
    assert_eq!(
        seen[0].headers()[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert_eq!(seen[1].status(), 503);
    assert_eq!(seen[1].headers()[header::RETRY_AFTER], "7");
    assert_eq!(
        (seen[2].status(), seen[3].status()),
        (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS)
    );
    assert_eq!(api(&gateway, DEVICE, &access_token).await.status(), 200);

    gateway.answer_normally(Endpoint::UserInfo);
    assert_eq!(api(&gateway, USERS, &access_token).await.status(), 200);
}

#[tokio::test]
async fn faults_and_redirects_go_out_as_written() {
    let gateway = registered().await;
    let code = "keymanagement.service.access_token_expired";
    gateway.answer_next(Endpoint::UserInfo, Answer::fault(500, code));
    let fault = api(&gateway, USERS, "x").await;
    assert_eq!(fault.status(), 500);
    assert_eq!(json_of(fault).await["fault"]["detail"]["errorcode"], code);

    let location = "http://127.0.0.1:1/".to_owned();
    gateway.answer_next(
        Endpoint::Token,
        Answer::Redirect {
            status: 307,
            location,
        },
    );
    let moved = redeem(&gateway, "x").await;
    assert_eq!(moved.status(), 307);
    assert_eq!(moved.headers()[header::LOCATION], "http://127.0.0.1:1/");

    gateway.answer_next(Endpoint::Token, Answer::status(200).with_header("a\n", "b"));
    assert_eq!(redeem(&gateway, "x").await.status(), 500);
}

#[tokio::test]
async fn garbage_is_a_200_that_is_neither_json_nor_text() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Garbage);
    let response = redeem(&gateway, "x").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    assert!(std::str::from_utf8(&response.bytes().await.unwrap()).is_err());
}

/// Reads everything that comes until the connection ends, however it ends.
async fn raw(gateway: &MockGateway, path: &str) -> (Vec<u8>, std::io::Result<()>) {
    let address = gateway.base_url();
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap())
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: mock\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    let end = stream.read_to_end(&mut read).await;
    (read, end.map(drop))
}

#[tokio::test]
async fn reset_drops_the_connection_after_the_request_without_a_byte() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Reset);
    let (read, end) = raw(&gateway, USERS).await;
    assert_eq!(read, b"");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(gateway.hits(Endpoint::UserInfo), 1);

    gateway.answer_next(Endpoint::Token, Answer::Reset);
    let error = token_request(&gateway, &[]).send().await.unwrap_err();
    assert!(error.is_request() && !error.is_connect(), "{error:?}");
    assert_eq!(gateway.hits(Endpoint::Token), 1);
}

#[tokio::test]
async fn truncated_breaks_off_a_plausible_body_before_its_promised_end() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Truncated);
    let (read, end) = raw(&gateway, USERS).await;
    end.unwrap();
    let text = String::from_utf8(read).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-length: 4096"), "{head}");
    assert!(serde_json::from_str::<Value>(body).unwrap()["access_token"].is_string());

    gateway.answer_next(Endpoint::Token, Answer::Truncated);
    assert!(redeem(&gateway, "x").await.bytes().await.is_err());
}

#[tokio::test]
async fn huge_gives_no_warning_of_its_size() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Huge);
    let response = redeem(&gateway, "x").await;
    assert_eq!(response.content_length(), None);
    assert!(response.bytes().await.unwrap().len() > 10 << 20);
}

#[tokio::test]
async fn never_keeps_the_request_until_the_gateway_is_dropped() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::Token, Answer::Never);
    let request = tokio::spawn(token_request(&gateway, &[]).send());
    while gateway.hits(Endpoint::Token) == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!request.is_finished());
    drop(gateway);
    let ended = tokio::time::timeout(Duration::from_secs(10), request).await;
    assert!(ended.unwrap().unwrap().is_err());
}

// The clock runs by itself whenever everybody waits, so the seconds cost none.
#[tokio::test(start_paused = true)]
async fn drip_sends_the_head_at_once_and_a_byte_of_the_body_a_second() {
    let gateway = registered().await;
    gateway.answer_next(Endpoint::UserInfo, Answer::Drip);
    let begun = tokio::time::Instant::now();
    let (read, end) = raw(&gateway, USERS).await;
    end.unwrap();
    let head = read.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let body = u64::try_from(read.len() - head).unwrap();
    assert!(body > 30);
    assert!(begun.elapsed() >= Duration::from_secs(body));
}

#[tokio::test(start_paused = true)]
async fn delays_come_before_the_scripted_or_the_normal_answer() {
    let gateway = registered().await;
    let begun = tokio::time::Instant::now();
    let teapot = Box::new(Answer::status(418));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::Delay(Duration::from_secs(5), teapot),
    );
    assert_eq!(api(&gateway, USERS, "x").await.status(), 418);
    assert!(begun.elapsed() >= Duration::from_secs(5));
    gateway.answer_next(
        Endpoint::UserInfo,
        Answer::DelayNormal(Duration::from_secs(5)),
    );
    assert_eq!(api(&gateway, USERS, "x").await.status(), 401);
    assert!(begun.elapsed() >= Duration::from_secs(10));
}

#[tokio::test]
async fn a_gate_holds_recorded_requests_until_it_opens() {
    let gateway = registered().await;
    let gate = gateway.hold(Endpoint::Token);
    let requests = [(); 3].map(|()| tokio::spawn(token_request(&gateway, &[]).send()));
    gate.waiting(3).await;
    assert_eq!(gateway.hits(Endpoint::Token), 3);
    assert!(requests.iter().all(|request| !request.is_finished()));
    gate.open();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 400);
    }
    assert_eq!(token(&gateway, &[]).await.status(), 400);

    // A dropped gate is an open one.
    drop(gateway.hold(Endpoint::Token));
    assert_eq!(token(&gateway, &[]).await.status(), 400);
}

#[tokio::test]
async fn requests_are_recorded_whole_and_shown_redacted() {
    let gateway = registered().await;
    let fields = [("grant_type", "authorization_code"), ("code", "Secret77")];
    let url = format!("{}/oauth/v2/token?trace=Secret88", gateway.base_url());
    let request = client()
        .post(url)
        .bearer_auth("Secret99")
        .body(encode(&fields));
    request.send().await.unwrap();

    let recorded = &gateway.requests(Endpoint::Token)[0];
    assert_eq!(recorded.method(), "POST");
    assert_eq!(recorded.uri(), "/oauth/v2/token?trace=Secret88");
    assert_eq!(recorded.headers()[header::AUTHORIZATION], "Bearer Secret99");
    assert_eq!(recorded.form("code").unwrap(), "Secret77");
    assert_eq!(recorded.query("trace").unwrap(), "Secret88");
    assert_eq!(recorded.body(), encode(&fields).as_bytes());
    let shown = format!(
        "{recorded:?} {gateway:?} {:?} {:?}",
        Subscriber::kari(),
        MockGateway::builder()
    );
    for secret in ["Secret", "Kari", gateway.client_secret()] {
        assert!(!shown.contains(secret), "{shown}");
    }

    gateway
        .deny(&authorize_url(&gateway, &[("state", "s")]))
        .unwrap();
    assert_eq!(
        gateway.requests(Endpoint::Authorize)[0]
            .query("state")
            .unwrap(),
        "s"
    );
}

#[tokio::test]
async fn dropping_the_gateway_frees_its_address() -> Result<(), Box<dyn Error>> {
    let gateway = registered().await;
    let base = gateway.base_url();
    assert_eq!(get(format!("{base}{USERS}")).await.status(), 401);
    drop(gateway);
    // The accept loop ends when the runtime gets to it.
    while client().get(&base).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
    let address: SocketAddr = base.trim_start_matches("http://").parse()?;
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    let again = MockGateway::builder().listen(address).start().await?;
    assert_eq!(again.base_url(), base);
    Ok(())
}
