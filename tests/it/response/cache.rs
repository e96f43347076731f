//! The cache headers of an answer, and its cookies.

use axum::{
    response::{AppendHeaders, IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode, header};
use telenor_auth::{
    ApiError, Clock, TelenorUser,
    mock::{Answer as Scripted, Endpoint, MockGateway},
    session::CookieStore,
};

use crate::support::{self, App, Hits, MINUTE, builder, keys, navigation, request};

/// All that an answer of the layer may have. Others would be the app's to decide: HSTS, CORS,
/// `Clear-Site-Data`.
const OWN_HEADERS: [&str; 15] = [
    "allow",
    "cache-control",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "location",
    "referrer-policy",
    "retry-after",
    "set-cookie",
    "vary",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
];

/// A policy without the hash of its style sheet.
fn without_hash(policy: &str) -> String {
    let (before, hash) = policy.split_once("'sha256-").expect("a hash");
    let (hash, after) = hash.split_once('\'').unwrap();
    assert_eq!(hash.len(), 44, "{policy}");
    format!("{before}'sha256-…'{after}")
}

/// S93, S94, S96, S97, S98, S99, S104.
#[tokio::test]
async fn answers_of_the_layer_are_uncached_and_send_no_referrer() {
    let app = App::start().await;
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/private").await;
    let denied = app.gateway.deny(&browser.start("/private").await).unwrap();
    let script: &[_] = &[("accept", "application/json")];
    let same_origin: &[_] = &[("sec-fetch-site", "same-origin"), ("accept", "text/html")];
    for sent in [
        navigation("/private"),
        navigation("/telenor/callback"),
        navigation("/telenor/login"),
        navigation("/telenor/logout"),
        navigation("/telenor/session"),
        navigation(&denied),
        request(Method::GET, "/private", script),
        request(Method::POST, "/private", same_origin),
        request(Method::POST, "/telenor/callback", same_origin),
        request(Method::POST, "/telenor/logout", script),
        navigation(&callback),
        navigation("/telenor/logout"),
        request(Method::POST, "/telenor/logout", same_origin),
    ] {
        let what = format!("{} {}", sent.method(), sent.uri());
        let answer = browser.send(sent).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        assert_eq!(
            answer.header("referrer-policy"),
            Some("no-referrer"),
            "{what}"
        );
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{what}"
        );
        let vary = answer.header("vary").expect(&what);
        assert_eq!(
            vary.split(", ").collect::<Vec<_>>(),
            [
                "Cookie",
                "Accept",
                "Accept-Language",
                "Sec-Fetch-Mode",
                "Sec-Fetch-Dest",
                "Sec-Purpose"
            ],
            "{what}"
        );
        for name in answer.headers.keys() {
            assert!(OWN_HEADERS.contains(&name.as_str()), "{what}: {name}");
        }
        if answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
        {
            let policy = answer.header("content-security-policy").expect(&what);
            assert_eq!(
                without_hash(policy),
                "default-src 'none'; style-src 'sha256-…'; base-uri 'none'; form-action 'self'; \
                 frame-ancestors 'none'",
                "{what}"
            );
            assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{what}");
            assert_eq!(
                answer.header("content-type"),
                Some("text/html; charset=utf-8")
            );
            assert!(
                !answer.body.contains("<script") && !answer.body.contains(" style="),
                "{what}"
            );
        }
    }
}

/// S93, S95, S96, S104.
#[tokio::test]
async fn answers_of_handlers_default_to_private() {
    async fn public() -> Response {
        let headers = [
            (header::CACHE_CONTROL, "public, max-age=60"),
            (header::VARY, "Accept-Encoding"),
        ];
        (headers, "style").into_response()
    }
    async fn cookies() -> impl IntoResponse {
        (
            AppendHeaders([(header::SET_COOKIE, "a=1"), (header::SET_COOKIE, "b=2")]),
            "two",
        )
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default())
        .route("/public.css", get(public))
        .route("/cookies", get(cookies))
        .route("/not-modified", get(async || StatusCode::NOT_MODIFIED));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    let private = browser.open("/private/x.css").await;
    assert_eq!(private.header("cache-control"), Some("private, no-store"));
    assert_eq!(private.header("vary"), Some("Cookie"));
    let mut names: Vec<_> = private.headers.keys().map(|name| name.as_str()).collect();
    names.retain(|name| *name != "date");
    names.sort_unstable();
    assert_eq!(
        names,
        ["cache-control", "content-length", "content-type", "vary"],
        "the layer adds no other header"
    );
    let public = browser.open("/public.css").await;
    assert_eq!(public.header("cache-control"), Some("public, max-age=60"));
    let vary: Vec<_> = public.headers.get_all("vary").iter().collect();
    assert_eq!(vary, ["Accept-Encoding", "Cookie"]);
    assert_eq!(browser.open("/cookies").await.set_cookies(), ["a=1", "b=2"]);
    for target in ["/private", "/public.css", "/not-modified"] {
        assert_eq!(
            browser.open(target).await.set_cookies(),
            [""; 0],
            "{target}"
        );
    }
}

