//! The rules of the contract, and what the suite says about one that is broken.

use std::fmt::{Debug, Display};

use super::fault::Fault;
use crate::{
    error::chain,
    session::{Record, Session, StoreError},
};

/// A rule, and the method that has to meet it.
///
/// What it says shows no token and no id: a store under test may hold more than the suite saved.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    method: &'static str,
    text: &'static str,
    fault: Fault,
}

/// What a look-up returned.
pub(super) struct Found {
    pub method: &'static str,
    pub session: Option<Session>,
}

impl Rule {
    pub(super) const fn of(method: &'static str, text: &'static str) -> Self {
        let fault = Fault::None;
        Self {
            method,
            text,
            fault,
        }
    }

    /// The same, while something is wrong with the server.
    pub(super) const fn under(self, fault: Fault) -> Self {
        Self { fault, ..self }
    }

    /// Ends the suite.
    #[track_caller]
    pub(super) fn is_broken(self, expected: impl Display, got: impl Display) -> ! {
        let Self {
            method,
            text,
            fault,
        } = self;
        let under = match fault {
            Fault::None => String::new(),
            fault => format!(" under Fault::{fault:?}"),
        };
        panic!("`{method}` broke a rule{under}: {text}. Expected {expected}, got {got}")
    }

    #[track_caller]
    pub(super) fn equal<T: PartialEq + Debug>(self, expected: &T, got: &T) {
        if expected != got {
            self.is_broken(format_args!("{expected:?}"), format_args!("{got:?}"));
        }
    }

    #[track_caller]
    pub(super) fn ok<T>(self, result: Result<T, StoreError>) -> T {
        result.unwrap_or_else(|error| self.is_broken("Ok", format!("Err({})", chain(&error))))
    }

    #[track_caller]
    pub(super) fn token<T>(self, got: Option<T>) -> T {
        got.unwrap_or_else(|| self.is_broken("Some(token)", "None"))
    }

    #[track_caller]
    pub(super) fn no_token<T>(self, got: Option<T>) {
        if got.is_some() {
            self.is_broken("None", "Some(token)");
        }
    }

    /// That this session was found, and nothing of it was lost or altered.
    #[track_caller]
    pub(super) fn session(self, expected: &Session, found: &Found) {
        match &found.session {
            None => self.is_broken(self.expected("Some(session)", found), "None"),
            Some(session) if is_whole(session, expected) => {}
            Some(session) => {
                let changes = changes(expected.record(), session.record()).join(", ");
                let got = format!("Some(session) with another {changes}");
                self.is_broken(self.expected("Some(session)", found), got)
            }
        }
    }

    #[track_caller]
    pub(super) fn no_session(self, found: &Found) {
        if found.session.is_some() {
            self.is_broken(self.expected("None", found), "Some(session)");
        }
    }

    /// A look-up often shows what another method did.
    fn expected(self, what: &str, found: &Found) -> String {
        if found.method == self.method {
            return what.to_owned();
        }
        format!("{what} from `{}`", found.method)
    }
}

pub(super) fn is_whole(session: &Session, expected: &Session) -> bool {
    let bytes = |session: &Session| postcard::to_allocvec(session.record());
    bytes(session) == bytes(expected)
}

fn changes(expected: &Record, got: &Record) -> Vec<&'static str> {
    let tokens = |record: &Record| {
        let refresh_token = record.refresh_token.as_ref();
        (
            record.access_token.secret().to_owned(),
            refresh_token.map(|token| token.secret().to_owned()),
        )
    };
    let times = |record: &Record| {
        (
            (record.issued_at, record.active_at, record.expires_at),
            (record.refresh_at, record.token_expires_at),
        )
    };
    let app = |record: &Record| record.app.clone().map(|app| *app).unwrap_or_default();
    let fields = [
        ("version", expected.version != got.version),
        ("access token", tokens(expected).0 != tokens(got).0),
        ("refresh token", tokens(expected).1 != tokens(got).1),
        ("scope", expected.scope != got.scope),
        ("time", times(expected) != times(got)),
        ("login", expected.login_id != got.login_id),
        ("subject", app(expected).subject != app(got).subject),
        ("data", app(expected).data != app(got).data),
        ("note", app(expected).note != app(got).note),
    ];
    let changed = fields.into_iter().filter(|(_, changed)| *changed);
    let changed: Vec<_> = changed.map(|(field, _)| field).collect();
    if changed.is_empty() {
        return vec!["field"];
    }
    changed
}
