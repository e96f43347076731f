//! The calls to the APIs, and their answers on standard output.

use std::{
    io::{self, Write},
    time::Instant,
};

use serde_json::Value;
use telenor_auth::{ApiError, ApiErrorKind, ApiResponse, MobileNumber, TelenorUser};
use url::{Position, Url};

use crate::{advice, exit::Exit, explain, mask};

pub(crate) const USER_INFO: &str = "/user-info/v1/users";
const DEVICE_INFO: &str = "/mobile-device-info/v1/device";
const LOGOUT: &str = "/oauth/v2/logout";

/// The path that an argument names, checked before the login, which a mistyped one would waste.
pub(crate) fn path(call: String) -> Result<String, lexopt::Error> {
    let unchanged = |path: &str| {
        let url = Url::parse(&format!("https://gateway.example{path}"));
        url.is_ok_and(|url| url[Position::BeforePath..] == *path)
    };
    match call.as_str() {
        "user-info" => Ok(USER_INFO.to_owned()),
        "device-info" => Ok(DEVICE_INFO.to_owned()),
        path if !path.starts_with('/') => Err(format!(
            "{path:?} is neither user-info, device-info nor a path that starts with a slash"
        )
        .into()),
        path if path.starts_with("//") || path.contains('#') || !unchanged(path) => Err(format!(
            "the path {path:?} leads off the gateway or has characters that need percent-encoding"
        )
        .into()),
        _ => Ok(call),
    }
}

/// Calls one path after the other, and prints each answer at once.
///
/// The first failure decides the exit code.
pub(crate) async fn run(user: &TelenorUser, paths: &[String], raw: bool, secret: &str) -> Exit {
    let mut exit = Exit::Success;
    for path in paths {
        let answer = match get(user, path).await {
            Ok(answer) => answer,
            Err(error) => {
                show_error(&error, &[secret, user.access_token().secret()]);
                if exit == Exit::Success {
                    exit = exit_code(&error);
                }
                if error.kind() == ApiErrorKind::Unauthorized {
                    // No other path accepts a token that has ended.
                    break;
                }
                continue;
            }
        };
        if let Err(error) = print(&answer, raw) {
            explain::step("failed", format_args!("standard output: {error}"));
            return Exit::Api;
        }
    }
    exit
}

/// Ends the token at the gateway. A failure is shown, and does not change the exit code.
pub(crate) async fn log_out(user: &TelenorUser) {
    if let Err(error) = get(user, LOGOUT).await {
        let error = format_args!("{error}; the token expires by itself");
        explain::step("", error);
    }
}

async fn get(user: &TelenorUser, path: &str) -> Result<ApiResponse, ApiError> {
    let name = if path == LOGOUT { "logout" } else { "call" };
    let shown = mask::phone_numbers(path);
    explain::step(name, format_args!("GET {shown} with the token"));
    let started = Instant::now();
    let answer = user.get(path).await;
    let took = started.elapsed().as_millis();
    let status = match &answer {
        Ok(answer) => Some(answer.status()),
        Err(error) => error.status(),
    };
    match status {
        Some(status) => explain::step("", format_args!("{status} after {took} ms")),
        None => explain::step("", format_args!("no answer after {took} ms")),
    }
    answer
}

fn show_error(error: &ApiError, secrets: &[&str]) {
    explain::step("failed", error);
    if let Some(description) = error.description() {
        let description = mask::message(description, secrets);
        explain::step("", format_args!("the gateway's description: {description}"));
    }
    if let Some(wait) = error.retry_after() {
        let wait = wait.as_secs();
        explain::step("", format_args!("the gateway asks to wait for {wait} s"));
    }
    explain::advice(advice::for_call(error));
}

fn exit_code(error: &ApiError) -> Exit {
    match (error.kind(), error.status()) {
        (ApiErrorKind::Unavailable, None) => Exit::Unreachable,
        _ => Exit::Api,
    }
}

fn print(answer: &ApiResponse, raw: bool) -> io::Result<()> {
    let body = answer.bytes();
    let mut stdout = io::stdout().lock();
    let json: Option<Value> = serde_json::from_slice(body).ok();
    match (json, raw) {
        (json, true) => {
            show_line(json.as_ref());
            stdout.write_all(body)?;
        }
        (Some(json), false) => {
            show_line(Some(&json));
            serde_json::to_writer_pretty(&mut stdout, &json)?;
            writeln!(stdout)?;
        }
        (None, false) => {
            explain::step("", "the body is not JSON, so it is printed unchanged");
            stdout.write_all(body)?;
            writeln!(stdout)?;
        }
    }
    stdout.flush()
}

/// Shows whose data it is, so that a mix-up is noticed.
fn show_line(json: Option<&Value>) {
    let number = json.and_then(|json| json["mobileNumber"].as_str());
    if let Some(number) = number.and_then(MobileNumber::parse) {
        explain::step("", format_args!("the data of line {number}"));
    }
}
