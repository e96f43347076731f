//! The app that each subject guards.

use std::hint::black_box;

/// As long as those of Telenor's gateway.
pub const ACCESS_TOKEN: &str = "aGdhc2RmZ2hqa2xxd2VydHl1aW9wYXNkZmdoag==";
pub const SCOPE: &str = "api:mobile-user-info-v1";
pub const LIFETIME: u64 = 3_600;

/// The origin of the app, and the path that the gateway sends the browser back to.
pub const ORIGIN: &str = "https://app.test";
pub const CALLBACK: &str = "https://app.test/telenor/callback";

pub const CLIENT_ID: &str = "client";
pub const CLIENT_SECRET: &str = "secret";

/// What `/user` answers to a user whose token it read.
pub const SIGNED_IN: &str = "a user whose token has 40 characters";

/// Answers `/plain`.
pub async fn plain() -> &'static str {
    "plain"
}

/// Answers `/user`. Only the right token gets [`SIGNED_IN`], so each figure is of a request that
/// was really signed in.
#[must_use]
pub fn user(access_token: &str) -> &'static str {
    match black_box(access_token).len() {
        40 => SIGNED_IN,
        _ => "a token of another length",
    }
}
