//! The plain-http page from which recognition by the mobile network starts.
//!
//! The operator can recognize a line only in a request that it can read. So one inert page lives on
//! plain http. It sets and reads no cookie, and holds nothing personal and nothing secret. Whatever
//! happens to it on its way, the callback is bound to the cookie that https set before.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::{
    browser::{host::HostAndPort, start_script::StartScript},
    clock::MAX_SKEW,
    expiring_map::ExpiringMap,
    key::Sealer,
    login_id::LoginId,
    oauth::State,
    sync::lock,
};

/// In seconds, from the challenge to the page.
const TICKET_TTL: u64 = 60;
/// Beyond this number, the oldest is forgotten. Its page can be shown once more then, which leads
/// no further than a new one.
const MAX_USED: usize = 10_000;
const NAME: &str = "start";

pub(crate) struct HttpStart {
    pub host: HostAndPort,
    /// The address of the page, without its query.
    pub page: Box<str>,
    pub script: Option<StartScript>,
    sealer: Sealer,
    /// The logins whose page was shown.
    used: Mutex<ExpiringMap<LoginId, ()>>,
}

/// The content of the page's address: what the authorization request shows anyway, sealed so that
/// only this app can make it.
#[derive(Serialize, Deserialize)]
pub(crate) struct StartTicket {
    state: String,
    challenge: Option<String>,
    parameters: Vec<(String, String)>,
    issued_at: u64,
}

impl StartTicket {
    pub(crate) fn state(&self) -> State {
        State::from_untrusted(self.state.clone())
    }

    pub(crate) fn challenge(&self) -> Option<&str> {
        self.challenge.as_deref()
    }

    /// Those of this login alone.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

impl HttpStart {
    pub(crate) fn new(
        host: HostAndPort,
        page: String,
        script: Option<StartScript>,
        sealer: Sealer,
    ) -> Self {
        Self {
            host,
            page: page.into(),
            script,
            sealer,
            // A ticket may be from an instance whose clock is ahead.
            used: Mutex::new(ExpiringMap::new(TICKET_TTL + MAX_SKEW)),
        }
    }

    /// The page's address for one login.
    pub(crate) fn url(
        &self,
        state: &State,
        challenge: Option<String>,
        parameters: Vec<(String, String)>,
        now: u64,
    ) -> String {
        let ticket = StartTicket {
            state: state.as_str().to_owned(),
            challenge,
            parameters,
            issued_at: now,
        };
        format!("{}?t={}", self.page, self.sealer.seal(NAME, &ticket))
    }

    /// The ticket in an address of this app, whatever its age.
    pub(crate) fn open(&self, token: &str) -> Option<StartTicket> {
        self.sealer.open(NAME, token.as_bytes())
    }

    /// Whether the page may be shown for this ticket: in time, and for the first time.
    pub(crate) fn admit(&self, ticket: &StartTicket, now: u64) -> bool {
        let future = ticket.issued_at > now.saturating_add(MAX_SKEW);
        if future || now.saturating_sub(ticket.issued_at) >= TICKET_TTL {
            return false;
        }
        let login = ticket.state().login_id();
        let mut used = lock(&self.used);
        used.sweep(now);
        if used.get(&login, now).is_some() {
            return false;
        }
        used.insert_bounded(login, (), now, MAX_USED);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{CookieKeys, Purpose};

    fn start() -> HttpStart {
        let sealer = CookieKeys::random().sealer(Purpose::StartTicket, b"");
        let page = "http://start.shop.example/telenor/start";
        let host = HostAndPort::parse("start.shop.example", 80).unwrap();
        HttpStart::new(host, page.into(), None, sealer)
    }

    fn ticket(start: &HttpStart, issued_at: u64) -> StartTicket {
        let url = start.url(
            &State::random(),
            Some("challenge".into()),
            Vec::new(),
            issued_at,
        );
        start.open(url.split_once("?t=").unwrap().1).unwrap()
    }

    #[test]
    fn page_is_shown_once_and_within_a_minute() {
        let start = start();
        let fresh = ticket(&start, 100);
        assert!(start.admit(&fresh, 159));
        assert!(!start.admit(&fresh, 159));
        assert!(!start.admit(&ticket(&start, 100), 160), "late");
        assert!(!start.admit(&ticket(&start, 200), 100), "from the future");
    }

    #[test]
    fn number_of_remembered_pages_is_bounded() {
        let start = start();
        for _ in 0..MAX_USED + 10 {
            assert!(start.admit(&ticket(&start, 100), 100));
        }
        assert!(start.used.lock().unwrap().len() <= MAX_USED);
    }

    #[test]
    fn address_reveals_nothing_and_cannot_be_altered() {
        let start = start();
        let state = State::random();
        let url = start.url(&state, Some("challenge".into()), Vec::new(), 100);
        assert!(!url.contains(state.as_str()) && !url.contains("challenge"));
        let token = url.split_once("?t=").unwrap().1;
        assert!(start.open(&token[1..]).is_none() && start.open("").is_none());
    }
}
