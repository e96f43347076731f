//! Can a browser be opened from here?

use std::process::Stdio;

use tokio::process::Command;

const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Whether something was started that opens addresses; what it does then is its own affair.
pub(crate) fn open(address: &str) -> bool {
    Command::new(OPENER)
        .arg(address)
        // A browser has no use for it, and would keep it as long as it runs.
        .env_remove("TELENOR_CLIENT_SECRET")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}
