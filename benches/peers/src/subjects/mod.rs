//! What is measured: each subject as its own documentation sets it up.

pub mod axum_login;
pub mod axum_oidc;
pub mod axum_security;
pub mod bare;
pub mod by_hand;
pub mod oauth2_and_jar;
pub mod telenor_auth;
pub mod tower_sessions;
