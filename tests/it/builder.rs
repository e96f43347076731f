//! Every mistake in the configuration is an error before the first request. Its text says what to
//! change.

use std::time::Duration;

use telenor_auth::{ConfigError, CookieKeys, Language, TelenorAuthBuilder, TelenorAuthLayer};

const REDIRECT_URI: &str = "https://shop.example/telenor/callback";

fn builder() -> TelenorAuthBuilder {
    TelenorAuthLayer::builder("client", "secret", REDIRECT_URI)
}

#[track_caller]
fn mistake(builder: TelenorAuthBuilder) -> ConfigError {
    let error = builder.build().expect_err("a mistake is an error");
    let text = error.to_string();
    assert!(text.len() > 30 && !text.contains('\n'), "{text}");
    assert!(!text.contains("secret\""), "{text}");
    error
}

#[test]
fn defaults_are_valid() {
    let built = builder()
        .scope("user-info-v1 mobile-device-info-v1")
        .app_name("Fjellbua")
        .purpose(Language::English, "fill in your address")
        .continue_without("/manual?from=login")
        .after_logout("/goodbye")
        .authorization_parameter("ui_locales", "nb")
        .build();
    assert!(built.is_ok(), "{built:?}");
}

#[test]
fn redirect_uri_is_an_exact_https_address() {
    for (redirect_uri, expected) in [
        ("http://shop.example/telenor/callback", "https"),
        ("ftp://shop.example/telenor/callback", "ftp"),
        ("shop.example/telenor/callback", "not a URL"),
        ("/telenor/callback", "not a URL"),
        ("", "not a URL"),
        (
            "https://user:password@shop.example/telenor/callback",
            "user name",
        ),
        ("https://shop.example/telenor/callback#x", "fragment"),
        ("https://shop.example/telenor/callback?x=1", "query"),
        ("https://SHOP.example/telenor/callback", "normal form"),
        ("https://shop.example:443/telenor/callback", "normal form"),
        ("https://shop.example/a/../telenor/callback", "normal form"),
        ("https://shop.example", "/"),
        ("https://shop.example/", "/"),
        ("https://shop.example/telenor/", "/telenor/"),
        ("https://shop.example/telenor/login", "/telenor/login"),
        ("https://shop.example/logout", "/logout"),
        ("https://shop.example/a/session", "/a/session"),
    ] {
        let error = mistake(TelenorAuthLayer::builder("client", "secret", redirect_uri));
        assert!(
            error.to_string().contains(expected),
            "{redirect_uri}: {error}"
        );
    }
}

#[test]
fn gateway_is_https_or_on_this_machine() {
    assert_eq!(
        mistake(builder().gateway("http://api.telenor.no")),
        ConfigError::InsecureGateway
    );
    for gateway in [
        "",
        "api.telenor.no",
        "https://user@api.telenor.no",
        "https://api.telenor.no?x",
        "file:///etc",
    ] {
        assert!(
            matches!(
                mistake(builder().gateway(gateway)),
                ConfigError::InvalidGateway(_)
            ),
            "{gateway}"
        );
    }
    for gateway in [
        "https://test-api.telenor.no/",
        "http://127.0.0.1:9000",
        "http://localhost:9000",
        "http://[::1]:9000/base",
    ] {
        assert!(builder().gateway(gateway).build().is_ok(), "{gateway}");
    }
}

#[test]
fn client_is_needed() {
    let client =
        |id: &str, secret: &str| mistake(TelenorAuthLayer::builder(id, secret, REDIRECT_URI));
    assert_eq!(client("", "secret"), ConfigError::InvalidClientId);
    assert_eq!(client("a\nb", "secret"), ConfigError::InvalidClientId);
    assert_eq!(client("id", ""), ConfigError::EmptyClientSecret);
    assert_eq!(client("id", "a\r\nb"), ConfigError::EmptyClientSecret);
}

