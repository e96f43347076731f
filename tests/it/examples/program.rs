//! An example as a process of its own, and a visitor who clicks through its mock gateway.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use axum::body::Body;
use http::Request;
use telenor_auth::mock::MockGateway;

use crate::support::{Answer, Browser, browser::navigation, remote};

pub const KARI: &str = "91234567";
pub const OLA: &str = "41234567";
pub const KEYS: &str = "5f1d8f0c6f4e1b7a9c3d2e8b7f6a5d4c3b2a190817f6e5d4c3b2a1f0e9d8c7b6";

pub const NOT_BUILT: &str = "`cargo build --workspace --all-features --examples` comes first";

pub struct Program {
    child: Child,
    pub base: String,
    stdout: BufReader<ChildStdout>,
}

/// The settings of an app at this gateway, under an address of its own.
pub fn at(gateway: &MockGateway) -> Vec<(&'static str, String)> {
    vec![
        ("TELENOR_CLIENT_ID", gateway.client_id().to_owned()),
        ("TELENOR_CLIENT_SECRET", gateway.client_secret().to_owned()),
        (
            "TELENOR_REDIRECT_URI",
            "http://127.0.0.1:3000/telenor/callback".to_owned(),
        ),
        ("TELENOR_GATEWAY", gateway.base_url()),
        ("TELENOR_COOKIE_KEYS", KEYS.to_owned()),
    ]
}

impl Program {
    /// Starts an example with these settings and none of the tests' own, and waits until it
    /// listens.
    pub fn start<V: AsRef<str>>(name: &str, settings: &[(&'static str, V)]) -> Self {
        let settings = settings.iter().map(|(name, value)| (name, value.as_ref()));
        let mut command = command(name);
        command.env("LISTEN", "127.0.0.1:0").envs(settings);
        Self::spawn(&mut command, "open http://")
    }

    /// Starts it, and waits for the line that has its address after this text.
    pub fn spawn(command: &mut Command, before: &str) -> Self {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.expect(NOT_BUILT);
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut program = Self {
            child,
            base: String::new(),
            stdout,
        };
        let line = program.line_with(before);
        program.base = format!("http://{}", between(&line, before, "/"));
        program
    }

    /// The next line of its output that has this text.
    pub fn line_with(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.stdout.read_line(&mut line).unwrap(),
                0,
                "no line has {text}"
            );
            if line.contains(text) {
                return line.trim_end().to_owned();
            }
        }
    }

    pub fn visitor(&self) -> Browser {
        Browser {
            router: remote(&self.base),
            jar: Vec::new(),
        }
    }

    /// Asks it to end, as a service manager does.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(kill.unwrap().success());
    }

    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example without an environment, not started yet.
pub fn command(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let target: PathBuf = test.ancestors().nth(2).unwrap().into();
    let mut command = Command::new(target.join("examples").join(name));
    command.env_clear();
    command
}

impl Browser {
    /// Opens a page as a subscriber who agrees on the pages of the app's own mock gateway.
    pub async fn log_in_as(&mut self, number: &str, page: &str) -> Answer {
        let authorization = self.start(page).await;
        let callback = answer_at_gateway(&authorization, number, "allow").await;
        self.open(&callback).await
    }
}

/// Goes through the gateway's pages as this subscriber. Returns the callback.
pub async fn answer_at_gateway(authorization: &str, number: &str, answer: &str) -> String {
    let (base, _) = authorization.split_at(authorization.find("/oauth").unwrap());
    let mut gateway = Browser {
        router: remote(base),
        jar: Vec::new(),
    };
    let mut target = authorization.to_owned();
    loop {
        let mut request = navigation(&target);
        let headers = request.headers_mut();
        headers.insert("x-mock-msisdn", number.parse().unwrap());
        let page = gateway.send(request).await;
        if let Some(next) = page.header("location") {
            next.clone_into(&mut target);
            continue;
        }
        // "Go on" on the first page, and the answer on the second one.
        let form = Request::post(between(&page.body, "action=\"", "\""))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("answer={answer}")));
        target = gateway.send(form.unwrap()).await.location();
        if target.contains("?code=") || target.contains("?error=") {
            return target;
        }
    }
}

/// The text after `before`, up to `after`.
pub fn between(text: &str, before: &str, after: &str) -> String {
    let (_, rest) = text.split_once(before).expect(before);
    rest.split(after).next().unwrap().to_owned()
}
