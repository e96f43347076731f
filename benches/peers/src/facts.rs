//! What each subject does beside the figures. What can be seen from outside is checked; the rest
//! was read in the sources.

use axum::{
    body::Body,
    http::{HeaderValue, Method, Request, Response, StatusCode, header},
};
use telenor_auth_benches::respond;

use crate::{browser::page, case::Case};

pub const SUBJECTS: [&str; 7] = [
    "telenor-auth",
    "by hand",
    "axum-security",
    "tower-sessions",
    "axum-login",
    "axum-oidc",
    "private jar",
];

pub struct Fact {
    pub name: &'static str,
    /// One for each of [`SUBJECTS`].
    pub values: [&'static str; 7],
    probe: Option<fn(&mut Case) -> bool>,
}

pub const FACTS: [Fact; 13] = [
    Fact {
        name: "sends a visitor to the gateway by itself",
        values: ["yes", "yes", "no", "no", "no", "yes", "no"],
        probe: None,
    },
    Fact {
        name: "exchanges the code",
        values: ["yes", "yes", "yes", "no", "no", "yes", "oauth2 does"],
        probe: None,
    },
    Fact {
        name: "leads back to the page that was asked for",
        values: ["yes", "yes", "no", "no", "yes", "yes", "no"],
        probe: None,
    },
    Fact {
        name: "logs in in several tabs at once",
        values: ["yes", "yes", "no", "–", "–", "no", "as the app writes it"],
        probe: None,
    },
    Fact {
        name: "checks at each request that the session has not expired",
        values: [
            "yes",
            "yes",
            "no, sweeps",
            "yes",
            "yes",
            "yes",
            "the app does",
        ],
        probe: None,
    },
    Fact {
        name: "refuses a session cookie that has a twin",
        values: ["yes", "yes", "no", "no", "no", "no", "no"],
        probe: Some(refuses_a_twin),
    },
    Fact {
        name: "reads its cookie beside one with a byte that is not ASCII",
        values: ["yes", "yes", "no", "no", "no", "no", "no"],
        probe: Some(reads_beside_an_odd_byte),
    },
    Fact {
        name: "marks responses as private",
        values: ["yes", "yes", "no", "no", "no", "no", "no"],
        probe: Some(marks_private),
    },
    Fact {
        name: "refuses a form of another origin",
        values: ["yes", "no", "no", "no", "no", "no", "no"],
        probe: Some(refuses_a_form_of_another_origin),
    },
    Fact {
        name: "removes headers that claim a number",
        values: ["yes", "yes", "no", "no", "no", "no", "no"],
        probe: None,
    },
    Fact {
        name: "ends a session on the server",
        values: ["yes", "no", "yes", "yes", "yes", "yes", "no"],
        probe: None,
    },
    Fact {
        name: "bounds the memory for sessions",
        values: ["yes", "no", "no", "no", "no", "no", "–"],
        probe: None,
    },
    Fact {
        name: "refreshes tokens",
        values: [
            "by a setting",
            "no",
            "a function",
            "no",
            "no",
            "yes",
            "oauth2 has a function",
        ],
        probe: None,
    },
];

/// Checks what can be seen from outside, for a subject of the rows with a user who is signed in.
///
/// # Panics
///
/// When a subject does not do what is stated.
pub fn check(case: &mut Case) {
    let Some(at) = SUBJECTS.iter().position(|subject| *subject == case.subject) else {
        return;
    };
    for fact in FACTS {
        if let Some(probe) = fact.probe {
            let (stated, found) = (fact.values[at] == "yes", probe(case));
            assert_eq!(stated, found, "{}: {}", case.subject, fact.name);
        }
    }
}

/// Whether a second cookie of the same name makes the session unusable, whichever comes first.
fn refuses_a_twin(case: &mut Case) -> bool {
    let (name, _) = case.session.split_once('=').expect("a cookie");
    let (session, twin) = (&case.session, format!("{name}=MDEyMzQ1Njc4OWFiY2RlZg"));
    let orders = [format!("{session}; {twin}"), format!("{twin}; {session}")];
    let requests = orders.map(|cookies| page(case.path, &cookies));
    let mut refused =
        requests.map(|request| !respond(&mut case.app, request).status().is_success());
    refused.sort_unstable();
    refused[0]
}

fn reads_beside_an_odd_byte(case: &mut Case) -> bool {
    let mut request = case.request();
    let mut cookies = b"name=J\xf8rgen; ".to_vec();
    cookies.extend_from_slice(case.session.as_bytes());
    let cookies = HeaderValue::from_bytes(&cookies).expect("a header may hold it");
    request.headers_mut().insert(header::COOKIE, cookies);
    respond(&mut case.app, request).status().is_success()
}

fn marks_private(case: &mut Case) -> bool {
    let request = case.request();
    let response = respond(&mut case.app, request);
    let cache = response.headers().get(header::CACHE_CONTROL);
    let cache = cache.and_then(|cache| cache.to_str().ok());
    cache.is_some_and(|cache| cache.contains("private") || cache.contains("no-store"))
}

/// The app has no route for `POST`. So a request that reached it gets 405.
fn refuses_a_form_of_another_origin(case: &mut Case) -> bool {
    let mut request: Request<Body> = case.request();
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(
        header::ORIGIN,
        HeaderValue::from_static("https://other.test"),
    );
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let response: Response<Body> = respond(&mut case.app, request);
    response.status() == StatusCode::FORBIDDEN
}
