//! Logins in progress: one sealed cookie for each, and nothing on the server.

use std::{cmp::Reverse, sync::Arc};

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::{
    app_value::AppValue,
    browser::{
        cookie::{self, CookieNames, Lookup},
        request::RequestInfo,
        return_to::ReturnTo,
    },
    clock::MAX_SKEW,
    key::Sealer,
    oauth::{State, Verifier},
};

const MAX_LOGINS: usize = 5;
/// Together the cookies must leave room for the other headers of a request.
const MAX_BYTES: usize = 3800;
/// Enough for a cookie without its address: its name, and the rest of a login, sealed.
const SMALLEST: usize = 190;
/// A longer place would take the room that a shorter login is to make.
const MAX_PLACE: usize = 100;
/// How many are opened. A browser that obeys the limits never sends more.
const MAX_OPENED: usize = 20;

/// What the layer needs when the browser comes back.
#[derive(Serialize, Deserialize)]
pub(crate) struct PendingLogin {
    state: String,
    return_to: String,
    verifier: Option<Verifier>,
    started_at: u64,
    /// What the app wants to know when the login is done.
    note: Option<AppValue>,
    /// Where `return_to` had no room: the place of the app whose words the pages have.
    place: Option<String>,
}

/// A login that begins.
pub(crate) struct NewLogin<'a> {
    pub state: State,
    pub return_to: &'a ReturnTo,
    /// Takes the place of `return_to` where that has no room.
    pub home: &'a ReturnTo,
    pub verifier: Option<Verifier>,
    pub note: Option<AppValue>,
    /// The part of an address that decides which words of the app its pages have.
    pub place_of: &'a dyn Fn(&str) -> String,
}

impl PendingLogin {
    pub(crate) fn return_to(&self) -> &str {
        &self.return_to
    }

    /// What the login concerns: the target, or what is left of it.
    pub(crate) fn place(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.return_to)
    }

    /// Leads home from here on. The pages still have the words of the place.
    fn shorten(&mut self, home: &str, place_of: &dyn Fn(&str) -> String) {
        let place = place_of(&self.return_to);
        self.place = Some(place).filter(|place| (1..=MAX_PLACE).contains(&place.len()));
        self.return_to = home.to_owned();
    }

    pub(crate) fn verifier(&self) -> Option<&Verifier> {
        self.verifier.as_ref()
    }

    pub(crate) fn note(&self) -> Option<&AppValue> {
        self.note.as_ref()
    }
}

/// What a browser holds for the `state` of a callback.
pub(crate) enum Pending {
    Live(PendingLogin),
    Expired(PendingLogin),
    /// It was written by a clock that is ahead of ours.
    FromFuture(PendingLogin),
    /// Its cookie came twice, with different values.
    Twice,
    /// By its cookies, this browser did not begin that login.
    Unknown,
}

/// What a browser gets when a login begins.
pub(crate) struct Begun {
    pub cookies: Vec<HeaderValue>,
    /// Whether a cookie with our name could not be opened.
    pub found_foreign: bool,
}

/// The cookies of other logins.
struct Swept<'h> {
    /// The names of those to remove.
    gone: Vec<&'h str>,
    /// The others, the newest first.
    kept: Vec<Kept<'h>>,
    foreign: bool,
}

/// Another login that this browser has in progress.
struct Kept<'h> {
    name: &'h str,
    login: PendingLogin,
    /// Of its cookie, with the name.
    size: usize,
}

impl Swept<'_> {
    fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.size).sum()
    }
}

pub(crate) struct PendingLogins {
    names: Arc<CookieNames>,
    sealer: Sealer,
    /// In seconds, by our own clock: `Max-Age` is a hint to the browser and no proof.
    lifetime: u64,
    /// Of a cookie with this lifetime.
    attributes: String,
}

impl PendingLogins {
    pub(crate) fn new(names: Arc<CookieNames>, sealer: Sealer, lifetime: u64) -> Self {
        Self {
            attributes: names.attributes(lifetime),
            names,
            sealer,
            lifetime,
        }
    }

