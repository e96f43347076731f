//! The routes of the shop. `AuthSession` says which customer is logged in, and `TelenorUser` which
//! line the browser has shown. Each has a session and a cookie of its own.

use axum::{
    Form, Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthUser};
use telenor_auth::{MobileNumber, TelenorAuthLayer, TelenorUser};
use tower_sessions::{MemoryStore, SessionManagerLayer, cookie::SameSite};

use crate::customers::{Credentials, Customer, Customers};

type AuthSession = axum_login::AuthSession<Customers>;

/// The layer has to be `optional(true)`: customers with a password need no line.
pub(crate) fn router(auth: TelenorAuthLayer, customers: Customers, is_https: bool) -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default())
        // The layer's own cookie is `__Host-telenor-session`.
        .with_name("account")
        .with_secure(is_https)
        // The default, `Strict`, is not sent on the way back from Telenor, so a customer who is
        // logged in would not be recognized there.
        .with_same_site(SameSite::Lax);
    Router::new()
        .route("/", get(home))
        .route("/login", post(log_in))
        .route("/login/telenor", get(log_in_by_line).post(switch_by_line))
        .route("/account", get(account))
        .route("/account/line", get(confirm_line).post(verify_line))
        .route("/logout", post(log_out))
        .layer(from_fn_with_state(auth.clone(), refuse_foreign_forms))
        .layer(AuthManagerLayerBuilder::new(customers, sessions).build())
        // The outermost one: its callback needs no look at the other session.
        .layer(auth)
}

/// Covers the form with the password too. The layer itself checks the forms of users who are signed
/// in by their line.
async fn refuse_foreign_forms(
    State(auth): State<TelenorAuthLayer>,
    request: Request,
    next: Next,
) -> Response {
    if request.method().is_safe() || auth.is_same_origin(request.headers()) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    }
}

async fn home() -> Html<&'static str> {
    Html(
        "<!doctype html><title>Fjellbua</title><p><a href=/login/telenor>Logg inn med Telenor</a>\
         <form method=post action=/login><input name=email autocomplete=username>\
         <input name=password type=password autocomplete=current-password>\
         <button>Logg inn</button></form>",
    )
}

async fn log_in(
    session: AuthSession,
    Form(credentials): Form<Credentials>,
) -> Result<Response, Response> {
    match session.authenticate(credentials).await.map_err(failed)? {
        None => Ok((StatusCode::UNAUTHORIZED, "Feil e-post eller passord").into_response()),
        Some(customer) => begin(session, &customer).await,
    }
}

/// One more way to recognize a customer. `TelenorUser` leads a visitor through the login first.
///
/// It asks before it replaces the session of another customer: any link can lead here.
async fn log_in_by_line(user: TelenorUser, session: AuthSession) -> Result<Response, Response> {
    let customer = customer_of_line(&user, &session).await?;
    let current = session.user.as_ref().map(AuthUser::id);
    match current.filter(|id| *id != customer.id()) {
        None => begin(session, &customer).await,
        Some(current) => Ok(Html(format!(
            "<!doctype html><title>Fjellbua</title><p>Du er logget inn som kunde {current}. \
             Mobilen tilhører kunde {}.<form method=post><button>Bytt kunde</button></form>",
            customer.id()
        ))
        .into_response()),
    }
}

/// A form of the shop's own page asked for the customer of this line.
async fn switch_by_line(user: TelenorUser, session: AuthSession) -> Result<Response, Response> {
    let customer = customer_of_line(&user, &session).await?;
    begin(session, &customer).await
}

async fn customer_of_line(user: &TelenorUser, session: &AuthSession) -> Result<Customer, Response> {
    let number = number_of(user).await?;
    let customer = number.and_then(|number| session.backend.by_verified_line(&number));
    customer.ok_or_else(|| {
        // No account is made here, and none is found by a name or an address: others have the same.
        let text = "<!doctype html><title>Fjellbua</title><p>Vi kjenner ikke denne mobilen. \
                    <a href=/>Logg inn</a> med passord, og koble den til kontoen din.";
        Html(text).into_response()
    })
}

/// Begins the session of a customer. Nothing of another customer's session goes on: not its
/// data, and not its id, which `logout` and `login` in one request would keep.
async fn begin(mut session: AuthSession, customer: &Customer) -> Result<Response, Response> {
    let current = session.user.as_ref().map(AuthUser::id);
    if current.is_some_and(|id| id != customer.id()) {
        session.session.clear().await;
        let cycled = session.session.cycle_id().await;
        cycled.map_err(|error| failed(error.into()))?;
    }
    session.login(customer).await.map_err(failed)?;
    Ok(Redirect::to("/account").into_response())
}

async fn account(session: AuthSession) -> Response {
    match session.user {
        None => Redirect::to("/").into_response(),
        Some(customer) => Html(format!(
            "<!doctype html><title>Fjellbua</title><p>Kunde {}. <a href=/account/line>Koble til \
             mobilen din</a><form method=post action=/logout><button>Logg ut</button></form>",
            customer.id()
        ))
        .into_response(),
    }
}

/// Asks before it changes something: any link can lead here.
async fn confirm_line(user: TelenorUser, session: AuthSession) -> Result<Response, Response> {
    let (Some(customer), Some(number)) = (session.user, number_of(&user).await?) else {
        return Ok(Redirect::to("/").into_response());
    };
    // The number is masked.
    let page = format!(
        "<!doctype html><title>Fjellbua</title><p>Koble {number} til kunde {}?\
         <form method=post><button>Koble til</button></form>",
        customer.id()
    );
    Ok(Html(page).into_response())
}

/// The password has shown who the customer is, and Telenor which line they have.
async fn verify_line(user: TelenorUser, session: AuthSession) -> Result<Redirect, Response> {
    if let (Some(customer), Some(number)) = (&session.user, number_of(&user).await?) {
        session.backend.verify_line(customer.id(), &number);
    }
    Ok(Redirect::to("/account"))
}

/// Ends the customer's session here. The layer then ends its own: a 307 sends the form on to it.
async fn log_out(mut session: AuthSession) -> Result<Redirect, Response> {
    session.logout().await.map_err(failed)?;
    Ok(Redirect::temporary("/telenor/logout"))
}

async fn number_of(user: &TelenorUser) -> Result<Option<MobileNumber>, Response> {
    let info = user.info().await.map_err(IntoResponse::into_response)?;
    Ok(info.mobile_number().cloned())
}

fn failed(_: axum_login::Error<Customers>) -> Response {
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}
