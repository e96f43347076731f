//! The authorization code grant (RFC 6749 section 4.1), as bytes in and bytes out: nothing here does I/O.

mod authorization;
mod callback;
mod pkce;
mod state;
mod token;

pub(crate) use self::{
    authorization::{Authorization, is_scope, reserved_parameter},
    callback::{AuthorizationResponse, Outcome},
    pkce::Verifier,
    state::State,
    token::{ClientAuthentication, Grant, TokenRequest, TokenResponse, token_response},
};
