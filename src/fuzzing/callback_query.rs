//! The query of a callback, which any client can make up.

use http::{HeaderMap, HeaderValue, Method, Uri, header};
use url::form_urlencoded;

use super::app::{App, assert_safe_redirect, begins_login, is_from_app};
use crate::oauth::{AuthorizationResponse, Outcome};

/// What decides is there once, and is what was sent. A callback that belongs to no login leads to a
/// page and changes nothing.
pub fn callback_query(data: &[u8]) {
    let Ok(query) = str::from_utf8(data) else {
        return;
    };
    if let Some(response) = AuthorizationResponse::parse(query) {
        check(query, &response);
    }
    check_well_formed(query);
    check_forged(query);
}

fn check(query: &str, response: &AuthorizationResponse) {
    // Another parser, which is lenient.
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let sent = |wanted: &str| {
        let mut values = pairs.iter().filter(|(name, _)| name == wanted);
        let value = values.next().map(|(_, value)| &**value);
        assert!(values.next().is_none(), "{wanted} twice in {query:?}");
        value.filter(|value| !value.is_empty())
    };
    let printable = |text: &str| !text.chars().any(char::is_control);
    let state = response.state.as_ref().map(|state| state.as_str());
    assert_eq!(state, sent("state"));
    assert!(state.is_none_or(|state| state.len() <= 256 && printable(state)));
    assert!(sent("iss").is_none_or(printable));
    let shown = match &response.outcome {
        Outcome::Code(code) => {
            assert_eq!((sent("code"), sent("error")), (Some(code.as_str()), None));
            let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
            assert!(code.bytes().all(visible) && (1..=2048).contains(&code.len()));
            "Code(redacted)"
        }
        Outcome::Error { code, description } => {
            assert_eq!((sent("code"), sent("error")), (None, Some(&**code)));
            assert!(printable(code));
            assert_eq!(description.as_deref(), sent("error_description"));
            "Error"
        }
    };
    // `State` shows the id of its login, which is a hash.
    let state = &response.state;
    let expected = format!("AuthorizationResponse {{ state: {state:?}, outcome: {shown} }}");
    assert_eq!(format!("{response:?}"), expected);
}

/// The text as a code and as what is beside it: a code that a gateway may send arrives as it is.
fn check_well_formed(text: &str) {
    let is_code = (1..=500).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if !is_code {
        return;
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("code", text)
        .append_pair("session_state", text)
        .append_pair("state", "af0ifjsldkj")
        .finish();
    let response = AuthorizationResponse::parse(&query).expect("a well-formed callback");
    let Outcome::Code(code) = response.outcome else {
        panic!("{query} has a code");
    };
    assert_eq!(code.as_str(), text);
}

fn check_forged(query: &str) {
    let Ok(uri) = Uri::try_from(format!("/telenor/callback?{query}")) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
    let response = App::with(|app| app.respond(Method::GET, uri, headers));
    assert!(!is_from_app(&response) && !begins_login(&response));
    assert_safe_redirect(&response);
    assert!(response.status().is_client_error() || response.status().is_server_error());
    let cookies = response.headers().get_all(header::SET_COOKIE);
    assert_eq!(cookies.iter().count(), 0, "{response:?}");
}
