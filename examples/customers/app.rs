//! The pages of the insurer, and the hook that finds its customers.

use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use telenor_auth::{
    AppValueError, CookieKeys, Language, LoginError, LoginMistake, NewLogin, RecentLogin,
    RouterExt, TelenorAuthBuilder, TelenorAuthLayer, TelenorLogin, TelenorUser, session::SubjectId,
};

use super::register::{Customer, Customers};

pub(crate) const NAME: &str = "Fjordforsikring";

/// The chosen insurance, which travels with the login. No other text of a visitor does.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Choice {
    insurance: Insurance,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Insurance {
    Reise,
    Innbo,
}

/// The settings of the layer, but for the gateway.
pub(crate) fn layer(
    client_id: &str,
    client_secret: &str,
    redirect_uri: &str,
    keys: CookieKeys,
    customers: Customers,
) -> TelenorAuthBuilder {
    TelenorAuthLayer::builder(client_id, client_secret, redirect_uri)
        .app_name(NAME)
        .purpose(Language::Bokmal, "finne kundeforholdet ditt")
        .purpose(Language::Nynorsk, "finne kundeforholdet ditt")
        .purpose(Language::English, "find your insurances")
        .cookie_keys(keys.clone())
        .optional(true)
        .on_login(move |login| {
            let (keys, customers) = (keys.clone(), customers.clone());
            async move { accept(login, &keys, &customers).await }
        })
}

/// Finds the customer, between the access token and the session.
async fn accept(
    login: NewLogin,
    keys: &CookieKeys,
    customers: &Customers,
) -> Result<NewLogin, LoginError> {
    let info = login.info().await?;
    let customer = info
        .mobile_number()
        .and_then(|number| customers.find(number));
    let Some(customer) = customer else {
        let (title, text) = match login.language() {
            Language::English => ("We do not know your number", "Call us on 02000."),
            Language::Nynorsk => ("Vi kjenner ikkje nummeret ditt", "Ring oss på 02000."),
            _ => ("Vi kjenner ikke nummeret ditt", "Ring oss på 02000."),
        };
        return Err(login.refuse(title, text));
    };
    let subject = SubjectId::new(keys, &customer.number.to_string());
    Ok(login.subject(subject).data(&customer)?)
}

pub(crate) fn router(auth: TelenorAuthLayer, keys: CookieKeys) -> Router {
    let everywhere = post(log_out_everywhere).with_state((auth.clone(), keys));
    Router::new()
        .route("/", get(front_page))
        .route("/choose", post(choose))
        .route("/insurance", get(insurance))
        .route("/order", get(order_page).post(order))
        .route("/log-out-everywhere", everywhere)
        .telenor_auth(auth)
}

async fn front_page() -> Html<&'static str> {
    Html(
        "<!doctype html><meta name=viewport content='width=device-width'><title>Fjordforsikring\
         </title><h1>Fjordforsikring</h1><form method=post action=/choose><button name=insurance \
         value=reise>Reiseforsikring</button> <button name=insurance value=innbo>Innboforsikring\
         </button></form>",
    )
}

/// Begins a login. The choice comes back with it.
async fn choose(
    login: TelenorLogin,
    Form(choice): Form<Choice>,
) -> Result<TelenorLogin, LoginMistake> {
    login.return_to("/insurance").note(&choice)
}

async fn insurance(user: TelenorUser) -> Result<Html<String>, AppValueError> {
    let (choice, customer): (Option<Choice>, Option<Customer>) = (user.note()?, user.data()?);
    let number = customer.map_or(0, |customer| customer.number);
    let insurance = match choice.map(|choice| choice.insurance) {
        Some(Insurance::Reise) => "Reiseforsikring",
        Some(Insurance::Innbo) => "Innboforsikring",
        None => "Ingen forsikring er valgt",
    };
    Ok(Html(format!(
        "<!doctype html><meta name=viewport content='width=device-width'><title>{insurance}</title>\
         <h1>{insurance}</h1><p>Kundenummer {number}. Innlogging {}.</p>\
         <p><a href=/order>Bestill</a></p>\
         <form method=post action=/log-out-everywhere><button>Logg ut overalt</button></form>",
        user.login_id()
    )))
}

async fn order_page(RecentLogin(_): RecentLogin<1>) -> Html<&'static str> {
    Html(
        "<!doctype html><meta name=viewport content='width=device-width'><title>Bestill</title>\
         <form method=post action=/order><button>Bestill nå</button></form>",
    )
}

async fn order(RecentLogin(_): RecentLogin<1>) -> &'static str {
    "Bestilt"
}

/// Ends the customer's sessions in all browsers.
async fn log_out_everywhere(
    State((auth, keys)): State<(TelenorAuthLayer, CookieKeys)>,
    user: TelenorUser,
) -> Result<Response, AppValueError> {
    if let Some(customer) = user.data::<Customer>()? {
        // Sessions from before a change of keys have another subject.
        for subject in SubjectId::under_each_key(&keys, &customer.number.to_string()) {
            if auth.revoke_subject(subject).await.is_err() {
                return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
            }
        }
    }
    Ok("Du er logget ut overalt".into_response())
}
