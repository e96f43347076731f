//! What is counted: the same requests to the bare app, to the minimum by hand, and to the layer.

use std::time::{Duration, SystemTime};

use axum::{Router, body::Body, http::Request};
use telenor_auth::session::{MemoryStore, Session, SessionStore};
use tokio::runtime::{Builder, Runtime};
use tower::Service;

use crate::{
    apps::{self, SignedIn},
    by_hand::Sessions,
    requests, respond, send,
    token_endpoint::TokenEndpoint,
};

/// Two calls of an allocator seldom cost the same, so a figure is the mean of some.
pub const REQUESTS: usize = 16;

/// The same requests to several subjects.
pub struct Row {
    pub name: &'static str,
    /// What is added to `bare` is the cost of the others.
    pub subjects: &'static [Subject],
}

/// Its name, and how it is made.
pub type Subject = (&'static str, fn() -> Case);

/// An app, and the requests that are sent to it.
pub struct Case {
    app: Router,
    requests: Vec<Request<Body>>,
    /// Where an answer takes waiting.
    runtime: Option<Runtime>,
    /// What else must live on while the requests are sent.
    _alive: (Option<Runtime>, Option<TokenEndpoint>),
}

/// The lengths of the session cookie's value, by store.
const MEMORY: usize = 43;
const SEALED: usize = 260;

/// Every row.
pub const ROWS: [Row; 13] = [
    Row {
        name: "memory",
        subjects: &[
            ("bare", || page(apps::bare(MEMORY), "/user")),
            ("by_hand", || page(memory_by_hand(), "/user")),
            ("layer", || page(apps::memory(), "/user")),
            ("layer_plain", || page(apps::memory(), "/plain")),
        ],
    },
    Row {
        name: "cookie",
        subjects: &[
            ("bare", || page(apps::bare(SEALED), "/user")),
            ("by_hand", || page(cookie_by_hand(), "/user")),
            ("layer", || page(apps::cookie(), "/user")),
            ("layer_plain", || page(apps::cookie(), "/plain")),
        ],
    },
    Row {
        name: "sessions_100k",
        subjects: &[
            ("bare", || page(apps::bare(MEMORY), "/user")),
            ("by_hand", || page(by_hand_with(100_000), "/user")),
            ("layer", || page(layer_with(100_000), "/user")),
        ],
    },
    Row {
        name: "sessions_1m",
        subjects: &[
            ("bare", || page(apps::bare(MEMORY), "/user")),
            ("by_hand", || page(by_hand_with(1_000_000), "/user")),
            ("layer", || page(layer_with(1_000_000), "/user")),
        ],
    },
    Row {
        name: "cookies_1",
        subjects: &[
            ("bare", || with_cookies(apps::bare(MEMORY), 1)),
            ("by_hand", || with_cookies(memory_by_hand(), 1)),
            ("layer", || with_cookies(apps::memory(), 1)),
        ],
    },
    Row {
        name: "cookies_30",
        subjects: &[
            ("bare", || with_cookies(apps::bare(MEMORY), 30)),
            ("by_hand", || with_cookies(memory_by_hand(), 30)),
            ("layer", || with_cookies(apps::memory(), 30)),
        ],
    },
    Row {
        name: "cookies_4k",
        subjects: &[
            ("bare", || with_long_cookies(apps::bare(MEMORY))),
            ("by_hand", || with_long_cookies(memory_by_hand())),
            ("layer", || with_long_cookies(apps::memory())),
        ],
    },
    Row {
        name: "optional",
        subjects: &[
            ("bare", || page(apps::bare(MEMORY), "/user")),
            ("by_hand", || page(memory_by_hand(), "/user")),
            ("layer", || page(apps::optional(), "/user")),
        ],
    },
    Row {
        name: "anonymous",
        subjects: &[
            ("bare", || anonymous(apps::bare(0), "/plain")),
            ("layer", || anonymous(apps::optional(), "/plain")),
        ],
    },
    Row {
        name: "public",
        subjects: &[
            ("bare", || anonymous(apps::bare(0), "/public")),
            ("layer", || anonymous(apps::memory(), "/public")),
        ],
    },
    Row {
        name: "challenge",
        subjects: &[
            ("bare", || anonymous(apps::bare(0), "/user")),
            ("by_hand", || anonymous(memory_by_hand(), "/user")),
            ("layer", || anonymous(apps::memory(), "/user")),
        ],
    },
    Row {
        name: "fetch",
        subjects: &[
            ("bare", || fetch(apps::bare(0))),
            ("by_hand", || fetch(memory_by_hand())),
            ("layer", || fetch(apps::memory())),
        ],
    },
    Row {
        name: "callback",
        subjects: &[
            ("bare", || callback(|_| apps::bare(0).app)),
            ("by_hand", || {
                callback(|origin| apps::login_by_hand(Sessions::memory(), origin))
            }),
            ("layer", || {
                callback(|origin| apps::login_in_layer("memory", origin))
            }),
        ],
    },
];

/// The case of a subject in a row.
#[must_use]
pub fn find(row: &str, subject: &str) -> Option<Case> {
    let row = ROWS.iter().find(|known| known.name == row)?;
    let (_, case) = row.subjects.iter().find(|(name, _)| *name == subject)?;
    Some(case())
}

impl Case {
    /// Sends the requests.
    pub fn run(&mut self) {
        match &self.runtime {
            None => self.requests.drain(..).for_each(|request| {
                send(&mut self.app, request);
            }),
            Some(runtime) => runtime.block_on(async {
                for request in self.requests.drain(..) {
                    let Ok(response) = self.app.call(request).await;
                    drop(response);
                }
            }),
        }
    }
}

fn case(signed_in: SignedIn, request: &Request<()>) -> Case {
    let signed_in = signed_in.checked();
    Case {
        app: signed_in.app,
        requests: times(request),
        runtime: None,
        _alive: (signed_in.runtime, None),
    }
}

fn times(request: &Request<()>) -> Vec<Request<Body>> {
    let copies = std::iter::repeat_n(request, REQUESTS);
    let copies = copies.map(|request| request.clone().map(|()| Body::empty()));
    copies.collect()
}

fn page(signed_in: SignedIn, path: &str) -> Case {
    let cookies = requests::cookies(3, &signed_in.session);
    let request = requests::page(path, &cookies);
    case(signed_in, &request)
}

fn with_cookies(signed_in: SignedIn, number: usize) -> Case {
    let cookies = requests::cookies(number, &signed_in.session);
    let request = requests::page("/user", &cookies);
    case(signed_in, &request)
}

/// 4 KB of them, and the session's last.
fn with_long_cookies(signed_in: SignedIn) -> Case {
    let others = (0..8).map(|number| format!("list{number}={}; ", "x".repeat(500)));
    let cookies = others.collect::<String>() + &signed_in.session;
    let request = requests::page("/user", &cookies);
    case(signed_in, &request)
}

fn anonymous(signed_in: SignedIn, path: &str) -> Case {
    let request = requests::page(path, &requests::others(2));
    case(signed_in, &request)
}

fn fetch(signed_in: SignedIn) -> Case {
    let request = requests::fetch("/user", &requests::others(2));
    case(signed_in, &request)
}

/// The ends of logins, which the minimum by hand or the layer has begun.
fn callback(app: impl FnOnce(&str) -> Router) -> Case {
    let endpoint = TokenEndpoint::start();
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let (app, requests) = runtime.block_on(async {
        let mut app = app(&endpoint.origin);
        let others = requests::others(2);
        let begin = || requests::page("/user", &others).map(|()| Body::empty());
        let begins_logins = respond(&mut app, begin()).status().is_redirection();
        let mut by_hand = apps::by_hand(Sessions::memory()).app;
        let starter = if begins_logins {
            &mut app
        } else {
            &mut by_hand
        };
        let starts = std::iter::repeat_with(|| respond(starter, begin()));
        let callbacks = starts.map(|started| requests::callback(&started, &others));
        let callbacks = callbacks.map(|request| request.map(|()| Body::empty()));
        let mut requests: Vec<_> = callbacks.take(REQUESTS + 1).collect();
        // The first one opens the connection to the token endpoint.
        let first = requests.pop().expect("one more");
        let Ok(response) = app.call(first).await;
        let status = response.status();
        assert!(status.is_redirection() || status.is_success(), "{status}");
        (app, requests)
    });
    Case {
        app,
        requests,
        runtime: Some(runtime),
        _alive: (None, Some(endpoint)),
    }
}

fn memory_by_hand() -> SignedIn {
    apps::by_hand(Sessions::memory())
}

fn cookie_by_hand() -> SignedIn {
    apps::by_hand(Sessions::cookie())
}

/// With so many sessions.
fn by_hand_with(sessions: usize) -> SignedIn {
    let store = Sessions::memory();
    for _ in 1..sessions {
        let _ = store.save(apps::session_by_hand());
    }
    apps::by_hand(store)
}

/// With so many sessions.
fn layer_with(sessions: usize) -> SignedIn {
    apps::with_store(filled(sessions - 1))
}

/// A store with so many sessions: a token of 28 characters in each, and no data of the app.
///
/// # Panics
///
/// When it has no room.
#[must_use]
pub fn filled(sessions: usize) -> MemoryStore {
    let store = MemoryStore::with_capacity(sessions + 10);
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let now = SystemTime::now();
        let an_hour = now + Duration::from_secs(3_600);
        for _ in 0..sessions {
            let session = Session::new("aGdhc2RmZ2hqa2xxd2VydHl1aW9w", an_hour);
            store.save(session, now).await.expect("room");
        }
    });
    store
}
