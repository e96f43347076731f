//! The pages between the authorization endpoint and the callback.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use super::{
    display::{masked, norwegian_date, spaced},
    logins::Login,
    parameters::Parameters,
    response::{found, see_other},
};
use crate::mock::state::Shared;

#[derive(Template)]
#[template(path = "mock/recognised.html")]
struct Recognised<'p> {
    id: &'p str,
    masked: String,
}

#[derive(Template)]
#[template(path = "mock/ussd.html")]
struct Ussd<'p> {
    id: &'p str,
    unrecognised: bool,
    entered: Option<&'p str>,
    subscribers: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "mock/phone.html")]
struct Phone<'p> {
    id: &'p str,
    app: &'p str,
    masked: String,
}

#[derive(Template)]
#[template(path = "mock/consent.html")]
struct Consent<'p> {
    id: &'p str,
    app: &'p str,
    shared: [(&'static str, Option<String>); 5],
}

#[derive(Template)]
#[template(path = "mock/gone.html")]
struct Gone;

/// The first page for someone whom the network recognises.
pub(in crate::mock) async fn recognised(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(line) = login.recognised() else {
            return see_other(&format!("/mock/login/{id}/ussd"));
        };
        let masked = masked(shared.settings.subscribers[line].mobile_number());
        page(StatusCode::OK, &Recognised { id: &id, masked })
    })
}

pub(in crate::mock) async fn go_on(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(line) = login.recognised() else {
            return see_other(&format!("/mock/login/{id}/ussd"));
        };
        login.proven = Some(line);
        see_other(&format!("/mock/login/{id}/consent"))
    })
}

/// The first page for whom the network cannot tell: what is your number?
pub(in crate::mock) async fn ussd(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| ask_number(&shared, &id, login, None))
}

pub(in crate::mock) async fn send_ussd(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let form = Parameters::parse(&body).ok();
    let entered = form.as_ref().and_then(|form| form.find("msisdn"));
    let entered = entered.unwrap_or_default();
    let asked = shared.settings.subscriber(entered);
    with_login(&shared, &id, |login| {
        if asked.is_none() {
            return ask_number(&shared, &id, login, Some(entered));
        }
        login.asked = asked;
        see_other(&format!("/mock/login/{id}/phone"))
    })
}

/// The phone that the question turns up on.
pub(in crate::mock) async fn phone(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(asked) = login.asked else {
            return see_other(&format!("/mock/login/{id}/ussd"));
        };
        let phone = Phone {
            id: &id,
            app: &shared.settings.app_name,
            masked: masked(shared.settings.subscribers[asked].mobile_number()),
        };
        page(StatusCode::OK, &phone)
    })
}

pub(in crate::mock) async fn answer_ussd(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    if answered(&body, "ok") {
        return with_login(&shared, &id, |login| {
            login.proven = login.asked;
            see_other(&format!("/mock/login/{id}/consent"))
        });
    }
    let Some(Login { request, .. }) = shared.logins().end(&id) else {
        return gone();
    };
    if answered(&body, "time-out") {
        found(&request.timed_out(&shared.settings.ussd_timeout_error))
    } else {
        found(&request.denied())
    }
}

/// The last page: may the app have this?
pub(in crate::mock) async fn consent(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(proven) = login.proven else {
            return see_other(&format!("/mock/login/{id}"));
        };
        let subscriber = &shared.settings.subscribers[proven];
        let consent = Consent {
            id: &id,
            app: &shared.settings.app_name,
            shared: [
                ("Navn", subscriber.full_name()),
                ("Mobilnummer", Some(spaced(subscriber.mobile_number()))),
                ("Adresse", subscriber.formatted_address().map(str::to_owned)),
                ("Fødselsdato", subscriber.birth_date().map(norwegian_date)),
                ("E-post", subscriber.email_address().map(str::to_owned)),
            ],
        };
        page(StatusCode::OK, &consent)
    })
}

pub(in crate::mock) async fn decide(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    if (shared.logins().find(&id)).is_some_and(|login| login.proven.is_none()) {
        return see_other(&format!("/mock/login/{id}"));
    }
    let Some(login) = shared.logins().end(&id) else {
        return gone();
    };
    match login.proven {
        Some(subscriber) if answered(&body, "allow") => {
            let lifetime = shared.settings.code_lifetime;
            let code = (shared.grants()).issue_code(&login.request, subscriber, lifetime);
            found(&login.request.granted(&code))
        }
        _ => found(&login.request.denied()),
    }
}

pub(in crate::mock) fn with_login(
    shared: &Shared,
    id: &str,
    go: impl FnOnce(&mut Login) -> Response,
) -> Response {
    shared.logins().find(id).map_or_else(gone, go)
}

fn ask_number(shared: &Shared, id: &str, login: &Login, entered: Option<&str>) -> Response {
    let subscribers = shared.settings.subscribers.iter();
    let status = entered.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let ussd = Ussd {
        id,
        unrecognised: login.network.get() == Some(&None),
        entered,
        subscribers: subscribers
            .map(|subscriber| {
                let number = spaced(subscriber.mobile_number());
                (number, subscriber.full_name().unwrap_or_default())
            })
            .collect(),
    };
    page(status, &ussd)
}

fn gone() -> Response {
    page(StatusCode::GONE, &Gone)
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().expect("writing to a string cannot fail");
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (status, headers, html).into_response()
}

fn answered(body: &[u8], answer: &str) -> bool {
    let form = Parameters::parse(body);
    form.is_ok_and(|form| form.find("answer") == Some(answer))
}

/// Without `form-action`: it would stop the redirect to the app's callback too.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";
