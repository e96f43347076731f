//! The error bodies of the gateway.

use axum::response::Response;
use serde_json::{Value, json};

use super::response;
use crate::mock::settings::Settings;

/// Error code, HTTP status and description, from the documentation of the gateway's APIs.
const GATEWAY_ERRORS: &[(u32, u16, &str)] = &[
    (40001, 400, "The end-user id is missing or invalid"),
    (40101, 401, "The resource is invalid"),
    (40102, 401, "The authorization header is missing"),
    (40103, 401, "No API product was found for the app"),
    (40104, 401, "Not authorised for the MSISDN"),
    (40105, 401, "The access token is invalid"),
    (40106, 401, "The access token has expired"),
    (40107, 401, "Basic authentication is not allowed"),
    (40108, 401, "The client id or the client secret is wrong"),
    (40301, 403, "The scope is invalid"),
    (40401, 404, "The path or the method was not found"),
    (
        4042000,
        404,
        "The backend did not find the path or the method",
    ),
    (42901, 429, "The quota is used up"),
    (42902, 429, "The requests come too fast"),
    (50001, 500, "Internal error"),
    (50002, 500, "The acr could not be validated"),
    (50003, 500, "The subscription could not be validated"),
    (500100, 500, "Internal error in the backend"),
];

/// An error of the authorization or token endpoint.
pub(in crate::mock) struct OAuthError {
    pub(in crate::mock) status: u16,
    /// Apigee's `ErrorCode`.
    pub(in crate::mock) apigee: &'static str,
    /// The `error` of RFC 6749 section 5.2.
    pub(in crate::mock) rfc: &'static str,
    pub(in crate::mock) description: String,
}

impl OAuthError {
    pub(in crate::mock) fn response(&self, settings: &Settings) -> Response {
        let body = if settings.rfc_errors {
            json!({ "error": self.rfc, "error_description": self.description })
        } else {
            json!({ "ErrorCode": self.apigee, "Error": self.description })
        };
        response::json(self.status, &body)
    }
}

/// Returns the status and the body of a gateway error, in the envelope that Telenor's APIs share.
pub(in crate::mock) fn gateway_error(error_code: u32, resource: &str) -> (u16, Value) {
    let (_, status, description) = GATEWAY_ERRORS
        .iter()
        .find(|(code, ..)| *code == error_code)
        .copied()
        .unwrap_or((error_code, 500, "Unlisted error"));
    let reason = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let body = json!({
        "httpStatus": status,
        "httpMessage": reason,
        "description": description,
        "errorCode": error_code,
        "resourceId": resource,
        "origin": "telenor-auth mock",
    });
    (status, body)
}
