//! The tool as a process of its own, as a user with new credentials runs it.

use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Stdio},
};

use axum::body::Body;
use http::{StatusCode, header};
use serde_json::{Value, json};
use telenor_auth::{
    Endpoints,
    mock::{Answer, Endpoint, MockGateway},
};
use url::Url;

use crate::support::{Browser, navigation, query, remote};

/// A run that waits for a login.
struct Run {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// The explanations so far.
    explained: String,
    browser: Browser,
}

/// A run that has ended.
#[derive(Debug)]
struct Ended {
    exit: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Starts the tool, and waits until it prints the address to open.
    fn start(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        let mut child = command(arguments, settings)
            .spawn()
            .expect("the tool is built along with the tests");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut explained = String::new();
        let base = loop {
            let from = explained.len();
            let read = stderr.read_line(&mut explained).unwrap();
            assert_ne!(read, 0, "no address to open: {explained}");
            if let Some(address) = explained[from..].strip_prefix("open ") {
                break address.trim().trim_end_matches('/').to_owned();
            }
        };
        let browser = Browser {
            router: remote(&base),
            jar: Vec::new(),
        };
        Self {
            child,
            stderr,
            explained,
            browser,
        }
    }

    /// Against this gateway, with the app's registration.
    fn at(gateway: &MockGateway, arguments: &[&str]) -> Self {
        Self::start(arguments, &registration(gateway, &gateway.base_url()))
    }

