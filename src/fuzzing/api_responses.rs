//! Answers of the APIs: errors in all their shapes, the user's data, the phone.

use std::time::Duration;

use http::header;
use serde_json::Value;

use super::{
    app::App,
    message::{CANARY, Message},
};
use crate::user::{ApiError, DeviceInfo, MobileNumber, UserInfo};

/// Nothing of an answer is in the text of its error, and nothing of a person in a text for a log. A
/// number is masked when it is displayed.
///
/// The first line of the input is the status.
pub fn api_responses(data: &[u8]) {
    let response = Message::parse(data).into_response();
    check_error(&ApiError::from_response(&response));
    if let Some(info) = UserInfo::parse(response.body()) {
        check_info(&info);
    }
    if let Some(device) = DeviceInfo::parse(response.body()) {
        assert!(is_object(device.json()));
        assert_eq!(format!("{device:?}"), "DeviceInfo(redacted)");
    }
}

fn check_error(error: &ApiError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let hour = Duration::from_secs(3_600);
    assert!(error.retry_after().is_none_or(|wait| wait <= hour));
    let length = error.description().map(|text| text.chars().count());
    assert!(length.is_none_or(|length| length <= 256));

    let response = ApiError::response_for(error).expect("an error is a response");
    let status = response.status();
    assert!(status.is_client_error() || status.is_server_error());
    let kind = response.headers().get(header::CONTENT_TYPE);
    assert!(kind.is_some_and(|kind| kind == "application/problem+json"));
    let body = App::with(|app| app.body_of(response));
    let body = String::from_utf8(body).expect("JSON is UTF-8");
    assert!(is_object(&body) && !body.contains(CANARY), "{body}");
}

fn check_info(info: &UserInfo) {
    assert!(is_object(info.json()));
    let shown = format!(
        "{info:?} {:?} {:?} {:?}",
        info.name(),
        info.address(),
        info.mobile_number()
    );
    assert!(!shown.contains(CANARY), "{shown}");
    if let Some(number) = info.mobile_number() {
        check_number(number);
    }
    let texts = [info.birth_date(), info.email_address()];
    let texts = texts.into_iter().flatten();
    assert!(texts.into_iter().all(|text| !text.trim().is_empty()));
}

fn check_number(number: &MobileNumber) {
    let digits = number.secret();
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
    assert!((7..=15).contains(&digits.len()), "{digits}");
    assert_eq!(
        MobileNumber::parse(&format!("+{digits}")).as_ref(),
        Some(number)
    );
    let shown: String = number
        .to_string()
        .split(|c: char| !c.is_ascii_digit())
        .collect();
    let last = &digits[digits.len() - 3..];
    let country = if digits.starts_with("47") { "47" } else { "" };
    assert_eq!(shown, format!("{country}{last}"), "{number}");
}

fn is_object(json: &str) -> bool {
    serde_json::from_str::<Value>(json).is_ok_and(|value| value.is_object())
}
