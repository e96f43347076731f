//! The calls to the APIs, and their answers on standard output.

use std::{
    io::{self, Write},
    time::Instant,
};

use serde_json::Value;
use telenor_auth::{ApiError, ApiErrorKind, MobileNumber, TelenorUser};
use url::{Position, Url};

use crate::{
    advice,
    endpoints::{Endpoint, Endpoints},
    exit::Exit,
    explain, mask,
    options::Options,
};

#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Endpoint(Endpoint),
    /// A path on the gateway.
    Path(String),
}

/// The call that an argument names, checked before the login, which a mistyped one would waste.
pub(crate) fn parse(call: String) -> Result<Call, lexopt::Error> {
    let unchanged = |path: &str| {
        let url = Url::parse(&format!("https://gateway.example{path}"));
        url.is_ok_and(|url| url[Position::BeforePath..] == *path)
    };
    match call.as_str() {
        "user-info" => Ok(Call::Endpoint(Endpoint::UserInfo)),
        "device-info" => Ok(Call::Endpoint(Endpoint::DeviceInfo)),
        path if !path.starts_with('/') => Err(format!(
            "{path:?} is neither user-info, device-info nor a path that starts with a slash"
        )
        .into()),
        path if path.starts_with("//") || path.contains('#') || !unchanged(path) => Err(format!(
            "the path {path:?} leads off the gateway or has characters that need percent-encoding"
        )
        .into()),
        _ => Ok(Call::Path(call)),
    }
}

/// Makes one call after the other, and prints each answer at once.
///
/// The first failure decides the exit code.
pub(crate) async fn run(user: &TelenorUser, options: &Options, secret: &str) -> Exit {
    let mut exit = Exit::Success;
    for call in &options.calls {
        let body = match get(user, call, &options.endpoints).await {
            Ok(body) => body,
            Err(error) => {
                show_error(&error, &[secret, user.access_token().secret()]);
                if exit == Exit::Success {
                    exit = exit_code(&error);
                }
                if error.kind() == ApiErrorKind::Unauthorized {
                    // No other API accepts a token that has ended.
                    break;
                }
                continue;
            }
        };
        if let Err(error) = print(&body, options.raw) {
            explain::step("failed", format_args!("standard output: {error}"));
            return Exit::Api;
        }
    }
    exit
}

/// The body of the answer.
async fn get(user: &TelenorUser, call: &Call, endpoints: &Endpoints) -> Result<Vec<u8>, ApiError> {
    let place = match call {
        Call::Endpoint(endpoint) => endpoints.get(*endpoint),
        Call::Path(path) => path,
    };
    let shown = mask::phone_numbers(place);
    explain::step("call", format_args!("GET {shown} with the token"));
    let started = Instant::now();
    if place.starts_with('/') {
        let answer = user.get(place).await;
        let status = match &answer {
            Ok(answer) => Some(answer.status()),
            Err(error) => error.status(),
        };
        explain::answered(status, started);
        return Ok(answer?.bytes().to_vec());
    }
    // `get` calls the gateway's host only, and these two may call another.
    let json = match call {
        Call::Endpoint(Endpoint::DeviceInfo) => user.device().await.map(|it| it.json().to_owned()),
        _ => user.info().await.map(|it| it.json().to_owned()),
    };
    match &json {
        Ok(_) => explain::step(
            "",
            format_args!("success after {} ms", started.elapsed().as_millis()),
        ),
        Err(error) => explain::answered(error.status(), started),
    }
    json.map(String::into_bytes)
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

fn print(body: &[u8], raw: bool) -> io::Result<()> {
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
