//! Logins that a browser has begun: one sealed cookie for each, nothing on the server.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{
    browser::{
        cookie::{self, CookieNames, Found},
        return_to::ReturnTo,
    },
    clock::SKEW,
    key::Sealer,
    oauth::{State, Verifier},
};

const MAX_LOGINS: usize = 5;
/// Together the cookies must leave room for everything else in a request's header.
const MAX_BYTES: usize = 3800;
/// As many are looked into; a browser that keeps to the limits never sends more.
const MAX_LOOKED_INTO: usize = 20;

/// What must be known again when the browser comes back.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingLogin {
    state: String,
    return_to: String,
    verifier: Option<Verifier>,
    started_at: u64,
}

impl PendingLogin {
    pub(crate) fn return_to(&self) -> &str {
        &self.return_to
    }

    pub(crate) fn verifier(&self) -> Option<&Verifier> {
        self.verifier.as_ref()
    }
}

/// What a browser has to show for the `state` of a callback.
pub(crate) enum Pending {
    Live(PendingLogin),
    Expired(PendingLogin),
    /// This browser did not begin that login, as far as can be told.
    Unknown,
}

pub(crate) struct PendingLogins {
    sealer: Sealer,
    /// In seconds, by our own clock: `Max-Age` is a hint to the browser and no proof.
    lifetime: u64,
}

impl PendingLogins {
    pub(crate) fn new(sealer: Sealer, lifetime: u64) -> Self {
        Self { sealer, lifetime }
    }

    /// The cookie for a new login, and the removal of those that must make room for it.
    pub(crate) fn begin(
        &self,
        names: &CookieNames,
        headers: &HeaderMap,
        state: &State,
        return_to: &ReturnTo,
        verifier: Option<Verifier>,
        now: u64,
    ) -> Vec<HeaderValue> {
        let name = cookie_name(names, state);
        let login = PendingLogin {
            state: state.as_str().to_owned(),
            return_to: return_to.as_str().to_owned(),
            verifier,
            started_at: now,
        };
        let sealed = self.sealer.seal(&name, &login);
        let bytes = name.len() + sealed.len();
        let mut cookies = self.sweep(names, headers, bytes, now);
        cookies.push(names.set(&name, &sealed, self.lifetime));
        cookies
    }

    /// Removes what is expired or cannot be read, then the oldest until a new cookie of `bytes` fits.
    fn sweep(
        &self,
        names: &CookieNames,
        headers: &HeaderMap,
        bytes: usize,
        now: u64,
    ) -> Vec<HeaderValue> {
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        let ours = cookie::starting_with(headers, &names.pending);
        for (at, (name, value)) in ours.enumerate() {
            // A name that we never gave cannot be removed by one either: it may hold anything.
            let Some(name) = str::from_utf8(name)
                .ok()
                .filter(|name| is_ours(names, name))
            else {
                continue;
            };
            let login = (at < MAX_LOOKED_INTO)
                .then(|| self.open(name, value))
                .flatten();
            match login {
                Some(login) if self.is_live(&login, now) => {
                    kept.push((login.started_at, name, name.len() + value.len()));
                }
                _ => gone.push(name),
            }
        }
        kept.sort_unstable_by_key(|(started_at, ..)| std::cmp::Reverse(*started_at));
        let mut total = bytes;
        for (at, (_, name, bytes)) in kept.iter().enumerate() {
            total += bytes;
            if at + 1 >= MAX_LOGINS || total > MAX_BYTES {
                gone.push(name);
            }
        }
        let gone = gone.iter().take(MAX_LOOKED_INTO);
        gone.map(|name| names.clear(name)).collect()
    }

    /// The login that a callback with this `state` belongs to.
    pub(crate) fn find(
        &self,
        names: &CookieNames,
        headers: &HeaderMap,
        state: &State,
        now: u64,
    ) -> Pending {
        let name = cookie_name(names, state);
        let Found::One(value, _) = cookie::find(headers, &name) else {
            return Pending::Unknown;
        };
        match self.open(&name, value) {
            Some(login) if !state.matches(&State::received(login.state.clone())) => {
                Pending::Unknown
            }
            Some(login) if self.is_live(&login, now) => Pending::Live(login),
            Some(login) => Pending::Expired(login),
            None => Pending::Unknown,
        }
    }

    pub(crate) fn end(&self, names: &CookieNames, state: &State) -> HeaderValue {
        names.clear(&cookie_name(names, state))
    }

    fn open(&self, name: &str, value: &[u8]) -> Option<PendingLogin> {
        if value.len() > cookie::MAX_COOKIE {
            return None;
        }
        self.sealer.open(name, value)
    }

    /// One from the far future was written by a clock that nobody should trust.
    fn is_live(&self, login: &PendingLogin, now: u64) -> bool {
        let began = login.started_at <= now.saturating_add(SKEW);
        began && now.saturating_sub(login.started_at) < self.lifetime
    }
}

fn cookie_name(names: &CookieNames, state: &State) -> String {
    format!("{}{}", names.pending, state.suffix())
}

fn is_ours(names: &CookieNames, name: &str) -> bool {
    let suffix = &name[names.pending.len()..];
    let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    suffix.len() == 12 && suffix.bytes().all(token)
}