/// The same address has another answer for a user.
/// S96.
#[tokio::test]
async fn anonymous_answers_vary_by_cookie() {
    let compressed = [(header::VARY, "Accept-Encoding")];
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default())
        .route("/compressed", get(async move || (compressed, "text")));
    let layer = builder(&gateway).optional(true).build().unwrap();
    let app = App::mounted(router.layer(layer), gateway);
    let mut browser = app.browser();
    for (target, expected) in [
        ("/perhaps", &["Cookie"][..]),
        ("/compressed", &["Accept-Encoding", "Cookie"]),
        ("/nowhere", &["Cookie"]),
    ] {
        let answer = browser.open(target).await;
        let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
        assert_eq!(vary, expected, "{target}");
        assert_eq!(answer.header("cache-control"), None, "{target}");
        assert_eq!(answer.set_cookies(), [""; 0], "{target}");
    }
}

#[tokio::test]
async fn cookies_of_a_handler_survive_next_to_the_layers() {
    async fn ends(user: TelenorUser) -> impl IntoResponse {
        let error: ApiError = user.info().await.unwrap_err();
        (
            AppendHeaders([
                (header::SET_COOKIE, "a=1; Path=/"),
                (header::SET_COOKIE, "b=2; Path=/"),
            ]),
            error,
        )
    }
    let gateway = MockGateway::start().await.unwrap();
    let router = support::routes(&Hits::default()).route("/ends", get(ends));
    let app = App::mounted(router.layer(builder(&gateway).build().unwrap()), gateway);
    let mut browser = app.signed_in().await;
    app.gateway
        .answer_next(Endpoint::UserInfo, Scripted::gateway_error(40106));
    let cookies = browser.open("/ends").await.set_cookies();
    assert_eq!(
        cookies.len(),
        3,
        "two of the handler's, and a new login: {cookies:?}"
    );
    assert!(
        cookies.iter().any(|line| line.starts_with("a=1"))
            && cookies.iter().any(|line| line.starts_with("b=2"))
    );
}

/// A session cookie in a shared cache would be handed to the next visitor.
/// S95.
#[tokio::test]
async fn shared_answers_carry_no_renewed_cookie() {
    let gateway = MockGateway::start().await.unwrap();
    let clock = Clock::manual();
    let store = CookieStore::new(&keys(1));
    let auth = builder(&gateway).clock(clock.clone()).cookie_keys(keys(1));
    let auth = auth.idle_timeout(10 * MINUTE).session_store(store);
    let answer = async |headers: http::HeaderMap| {
        let wanted = |name| headers[name].to_str().unwrap().to_owned();
        let mut answer = http::Response::new(axum::body::Body::empty());
        *answer.status_mut() = wanted("x-status").parse().unwrap();
        let name: http::HeaderName = wanted("x-targeted").parse().unwrap();
        answer
            .headers_mut()
            .insert(name, headers["x-value"].clone());
        if !wanted("x-cache-control").is_empty() {
            let value = headers["x-cache-control"].clone();
            answer.headers_mut().insert("cache-control", value);
        }
        answer
    };
    let router = support::routes(&support::Hits::default()).route("/answer", get(answer));
    let app = App::mounted(router.layer(auth.build().unwrap()), gateway);
    let private = "private, no-store";
    for (status, handler, expected, renewed) in [
        ("200", "", private, true),
        ("404", "", private, true),
        ("200", "no-cache", "no-cache; private, no-store", true),
        (
            "200",
            "max-age=0, must-revalidate",
            "max-age=0, must-revalidate; private, no-store",
            true,
        ),
        ("200", "private, max-age=60", "private, max-age=60", true),
        ("200", "No-Store", "No-Store", true),
        ("200", "public, max-age=60", "public, max-age=60", false),
        ("200", "Public", "Public", false),
        ("200", "private,immutable", "private,immutable", false),
        ("200", "max-age=60", "max-age=60", false),
        ("200", "no-cache,s-maxage=60", "no-cache,s-maxage=60", false),
        ("304", "", private, false),
        ("304", "no-cache", "no-cache", false),
        (
            "200",
            "must-understand, no-store",
            "must-understand, no-store",
            false,
        ),
        ("200 cdn-cache-control", "no-cache", "no-cache", false),
        ("200 cdn-cache-control=no-store", "", private, true),
        ("200 surrogate-control=Private", "", private, true),
        ("200 surrogate-control", "no-cache", "no-cache", false),
    ] {
        let mut browser = app.signed_in().await;
        clock.advance(MINUTE);
        let (status, targeted) = status.split_once(' ').unwrap_or((status, "x-none"));
        let (targeted, value) = targeted.split_once('=').unwrap_or((targeted, "max-age=60"));
        let lines = [
            ("x-status", status),
            ("x-cache-control", handler),
            ("x-targeted", targeted),
            ("x-value", value),
        ];
        let asked = request(Method::GET, "/answer", &lines);
        let answer = browser.send(asked).await;
        let case = format!("{status} {handler} {targeted} {value}");
        assert_eq!(answer.status.as_str(), status, "{case}");
        let said = answer.headers.get_all("cache-control").iter();
        let said: Vec<_> = said.map(|line| line.to_str().unwrap()).collect();
        assert_eq!(said.join("; "), expected, "{case}");
        assert_eq!(!answer.set_cookies().is_empty(), renewed, "{case}");
        let next = browser.open("/whoami").await;
        assert_eq!(
            next.set_cookies().is_empty(),
            renewed,
            "{case}: the next answer does"
        );
    }
}

over_http2! {
    answers_of_the_layer_are_uncached_and_send_no_referrer
    answers_of_handlers_default_to_private
    anonymous_answers_vary_by_cookie
    cookies_of_a_handler_survive_next_to_the_layers
    shared_answers_carry_no_renewed_cookie
}
