//! No key that a reader could copy is a good one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use telenor_auth::CookieKeys;

use super::root;

/// What looks like a key, and is accepted as one.
fn keys_in(text: &str) -> Vec<&str> {
    // Without the padding, which is also what stands between a variable and its value.
    let is_in_key = |letter: char| letter.is_ascii_alphanumeric() || "+/-_".contains(letter);
    let words = text.split(|letter| !is_in_key(letter));
    words
        .filter(|word| !is_name(word) && CookieKeys::parse(word).is_ok())
        .collect()
}

/// A long name in small letters, such as that of a test, is base64 too.
fn is_name(word: &str) -> bool {
    let is_hex = word.bytes().all(|letter| letter.is_ascii_hexdigit());
    !is_hex && !word.contains(|letter: char| letter.is_ascii_uppercase())
}

fn files(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_file() {
        found.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).unwrap() {
        files(&entry.unwrap().path(), found);
    }
}

/// S70.
#[test]
fn no_key_that_is_shown_is_accepted() {
    let mut shown = Vec::new();
    for place in ["docs", "examples", "src"] {
        files(&root().join(place), &mut shown);
    }
    for entry in fs::read_dir(root()).unwrap() {
        shown.push(entry.unwrap().path());
    }
    for file in shown {
        let is_source = file.starts_with(root().join("src"));
        let extension = file.extension().and_then(|extension| extension.to_str());
        let is_shown = match extension {
            Some("lock") => false,
            Some(extension) => !is_source || extension == "rs",
            None => false,
        };
        // Pictures are no text.
        let Some(text) = is_shown.then(|| fs::read_to_string(&file).ok()).flatten() else {
            continue;
        };
        let documents = |line: &&str| !is_source || line.trim_start().starts_with("//");
        for line in text.lines().filter(documents) {
            assert_eq!(keys_in(line), [""; 0], "{}", file.display());
        }
    }
}

/// S70.
#[test]
fn shown_key_is_found_wherever_it_stands() {
    let raw = digest(&SHA256, b"a key of 32 bytes");
    let base64 = BASE64_STANDARD.encode(raw);
    let base64 = base64.trim_end_matches('=');
    let hex: String = raw
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for key in [base64, &hex] {
        for text in [
            format!("export TELENOR_COOKIE_KEYS={key}="),
            format!("TELENOR_COOKIE_KEYS: \"{key}\""),
            format!("let keys = CookieKeys::parse(\"{key},…\")?;"),
            format!("`{key}`"),
        ] {
            assert_eq!(keys_in(&text), [key], "{text}");
        }
    }
}
