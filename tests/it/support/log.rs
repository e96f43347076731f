//! Captures the log of all tests at TRACE, and asserts that it contains no secret.

use std::{
    io,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use base64::{Engine, prelude::BASE64_STANDARD};

static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static LISTENING: OnceLock<()> = OnceLock::new();

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        written().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn written() -> MutexGuard<'static, Vec<u8>> {
    WRITTEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the capture at the first call, and returns how much is written so far.
pub fn mark() -> usize {
    LISTENING.get_or_init(|| {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(|| Writer)
            .finish();
        // A test that captures for itself does so on its own thread, beside this one.
        let _ = tracing::subscriber::set_global_default(subscriber);
    });
    written().len()
}

/// What was written since `mark`.
pub fn since(mark: usize) -> String {
    String::from_utf8_lossy(&written()[mark..]).into_owned()
}

/// Asserts that no line since `mark` has one of these: raw, percent-encoded or in base64.
#[track_caller]
pub fn assert_silent(mark: usize, secrets: &[String]) {
    let log = since(mark);
    for secret in secrets.iter().filter(|secret| secret.len() >= 8) {
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let base64 = BASE64_STANDARD.encode(secret);
        for spelling in [secret.as_str(), &encoded, base64.trim_end_matches('=')] {
            let line = log.lines().find(|line| line.contains(spelling));
            assert_eq!(line, None, "{spelling} is logged");
        }
    }
}
