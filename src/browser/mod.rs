//! The browser's side: what it sends, keeps, and may be redirected to.

mod accept;
pub(crate) mod cookie;
pub(crate) mod host;
pub(crate) mod language;
pub(crate) mod login_button;
pub(crate) mod msisdn_headers;
pub(crate) mod origin_check;
pub(crate) mod pending_login;
pub(crate) mod plain_http;
pub(crate) mod redirect_loop;
pub(crate) mod request;
pub(crate) mod request_kind;
pub(crate) mod return_to;
pub(crate) mod signals;
pub(crate) mod start_page;
pub(crate) mod start_script;
