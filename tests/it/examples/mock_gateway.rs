//! The mock gateway as a process of its own, with an app in another process.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use axum::body::Body;
use http::{Method, StatusCode, header};
use telenor_auth::TelenorAuthLayer;

use crate::support::{Browser, remote, request, routes};

/// A run, and the lines that it prints at its start.
struct Run {
    child: Child,
    printed: Vec<String>,
}

impl Run {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = command(settings).spawn().expect("the example is built");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut printed: Vec<String> = Vec::new();
        while !printed
            .iter()
            .any(|line| line.starts_with("TELENOR_GATEWAY="))
        {
            let line = lines.next().expect("it prints its address").unwrap();
            printed.push(line);
        }
        Self { child, printed }
    }

    /// The variables to set for the app.
    fn variables(&self) -> Vec<(&str, &str)> {
        let lines = self.printed.iter().map(String::as_str);
        let lines = lines.filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split_once('=').unwrap()).collect()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(settings: &[(&str, &str)]) -> Command {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.ancestors().nth(2).unwrap().into();
    let mut command = Command::new(target.join("examples").join("mock_gateway"));
    command
        .env_clear()
        .env("MOCK_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs `login_with_the_variables_of_this_process` in a process that has only these variables.
fn login_with(variables: &[(&str, &str)]) {
    let name = "examples::mock_gateway::login_with_the_variables_of_this_process";
    let app = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&app.stdout).into_owned();
    let shown = shown + &String::from_utf8_lossy(&app.stderr);
    assert!(
        app.status.success() && shown.contains("1 passed"),
        "{shown}"
    );
}

#[test]
fn from_env_uses_it_with_the_variables_that_it_prints() {
    let run = Run::start(&[]);
    let names: Vec<_> = run.variables().iter().map(|(name, _)| *name).collect();
    let expected = [
        "TELENOR_CLIENT_ID",
        "TELENOR_CLIENT_SECRET",
        "TELENOR_REDIRECT_URI",
        "TELENOR_GATEWAY",
    ];
    assert_eq!(names, expected);
    login_with(&run.variables());
}

#[test]
fn its_settings_reach_the_gateway() {
    let credentials = [
        ("TELENOR_CLIENT_ID", "my-app"),
        ("TELENOR_CLIENT_SECRET", "canary-of-a-secret"),
        (
            "TELENOR_REDIRECT_URI",
            "http://localhost:8085/telenor/callback",
        ),
    ];
    let subscriber = ("MOCK_SUBSCRIBER", "40000001, Solveig, Prøve, s@example.com");
    let run = Run::start(&[&credentials[..], &[subscriber]].concat());
    // Its reader has the secret already, and a terminal is often recorded.
    assert!(!run.printed.concat().contains("canary-of-a-secret"));
    let expected = [("EXPECTED_NAME", "Solveig"), credentials[1]];
    login_with(&[&run.variables()[..], &expected].concat());
}

#[test]
fn other_machines_reach_it_by_a_dangerous_setting_alone() {
    // `0.0.0.0` leads to this machine, and is no loopback address.
    let run = Run::start(&[("MOCK_DANGEROUS_REACHABLE_AS", "0.0.0.0")]);
    let variables = run.variables();
    let allow = ("TELENOR_DANGEROUS_ALLOW_PLAIN_HTTP", "true");
    assert!(variables.contains(&allow), "{variables:?}");
    let gateway = variables.last().unwrap().1;
    assert!(gateway.starts_with("http://0.0.0.0:"), "{gateway}");
    login_with(&variables);

    let mut open = command(&[("MOCK_LISTEN", "0.0.0.0:0")]).spawn().unwrap();
    let mut error = String::new();
    open.stderr
        .take()
        .unwrap()
        .read_to_string(&mut error)
        .unwrap();
    assert!(!open.wait().unwrap().success());
    assert!(error.contains("dangerous_reachable_as"), "{error}");
}

#[test]
fn a_setting_that_would_be_dropped_is_an_error() {
    for (name, value, says) in [
        ("TELENOR_CLIENT_ID", "my-app", "both"),
        ("TELENOR_CLIENT_SECRET", "canary-of-a-secret", "both"),
        ("MOCK_WIFI", "1", "MOCK_WIFI"),
    ] {
        let output = command(&[(name, value)]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{name}");
        assert!(error.contains(says), "{name}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn container_stops_it_at_once() {
    let mut run = Run::start(&[]);
    let pid = run.child.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    assert_eq!(run.child.wait().unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "for processes of the other tests, which set the variables"]
async fn login_with_the_variables_of_this_process() {
    let auth = TelenorAuthLayer::from_env().unwrap().build().unwrap();
    let mut user = Browser {
        router: routes(&Arc::default()).layer(auth),
        jar: Vec::new(),
    };
    let authorization = user.start("/name").await;
    let gateway = std::env::var("TELENOR_GATEWAY").unwrap();
    let mut at_gateway = Browser {
        router: remote(&gateway),
        jar: Vec::new(),
    };
    let recognized = at_gateway.open(&authorization).await.location();
    let recognized = at_gateway.open(&recognized).await.location();
    let consent = post(&mut at_gateway, &recognized, "").await;
    let callback = post(&mut at_gateway, &consent, "answer=allow").await;
    let done = user.open(&callback).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
    let name = std::env::var("EXPECTED_NAME").unwrap_or_else(|_| "Kari".to_owned());
    assert_eq!(user.open("/name").await.body, name);
}

async fn post(browser: &mut Browser, page: &str, form: &str) -> String {
    let form_type = (
        header::CONTENT_TYPE.as_str(),
        "application/x-www-form-urlencoded",
    );
    let mut request = request(Method::POST, page, &[form_type]);
    *request.body_mut() = Body::from(form.to_owned());
    browser.send(request).await.location()
}
