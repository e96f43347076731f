//! Every mistake in the configuration is an error before the first request. Its text says what to
//! change.

use std::time::Duration;

use telenor_auth::{
    ConfigError, CookieKeys, Endpoints, Language, Logo, TelenorAuthBuilder, TelenorAuthLayer,
    session::{CookieStore, FaultyStore},
};

use crate::support::{capture::capture, keys};

mod development;

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
fn random_key_is_warned_of() {
    let warnings = |builder: TelenorAuthBuilder| {
        let (log, _guard) = capture();
        builder.build().unwrap();
        log.lines("WARN", &["cookies are sealed with a random key"])
            .len()
    };
    assert_eq!(warnings(builder()), 1);
    assert_eq!(warnings(builder().cookie_keys(keys(1))), 0);
}

#[test]
fn trusted_origin_is_one_origin_that_no_network_can_forge() {
    for (origin, expected) in [
        ("pay.example", "is not a URL"),
        ("", "is not a URL"),
        ("null", "is not a URL"),
        ("*", "is not a URL"),
        ("https://", "is not a URL"),
        (
            "https://*.pay.example",
            "has a wildcard (https://*.pay.example)",
        ),
        ("capacitor://localhost", "has the scheme \"capacitor\""),
        (
            "https://kari:hunter2@pay.example",
            "has a user name or a password",
        ),
        ("https://pay.example?a=1", "has a query"),
        ("https://pay.example#a", "fragment"),
        (
            "https://pay.example/done",
            "has a path after https://pay.example:",
        ),
        ("http://pay.example", "is plain http (http://pay.example)"),
    ] {
        let error = mistake(builder().trusted_origin(origin)).to_string();
        assert!(error.contains(expected), "{origin}: {error}");
        assert!(
            error.contains("trusted_origin") && !error.contains("hunter2"),
            "{error}"
        );
    }
    for origin in [
        "https://pay.example",
        "https://PAY.example:443/",
        "https://blåbær.example:8443",
        "https://[2001:db8::1]",
        "http://localhost:5173",
        "http://127.0.0.1:5173",
        "https://shop.example",
    ] {
        let built = builder().trusted_origin(origin).build();
        assert!(built.is_ok(), "{origin}: {built:?}");
    }
}

/// S4.
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
        (
            "https://:password@shop.example/telenor/callback",
            "password",
        ),
        ("https://shop.example/telenor/callback#x", "fragment"),
        ("https://shop.example/telenor/callback?x=1", "query"),
        (
            "https://SHOP.example/telenor/callback",
            "register that form at Telenor",
        ),
        (
            "https://shop.example:443/telenor/callback",
            "normal form, which is https://shop.example/telenor/callback",
        ),
        ("https://blåbær.example/callback", "xn--"),
        ("https://shop.example/a/../telenor/callback", "normal form"),
        ("https://shop.example", "has no path"),
        ("https://shop.example/", "has no path"),
        ("https://shop.example/telenor/", "ends with a slash"),
        (
            "https://shop.example/telenor/callback/",
            "ends with a slash",
        ),
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

