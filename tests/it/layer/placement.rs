//! The places of the layer in an app.

use axum::{
    Extension, Json, Router,
    routing::{get, post},
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use telenor_auth::{RouterExt, TelenorAuthLayer, TelenorUser, mock::MockGateway};
use tower::Layer;

use crate::support::{self, App, Hits, ORIGIN, builder, capture::capture, request};

/// Logs in to this app, from the first page to a guarded one.
async fn login_works(router: Router, gateway: MockGateway, target: &str) -> App {
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, target).await;
    let page = browser.follow(&callback).await;
    assert_eq!(page.status, StatusCode::OK, "{target}: {}", page.body);
    app
}

async fn user(_: TelenorUser) -> &'static str {
    "user"
}

fn guarded() -> Router {
    Router::new().route("/guarded", get(user))
}

fn nested(gateway: &MockGateway) -> telenor_auth::TelenorAuthBuilder {
    let redirect_uri = format!("{ORIGIN}/app/telenor/callback");
    TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), redirect_uri)
        .gateway(gateway.base_url())
}

async fn gateway() -> MockGateway {
    MockGateway::start().await.unwrap()
}

#[tokio::test]
async fn layer_as_the_last_call_works() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = login_works(guarded().layer(auth), gateway, "/guarded").await;
    assert_eq!(
        app.browser().open("/nowhere").await.status,
        StatusCode::SEE_OTHER,
        "unknown paths are guarded too"
    );
}

#[tokio::test]
async fn layer_after_a_fallback_works() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded().fallback(async || "fallback").layer(auth);
    login_works(router, gateway, "/guarded").await;
}

/// S119.
#[tokio::test]
async fn layer_before_a_fallback_never_sees_its_callback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = App::mounted(
        guarded()
            .layer(auth)
            .fallback(async || StatusCode::NOT_FOUND),
        gateway,
    );
    let mut browser = app.browser();
    let callback = browser.callback_url(&app.gateway, "/guarded").await;
    assert_eq!(browser.open(&callback).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        browser.open("/guarded").await.status,
        StatusCode::SEE_OTHER,
        "the route stays guarded"
    );
}

/// S119.
#[tokio::test]
async fn third_login_without_a_callback_is_reported_once() {
    let (log, _guard) = capture();
    let app = App::start().await;
    for reported in [0, 0, 1, 1] {
        app.browser().start("/private").await;
        let lines = log.lines("WARN", &["no callback has arrived", "logins=3"]);
        assert_eq!(lines.len(), reported, "{}", log.text());
    }
}

/// S119.
#[tokio::test]
async fn bare_route_layer_never_sees_its_callback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    for router in [
        guarded().route_layer(auth.clone()),
        Router::new().route("/guarded", get(user).layer(auth.clone())),
        Router::new()
            .merge(guarded().layer(auth))
            .fallback(async || StatusCode::NOT_FOUND),
    ] {
        let mut browser = support::Browser {
            router,
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/guarded").await;
        assert_eq!(browser.open(&callback).await.status, StatusCode::NOT_FOUND);
        assert_eq!(browser.open("/guarded").await.status, StatusCode::SEE_OTHER);
    }
}

/// S119.
#[tokio::test]
async fn routes_added_after_the_layer_have_no_user() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let app = App::mounted(
        Router::new().layer(auth).route("/guarded", get(user)),
        gateway,
    );
    assert_eq!(
        app.browser().open("/guarded").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn layer_around_the_router_works_with_public_routes_outside() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .fallback_service(auth.layer(guarded()));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/public").await.body, "public");
}

#[tokio::test]
async fn layer_around_a_nested_service_works() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let router = Router::new().nest_service("/app", auth.layer(guarded()));
    login_works(router, gateway, "/app/guarded?a=1").await;
}

#[tokio::test]
async fn layer_nested_with_a_fallback_of_its_own_works() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let inner = guarded()
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(auth);
    login_works(Router::new().nest("/app", inner), gateway, "/app/guarded").await;
}