    /// Logs in, and consents.
    async fn consent(&mut self, gateway: &MockGateway) -> String {
        let callback = self.browser.callback_url(gateway, "/").await;
        let page = self.browser.follow(&callback).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.contains("terminal"), "{}", page.body);
        callback
    }

    fn end(mut self) -> Ended {
        let mut stdout = String::new();
        let mut pipe = self.child.stdout.take().unwrap();
        self.stderr.read_to_string(&mut self.explained).unwrap();
        pipe.read_to_string(&mut stdout).unwrap();
        Ended {
            exit: self.child.wait().unwrap().code(),
            stdout,
            stderr: std::mem::take(&mut self.explained),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run that ends without a login.
fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let output = command(arguments, settings).output().unwrap();
    Ended {
        exit: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn command(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.ancestors().nth(2).unwrap().into();
    let mut command = Command::new(target.join("examples").join("try_api"));
    command
        .env_clear()
        .envs(settings.iter().copied())
        .arg("--no-browser")
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn registration<'r>(gateway: &'r MockGateway, base: &'r str) -> [(&'r str, &'r str); 3] {
    [
        ("TELENOR_CLIENT_ID", gateway.client_id()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret()),
        ("TELENOR_GATEWAY", base),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn run_without_credentials_uses_the_mock() {
    let mut run = Run::start(&[], &[]);
    let authorization = run.browser.start("/").await;
    let mut at_gateway = Browser {
        router: remote(&authorization[..authorization.find("/oauth").unwrap()]),
        jar: Vec::new(),
    };
    at_gateway.follow(&authorization).await;
    let hop = at_gateway.open(&authorization).await.location();
    let page = at_gateway.open(&hop).await.location();
    let consent = form(&mut at_gateway, &page, "").await;
    let callback = form(&mut at_gateway, &consent, "answer=allow").await;
    let done = run.browser.follow(&callback).await;
    assert!(done.body.contains("terminal"), "{}", done.body);

    let ended = run.end();
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(answer["name"]["givenName"], "Kari");
    assert!(ended.stdout.contains("\n  \"name\": {\n"), "it is indented");
    for step in [
        "mock",
        "probe",
        "authorize",
        "callback",
        "exchange",
        "token",
        "call",
        "logout",
    ] {
        assert!(ended.stderr.contains(&format!("\n{step} ")) || ended.stderr.starts_with(step));
    }
    assert!(ended.stderr.contains("200 OK after"), "{}", ended.stderr);
    assert!(ended.stderr.contains("47 ** ** *5 67"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_prints_the_body_byte_for_byte() {
    let gateway = MockGateway::start().await.unwrap();
    let body = "{ \"z\":1,\n\"a\" : 1.50}";
    gateway.answer_next(Endpoint::UserInfo, Answer::json(200, body));
    gateway.answer_next(Endpoint::DeviceInfo, Answer::html(200, "<p>no JSON"));
    let mut run = Run::at(&gateway, &["--raw", "user-info", "device-info"]);
    run.consent(&gateway).await;
    let ended = run.end();
    assert_eq!(ended.stdout, format!("{body}<p>no JSON"));
    assert_eq!(ended.exit, Some(0), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_path_can_be_called_and_the_rest_goes_on_after_a_failure() {
    let gateway = MockGateway::start().await.unwrap();
    let mut run = Run::at(&gateway, &["/sms/tel:4791234567", "device-info"]);
    run.consent(&gateway).await;
    let ended = run.end();
    assert_eq!(ended.exit, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("code 40401"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("91234567"), "{}", ended.stderr);
    let device: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(device["model"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn login_can_go_over_a_start_page() {
    let gateway = MockGateway::start().await.unwrap();
    let origin = "http://start.localhost";
    for (arguments, host, script) in [
        (
            &["--start-script", "https://line.example/line.js"][..],
            None,
            true,
        ),
        (&["--http-start", origin], Some("start.localhost"), false),
    ] {
        let mut run = Run::at(&gateway, arguments);
        let start = run.browser.start("/").await;
        let (_, target) = start.split_once("/telenor/").unwrap();
        let mut nav = navigation(&format!("/telenor/{target}"));
        if let Some(host) = host {
            assert!(start.starts_with(origin), "{start}");
            nav.headers_mut().insert("host", host.parse().unwrap());
        }
        let page = run.browser.send(nav).await;
        assert_eq!(page.body.contains("/line.js\"></script>"), script);
        let (_, go) = page.body.split_once("/telenor/start?go=").unwrap();
        let (token, _) = go.split_once('"').unwrap();
        let go = format!("/telenor/start?go={token}");
        let authorization = run.browser.open(&go).await.location();
        let callback = gateway.allow(&authorization).unwrap();
        run.browser.follow(&callback).await;
        let ended = run.end();
        assert_eq!(ended.exit, Some(0), "{ended:?}");
        for line in ["start page shown", "goes on from it", "probe      GET"] {
            assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
        }
    }
    let ended = run(&["--http-start", "https://start.example"], &[]);
    assert_eq!(ended.exit, Some(2));
    assert!(ended.stderr.contains("--http-start: "), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_is_exit_code_3() {
    let gateway = MockGateway::start().await.unwrap();
    let mut run = Run::at(&gateway, &[]);
    let authorization = run.browser.start("/").await;
    let page = run
        .browser
        .open(&gateway.deny(&authorization).unwrap())
        .await;
    assert_eq!(
        page.status,
        StatusCode::FORBIDDEN,
        "the browser gets its page"
    );
    let ended = run.end();
    assert_eq!(
        (ended.exit, ended.stdout.as_str()),
        (Some(3), ""),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("said no"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_callback_ends_nothing() {
    let gateway = MockGateway::start().await.unwrap();
    let mut run = Run::at(&gateway, &[]);
    let forged =
        "/telenor/callback?error=access_denied&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let page = run.browser.open(forged).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    run.consent(&gateway).await;
    let ended = run.end();
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("still waiting"), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_api_is_exit_code_1_and_comes_with_advice() {
    for (answer, says) in [
        (Answer::gateway_error(40103), "subscribe the app"),
        (Answer::gateway_error(40301), "--scope"),
        (
            Answer::gateway_error(42901).with_header("retry-after", "7"),
            "wait for 7 s",
        ),
        (
            Answer::fault(500, "keymanagement.service.access_token_expired"),
            "run this again",
        ),
    ] {
        let gateway = MockGateway::start().await.unwrap();
        gateway.answer_always(Endpoint::UserInfo, answer.clone());
        let mut run = Run::at(&gateway, &[]);
        run.consent(&gateway).await;
        let ended = run.end();
        assert_eq!(
            (ended.exit, ended.stdout.as_str()),
            (Some(1), ""),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(says), "{answer:?}: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_secret_is_explained_in_full() {
    let gateway = MockGateway::start().await.unwrap();
    let leaky = |token: &str| json!({ "errorCode": 40104, "description": format!("{token} for 47 912 34 567") });
    let mut run = Run::at(&gateway, &["user-info", "device-info"]);
    let gate = gateway.hold(Endpoint::DeviceInfo);
    let callback = run.consent(&gateway).await;
    while gateway.hits(Endpoint::DeviceInfo) == 0 {
        tokio::task::yield_now().await;
    }
    // The gateway echoes the token and a number.
    let request = &gateway.requests(Endpoint::DeviceInfo)[0];
    let token = request.headers()[header::AUTHORIZATION].to_str().unwrap();
    let token = token.strip_prefix("Bearer ").unwrap().to_owned();
    gateway.answer_always(Endpoint::DeviceInfo, Answer::json(401, leaky(&token)));
    drop(gate);

    let ended = run.end();
    assert_eq!(ended.exit, Some(1), "{ended:?}");
    let secrets = [
        query(&callback, "code").unwrap(),
        query(&callback, "state").unwrap(),
        token,
        gateway.client_secret().to_owned(),
        "91234567".to_owned(),
        "912 34 567".to_owned(),
        "Nordmann".to_owned(),
    ];
    for secret in secrets {
        assert!(
            !ended.stderr.contains(&secret),
            "{secret}: {}",
            ended.stderr
        );
    }
    for request in gateway.requests(Endpoint::Authorize) {
        for name in ["state", "code_challenge"] {
            let value = request.query(name).unwrap();
            assert!(!ended.stderr.contains(&value), "{name}: {}", ended.stderr);
        }
    }
    assert!(!ended.stdout.contains(gateway.client_secret()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_ended_unless_it_is_to_be_kept() {
    for (arguments, live) in [(&[][..], 0), (&["--keep"], 1)] {
        let gateway = MockGateway::start().await.unwrap();
        let mut run = Run::at(&gateway, arguments);
        run.consent(&gateway).await;
        assert_eq!(run.end().exit, Some(0));
        assert_eq!(gateway.live_tokens(), live, "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_reach_the_requests() {
    let gateway = MockGateway::start().await.unwrap();
    let base = gateway.base_url();
    let port = free_port();
    let uri = format!("http://localhost:{port}/app/back");
    let arguments = ["--redirect-uri", &uri, "--scope", "a-v1 b-v1", "--no-pkce"];
    let mut run = Run::start(&arguments, &registration(&gateway, &base));
    run.consent(&gateway).await;
    assert_eq!(run.end().exit, Some(0));
    let asked = gateway.requests(Endpoint::Authorize).pop().unwrap();
    assert_eq!(asked.query("redirect_uri").as_deref(), Some(&*uri));
    assert_eq!(asked.query("scope").as_deref(), Some("a-v1 b-v1"));
    assert_eq!(asked.query("code_challenge"), None);

    let registered = MockGateway::builder()
        .redirect_uri(&uri)
        .start()
        .await
        .unwrap();
    let mut run = Run::at(
        &registered,
        &["--redirect-uri", &uri, "--omit-redirect-uri"],
    );
    run.consent(&registered).await;
    assert_eq!(run.end().exit, Some(0));
    let asked = registered.requests(Endpoint::Authorize).pop().unwrap();
    assert_eq!(asked.query("redirect_uri"), None);
}

/// The mock is reached by two names, so that requests show which host they were meant for.
#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_can_be_elsewhere_and_the_explanation_says_where() {
    let moved = Endpoints::new()
        .with_authorization("/login/authorize")
        .with_token("/login/token")
        .with_logout("/login/end")
        .with_user_info("/users/v2/me")
        .with_device_info("/devices/v2/mine");
    for on_another_host in [false, true] {
        let gateway = MockGateway::builder().endpoints(moved.clone()).start();
        let gateway = gateway.await.unwrap();
        let base = gateway.base_url();
        let other = base.replace("127.0.0.1", "localhost");
        let (at, host) = match on_another_host {
            true => (other.as_str(), other.as_str()),
            false => ("", base.as_str()),
        };
        let place = |path: &str| format!("{at}{path}");
        let variables = [
            ("TELENOR_AUTHORIZATION_ENDPOINT", place("/login/authorize")),
            ("TELENOR_TOKEN_ENDPOINT", place("/login/token")),
            ("TELENOR_LOGOUT_ENDPOINT", place("/login/end")),
            (
                "TELENOR_USER_INFO_ENDPOINT",
                "/an/option/goes/first".to_owned(),
            ),
        ];
        let mut settings = registration(&gateway, &base).to_vec();
        settings.extend(
            variables
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        );
        let (user_info, device_info) = (place("/users/v2/me"), place("/devices/v2/mine"));
        let arguments = [
            "--user-info-endpoint",
            &user_info,
            "--device-info-endpoint",
            &device_info,
            "user-info",
            "device-info",
        ];
        let mut run = Run::start(&arguments, &settings);
        let callback = run.browser.callback_url(&gateway, "/").await;
        run.browser.follow(&callback).await;
        let ended = run.end();
        assert_eq!(ended.exit, Some(0), "{ended:?}");
        assert!(ended.stdout.contains("givenName") && ended.stdout.contains("model"));
        let (_, host) = host.split_once("//").unwrap();
        for (endpoint, line) in [
            (
                Endpoint::Token,
                format!("exchange   POST {at}/login/token as"),
            ),
            (
                Endpoint::Logout,
                format!("logout     GET {at}/login/end with"),
            ),
            (
                Endpoint::UserInfo,
                format!("call       GET {at}/users/v2/me with"),
            ),
            (
                Endpoint::DeviceInfo,
                format!("call       GET {at}/devices/v2/mine with"),
            ),
            (
                Endpoint::Authorize,
                format!("probe      GET {at}/login/authorize: accepted"),
            ),
        ] {
            assert!(ended.stderr.contains(&line), "{line}: {}", ended.stderr);
            let requests = gateway.requests(endpoint);
            assert_eq!(requests[0].headers()["host"], host, "{endpoint:?}");
        }
        assert_eq!(gateway.live_tokens(), 0, "the token has ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_on_another_host_that_refuses_is_exit_code_1() {
    let gateway = MockGateway::start().await.unwrap();
    gateway.answer_always(Endpoint::UserInfo, Answer::gateway_error(40103));
    gateway.answer_always(Endpoint::Logout, Answer::json(500, "{}"));
    let other = gateway.base_url().replace("127.0.0.1", "localhost");
    let (api, logout) = (
        format!("{other}/user-info/v1/users"),
        format!("{other}/oauth/v2/logout"),
    );
    let arguments = ["--user-info-endpoint", &api, "--logout-endpoint", &logout];
    let mut run = Run::at(&gateway, &arguments);
    run.consent(&gateway).await;
    let ended = run.end();
    assert_eq!(
        (ended.exit, ended.stdout.as_str()),
        (Some(1), ""),
        "{ended:?}"
    );
    for says in ["subscribe the app", "500 Internal", "expires by itself"] {
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_registration_is_found_before_a_browser_opens() {
    let gateway = MockGateway::builder().redirect_uri("https://shop.example/telenor/callback");
    let gateway = gateway.start().await.unwrap();
    let base = gateway.base_url();
    let settings = registration(&gateway, &base);
    for (arguments, says) in [
        (&[][..], "the registered one with --redirect-uri"),
        (&["--client-id", "unknown"], "does not know the client id"),
    ] {
        let ended = run(arguments, &settings);
        assert_eq!(ended.exit, Some(3), "{ended:?}");
        assert!(ended.stderr.contains(says), "{says}: {}", ended.stderr);
        assert!(!ended.stderr.contains("\nopen "), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_found_at_the_token_endpoint() {
    let gateway = MockGateway::start().await.unwrap();
    let base = gateway.base_url();
    let mut settings = registration(&gateway, &base);
    settings[1].1 = "canary-secret";
    let mut run = Run::start(&[], &settings);
    let callback = run.browser.callback_url(&gateway, "/").await;
    run.browser.open(&callback).await;
    let ended = run.end();
    assert_eq!(ended.exit, Some(3), "{ended:?}");
    assert!(
        ended.stderr.contains("Client id or client secret is wrong"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("canary-secret"), "{}", ended.stderr);
}

#[test]
fn missing_login_is_exit_code_4() {
    let ended = run(&["--timeout", "1"], &[]);
    assert_eq!(
        (ended.exit, ended.stdout.as_str()),
        (Some(4), ""),
        "{ended:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_gateway_is_exit_code_5() {
    let gateway = format!("http://127.0.0.1:{}", free_port());
    let settings = [
        ("TELENOR_CLIENT_ID", "id"),
        ("TELENOR_CLIENT_SECRET", "canary-secret"),
    ];
    let ended = run(&["--gateway", &gateway], &settings);
    assert_eq!(ended.exit, Some(5), "{ended:?}");
    assert!(ended.stderr.contains("check --gateway"), "{}", ended.stderr);

    let gateway = MockGateway::start().await.unwrap();
    gateway.answer_always(Endpoint::UserInfo, Answer::Reset);
    let mut run = Run::at(&gateway, &[]);
    run.consent(&gateway).await;
    assert_eq!(run.end().exit, Some(5), "lost on the way to the API");
}

#[test]
fn wrong_usage_is_exit_code_2_and_names_the_option() {
    let real = [
        ("TELENOR_CLIENT_ID", "id"),
        ("TELENOR_CLIENT_SECRET", "canary-secret"),
    ];
    for (arguments, settings, says) in [
        (&["--nonsense"][..], &[][..], "--nonsense"),
        (
            &["--client-secret", "canary-secret"],
            &[],
            "TELENOR_CLIENT_SECRET",
        ),
        (&["--client-id", "id"], &[], "TELENOR_CLIENT_SECRET"),
        (
            &["--gateway", "http://gateway.example"],
            &real,
            "--gateway: ",
        ),
        (
            &["--redirect-uri", "http://127.0.0.1:1/login"],
            &real,
            "--redirect-uri",
        ),
        (&["--scope", "a\"b"], &real, "--scope: "),
        (
            &["--token-endpoint", "http://elsewhere.example/token"],
            &real,
            "--token-endpoint or TELENOR_TOKEN_ENDPOINT: the token endpoint is plain http: set a \
             path on the gateway",
        ),
        (
            &["--user-info-endpoint", "users"],
            &real,
            "--user-info-endpoint or TELENOR_USER_INFO_ENDPOINT: the user info endpoint",
        ),
        (
            &[],
            &[("TELENOR_LOGOUT_ENDPOINT", "/login/end")],
            "--logout-endpoint needs --client-id",
        ),
        (&["nowhere"], &[], "nowhere"),
    ] {
        let ended = run(arguments, settings);
        assert_eq!(
            (ended.exit, ended.stdout.as_str()),
            (Some(2), ""),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains(says),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains("--help"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("canary-secret"), "{}", ended.stderr);
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let help = run(&["--help"], &[]);
    assert_eq!((help.exit, help.stderr.as_str()), (Some(0), ""));
    assert!(help.stdout.contains("Exit codes:"));
    let version = run(&["--version"], &[]);
    assert!(
        version.stdout.contains(env!("CARGO_PKG_VERSION")),
        "{version:?}"
    );
}

/// Submits a form of the mock, and returns where it leads.
async fn form(browser: &mut Browser, target: &str, fields: &str) -> String {
    let path = Url::parse(target).map_or(target.to_owned(), |url| url.path().to_owned());
    let request = http::Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(fields.to_owned()));
    browser.send(request.unwrap()).await.location()
}

/// No process listens on it, and the system does not assign it again soon.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