#[test]
fn parameter_of_the_layer_cannot_be_given_twice() {
    for name in [
        "state",
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "code_challenge",
        "code_challenge_method",
        "",
    ] {
        let error = mistake(builder().authorization_parameter(name, "x"));
        assert_eq!(error, ConfigError::ReservedParameter(name.to_owned()));
    }
    let twice = builder()
        .authorization_parameter("prompt", "a")
        .authorization_parameter("prompt", "b");
    assert_eq!(
        mistake(twice),
        ConfigError::ReservedParameter("prompt".to_owned())
    );
}

#[test]
fn paths_of_the_app_are_its_own() {
    for path in [
        "",
        "https://evil.example/",
        "//evil.example",
        "relative",
        "/a b",
        "/telenor/login",
        "/telenor/callback?x",
    ] {
        assert!(
            matches!(
                mistake(builder().home(path)),
                ConfigError::InvalidPath {
                    setting: "home",
                    ..
                }
            ),
            "{path}"
        );
        assert!(matches!(
            mistake(builder().after_logout(path)),
            ConfigError::InvalidPath {
                setting: "after_logout",
                ..
            }
        ));
        assert!(matches!(
            mistake(builder().continue_without(path)),
            ConfigError::InvalidPath {
                setting: "continue_without",
                ..
            }
        ));
    }
}

#[test]
fn limits_are_within_reason() {
    assert!(matches!(
        mistake(builder().login_timeout(Duration::ZERO)),
        ConfigError::InvalidDuration { .. }
    ));
    assert!(matches!(
        mistake(builder().login_timeout(Duration::from_secs(601))),
        ConfigError::InvalidDuration { .. }
    ));
    assert!(matches!(
        mistake(builder().max_session_age(Duration::ZERO)),
        ConfigError::InvalidDuration { .. }
    ));
    assert!(matches!(
        mistake(builder().max_session_age(Duration::MAX)),
        ConfigError::InvalidDuration { .. }
    ));
    assert_eq!(
        mistake(builder().max_token_requests(0)),
        ConfigError::ZeroLimit("max_token_requests")
    );
    assert_eq!(mistake(builder().scope("a\"b")), ConfigError::InvalidScope);
    assert!(matches!(
        mistake(builder().cookie_name("a;b")),
        ConfigError::InvalidCookieName(_)
    ));
    assert_eq!(
        mistake(builder().nested_at("/other")),
        ConfigError::NotBelowNest("/other".to_owned())
    );
    assert_eq!(
        mistake(builder().nested_at("/tele")),
        ConfigError::NotBelowNest("/tele".to_owned())
    );
    assert_eq!(
        mistake(builder().gateway_ca("no pem")),
        ConfigError::InvalidCertificates
    );
}

#[test]
fn key_from_the_documentation_is_refused() {
    let readme = concat!(
        include_str!("../../README.md"),
        include_str!("../../src/lib.rs"),
        include_str!("../../src/key/mod.rs"),
        include_str!("../../src/builder/mod.rs"),
        include_str!("../../src/session/cookie.rs"),
    );
    for word in readme
        .split(|character: char| !character.is_ascii_alphanumeric() && !"+/=_-".contains(character))
    {
        if word.len() >= 43 {
            assert!(
                CookieKeys::parse(word).is_err(),
                "{word} is printed in the README"
            );
        }
    }
    for sample in [
        "00".repeat(32),
        "0123456789abcdef".repeat(4),
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
    ] {
        assert_eq!(
            CookieKeys::parse(&sample).unwrap_err(),
            ConfigError::WeakKey
        );
    }
}

#[test]
fn debug_of_settings_and_layer_shows_no_secret() {
    let builder = TelenorAuthLayer::builder("client", "canary-secret", REDIRECT_URI);
    assert!(!format!("{builder:?}").contains("canary"));
    assert!(!format!("{:?}", builder.build()).contains("canary"));
}
