//! The user's browser, opened from here.

use std::process::Stdio;

use tokio::process::Command;

const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Returns whether the system's opener could be started. Its own failures are not seen here.
pub(crate) fn open(address: &str) -> bool {
    Command::new(OPENER)
        .arg(address)
        // A browser does not need it, and would keep it as long as it runs.
        .env_remove("TELENOR_CLIENT_SECRET")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
