//! The cookies of logins in progress, over many logins of one browser.

use std::sync::Arc;

use http::{HeaderValue, Request, header};
use url::Url;

use super::app::{ORIGIN, keys};
use crate::{
    app_value::AppValue,
    browser::{
        cookie::{CookieNames, CookiePrefix},
        pending_login::{NewLogin, Pending, PendingLogins},
        request::RequestInfo,
        return_to::ReturnTo,
    },
    clock::MAX_SKEW,
    key::Purpose,
    oauth::{State, Verifier},
};

const LIFETIME: u64 = 600;
const MAX_LOGINS: usize = 5;
const MAX_BYTES: usize = 3800;
/// What another host plants must not be more than the layer looks at.
const MAX_PLANTED: usize = 8;
const MAX_STEPS: usize = 40;
const MAX_NOTE: usize = 512;

/// A new login can always be finished, and its target and note are those that it began with. A
/// browser holds five logins at most, in 3800 bytes, and none of them twice in a response, with any
/// cookies that other hosts planted beside them.
///
/// Each line of the input is a step: `begin /path`, `note text`, `wait seconds`, `back seconds`,
/// `line cookies` (planted by another host), `twin value` (beside a login), `first` (they are sent
/// first).
pub fn pending_sweep(data: &[u8]) {
    let mut browser = Browser::new();
    for step in data.split(|byte| *byte == b'\n').take(MAX_STEPS) {
        let end = step.iter().position(|byte| *byte == b' ');
        let (step, rest) = step.split_at(end.unwrap_or(step.len()));
        browser.step(step, rest.trim_ascii());
    }
}

struct Browser {
    names: Arc<CookieNames>,
    logins: PendingLogins,
    origin: Url,
    now: u64,
    /// What the layer set.
    jar: Vec<(String, String)>,
    planted: Vec<HeaderValue>,
    planted_first: bool,
    note: Option<AppValue>,
    begun: Vec<Begun>,
}

/// A login, as it began.
struct Begun {
    state: State,
    return_to: String,
    verifier: String,
    note: Option<AppValue>,
    at: u64,
}

impl Browser {
    fn new() -> Self {
        let names = CookieNames::new("telenor", true, CookiePrefix::Host);
        let names = Arc::new(names.expect("a valid name"));
        let sealer = keys().sealer(Purpose::PendingLogin, b"shop");
        Self {
            logins: PendingLogins::new(Arc::clone(&names), sealer, LIFETIME),
            names,
            origin: Url::parse(ORIGIN).expect("an origin"),
            now: 1_800_000_000,
            jar: Vec::new(),
            planted: Vec::new(),
            planted_first: false,
            note: None,
            begun: Vec::new(),
        }
    }

    fn step(&mut self, step: &[u8], rest: &[u8]) {
        let text = str::from_utf8(rest).unwrap_or_default();
        let seconds = text.parse::<u32>().map_or(0, u64::from);
        match step {
            b"begin" => self.begin(text),
            b"note" => self.note = AppValue::of(text, MAX_NOTE).ok(),
            b"wait" => self.now = self.now.saturating_add(seconds),
            b"back" => self.now = self.now.saturating_sub(seconds),
            b"line" => self.plant(rest),
            b"twin" => {
                if let Some((name, _)) = self.jar.first() {
                    self.plant(&[name.as_bytes(), b"=", rest].concat());
                }
            }
            b"first" => self.planted_first = !self.planted_first,
            _ => {}
        }
    }

    fn plant(&mut self, line: &[u8]) {
        let names = |line: &HeaderValue| {
            let mut cookies = line.as_bytes().split(|byte| *byte == b';');
            let ours = self.names.pending.as_bytes();
            let is_ours = |cookie: &&[u8]| cookie.trim_ascii().starts_with(ours);
            cookies.by_ref().filter(is_ours).count()
        };
        let Ok(line) = HeaderValue::from_bytes(line) else {
            return;
        };
        let planted: usize = self.planted.iter().chain([&line]).map(names).sum();
        if planted <= MAX_PLANTED {
            self.planted.push(line);
        }
    }

    fn begin(&mut self, target: &str) {
        let home = ReturnTo::parse("/", &self.origin).expect("a path");
        let return_to = ReturnTo::parse(target, &self.origin);
        let return_to = return_to.unwrap_or_else(|| home.clone());
        let (state, verifier) = (State::random(), Verifier::random());
        let login = Begun {
            state: state.clone(),
            return_to: return_to.as_str().to_owned(),
            verifier: verifier.secret().to_string(),
            note: self.note.take(),
            at: self.now,
        };
        let new = NewLogin {
            state,
            return_to: &return_to,
            home: &home,
            verifier: Some(verifier),
            note: login.note.clone(),
            place_of: &|target| target.chars().take(20).collect(),
        };
        let (live, before) = (self.live(), self.bytes());
        let begun = self.logins.begin(&self.request(), new, self.now);
        self.receive(&begun.cookies);
        self.begun.push(login);
        let lost = live.iter().any(|name| self.size_of(name) == 0);
        let new = self.size_of(&self.cookie_name(self.begun.len() - 1));
        let is_full = live.len() >= MAX_LOGINS || before + new > MAX_BYTES;
        assert!(is_full || !lost, "a login is lost, and there was room");
        self.check();
    }

