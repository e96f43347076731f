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
        gone.extend(too_many.iter().map(|kept| kept.name));
        gone.truncate(MAX_OPENED);
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
        if value.len() > cookie::MAX_COOKIE {
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

    use super::*;
    use crate::{
        browser::cookie::CookiePrefix,
        key::{CookieKeys, Purpose},
    };

    /// The name of the cookie has a part of a hash of `state`, and no more.
    /// S6, S7.
    #[test]
    fn login_of_another_state_is_not_found_by_the_name_of_its_cookie() {
        let names = CookieNames::new("shop", true, CookiePrefix::Host).unwrap();
        let sealer = CookieKeys::random().sealer(Purpose::PendingLogin, b"");
        let logins = PendingLogins::new(Arc::new(names), sealer, 600);
        let state = State::from_untrusted("state".to_owned());
        let name = logins.cookie_name(&state);
        for (sealed, is_found) in [("state", true), ("other", false)] {
            let login = PendingLogin {
                state: sealed.to_owned(),
                return_to: "/".to_owned(),
                verifier: None,
                started_at: 100,
                note: None,
                place: None,
            };
            let cookie = format!("{name}={}", logins.sealer.seal(&name, &login));
            let request = Request::builder().header(header::COOKIE, cookie);
            let info = RequestInfo::of_request(&request.body(()).unwrap());
            let found = logins.find(&info, &state, 100);
            assert_eq!(matches!(found, Pending::Live(_)), is_found, "{sealed}");
        }
    }
}
