//! The APIs.

use std::io::ErrorKind;

use reqwest::header;
use serde_json::json;
use telenor_auth::{
    Endpoints,
    mock::{Answer, Endpoint, MockGateway, Subscriber, SubscriberAddress},
};

use super::{
    CALLBACK, DEVICE, LOGOUT, USERS, api, client, get, json_of, post, registered, signed_in,
};

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
    let moved =
        Subscriber::ola().with_address(SubscriberAddress::new("Storgata", "1", "0155", "Oslo"));
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

const SMS: &str = "/mobile-messaging/v2/tel:4791234567/sms";

#[tokio::test]
async fn further_api_answers_a_live_token_alone() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK);
    let sent = Answer::json(201, json!({ "id": 7 }));
    let gateway = gateway.api(SMS, sent).api("/usage/v1", Answer::status(204));
    let gateway = gateway.start().await.unwrap();
    let url = format!("{}{SMS}", gateway.base_url());

    let bare = get(&url).await;
    assert_eq!(bare.status(), 401);
    assert_eq!(json_of(bare).await["errorCode"], 40102);
    let unknown = json_of(api(&gateway, SMS, "unknown").await).await;
    assert_eq!(unknown["errorCode"], 40105);

    let access_token = signed_in(&gateway).await;
    let posted = client().post(format!("{url}?x=1")).body("{}");
    let posted = posted.bearer_auth(&access_token).send().await.unwrap();
    assert_eq!(posted.status(), 201);
    assert_eq!(json_of(posted).await, json!({ "id": 7 }));
    assert_eq!(
        api(&gateway, "/usage/v1", &access_token).await.status(),
        204
    );
    let below = api(&gateway, "/usage/v1/more", &access_token).await;
    assert_eq!(json_of(below).await["errorCode"], 40401);

    gateway.expire_tokens();
    let expired = json_of(api(&gateway, SMS, &access_token).await).await;
    assert_eq!(expired["errorCode"], 40106);

    let requests = gateway.requests(Endpoint::Api(SMS));
    assert_eq!(requests.len(), 4, "all are recorded from the start");
    assert_eq!(requests[2].body(), b"{}");
}

#[tokio::test]
async fn scripted_answer_comes_before_that_of_the_further_api() {
    let gateway = MockGateway::builder().redirect_uri(CALLBACK);
    let gateway = gateway
        .api(SMS, Answer::json(200, "{}"))
        .start()
        .await
        .unwrap();
    let access_token = signed_in(&gateway).await;
    gateway.answer_next(Endpoint::Api(SMS), Answer::gateway_error(42901));
    assert_eq!(api(&gateway, SMS, &access_token).await.status(), 429);
    assert_eq!(api(&gateway, SMS, &access_token).await.status(), 200);
}

#[tokio::test]
async fn further_api_has_a_path_of_its_own() {
    let start = |path: &'static str| {
        let gateway = MockGateway::builder().endpoints(Endpoints::new().with_token("/token"));
        let gateway = gateway.api("/usage/v1", Answer::status(204));
        gateway.api(path, Answer::status(204)).start()
    };
    for wrong in [
        "",
        "usage",
        "//usage?x",
        "/usage?x=1",
        "/usage#x",
        "/us age",
        "/usage/v1",
        "/token",
        USERS,
        "/mock/login/x",
    ] {
        let error = start(wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{wrong}");
        assert!(error.to_string().contains(&format!("{wrong:?}")), "{error}");
    }
    for path in ["/", "/usage/v2", "/oauth/v2/token", SMS] {
        assert!(start(path).await.is_ok(), "{path}");
    }
}
