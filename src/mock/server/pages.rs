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
    format::{masked, norwegian_date, spaced},
    logins::LoginProgress,
    parameters::Parameters,
    response::{found, see_other},
};
use crate::mock::state::GatewayState;

/// `form-action` is missing, because it would also block the redirect to the app's callback.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "mock/recognized.html")]
struct Recognized<'p> {
    id: &'p str,
    masked: String,
}

#[derive(Template)]
#[template(path = "mock/ussd.html")]
struct Ussd<'p> {
    id: &'p str,
    unrecognized: bool,
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
#[template(path = "mock/expired.html")]
struct Expired;

/// The first page for a subscriber whom the network recognizes.
pub(in crate::mock) async fn recognized(
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(line) = login.recognized() else {
            return see_other(&format!("/mock/login/{id}/ussd"));
        };
        let masked = masked(shared.settings.subscribers[line].mobile_number());
        page(StatusCode::OK, &Recognized { id: &id, masked })
    })
}

pub(in crate::mock) async fn confirm_recognition(
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(line) = login.recognized() else {
            return see_other(&format!("/mock/login/{id}/ussd"));
        };
        login.confirmed = Some(line);
        see_other(&format!("/mock/login/{id}/consent"))
    })
}

/// The first page for a user whom the network does not recognize. It asks for the number.
pub(in crate::mock) async fn ussd(
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| ask_number(&shared, &id, login, None))
}

pub(in crate::mock) async fn send_ussd(
    State(shared): State<Arc<GatewayState>>,
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

/// The picture of the phone that gets the USSD question.
pub(in crate::mock) async fn phone(
    State(shared): State<Arc<GatewayState>>,
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
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    if answered(&body, "ok") {
        return with_login(&shared, &id, |login| {
            login.confirmed = login.asked;
            see_other(&format!("/mock/login/{id}/consent"))
        });
    }
    let Some(LoginProgress { request, .. }) = shared.logins().end(&id) else {
        return expired();
    };
    if answered(&body, "time-out") {
        found(&request.timed_out(&shared.settings.ussd_timeout_error))
    } else {
        found(&request.denied())
    }
}

/// The last page, which asks for consent.
pub(in crate::mock) async fn consent(
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
) -> Response {
    with_login(&shared, &id, |login| {
        let Some(confirmed) = login.confirmed else {
            return see_other(&format!("/mock/login/{id}"));
        };
        let subscriber = &shared.settings.subscribers[confirmed];
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
    State(shared): State<Arc<GatewayState>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    if (shared.logins().find(&id)).is_some_and(|login| login.confirmed.is_none()) {
        return see_other(&format!("/mock/login/{id}"));
    }
    let Some(login) = shared.logins().end(&id) else {
        return expired();
    };
    match login.confirmed {
        Some(subscriber) if answered(&body, "allow") => {
            let lifetime = shared.settings.code_lifetime;
            let code = (shared.grants()).issue_code(&login.request, subscriber, lifetime);
            found(&login.request.granted(&code))
        }
        _ => found(&login.request.denied()),
    }
}

pub(in crate::mock) fn with_login(
    shared: &GatewayState,
    id: &str,
    respond: impl FnOnce(&mut LoginProgress) -> Response,
) -> Response {
    shared.logins().find(id).map_or_else(expired, respond)
}

fn ask_number(
    shared: &GatewayState,
    id: &str,
    login: &LoginProgress,
    entered: Option<&str>,
) -> Response {
    let subscribers = shared.settings.subscribers.iter();
    let status = entered.map_or(StatusCode::OK, |_| StatusCode::UNPROCESSABLE_ENTITY);
    let ussd = Ussd {
        id,
        unrecognized: login.network.get() == Some(&None),
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

fn expired() -> Response {
    page(StatusCode::GONE, &Expired)
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
