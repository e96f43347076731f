//! Customers of your own, in SQLite, whom a hook finds between the token and the session.
//!
//! ```text
//! cargo run -p telenor-auth-examples --example customers
//! ```
//!
//! Kari (91234567) is customer 17, and Ola (41234567) is refused. docs/customers.md says more.

use std::{env, error::Error};

use axum::{Router, response::Html, routing::*};
use sqlx::{SqlitePool, query_scalar, raw_sql};
use telenor_auth::{mock::MockGateway, session::SubjectId, *};
use tokio::net::TcpListener;

const TABLE: &str = "
    create table if not exists customers (id integer primary key, line text, verified_at integer);
    insert or ignore into customers values (17, '4791234567', unixepoch())";
/// A number changes hands, so it counts for a while after the customer has confirmed it.
const FIND: &str = "
    select id from customers where line = ? and verified_at > unixepoch('now', '-90 days')";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(listen).await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let database = env::var("DATABASE_URL").unwrap_or("sqlite:shop.sqlite?mode=rwc".to_owned());
    let customers = SqlitePool::connect(&database).await?;
    raw_sql(TABLE).execute(&customers).await?;

    // Without credentials, a mock. For production, take out the match and the feature `mock`.
    let redirect_uri = format!("{origin}/telenor/callback");
    let mock = MockGateway::start().await?;
    let auth = match env::var_os("TELENOR_CLIENT_ID") {
        Some(_) => TelenorAuthLayer::from_env()?,
        None => TelenorAuthLayer::builder(mock.client_id(), mock.client_secret(), redirect_uri)
            .gateway(mock.base_url()),
    };
    let keys = auth
        .get_cookie_keys()
        .cloned()
        .unwrap_or_else(CookieKeys::random);
    let auth = auth.cookie_keys(keys.clone());
    let auth = auth.on_login(move |login| accept(login, customers.clone(), keys.clone()));

    let app = Router::new()
        .route("/account", get(account))
        .telenor_auth(auth.build()?)
        .route("/", get(async || Html("<a href=/account>Din konto</a>")));
    println!("open {origin}");
    axum::serve(listener, app).await?;
    Ok(())
}

/// Finds the customer, or refuses the login with words of the app.
async fn accept(
    login: NewLogin,
    customers: SqlitePool,
    keys: CookieKeys,
) -> Result<NewLogin, LoginError> {
    let info = login.info().await?;
    let number = info.mobile_number().map(MobileNumber::secret);
    let found = query_scalar(FIND)
        .bind(number)
        .fetch_optional(&customers)
        .await;
    let Some(id): Option<i64> = found.map_err(LoginError::failed)? else {
        return Err(login.refuse("Vi kjenner ikke nummeret ditt", "Ring oss på 02000."));
    };
    // The sessions of a customer can be ended together, by `TelenorAuthLayer::revoke_subject`.
    let subject = SubjectId::new(&keys, &id.to_string());
    Ok(login.subject(subject).data(&id)?)
}

async fn account(user: TelenorUser) -> Result<String, AppValueError> {
    let customer: Option<i64> = user.data()?;
    Ok(format!("Kunde {}", customer.unwrap_or_default()))
}