/// S119.
#[tokio::test]
async fn nested_layer_with_its_callback_outside_is_reported_once() {
    let gateway = gateway().await;
    let mount: [fn(TelenorAuthLayer) -> Router; 3] = [
        |auth| Router::new().nest("/app", guarded().layer(auth)),
        |auth| Router::new().nest_service("/app", auth.layer(guarded())),
        |auth| Router::new().nest("/app", guarded().telenor_auth(auth)),
    ];
    for mount in mount {
        let (log, _guard) = capture();
        let mut browser = support::Browser {
            router: mount(builder(&gateway).build().unwrap()),
            jar: Vec::new(),
        };
        for _ in 0..2 {
            let answer = browser.open("/app/guarded").await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "and still guarded");
        }
        let lines = log.lines("WARN", &["/app"]);
        assert_eq!(lines.len(), 1, "{lines:?}");
    }
}

#[tokio::test]
async fn clone_of_the_layer_may_be_where_no_callback_arrives() {
    let gateway = gateway().await;
    let api = || Router::new().route("/user", get(user));
    let outer = |auth: &TelenorAuthLayer| guarded().telenor_auth(auth.clone());
    // The layer knows of its own routes only where it has added them to a router.
    let mounts: [(&dyn Fn(TelenorAuthLayer) -> Router, usize); 4] = [
        (&|auth| outer(&auth).nest("/api", api().layer(auth)), 0),
        (
            &|auth| outer(&auth).nest("/api", api().telenor_auth(auth)),
            1,
        ),
        (
            &|auth| outer(&auth).nest_service("/api", auth.layer(api())),
            0,
        ),
        (
            &|auth| {
                let around = guarded().fallback(async || "none").layer(auth.clone());
                Router::new().nest("/api", api().layer(auth)).merge(around)
            },
            1,
        ),
    ];
    let mut gateway = gateway;
    for (mount, warnings) in mounts {
        let (log, _guard) = capture();
        let router = mount(builder(&gateway).build().unwrap());
        let app = login_works(router, gateway, "/api/user").await;
        assert_eq!(log.lines("ERROR", &[]), [""; 0]);
        assert_eq!(log.lines("WARN", &["/api"]).len(), warnings);
        gateway = app.gateway;
    }
}

#[tokio::test]
async fn layer_works_in_a_router_that_is_merged_into_a_public_one() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let public = Router::new().route("/public", get(async || "public"));
    let router = public.merge(guarded().layer(auth));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/public").await.body, "public");
}

#[tokio::test]
async fn groups_of_routes_with_clones_of_one_layer_can_be_merged() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let group = |path| {
        Router::new()
            .route(path, get(user))
            .telenor_auth(auth.clone())
    };
    let (first, second) = (group("/first"), group("/second"));
    let both = first.clone().merge(second.clone()).merge(group("/third"));
    let app = login_works(both.clone(), gateway, "/first").await;
    let app = login_works(both, app.gateway, "/third").await;
    let app = login_works(first, app.gateway, "/first").await;
    login_works(second, app.gateway, "/second").await;
}

#[tokio::test]
#[should_panic = "Overlapping method route"]
async fn route_of_the_app_at_an_own_path_of_the_layer_panics() {
    let auth = builder(&gateway().await).build().unwrap();
    let app: Router = Router::new().route("/telenor/login", get(async || "mine"));
    let _ = app.telenor_auth(auth);
}

#[tokio::test]
async fn registered_callback_works_with_any_layer_and_a_later_fallback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let own = || guarded().route("/telenor/callback", get(async || StatusCode::NOT_FOUND));
    let app = login_works(
        own().layer(auth.clone()).fallback(async || "late"),
        gateway,
        "/guarded",
    )
    .await;
    login_works(
        own().route_layer(auth).fallback(async || "late"),
        app.gateway,
        "/guarded",
    )
    .await;
}

/// S119.
#[tokio::test]
async fn extension_guards_routes_and_leaves_unknown_paths_alone() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded()
        .telenor_auth(auth)
        .route("/public", get(async || "public"));
    let app = login_works(router, gateway, "/guarded").await;
    let mut browser = app.browser();
    assert_eq!(browser.open("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.open("/public").await.body, "public");
    for own in ["/telenor/login", "/telenor/session", "/telenor/logout"] {
        assert_ne!(
            browser.open(own).await.status,
            StatusCode::NOT_FOUND,
            "{own}"
        );
    }
}

#[tokio::test]
async fn extension_works_with_a_later_fallback() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = guarded()
        .telenor_auth(auth)
        .fallback(async || (StatusCode::NOT_FOUND, "mine"));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/nowhere").await.body, "mine");
}

