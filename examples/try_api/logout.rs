//! The end of the token at the gateway. A failure is shown, and does not change the exit code.

use std::time::Instant;

use telenor_auth::TelenorUser;

use crate::{explain, probe};

pub(crate) async fn log_out(user: &TelenorUser, endpoint: &str) {
    explain::step("logout", format_args!("GET {endpoint} with the token"));
    let started = Instant::now();
    let (status, error) = if endpoint.starts_with('/') {
        match user.get(endpoint).await {
            Ok(answer) => (Some(answer.status()), None),
            Err(error) => (error.status(), Some(error.to_string())),
        }
    } else {
        elsewhere(endpoint, user.access_token().secret()).await
    };
    explain::answered(status, started);
    if let Some(error) = error {
        let error = format_args!("{error}; the token expires by itself");
        explain::step("", error);
    }
}

/// `TelenorUser::get` calls the gateway's host only.
async fn elsewhere(url: &str, token: &str) -> (Option<reqwest::StatusCode>, Option<String>) {
    let answer = async {
        let request = probe::client()?.get(url).bearer_auth(token);
        request.send().await?.error_for_status()
    };
    match answer.await {
        Ok(answer) => (Some(answer.status()), None),
        Err(error) => (error.status(), Some(error.without_url().to_string())),
    }
}
