//! The authorization code grant (RFC 6749 section 4.1). It builds requests and parses responses,
//! and does no I/O.

pub(crate) mod answer;
mod authorization;
mod callback;
mod pkce;
mod state;
mod token;

pub(crate) use self::{
    authorization::{Authorization, is_reserved_parameter, is_scope},
    callback::{AuthorizationResponse, Outcome},
    pkce::{CodeChallenge, Verifier},
    state::State,
    token::{
        ClientAuthentication, Grant, TokenRequest, TokenResponse, TokenResponseError,
        token_response,
    },
};