    /// The cookie for a new login, and the changes to those that must make room for it.
    ///
    /// A long address may not fit beside the other logins. The new login then leads home: the user
    /// loses the place and keeps the login. Where that is not enough, the other logins lose their
    /// places, the oldest first, and then the oldest logins go. A note never goes alone: the app
    /// relies on it.
    pub(crate) fn begin(&self, info: &RequestInfo, new: NewLogin<'_>, now: u64) -> Begun {
        let name = self.cookie_name(&new.state);
        let (home, place_of) = (new.home.as_str(), new.place_of);
        let mut login = PendingLogin {
            state: new.state.into_string(),
            return_to: new.return_to.as_str().to_owned(),
            verifier: new.verifier,
            started_at: now,
            note: new.note,
            place: None,
        };
        let mut found = self.sweep(info, now);
        let mut sealed = self.sealer.seal(&name, &login);
        // Each login that may still begin has its room, with a short address.
        let reserved = (MAX_LOGINS - 1 - found.kept.len()) * (SMALLEST + home.len());
        if found.bytes() + name.len() + sealed.len() + reserved > MAX_BYTES {
            login.shorten(home, place_of);
            sealed = self.sealer.seal(&name, &login);
        }
        let room = MAX_BYTES.saturating_sub(name.len() + sealed.len());
        let mut cookies = self.shorten(&mut found, home, place_of, room, now);
        while found.bytes() > room {
            let Some(oldest) = found.kept.pop() else {
                break;
            };
            cookies.retain(|(name, _)| *name != oldest.name);
            found.gone.push(oldest.name);
        }
        let mut cookies: Vec<_> = cookies.into_iter().map(|(_, cookie)| cookie).collect();
        cookies.extend(found.gone.iter().map(|name| self.names.clear(name)));
        cookies.push(cookie::set_line(&name, &sealed, &self.attributes));
        Begun {
            cookies,
            found_foreign: found.foreign,
        }
    }

    /// Takes their places from the other logins, the oldest first, until they fit. Returns the new
    /// cookies of those, with their names.
    fn shorten<'h>(
        &self,
        found: &mut Swept<'h>,
        home: &str,
        place_of: &dyn Fn(&str) -> String,
        room: usize,
        now: u64,
    ) -> Vec<(&'h str, HeaderValue)> {
        let mut cookies = Vec::new();
        let mut bytes = found.bytes();
        for kept in found.kept.iter_mut().rev() {
            if bytes <= room {
                break;
            }
            if kept.login.return_to.len() <= home.len() {
                continue;
            }
            kept.login.shorten(home, place_of);
            let sealed = self.sealer.seal(kept.name, &kept.login);
            let size = kept.name.len() + sealed.len();
            bytes = bytes - kept.size + size;
            kept.size = size;
            let age = now.saturating_sub(kept.login.started_at);
            let left = self.lifetime.saturating_sub(age);
            cookies.push((kept.name, self.names.set(kept.name, &sealed, left)));
        }
        cookies
    }

    /// Finds what makes room for a new login: what has expired or cannot be opened, then the oldest
    /// of those that are too many.
    fn sweep<'h>(&'h self, info: &'h RequestInfo, now: u64) -> Swept<'h> {
        let mut gone = Vec::new();
        let mut kept = Vec::new();
        let mut foreign = false;
        let ours = cookie::starting_with(info.cookies(), &self.names.pending);
        for (at, (name, value)) in ours.enumerate() {
            // A name that the layer never set may hold anything, and cannot be cleared.
            let Some(name) = str::from_utf8(name).ok().filter(|name| self.is_ours(name)) else {
                continue;
            };
            // Some proxies send every cookie twice.
            if kept.iter().any(|known: &Kept<'_>| known.name == name) {
                continue;
            }
            let login = (at < MAX_OPENED).then(|| self.open(name, value)).flatten();
            match login {
                Some(login) if self.is_live(&login, now) => {
                    let size = name.len() + value.len();
                    // To clear a twin would clear the login.
                    gone.retain(|twin| *twin != name);
                    kept.push(Kept { name, login, size });
                }
                login => {
                    foreign |= at < MAX_OPENED && login.is_none();
                    if gone.len() < MAX_OPENED && !gone.contains(&name) {
                        gone.push(name);
                    }
                }
            }
        }
        kept.sort_unstable_by_key(|kept| Reverse(kept.login.started_at));
        let too_many = kept.split_off(kept.len().min(MAX_LOGINS - 1));
        let room = MAX_OPENED - gone.len();
        gone.extend(too_many.iter().map(|kept| kept.name).take(room));
        Swept {
            gone,
            kept,
            foreign,
        }
    }

    /// The login that a callback with this `state` belongs to.
    pub(crate) fn find(&self, info: &RequestInfo, state: &State, now: u64) -> Pending {
        let name = self.cookie_name(state);
        let value = match info.cookie(&name) {
            Lookup::Unique(value) => value,
            Lookup::Ambiguous => return Pending::Twice,
            Lookup::Missing => return Pending::Unknown,
        };
        match self.open(&name, value.as_bytes()) {
            Some(login) if !state.matches(&login.state) => Pending::Unknown,
            Some(login) if self.is_live(&login, now) => Pending::Live(login),
            Some(login) if is_from_future(&login, now) => Pending::FromFuture(login),
            Some(login) => Pending::Expired(login),
            None => Pending::Unknown,
        }
    }

    /// The login in progress that this browser began last.
    pub(crate) fn newest(&self, info: &RequestInfo, now: u64) -> Option<PendingLogin> {
        let ours = cookie::starting_with(info.cookies(), &self.names.pending);
        let logins = ours.take(MAX_OPENED).filter_map(|(name, value)| {
            let name = str::from_utf8(name).ok()?;
            self.open(name, value)
        });
        let live = logins.filter(|login| self.is_live(login, now));
        live.max_by_key(|login| login.started_at)
    }

    /// Removes the cookie of a login.
    pub(crate) fn end(&self, state: &State) -> HeaderValue {
        self.names.clear(&self.cookie_name(state))
    }

    fn open(&self, name: &str, value: &[u8]) -> Option<PendingLogin> {
        if name.len() + value.len() > cookie::MAX_COOKIE {
            return None;
        }
        self.sealer.open(name, value)
    }

    fn is_live(&self, login: &PendingLogin, now: u64) -> bool {
        !is_from_future(login, now) && now.saturating_sub(login.started_at) < self.lifetime
    }

    fn cookie_name(&self, state: &State) -> String {
        state.login_id().cookie_name(&self.names.pending)
    }

    fn is_ours(&self, name: &str) -> bool {
        let suffix = &name[self.names.pending.len()..];
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        suffix.len() == 12 && suffix.bytes().all(token)
    }
}

