//! What comes from a browser, and what is kept in it.

mod cookies;
mod http_start;
mod msisdn_headers;
mod pending_login;
mod plain_http;
mod redirect_loop;
mod return_to;
