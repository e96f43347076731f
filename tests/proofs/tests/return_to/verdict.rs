//! What a browser does with a `Location`, and what is wrong with it.
//!
//! The browser is Ada, the URL parser of Node.js. It shares nothing with the `url` crate, which the
//! library uses.

use std::collections::BTreeMap;

use ada_url::Url;
use telenor_auth_proofs::support::{app::CALLBACK, browser::ORIGIN};

/// Why a `Location` is not safe to emit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The browser cannot parse it, so the user is left on no page.
    Unreadable,
    /// The browser opens another origin.
    OtherOrigin,
    /// The browser sends a user name, or shows one that looks like a host.
    Credentials,
    /// It holds a control character, a blank, or what is not ASCII.
    Unprintable,
    Backslash,
    /// Without dot segments, its path begins with two slashes. A server on the way that sends the
    /// path alone makes another host of it.
    TwoSlashes,
    /// It leads to a route of the layer, which may start the login again or end the session.
    OwnRoute,
}

const OWN_ROUTES: [&str; 3] = [CALLBACK, "/telenor/login", "/telenor/logout"];

/// Returns what is wrong with a `Location` that answers a request to the callback.
pub fn fault(location: &str) -> Option<Fault> {
    let path = location.strip_prefix(ORIGIN);
    let path = path.filter(|path| path.starts_with('/'));
    fault_of(location).or_else(|| fault_of(path?))
}

fn fault_of(location: &str) -> Option<Fault> {
    let base = format!("{ORIGIN}{CALLBACK}");
    let Ok(opened) = Url::parse(location, Some(&base)) else {
        return Some(Fault::Unreadable);
    };
    let path = opened.pathname();
    if opened.origin() != ORIGIN {
        Some(Fault::OtherOrigin)
    } else if opened.has_credentials() {
        Some(Fault::Credentials)
    } else if !location.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some(Fault::Unprintable)
    } else if location.contains('\\') {
        Some(Fault::Backslash)
    } else if path.starts_with("//") {
        Some(Fault::TwoSlashes)
    } else if OWN_ROUTES.contains(&path) {
        Some(Fault::OwnRoute)
    } else {
        None
    }
}

/// What came of a list of targets.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// How many of them made a login.
    pub tried: usize,
    /// How many led to another page than the app's home.
    pub kept: usize,
    /// Each fault with how often it came, and with the first target and `Location` that has it.
    pub faults: BTreeMap<Fault, (usize, String, String)>,
}

impl Verdicts {
    #[track_caller]
    pub fn assert_none(&self, about: &str) {
        assert!(self.faults.is_empty(), "{about}: {:#?}", self.faults);
    }

    pub fn count(&self, fault: Fault) -> usize {
        self.faults.get(&fault).map_or(0, |(count, ..)| *count)
    }
}

/// Judges a rule: a function from a target to the `Location` at the end of the login, or to `None`
/// where the target makes no request that starts one.
pub async fn judge(targets: &[String], rule: impl AsyncFn(&str) -> Option<String>) -> Verdicts {
    let mut verdicts = Verdicts::default();
    for target in targets {
        let Some(location) = rule(target).await else {
            continue;
        };
        verdicts.tried += 1;
        verdicts.kept += usize::from(location.strip_prefix(ORIGIN).unwrap_or(&location) != "/");
        if let Some(fault) = fault(&location) {
            let first = || (0, target.clone(), location);
            verdicts.faults.entry(fault).or_insert_with(first).0 += 1;
        }
    }
    verdicts
}

#[test]
fn oracle_is_as_lax_as_a_browser() {
    for (location, expected) in [
        ("/", None),
        ("/a?next=//evil.test", None),
        ("https://app.test/a", None),
        ("HTTPS:/a", None),
        ("https://app.test:443/", None),
        // The `url` crate refuses the next two, and a browser does not.
        ("///evil.test", Some(Fault::OtherOrigin)),
        ("https:///evil.test", Some(Fault::OtherOrigin)),
        ("//evil.test", Some(Fault::OtherOrigin)),
        ("//app.test@evil.test", Some(Fault::OtherOrigin)),
        ("http://app.test/", Some(Fault::OtherOrigin)),
        ("https://app.test.evil.test/", Some(Fault::OtherOrigin)),
        ("javascript:alert(1)", Some(Fault::OtherOrigin)),
        ("//app.test@app.test/", Some(Fault::Credentials)),
        ("/\\evil.test", Some(Fault::OtherOrigin)),
        ("/\t/evil.test", Some(Fault::OtherOrigin)),
        ("\u{1}//evil.test", Some(Fault::OtherOrigin)),
        ("/a?\\", Some(Fault::Backslash)),
        ("/a\tb", Some(Fault::Unprintable)),
        ("/å", Some(Fault::Unprintable)),
        ("https://[/", Some(Fault::Unreadable)),
        ("/.//evil.test", Some(Fault::TwoSlashes)),
        ("/a/%2e%2E//evil.test", Some(Fault::TwoSlashes)),
        ("https://app.test//evil.test", Some(Fault::TwoSlashes)),
        ("/x/../telenor/logout", Some(Fault::OwnRoute)),
        ("login", Some(Fault::OwnRoute)),
    ] {
        assert_eq!(fault(location), expected, "{location:?}");
    }
}