/// Whether a login was written by a clock that is wrong.
fn is_from_future(login: &PendingLogin, now: u64) -> bool {
    login.started_at > now.saturating_add(MAX_SKEW)
}

#[cfg(test)]
mod tests {
    use http::{Request, header};
    use url::Url;

    use super::*;
    use crate::{
        browser::cookie::CookiePrefix,
        key::{CookieKeys, Purpose},
    };

    const LIFETIME: u64 = 600;
    const NOW: u64 = 1_000_000;

    fn logins() -> PendingLogins {
        let names = CookieNames::new("shop", true, CookiePrefix::Host).unwrap();
        let sealer = CookieKeys::random().sealer(Purpose::PendingLogin, b"");
        PendingLogins::new(Arc::new(names), sealer, LIFETIME)
    }

    fn info(cookies: &[(String, String)]) -> RequestInfo {
        let line: Vec<_> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder().header(header::COOKIE, line.join("; "));
        RequestInfo::of_request(&request.body(()).unwrap())
    }

    fn path(path: &str) -> ReturnTo {
        ReturnTo::parse(path, &Url::parse("https://shop.example").unwrap()).unwrap()
    }

    /// The place `/a...a` of this many bytes.
    fn long(len: usize) -> String {
        format!("/{}", "a".repeat(len - 1))
    }

    /// What a browser holds for a login.
    fn login(state: &str, return_to: &str, started_at: u64, note: usize) -> PendingLogin {
        let note = (note > 0).then(|| AppValue::of(&"n".repeat(note), 4096).unwrap());
        PendingLogin {
            state: state.to_owned(),
            return_to: return_to.to_owned(),
            verifier: None,
            started_at,
            note,
            place: None,
        }
    }

    impl PendingLogins {
        fn cookie(&self, login: &PendingLogin) -> (String, String) {
            let name = self.cookie_name(&State::from_untrusted(login.state.clone()));
            let value = self.sealer.seal(&name, login);
            (name, value)
        }

        /// The cookies that a browser has after another login began, and whether one was foreign.
        fn after(
            &self,
            cookies: &[(String, String)],
            return_to: &str,
            home: &str,
            note: usize,
        ) -> (Vec<(String, String)>, bool) {
            let state = State::from_untrusted("new".to_owned());
            let new = NewLogin {
                state,
                return_to: &path(return_to),
                home: &path(home),
                verifier: None,
                note: login("", "", 0, note).note,
                place_of: &|_| String::new(),
            };
            let begun = self.begin(&info(cookies), new, NOW);
            let mut left = cookies.to_vec();
            let mut seen = Vec::new();
            for line in &begun.cookies {
                let line = line.to_str().unwrap();
                let (name, value) = line.split_once(';').unwrap().0.split_once('=').unwrap();
                assert!(!seen.contains(&name), "{name} comes twice");
                seen.push(name);
                left.retain(|(known, _)| known != name);
                if !value.is_empty() {
                    left.push((name.to_owned(), value.to_owned()));
                }
            }
            (left, begun.found_foreign)
        }

