//! Requests of a browser, and the cookies in it.

mod cookies;
mod http_start;
mod msisdn_headers;
mod pending_login;
mod plain_http;
mod redirect_loop;
mod request;
mod return_to;
mod sealed;
mod start_page;
