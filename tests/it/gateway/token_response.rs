//! What counts as a token response, and what ends the login.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use telenor_auth::mock::{Answer, Endpoint};

use super::ends_with;
use crate::support::App;

const GOOD: &str = r#"{"access_token":"canary"}"#;

fn bytes(body: impl Into<Vec<u8>>) -> Answer {
    Answer::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        body: body.into(),
    }
}

#[track_caller]
fn assert_all(statuses: &[(String, StatusCode)], expected: StatusCode) {
    for (body, status) in statuses {
        assert_eq!(*status, expected, "{body:.80}");
    }
}

/// The status of a login for each of these bodies.
async fn logins(app: &App, bodies: impl IntoIterator<Item = Vec<u8>>) -> Vec<(String, StatusCode)> {
    let mut statuses = Vec::new();
    for body in bodies {
        let shown = String::from_utf8_lossy(&body).into_owned();
        statuses.push((shown, ends_with(app, bytes(body)).await));
    }
    statuses
}

fn texts<'t>(bodies: impl IntoIterator<Item = &'t str>) -> Vec<Vec<u8>> {
    bodies.into_iter().map(|body| body.into()).collect()
}

/// S48.
#[tokio::test]
async fn only_status_200_with_one_json_object_signs_in() {
    let app = App::start().await;
    assert_eq!(ends_with(&app, bytes(GOOD)).await, StatusCode::SEE_OTHER);
    for status in [201, 202, 203, 204, 206, 226] {
        let answer = Answer::json(status, GOOD);
        assert_eq!(ends_with(&app, answer).await, StatusCode::BAD_GATEWAY);
    }
    let several = [
        format!("{GOOD} x"),
        format!("{GOOD}{GOOD}"),
        format!("[{GOOD}]"),
        format!("x{GOOD}"),
        format!("<pre>{GOOD}</pre>"),
    ];
    let none = ["", " ", "[]", "{}", "\"canary\"", "null", "true", "7"];
    let bodies = several.iter().map(String::as_str).chain(none);
    let statuses = logins(&app, texts(bodies)).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S49.
#[tokio::test]
async fn malformed_json_fails_cleanly() {
    let app = App::start().await;
    let deep = |open: &str, close: &str| {
        let (open, close) = (open.repeat(10_000), close.repeat(10_000));
        format!(r#"{{"access_token":"canary","x":{open}1{close}}}"#).into_bytes()
    };
    let mut bodies = texts([
        r#"{"access_token":"canary""#,
        r#"{"access_token":"can"#,
        "{",
        "\u{feff}{\"access_token\":\"canary\"}",
        r#"{"access_token":"canary","access_token":"canary"}"#,
        r#"{"access_token":"canary","expires_in":60,"expires_in":60}"#,
        r#"{"access_token":"canary","token_type":"Bearer","token_type":"mac"}"#,
        r#"{"access_token":"canary",}"#,
        "{'access_token':'canary'}",
        "{access_token:\"canary\"}",
        r#"{"access_token":"canary","x":NaN}"#,
        r#"{"access_token":"canary","x":"\ud800"}"#,
        "{\"access_token\":\"canary\",\"x\":\"a\nb\"}",
    ]);
    bodies.extend([
        b"{\"access_token\":\"canary\xe9\"}".to_vec(),
        b"{\"access_token\":\"canary\",\"x\":\"\xff\"}".to_vec(),
        b"{\"access_token\":\"canary\",\"\xed\xa0\x80\":1}".to_vec(),
        b"\xff\xfe{\0}\0".to_vec(),
        deep("[", "]"),
        deep("{\"y\":", "}"),
    ]);
    let statuses = logins(&app, bodies).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S50.
#[tokio::test]
async fn answer_without_a_token_or_with_an_error_signs_no_one_in() {
    let app = App::start().await;
    let bodies = texts([
        r#"{"expires_in":3599}"#,
        r#"{"access_token":""}"#,
        r#"{"access_token":null}"#,
        r#"{"access_token":7}"#,
        r#"{"access_token":true}"#,
        r#"{"access_token":["canary"]}"#,
        r#"{"access_token":{"value":"canary"}}"#,
        r#"{"Access_Token":"canary"}"#,
        r#"{"id_token":"canary"}"#,
        r#"{"error":"invalid_grant"}"#,
        r#"{"access_token":"canary","error":"invalid_grant"}"#,
        r#"{"access_token":"canary","error":""}"#,
        r#"{"access_token":"canary","error":7}"#,
        r#"{"error":{"code":1},"access_token":"canary"}"#,
    ]);
    let statuses = logins(&app, bodies).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S51.
#[tokio::test]
async fn token_is_visible_ascii_of_at_most_8_kib() {
    let app = App::start().await;
    let answer = |token: &str| json!({ "access_token": token }).to_string().into_bytes();
    let longest = "t".repeat(8 * 1024);
    let all: String = ('!'..='~').collect();
    for good in [&*all, &longest] {
        app.gateway
            .answer_next(Endpoint::Token, bytes(answer(good)));
        assert_eq!(app.signed_in().await.token().await.as_deref(), Some(good));
    }
    let longer = format!("{longest}t");
    let refused = [
        " canary",
        "can ary",
        "can\tary",
        "can\r\nary: x",
        "can\0ary",
        "can\u{7f}ary",
        "canéry",
        "canary\u{202e}",
        &longer,
    ];
    let statuses = logins(&app, refused.map(answer)).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S52.
#[tokio::test]
async fn token_is_a_bearer_token_or_of_no_type() {
    let app = App::start().await;
    let answer = |kind: &Value| json!({ "access_token": "token", "token_type": kind });
    let good = [
        "Bearer",
        "bearer",
        "BEARER",
        "BearerToken",
        "bearertoken",
        "",
    ]
    .map(Value::from);
    let bodies = good.iter().chain([&Value::Null]).map(answer);
    let statuses = logins(&app, bodies.map(|body| body.to_string().into_bytes())).await;
    assert_all(&statuses, StatusCode::SEE_OTHER);
    let missing = logins(&app, texts([r#"{"access_token":"token"}"#])).await;
    assert_all(&missing, StatusCode::SEE_OTHER);
    let other = [
        json!("mac"),
        json!("DPoP"),
        json!("Basic"),
        json!("bearer "),
        json!("bear"),
        json!(7),
        json!(["bearer"]),
        json!(true),
    ];
    let bodies = other.iter().map(answer);
    let statuses = logins(&app, bodies.map(|body| body.to_string().into_bytes())).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S53.
#[tokio::test]
async fn lifetime_is_a_positive_number_or_the_login_fails() {
    let app = App::start().await;
    let refused = [
        "-1", "0", "0.0", "0.9", "-1e300", "\"abc\"", "\"\"", "\"0\"", "\"-5\"", "\"NaN\"",
        "\"inf\"", "\"0x10\"", "\"1h\"", "true", "false", "{}", "[]", "[60]",
    ];
    let bodies = refused
        .map(|value| format!(r#"{{"access_token":"canary","expires_in":{value}}}"#).into_bytes());
    let statuses = logins(&app, bodies).await;
    assert_all(&statuses, StatusCode::BAD_GATEWAY);
}

/// S53, S54.
#[tokio::test]
async fn lifetime_has_a_default_a_leeway_and_a_maximum() {
    let app = App::start().await;
    let eight_hours = 8 * 60 * 60;
    for (member, seconds) in [
        (r#","expires_in":3600"#, 3_570),
        (r#","expires_in":"3600""#, 3_570),
        (r#","expires_in":3600.0"#, 3_570),
        (r#","expires_in":"3600.9""#, 3_570),
        (r#","expires_in":31"#, 7),
        (r#","expires_in":1"#, 1),
        ("", 570),
        (r#","expires_in":null"#, 570),
        (r#","expires_in":1e300"#, eight_hours),
        (r#","expires_in":"1e300""#, eight_hours),
        (r#","expires_in":18446744073709551615"#, eight_hours),
        (r#","expires_in":"18446744073709551616""#, eight_hours),
    ] {
        let body = format!(r#"{{"access_token":"token"{member}}}"#);
        app.gateway.answer_next(Endpoint::Token, bytes(body));
        let mut browser = app.signed_in().await;
        app.clock.advance(Duration::from_secs(seconds - 1));
        assert!(browser.token().await.is_some(), "{member}");
        app.clock.advance(Duration::from_secs(1));
        assert!(browser.token().await.is_none(), "{member}");
    }
}