        fn place_of(&self, cookies: &[(String, String)], state: &str) -> Option<String> {
            let state = State::from_untrusted(state.to_owned());
            match self.find(&info(cookies), &state, NOW) {
                Pending::Live(login) => Some(login.return_to),
                _ => None,
            }
        }
    }

    /// The name of the cookie has a part of a hash of `state`, and no more.
    /// S6, S7.
    #[test]
    fn login_of_another_state_is_not_found_by_the_name_of_its_cookie() {
        let logins = logins();
        let state = State::from_untrusted("state".to_owned());
        let name = logins.cookie_name(&state);
        for (sealed, is_found) in [("state", true), ("other", false)] {
            let value = logins.sealer.seal(&name, &login(sealed, "/", NOW, 0));
            let found = logins.find(&info(&[(name.clone(), value)]), &state, NOW);
            assert_eq!(matches!(found, Pending::Live(_)), is_found, "{sealed}");
        }
    }

    #[test]
    fn login_of_a_clock_ahead_is_no_expired_one() {
        let logins = logins();
        let found = |started_at| {
            let cookie = logins.cookie(&login("state", "/", started_at, 0));
            logins.find(
                &info(&[cookie]),
                &State::from_untrusted("state".into()),
                NOW,
            )
        };
        assert!(matches!(found(NOW - LIFETIME + 1), Pending::Live(_)));
        assert!(matches!(found(NOW - LIFETIME), Pending::Expired(_)));
        assert!(matches!(found(NOW + MAX_SKEW), Pending::Live(_)));
        assert!(matches!(found(NOW + MAX_SKEW + 1), Pending::FromFuture(_)));
    }

    /// S12.
    #[test]
    fn place_of_a_new_login_is_kept_to_the_last_byte_of_room() {
        let logins = logins();
        let mut filled = 0;
        for others in 0..MAX_LOGINS {
            let cookies: Vec<_> = (0..others)
                .map(|n| logins.cookie(&login(&format!("other {n}"), &long(300), NOW - 1, 0)))
                .collect();
            let taken: usize = cookies
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum();
            for home in [1, 2, 3, 4, 90] {
                let reserved = (MAX_LOGINS - 1 - others) * (SMALLEST + home);
                for len in 1_200..2_000 {
                    let (name, value) = logins.cookie(&login("new", &long(len), NOW, 0));
                    let total = taken + name.len() + value.len() + reserved;
                    if total.abs_diff(MAX_BYTES) > 3 {
                        continue;
                    }
                    filled += usize::from(total == MAX_BYTES);
                    let (after, _) = logins.after(&cookies, &long(len), &long(home), 0);
                    let place = logins.place_of(&after, "new").unwrap();
                    assert_eq!(
                        place == long(len),
                        total <= MAX_BYTES,
                        "{others} {home} {total}"
                    );
                }
            }
        }
        assert!(filled > 0, "no length fills the room");
    }

    #[test]
    fn other_logins_lose_no_more_places_than_they_must() {
        let logins = logins();
        let cookies = [3, 2, 1]
            .map(|age| logins.cookie(&login(&format!("aged {age}"), &long(600), NOW - age, 0)));
        let left = |note: usize| {
            let (after, _) = logins.after(&cookies, "/", "/", note);
            assert_eq!(after.len(), 4, "no login is lost");
            [3, 2, 1].map(|age| {
                logins
                    .place_of(&after, &format!("aged {age}"))
                    .unwrap()
                    .len()
            })
        };
        assert_eq!(left(1), [600, 600, 600]);
        assert_eq!(left(800), [1, 600, 600], "the oldest goes first");
        assert_eq!(left(1_425), [1, 1, 600]);
        assert_eq!(left(1_600), [1, 1, 600]);
    }

