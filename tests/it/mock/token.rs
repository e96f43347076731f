//! The token endpoint.

use std::time::Duration;

use reqwest::header;
use serde_json::{Value, json};
use telenor_auth::mock::{MockGateway, TokenShape};

use super::{
    CALLBACK, DEVICE, USERS, VERIFIER, allowed_code, api, authorize_url, challenge, client, encode,
    json_of, parameter, post, redeem, registered, signed_in, token,
};

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
    let gateway = MockGateway::builder()
        .redirect_uri(CALLBACK)
        .rfc_errors(true);
    let gateway = gateway.start().await.unwrap();
    let body = json_of(redeem(&gateway, "nosuch00").await).await;
    assert_eq!(body["error"], "invalid_grant");
    assert_eq!(body["error_description"], "Invalid Authorization Code");
}
