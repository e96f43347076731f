//! The page between the app and Telenor, on plain http or on the app's own origin.
//!
//! The operator can recognize a line only in a request that it can read. So the page may live on
//! plain http. It is inert there: it sets and reads no cookie, and holds nothing personal and
//! nothing secret. Others on the way can read it and change it. Its link leads on in one browser
//! alone, the one with the cookie that https set before, and so does the callback.

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
/// no further than a new one, and it may count twice.
const MAX_REMEMBERED: usize = 10_000;
const NAME: &str = "start";
/// The parameters of a login fill half of it at most.
const MAX_TOKEN: usize = 8 * 1024;

pub(crate) struct StartPage {
    /// The host of a page on plain http.
    pub http_host: Option<HostAndPort>,
    /// The address of the page, without its query.
    address: Box<str>,
    pub script: Option<StartScript>,
    sealer: Sealer,
    /// How long a login may take, in seconds.
    login_timeout: u64,
    shown: Once,
    passed: Once,
    returned: Once,
}

/// The content of the page's address: the parts of the authorization request that are of one login.
/// It is sealed, so that only this app can make it and read it.
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

    /// A ticket may be from an instance whose clock is ahead.
    fn is_live(&self, now: u64, ttl: u64) -> bool {
        let future = self.issued_at > now.saturating_add(MAX_SKEW);
        !future && now.saturating_sub(self.issued_at) < ttl
    }
}

impl StartPage {
    pub(crate) fn new(
        http_host: Option<HostAndPort>,
        address: String,
        script: Option<StartScript>,
        sealer: Sealer,
        login_timeout: u64,
    ) -> Self {
        Self {
            http_host,
            address: address.into(),
            script,
            sealer,
            login_timeout,
            shown: Once::within(TICKET_TTL),
            passed: Once::within(login_timeout),
            returned: Once::within(login_timeout),
        }
    }

    /// The page's address for one login.
    pub(crate) fn url(
        &self,
        state: &State,
        challenge: Option<&str>,
        parameters: Vec<(String, String)>,
        now: u64,
    ) -> String {
        let ticket = StartTicket {
            state: state.as_str().to_owned(),
            challenge: challenge.map(str::to_owned),
            parameters,
            issued_at: now,
        };
        format!("{}?t={}", self.address, self.sealer.seal(NAME, &ticket))
    }

    /// The ticket in an address of this app, of any age.
    pub(crate) fn open(&self, token: &str) -> Option<StartTicket> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        self.sealer.open(NAME, token.as_bytes())
    }

    /// Whether the page may be shown for this ticket: in time, and for the first time.
    pub(crate) fn admit(&self, ticket: &StartTicket, now: u64) -> bool {
        ticket.is_live(now, TICKET_TTL) && self.shown.is_first(ticket.state().login_id(), now)
    }

    /// Whether the page's link is in time to lead on to Telenor, in the browser of the login.
    ///
    /// It may as long as the login lasts, and more than once: a script may hang, and a user may
    /// press the link again.
    pub(crate) fn may_pass(&self, ticket: &StartTicket, now: u64) -> bool {
        ticket.is_live(now, self.login_timeout)
    }

    pub(crate) fn is_first_pass(&self, login: LoginId, now: u64) -> bool {
        self.passed.is_first(login, now)
    }

    pub(crate) fn is_first_return(&self, login: LoginId, now: u64) -> bool {
        self.returned.is_first(login, now)
    }
}

/// The logins that have done something.
struct Once(Mutex<ExpiringMap<LoginId, ()>>);

impl Once {
    /// For something that a login can do for so many seconds.
    fn within(seconds: u64) -> Self {
        Self(Mutex::new(ExpiringMap::new(seconds + MAX_SKEW)))
    }

