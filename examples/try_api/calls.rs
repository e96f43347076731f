//! What do the APIs answer?

use std::{
    io::{self, Write},
    time::Instant,
};

use serde_json::Value;
use telenor_auth::{ApiError, ApiErrorKind, ApiResponse, MobileNumber, TelenorUser};

use crate::{advice, exit::Exit, explain, mask};

const LOGOUT: &str = "/oauth/v2/logout";

/// Calls one after the other, and prints each answer at once. The first failure decides how it ends.
pub(crate) async fn all(user: &TelenorUser, paths: &[String], raw: bool, secret: &str) -> Exit {
    let mut exit = Exit::Fine;
    for path in paths {
        let answer = match get(user, path).await {
            Ok(answer) => answer,
            Err(error) => {
                refused(&error, &[secret, user.access_token().secret()]);
                if exit == Exit::Fine {
                    exit = exit_of(&error);
                }
                if error.kind() == ApiErrorKind::Unauthorized {
                    // The token will be as dead for the next path.
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

/// Ends the token at the gateway. A failure is told, and is no reason to call the run a failure.
pub(crate) async fn log_out(user: &TelenorUser) {
    if let Err(error) = get(user, LOGOUT).await {
        let error = format_args!("{error}; the token ends by itself in time");
        explain::step("", error);
    }
}

async fn get(user: &TelenorUser, path: &str) -> Result<ApiResponse, ApiError> {
    let name = if path == LOGOUT { "logout" } else { "call" };
    let shown = mask::numbers(path);
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

fn refused(error: &ApiError, secrets: &[&str]) {
    explain::step("failed", error);
    if let Some(said) = error.description() {
        let said = mask::words(said, secrets);
        explain::step("", format_args!("in the gateway's words: {said}"));
    }
    if let Some(wait) = error.retry_after() {
        let wait = wait.as_secs();
        explain::step("", format_args!("the gateway asks to wait for {wait} s"));
    }
    explain::advice(advice::for_call(error));
}

fn exit_of(error: &ApiError) -> Exit {
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
            tell_line(json.as_ref());
            stdout.write_all(body)?;
        }
        (Some(json), false) => {
            tell_line(Some(&json));
            serde_json::to_writer_pretty(&mut stdout, &json)?;
            writeln!(stdout)?;
        }
        (None, false) => {
            explain::step("", "the body is no JSON, so it is printed as it came");
            stdout.write_all(body)?;
            writeln!(stdout)?;
        }
    }
    stdout.flush()
}

/// Whose data it is, so that a mix-up is noticed.
fn tell_line(json: Option<&Value>) {
    let number = json.and_then(|json| json["mobileNumber"].as_str());
    if let Some(number) = number.and_then(MobileNumber::parse) {
        explain::step("", format_args!("the data of line {number}"));
    }
}