    fn request(&self) -> RequestInfo {
        let jar: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let jar = HeaderValue::try_from(jar.join("; ")).expect("cookies of the layer");
        let mut lines: Vec<_> = self.planted.iter().chain([&jar]).collect();
        if !self.planted_first {
            lines.rotate_right(1);
        }
        let mut request = Request::new(());
        for line in lines {
            let headers = request.headers_mut();
            headers.append(header::COOKIE, line.clone());
        }
        RequestInfo::of_request(&request)
    }

    /// Does what a browser does with `Set-Cookie`.
    fn receive(&mut self, lines: &[HeaderValue]) {
        let mut seen: Vec<&str> = Vec::new();
        for line in lines {
            let line = line.to_str().expect("a line in ASCII");
            let (cookie, attributes) = line.split_once("; ").expect("a cookie with attributes");
            let (name, value) = cookie.split_once('=').expect("a name and a value");
            let ours = name.strip_prefix(&*self.names.pending);
            assert!(ours.is_some_and(|suffix| suffix.len() == 12), "{line}");
            // RFC 6265 section 4.1.1.
            assert!(!seen.contains(&name), "{name} twice in {lines:?}");
            seen.push(name);
            let (attributes, age) = attributes.rsplit_once("; Max-Age=").expect("an age");
            assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/");
            let age: u64 = age.parse().expect("seconds");
            assert!(age <= LIFETIME && value.is_empty() == (age == 0), "{line}");
            self.jar.retain(|(known, _)| known != name);
            if age > 0 {
                self.jar.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    fn cookie_name(&self, login: usize) -> String {
        let login = self.begun[login].state.login_id();
        login.cookie_name(&self.names.pending)
    }

    /// The cookies of the logins that can be finished now.
    fn live(&self) -> Vec<String> {
        let mut live = Vec::new();
        for (at, login) in self.begun.iter().enumerate() {
            let age = self.now.saturating_sub(login.at);
            let ahead = login.at.saturating_sub(self.now);
            let name = self.cookie_name(at);
            if age < LIFETIME && ahead <= MAX_SKEW && self.size_of(&name) > 0 {
                live.push(name);
            }
        }
        live
    }

    /// Of a cookie, with its name. It is 0 where there is none.
    fn size_of(&self, name: &str) -> usize {
        let cookie = self.jar.iter().find(|(known, _)| known == name);
        cookie.map_or(0, |(name, value)| name.len() + value.len())
    }

    fn bytes(&self) -> usize {
        let sizes = self.jar.iter();
        sizes.map(|(name, value)| name.len() + value.len()).sum()
    }

    fn check(&self) {
        assert!(self.jar.len() <= MAX_LOGINS, "{:?}", self.jar);
        assert!(self.bytes() <= MAX_BYTES, "{} bytes", self.bytes());

        let info = self.request();
        for (at, login) in self.begun.iter().enumerate() {
            let is_new = at + 1 == self.begun.len();
            let found = self.logins.find(&info, &login.state, self.now);
            let age = self.now.saturating_sub(login.at);
            let ahead = login.at.saturating_sub(self.now);
            let found = match found {
                Pending::Live(found) => {
                    assert!(age < LIFETIME && ahead <= MAX_SKEW);
                    found
                }
                Pending::Expired(found) => {
                    assert!(age >= LIFETIME);
                    found
                }
                Pending::FromFuture(found) => {
                    assert!(ahead > MAX_SKEW);
                    found
                }
                Pending::Twice => {
                    assert!(!is_new && !self.planted.is_empty());
                    continue;
                }
                Pending::Unknown => {
                    assert!(!is_new, "the new login is lost");
                    continue;
                }
            };
            let target = found.return_to();
            assert!(target == login.return_to || target == "/", "{target}");
            let verifier = found.verifier().map(Verifier::secret);
            assert_eq!(verifier.as_deref(), Some(&login.verifier));
            assert_eq!(found.note(), login.note.as_ref());
        }
        let stranger = State::random();
        let found = self.logins.find(&info, &stranger, self.now);
        assert!(matches!(found, Pending::Unknown));
    }
}
