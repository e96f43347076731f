//! Rules that other login layers had, and lost users by. Each lets a trick through.

use telenor_auth_proofs::support::browser::ORIGIN;
use url::{Position, Url};

use super::{
    tricks::all_forms,
    verdict::{Fault, judge},
};

/// From a target to the `Location`.
type Rule = fn(&str) -> String;

const HOME: &str = "/";

/// Each with the fault that it must be caught by.
pub const RULES: [(&str, Rule, Fault); 6] = [
    ("a slash at the start", one_slash, Fault::OtherOrigin),
    (
        "one slash, and not two",
        not_two_slashes,
        Fault::OtherOrigin,
    ),
    ("slashes collapsed", collapsed, Fault::OtherOrigin),
    (
        "no other origin by a parser",
        not_foreign,
        Fault::OtherOrigin,
    ),
    ("the path of a parser", parsed_path, Fault::OtherOrigin),
    (
        "the own origin by a parser",
        parsed_and_raw,
        Fault::Unprintable,
    ),
];

fn one_slash(target: &str) -> String {
    let is_good = target.starts_with('/');
    if is_good { target } else { HOME }.to_owned()
}

fn not_two_slashes(target: &str) -> String {
    let is_good = target.starts_with('/') && !target.starts_with("//");
    if is_good { target } else { HOME }.to_owned()
}

/// The first fix of express-openid-connect (GHSA-7p99-3798-f85c).
fn collapsed(target: &str) -> String {
    format!("/{}", target.trim_start_matches('/'))
}

fn parse(target: &str) -> Result<Url, url::ParseError> {
    Url::parse(ORIGIN).unwrap().join(target)
}

fn is_own(url: &Url) -> bool {
    url.origin().ascii_serialization() == ORIGIN
}

/// What cannot be parsed counts as relative here.
fn not_foreign(target: &str) -> String {
    let is_good = parse(target).map_or(true, |url| is_own(&url));
    if is_good { target } else { HOME }.to_owned()
}

/// Checks what was parsed, and emits a path that was never checked.
fn parsed_path(target: &str) -> String {
    let url = parse(target).ok().filter(is_own);
    url.map_or(HOME.to_owned(), |url| {
        url[Position::BeforePath..].to_owned()
    })
}

/// Checks what was parsed, and emits what was not.
fn parsed_and_raw(target: &str) -> String {
    let is_good = parse(target).is_ok_and(|url| is_own(&url));
    if is_good { target } else { HOME }.to_owned()
}

/// The tests of the layer would notice each of these rules.
#[tokio::test]
async fn naive_rules_fail_on_the_tricks() {
    for (name, rule, fault) in RULES {
        let verdicts = judge(&all_forms(), async |target| Some(rule(target))).await;
        println!("{name}: {}", verdicts.count(fault));
        assert!(verdicts.count(fault) > 0, "{name}: {verdicts:#?}");
    }
}