    fn is_first(&self, login: LoginId, now: u64) -> bool {
        let mut known = lock(&self.0);
        known.sweep(now);
        if known.get(&login, now).is_some() {
            return false;
        }
        known.insert_bounded(login, (), now, MAX_REMEMBERED);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{CookieKeys, Purpose};

    fn start() -> StartPage {
        let sealer = CookieKeys::random().sealer(Purpose::StartTicket, b"");
        let page = "http://start.shop.example/telenor/start";
        let host = HostAndPort::parse("start.shop.example", 80);
        StartPage::new(host, page.into(), None, sealer, 300)
    }

    fn ticket(start: &StartPage, issued_at: u64) -> StartTicket {
        let url = start.url(&State::random(), Some("challenge"), Vec::new(), issued_at);
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
    fn link_leads_on_as_long_as_the_login_and_counts_once() {
        let start = start();
        let fresh = ticket(&start, 100);
        assert!(start.may_pass(&fresh, 399) && start.may_pass(&fresh, 399));
        assert!(!start.may_pass(&fresh, 400), "late");
        assert!(!start.may_pass(&ticket(&start, 200), 100), "future");
        let login = fresh.state().login_id();
        assert_eq!(
            [100, 399].map(|now| start.is_first_pass(login, now)),
            [true, false]
        );
        assert_eq!(
            [100, 399].map(|now| start.is_first_return(login, now)),
            [true, false]
        );
    }

    /// S109.
    #[test]
    fn number_of_remembered_pages_is_bounded() {
        let start = start();
        for _ in 0..MAX_REMEMBERED + 10 {
            let login = State::random().login_id();
            assert!(start.admit(&ticket(&start, 100), 100));
            assert!(start.is_first_pass(login, 100) && start.is_first_return(login, 100));
        }
        for once in [&start.shown, &start.passed, &start.returned] {
            assert!(lock(&once.0).len() <= MAX_REMEMBERED);
        }
    }

    #[test]
    fn address_reveals_nothing_and_cannot_be_altered() {
        let start = start();
        let state = State::random();
        let url = start.url(&state, Some("challenge"), Vec::new(), 100);
        assert!(!url.contains(state.as_str()) && !url.contains("challenge"));
        let token = url.split_once("?t=").unwrap().1;
        assert!(start.open(&token[1..]).is_none() && start.open("").is_none());
    }

    #[test]
    fn ticket_is_live_for_its_time_and_from_a_clock_a_little_ahead() {
        let start = start();
        let url = start.url(&State::random(), None, Vec::new(), 100);
        let ticket = start.open(url.split_once("?t=").unwrap().1).unwrap();
        for (now, ttl, is_live) in [
            (100, 1, true),
            (101, 1, false),
            (100 - MAX_SKEW, 1, true),
            (100 - MAX_SKEW - 1, 1, false),
        ] {
            assert_eq!(ticket.is_live(now, ttl), is_live, "{now} {ttl}");
        }
    }

    #[test]
    fn what_a_login_did_is_remembered_for_its_time_and_no_longer() {
        let login = State::random().login_id();
        for (after, is_first) in [(60 + MAX_SKEW - 1, false), (60 + MAX_SKEW, true)] {
            let once = Once::within(60);
            assert!(once.is_first(login, 100));
            assert_eq!(once.is_first(login, 100 + after), is_first, "{after}");
        }
    }

    #[test]
    fn longest_address_of_a_login_can_be_opened_and_a_longer_one_is_refused() {
        let start = start();
        let open = |parameters: Vec<(String, String)>| {
            let url = start.url(&State::random(), Some(&"c".repeat(43)), parameters, 100);
            start.open(url.split_once("?t=").unwrap().1)
        };
        let short = |at: u32| {
            (
                char::from_u32(0x100 + at).unwrap().to_string(),
                String::new(),
            )
        };
        let most = open((0..512).map(short).collect()).unwrap();
        assert_eq!(most.parameters().len(), 512, "1024 bytes of names");
        let token = |len: usize| {
            let parameters = vec![("a".to_owned(), "x".repeat(len))];
            let url = start.url(&State::random(), None, parameters, 100);
            url.split_once("?t=").unwrap().1.to_owned()
        };
        let lengths = MAX_TOKEN / 2..MAX_TOKEN;
        let longest = lengths.map(token).find(|token| token.len() >= MAX_TOKEN);
        let longest = longest.unwrap();
        assert_eq!(longest.len(), MAX_TOKEN);
        assert!(start.open(&longest).is_some());
        assert!(start.open(&token(MAX_TOKEN)).is_none());
    }
}