#[tokio::test]
async fn extension_works_on_a_router_that_is_merged() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .fallback(async || (StatusCode::NOT_FOUND, "outer"))
        .merge(guarded().telenor_auth(auth));
    let app = login_works(router, gateway, "/guarded").await;
    assert_eq!(app.browser().open("/public").await.body, "public");
    assert_eq!(app.browser().open("/nowhere").await.body, "outer");
}

#[tokio::test]
async fn extension_works_on_a_router_that_is_nested() {
    let gateway = gateway().await;
    let auth = nested(&gateway).nested_at("/app").build().unwrap();
    let router = Router::new()
        .route("/public", get(async || "public"))
        .nest("/app", guarded().telenor_auth(auth));
    let app = login_works(router, gateway, "/app/guarded?a=1").await;
    assert_eq!(
        app.browser().open("/app/nowhere").await.status,
        StatusCode::NOT_FOUND
    );
}

/// S119.
#[tokio::test]
async fn nested_extension_without_its_prefix_is_reported() {
    let gateway = gateway().await;
    let auth = nested(&gateway).build().unwrap();
    let app = App::mounted(
        Router::new().nest("/app", guarded().telenor_auth(auth)),
        gateway,
    );
    let (log, _guard) = capture();
    let answer = app.browser().open("/app/guarded").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(
        log.lines("WARN", &["nested_at(\"/app\")"]).len(),
        1,
        "{}",
        log.text()
    );
}

/// S119.
#[tokio::test]
async fn user_in_a_nested_handler_returns_to_the_whole_path() {
    let gateway = gateway().await;
    let auth = builder(&gateway).optional(true).build().unwrap();
    let router = Router::new().nest("/shop", guarded()).layer(auth);
    let app = App::mounted(router, gateway);
    let mut browser = app.browser();
    let callback = browser
        .callback_url(&app.gateway, "/shop/guarded?a=1")
        .await;
    assert_eq!(
        browser.open(&callback).await.location(),
        format!("{ORIGIN}/shop/guarded?a=1")
    );
}

#[tokio::test]
async fn inner_service_may_have_another_body_type() {
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let inner = tower::service_fn(async |_: http::Request<axum::body::Body>| {
        Ok::<_, std::convert::Infallible>(http::Response::new("a body of another type".to_owned()))
    });
    let app = Router::new().fallback_service(auth.layer(inner));
    login_works(app, gateway, "/anything").await;
}

#[tokio::test]
async fn bodies_and_extensions_reach_the_handler_untouched() {
    async fn echo(
        _: TelenorUser,
        Extension(number): Extension<u8>,
        Json(body): Json<Vec<u8>>,
    ) -> String {
        format!("{number} {body:?}")
    }
    let gateway = gateway().await;
    let auth = builder(&gateway).build().unwrap();
    let router = support::routes(&Hits::default())
        .route("/echo", post(echo))
        .layer(auth)
        .layer(Extension(7_u8));
    let app = App::mounted(router, gateway);
    let mut browser = app.signed_in().await;
    let mut sent = request(
        Method::POST,
        "/echo",
        &[("content-type", "application/json")],
    );
    *sent.body_mut() = "[1,2]".into();
    sent.headers_mut().insert(
        HeaderName::from_static("x-mine"),
        HeaderValue::from_static("1"),
    );
    assert_eq!(browser.send(sent).await.body, "7 [1, 2]");
}

over_http2! {
    layer_as_the_last_call_works
    layer_after_a_fallback_works
    layer_before_a_fallback_never_sees_its_callback
    third_login_without_a_callback_is_reported_once
    bare_route_layer_never_sees_its_callback
    routes_added_after_the_layer_have_no_user
    layer_around_the_router_works_with_public_routes_outside
    layer_around_a_nested_service_works
    layer_nested_with_a_fallback_of_its_own_works
    nested_layer_with_its_callback_outside_is_reported_once
    layer_works_in_a_router_that_is_merged_into_a_public_one
    groups_of_routes_with_clones_of_one_layer_can_be_merged
    registered_callback_works_with_any_layer_and_a_later_fallback
    extension_guards_routes_and_leaves_unknown_paths_alone
    extension_works_with_a_later_fallback
    extension_works_on_a_router_that_is_merged
    extension_works_on_a_router_that_is_nested
    nested_extension_without_its_prefix_is_reported
    user_in_a_nested_handler_returns_to_the_whole_path
    inner_service_may_have_another_body_type
    bodies_and_extensions_reach_the_handler_untouched
}