/// S4, S44.
#[test]
fn gateway_is_https_or_on_this_machine() {
    assert_eq!(
        mistake(builder().gateway("http://gateway.example")),
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

/// S4.
#[test]
fn endpoint_is_a_path_of_the_gateway_or_an_https_url() {
    let set: [fn(&str) -> Endpoints; 5] = [
        |endpoint| Endpoints::new().with_authorization(endpoint),
        |endpoint| Endpoints::new().with_token(endpoint),
        |endpoint| Endpoints::new().with_logout(endpoint),
        |endpoint| Endpoints::new().with_user_info(endpoint),
        |endpoint| Endpoints::new().with_device_info(endpoint),
    ];
    let names = [
        "authorization",
        "token",
        "logout",
        "user info",
        "device info",
    ];
    for (set, name) in set.into_iter().zip(names) {
        for (endpoint, expected) in [
            ("", "is not a URL"),
            ("oauth/v2/token", "is not a URL"),
            ("//login.example/token", "two slashes"),
            ("http://login.example/token", "is plain http"),
            ("ftp://login.example/token", "ftp"),
            ("https://user@login.example/token", "user name"),
            ("https://login.example/token?x", "query"),
            ("/token?x", "query"),
            ("/token#x", "fragment"),
            (
                "/oauth/../token",
                "in which it is https://api.telenor.no/token",
            ),
            ("/oauth/%2e%2e/token", "normal form"),
            ("/a b", "normal form"),
            ("/a\\b", "normal form"),
            ("/\u{e5}", "normal form"),
            (" https://login.example/token", "normal form"),
            ("https://LOGIN.example/token", "https://login.example/token"),
        ] {
            let error = mistake(builder().endpoints(set(endpoint)));
            let text = error.to_string();
            assert!(text.contains(expected), "{endpoint:?}: {text}");
            assert!(text.contains(&format!("the {name} endpoint")), "{text}");
        }
        for endpoint in [
            "/",
            "/login/token",
            "https://login.example/token",
            "https://login.example:8443/",
            "http://127.0.0.1:9/token",
            "http://localhost:9/token",
        ] {
            let built = builder().endpoints(set(endpoint)).build();
            assert!(built.is_ok(), "{name} {endpoint:?}: {built:?}");
        }
    }
}

/// S4.
#[test]
fn client_is_needed() {
    let client =
        |id: &str, secret: &str| mistake(TelenorAuthLayer::builder(id, secret, REDIRECT_URI));
    for (bad, expected) in [
        ("canary\n", "ends with a line break"),
        ("canary\r\n", "ends with a line break"),
        (" canary", "blanks before or after it"),
        ("canary\u{a0}", "blanks before or after it"),
        ("can\r\nary", "in it"),
    ] {
        for error in [client(bad, "secret"), client("id", bad)] {
            let text = error.to_string();
            assert!(text.contains(expected), "{bad:?}: {text}");
            assert!(!text.contains("canary") && text.contains("developer.telenor.no"));
        }
        assert!(matches!(
            client(bad, "secret"),
            ConfigError::InvalidClientId(_)
        ));
        assert!(matches!(
            client("id", bad),
            ConfigError::InvalidClientSecret(_)
        ));
    }
    for empty in ["", " \n"] {
        assert_eq!(client(empty, "secret"), ConfigError::MissingClientId);
        let error = client("id", empty);
        assert_eq!(error, ConfigError::InvalidClientSecret("is empty"));
    }
}

#[test]
fn credentials_that_an_encoding_changes_are_in_the_log() {
    for (id, secret, raw, logged) in [
        ("client-id_1.x*", "Xq3Z", false, false),
        ("client:id", "Xq3Z", false, true),
        ("client", "Xq+3Z", false, true),
        ("client:id", "Xq+3Z", false, true),
        // The setting that the line names is known here.
        ("client:id", "Xq+3Z", true, false),
        ("client", "Xq3Z", true, false),
    ] {
        let (log, guard) = capture();
        let layer = TelenorAuthLayer::builder(id, secret, REDIRECT_URI);
        let built = layer.raw_client_credentials(raw).build();
        assert!(built.is_ok(), "{built:?}");
        drop(guard);
        let lines = log.lines("INFO", &["try raw_client_credentials(true)"]);
        assert_eq!(lines.len(), usize::from(logged), "{id} {secret} {raw}");
        assert!(!log.text().contains(secret));
    }
}

#[test]
fn debug_ends_in_the_text_that_says_what_to_change() {
    let insecure = TelenorAuthLayer::builder("id", "secret", "http://shop.example/callback");
    for (error, variant) in [
        (mistake(insecure), "InsecureRedirectUri"),
        (mistake(builder().home("x")), "InvalidPath"),
        (mistake(builder().max_token_requests(0)), "ZeroLimit"),
        (CookieKeys::parse("").unwrap_err(), "NoKeys"),
    ] {
        assert_eq!(format!("{error:?}"), format!("{variant}: {error}"));
    }
}

#[test]
fn gateway_is_a_base_url_without_the_path_of_an_endpoint() {
    for path in [
        "/oauth/v2",
        "/oauth/v2/",
        "/oauth/v2/token",
        "/base/oauth/v2/authorize",
        "/user-info/v1/users",
        "/mobile-device-info/v1/device/",
    ] {
        let gateway = format!("https://api.telenor.no{path}");
        let error = mistake(builder().gateway(gateway));
        let base = if path.starts_with("/base") {
            "no/base:"
        } else {
            "no:"
        };
        let text = error.to_string();
        assert!(text.contains("ends with the path of an endpoint"), "{text}");
        assert!(
            text.contains(&format!("adds to https://api.telenor.{base}")),
            "{text}"
        );
    }
    let moved = Endpoints::new()
        .with_authorization("/authorize")
        .with_token("/token")
        .with_logout("/logout");
    let gateway = "https://api.telenor.no/oauth/v2";
    let built = builder().gateway(gateway).endpoints(moved).build();
    assert!(built.is_ok(), "there it is no path of an endpoint");
}

#[test]
fn keys_of_a_store_are_those_of_the_layer() {
    let store = |number| CookieStore::new(&keys(number));
    let other = builder().cookie_keys(keys(1)).session_store(store(2));
    assert_eq!(mistake(other), ConfigError::StoreKeysDiffer);
    let random = builder().cookie_keys(keys(1));
    let random = random.session_store(CookieStore::new(&CookieKeys::random()));
    assert_eq!(mistake(random), ConfigError::StoreKeysDiffer);
    // Two rings of the same keys, and keys for the store alone.
    let both = builder().cookie_keys(keys(1)).session_store(store(1));
    assert!(both.build().is_ok());
    assert!(builder().session_store(store(1)).build().is_ok());
    // A store around another one has the other one's keys.
    let faulty = FaultyStore::new(store(2));
    let around = builder().cookie_keys(keys(1)).session_store(faulty);
    assert_eq!(mistake(around), ConfigError::StoreKeysDiffer);
    #[cfg(feature = "redis")]
    {
        let store = telenor_auth::session::RedisStore::new("redis://localhost", &keys(2)).unwrap();
        let in_redis = builder().cookie_keys(keys(1)).session_store(store);
        assert_eq!(mistake(in_redis), ConfigError::StoreKeysDiffer);
    }
}

/// S2.
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
        "request",
        "request_uri",
        "response_mode",
        "nonce",
        "dpop_jkt",
        "Redirect_URI",
        "STATE",
        "Request",
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
    assert!(builder().home("/blåbær").build().is_ok());
    let error = mistake(builder().home("/a b")).to_string();
    assert!(
        error.contains("percent-encode blanks") && !error.contains("ASCII"),
        "{error}"
    );
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

/// What a proxy takes away comes before the path, which it must not complete.
#[test]
fn paths_of_the_app_begin_with_one_slash_behind_a_proxy_too() {
    let built = |path: &str| {
        let layer = TelenorAuthLayer::builder("client", "secret", "https://shop.example/a/b/cb");
        layer.stripped_prefix("/a").home(path).build()
    };
    assert!(built("/home").is_ok());
    for path in ["home", "//home", "/a b", " /home", "?home", ""] {
        let invalid = matches!(
            built(path),
            Err(ConfigError::InvalidPath {
                setting: "home",
                ..
            })
        );
        assert!(invalid, "{path:?}");
    }
}

#[test]
fn place_is_named_by_a_path_of_the_app() {
    for path in [
        "",
        "x",
        "//x",
        "/a b",
        "/a?b",
        "/a#b",
        "https://x.test/",
        "/telenor/login",
    ] {
        let purpose = builder().purpose_at(path, Language::Bokmal, "x");
        let way_out = builder().continue_without_at(path, "/open");
        for (builder, name) in [(purpose, "purpose_at"), (way_out, "continue_without_at")] {
            let error = mistake(builder);
            let setting = match &error {
                ConfigError::InvalidPlace { setting, .. } => *setting,
                _ => "another mistake",
            };
            assert_eq!(setting, name, "{path}: {error}");
            assert!(error.to_string().contains("slash"), "{error}");
        }
    }
    let target = builder().continue_without_at("/a", "https://evil.example/");
    assert!(matches!(mistake(target), ConfigError::InvalidPath { .. }));
    let places = builder().purpose_at("/", Language::Bokmal, "x");
    let places = places.purpose_at("/blåbær/", Language::Bokmal, "y");
    assert!(places.build().is_ok());
}

#[test]
fn look_of_the_pages_is_checked() {
    let link = |text: &str, target: &str| builder().support_link(Language::Bokmal, text, target);
    for target in [
        "/help?topic=login",
        "https://help.example/telenor#top",
        "mailto:help@shop.example?subject=Telenor",
        "tel:+4791509000",
    ] {
        assert!(link("Hjelp", target).build().is_ok(), "{target}");
    }
    for target in [
        "",
        "help",
        "http://shop.example/help",
        "javascript:alert(1)",
        "data:text/html,x",
        "//shop.example/help",
        "https://user:password@shop.example/",
        "https://user@shop.example/",
        "https://:password@shop.example/",
        "mailto:",
        "tel:help",
        "tel:+47 915 09 000",
        "/telenor/login",
        "https://",
    ] {
        let error = mistake(link("Hjelp", target));
        assert!(
            matches!(error, ConfigError::InvalidSupportLink(_)),
            "{target}: {error}"
        );
    }
    let error = mistake(link(" ", "/help"));
    assert!(
        matches!(error, ConfigError::InvalidSupportLink(_)),
        "{error}"
    );

    let settings = [
        ("accent_color", mistake(builder().accent_color("#abcdef"))),
        (
            "accent_color_dark",
            mistake(builder().accent_color_dark("#333333")),
        ),
        ("accent_color", mistake(builder().accent_color("green"))),
    ];
    for (setting, error) in settings {
        assert!(
            error.to_string().starts_with(&format!("{setting}(")),
            "{error}"
        );
    }
    let error = mistake(builder().logo(Logo::svg("/logo.svg")));
    assert!(matches!(error, ConfigError::InvalidLogo(_)), "{error}");
}

/// S9.
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
    for idle in [Duration::from_secs(3_601), Duration::from_secs(86_400)] {
        let hour = builder().max_session_age(Duration::from_secs(3_600));
        let error = mistake(hour.idle_timeout(idle));
        assert!(error.to_string().contains("max_session_age"), "{error}");
    }
    let hour = Duration::from_secs(3_600);
    let year = 365 * 24 * hour;
    assert!(builder().max_session_age(year).build().is_ok());
    let error = mistake(builder().max_session_age(year + Duration::from_secs(1)));
    assert!(error.to_string().contains("a year"), "{error}");
    let equal = builder().max_session_age(hour).idle_timeout(hour);
    assert!(equal.build().is_ok());
    let error = mistake(builder().nested_at("telenor"));
    assert!(
        error.to_string().contains("nested_at(\"telenor\")"),
        "{error}"
    );
    assert!(
        error.to_string().contains("begin it with one slash"),
        "{error}"
    );
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