    /// S12.
    #[test]
    fn oldest_logins_go_where_their_places_are_not_enough() {
        let logins = logins();
        // The oldest has a place to lose, which is not enough.
        let cookies = [1, 2, 3].map(|age| {
            let place = if age == 3 { long(50) } else { "/".to_owned() };
            logins.cookie(&login(&format!("aged {age}"), &place, NOW - age, 640))
        });
        let size = |(name, value): (String, String)| name.len() + value.len();
        let old = size(logins.cookie(&login("aged 1", "/", NOW, 640)));
        let mut filled = 0;
        for note in 500..800 {
            let total = size(logins.cookie(&login("new", "/", NOW, note))) + 3 * old;
            filled += usize::from(total == MAX_BYTES);
            let (after, _) = logins.after(&cookies, "/", "/", note);
            let held: usize = after.iter().cloned().map(size).sum();
            assert!(held <= MAX_BYTES, "{note}: {held}");
            let is_lost = logins.place_of(&after, "aged 3").is_none();
            assert_eq!(is_lost, total > MAX_BYTES, "{note}: {total}");
            for state in ["new", "aged 1", "aged 2"] {
                assert!(logins.place_of(&after, state).is_some(), "{note}: {state}");
            }
        }
        assert!(filled > 0, "no note fills the room");
    }

    #[test]
    fn cookies_are_opened_up_to_a_limit_and_unreadable_ones_are_noticed() {
        let logins = logins();
        let forged = |n: usize| {
            let name = format!("{}{n:0>12}", logins.names.pending);
            (name, "forged".to_owned())
        };
        let ours = logins.cookie(&login("ours", "/", NOW, 0));
        let expired = logins.cookie(&login("expired", "/", NOW - LIFETIME, 0));
        let after = |cookies: &[_]| {
            let (after, is_foreign) = logins.after(cookies, "/", "/", 0);
            (logins.place_of(&after, "ours").is_some(), is_foreign)
        };
        assert_eq!(after(std::slice::from_ref(&ours)), (true, false));
        assert_eq!(after(&[expired.clone(), ours.clone()]), (true, false));
        assert_eq!(after(&[forged(1), ours.clone()]), (true, true));
        for (before, is_opened) in [(MAX_OPENED - 1, true), (MAX_OPENED, false)] {
            let mut cookies = vec![expired.clone(); before];
            cookies.push(ours.clone());
            assert_eq!(after(&cookies), (is_opened, false), "{before}");
        }
        // What is not opened is not judged either.
        for (before, is_foreign) in [(MAX_OPENED - 1, true), (MAX_OPENED, false)] {
            let mut cookies = vec![expired.clone(); before];
            cookies.push(forged(1));
            assert_eq!(after(&cookies).1, is_foreign, "{before}");
        }
    }

    /// The other cookies of a browser are found by the start of their names alone.
    /// S112.
    #[test]
    fn login_in_a_cookie_that_is_too_long_is_not_opened() {
        let logins = logins();
        let mut longest = 0;
        for len in 2_950..3_050 {
            let cookie = logins.cookie(&login("state", &long(len), NOW, 0));
            let total = cookie.0.len() + cookie.1.len();
            longest += usize::from(total == cookie::MAX_COOKIE);
            let fits = total <= cookie::MAX_COOKIE;
            let info = info(&[cookie]);
            assert_eq!(logins.newest(&info, NOW).is_some(), fits, "{total}");
            let swept = logins.sweep(&info, NOW);
            assert_eq!((swept.kept.len() == 1, swept.foreign), (fits, !fits));
        }
        assert!(longest > 0, "no cookie has the length of the limit");
    }

    /// S12.
    #[test]
    fn cookies_are_removed_up_to_a_limit() {
        let logins = logins();
        let live: Vec<_> = (0..MAX_LOGINS + 2)
            .map(|n| logins.cookie(&login(&format!("live {n}"), "/", NOW, 0)))
            .collect();
        // Three of the live ones are too many beside a new login.
        for (live, forged, removed) in [
            (&live[..0], MAX_OPENED - 1, MAX_OPENED - 1),
            (&live[..0], MAX_OPENED, MAX_OPENED),
            (&live[..0], MAX_OPENED + 1, MAX_OPENED),
            (&live[..], MAX_OPENED - 4, MAX_OPENED - 1),
            (&live[..], MAX_OPENED - 3, MAX_OPENED),
            (&live[..], MAX_OPENED - 2, MAX_OPENED),
            (&live[..], MAX_OPENED, MAX_OPENED),
        ] {
            let forged = (0..forged).map(|n| {
                let name = format!("{}{n:0>12}", logins.names.pending);
                (name, "forged".to_owned())
            });
            let cookies: Vec<_> = live.iter().cloned().chain(forged).collect();
            let info = info(&cookies);
            assert_eq!(
                logins.sweep(&info, NOW).gone.len(),
                removed,
                "{}",
                cookies.len()
            );
        }
    }
}
