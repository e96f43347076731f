//! The page on plain http that recognition by the mobile network starts from.
//!
//! The operator can say whose line it is only in a request that it can read. So one inert page lives on plain http: it sets and
//! reads no cookie, holds nothing personal and nothing secret, and whatever happens to it on the way, the callback is bound to the cookie that
//! https set before.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::{browser::start_script::StartScript, clock::SKEW, key::Sealer, oauth::State};

/// In seconds, from the challenge to the page.
const LIFETIME: u64 = 60;
/// Forgetting the oldest lets its page be shown once more, which leads no further than a fresh one would.
const MAX_USED: usize = 10_000;
const NAME: &str = "start";

pub(crate) struct HttpStart {
    /// The host and port, as a `Host` header has them.
    pub authority: Box<str>,
    /// Where the page is, without its query.
    pub page: Box<str>,
    pub script: Option<StartScript>,
    sealer: Sealer,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    known: HashSet<[u8; 16]>,
    order: VecDeque<(u64, [u8; 16])>,
}

/// What the page's address carries: what the authorization request shows to everybody anyway, sealed to keep it ours.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hop {
    state: String,
    challenge: Option<String>,
    issued_at: u64,
}

impl Hop {
    pub(crate) fn state(&self) -> State {
        State::received(self.state.clone())
    }

    pub(crate) fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }
}

impl HttpStart {
    pub(crate) fn new(
        authority: String,
        page: String,
        script: Option<StartScript>,
        sealer: Sealer,
    ) -> Self {
        Self {
            authority: authority.into(),
            page: page.into(),
            script,
            sealer,
            used: Mutex::default(),
        }
    }

    /// The page's address for one login.
    pub(crate) fn url(&self, state: &State, challenge: Option<String>, now: u64) -> String {
        let hop = Hop {
            state: state.as_str().to_owned(),
            challenge,
            issued_at: now,
        };
        format!("{}?t={}", self.page, self.sealer.seal(NAME, &hop))
    }

    /// What an address of ours says, whatever its age.
    pub(crate) fn open(&self, token: &str) -> Option<Hop> {
        self.sealer.open(NAME, token.as_bytes())
    }

    /// Whether the page may be shown for this hop: in time, and not shown before.
    pub(crate) fn admit(&self, hop: &Hop, now: u64) -> bool {
        let future = hop.issued_at > now.saturating_add(SKEW);
        if future || now.saturating_sub(hop.issued_at) >= LIFETIME {
            return false;
        }
        let login = hop.state().login();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.forget(now);
        used.known.insert(login) && {
            used.order.push_back((now, login));
            true
        }
    }
}

impl Used {
    fn forget(&mut self, now: u64) {
        while let Some((used_at, login)) = self.order.front().copied() {
            // As long as a hop that was issued by a clock ahead of ours could come back.
            if now.saturating_sub(used_at) < LIFETIME + SKEW && self.order.len() < MAX_USED {
                return;
            }
            self.order.pop_front();
            self.known.remove(&login);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{CookieKeys, Purpose};

    fn start() -> HttpStart {
        let sealer = CookieKeys::random().sealer(Purpose::Hop, b"");
        let page = "http://start.shop.example/telenor/start";
        HttpStart::new("start.shop.example".into(), page.into(), None, sealer)
    }

    fn hop(start: &HttpStart, issued_at: u64) -> Hop {
        let url = start.url(&State::random(), Some("challenge".into()), issued_at);
        start.open(url.split_once("?t=").unwrap().1).unwrap()
    }

    #[test]
    fn page_is_shown_once_and_within_a_minute() {
        let start = start();
        let fresh = hop(&start, 100);
        assert!(start.admit(&fresh, 159));
        assert!(!start.admit(&fresh, 159));
        assert!(!start.admit(&hop(&start, 100), 160), "late");
        assert!(!start.admit(&hop(&start, 200), 100), "from the future");
    }

    #[test]
    fn memory_of_shown_pages_is_bounded() {
        let start = start();
        for _ in 0..MAX_USED + 10 {
            assert!(start.admit(&hop(&start, 100), 100));
        }
        assert!(start.used.lock().unwrap().known.len() <= MAX_USED);
    }

    #[test]
    fn address_shows_nothing_and_cannot_be_altered() {
        let start = start();
        let state = State::random();
        let url = start.url(&state, Some("challenge".into()), 100);
        assert!(!url.contains(state.as_str()) && !url.contains("challenge"));
        let token = url.split_once("?t=").unwrap().1;
        assert!(start.open(&token[1..]).is_none() && start.open("").is_none());
    }
}
