//! The extractor of a user, and its rejections.

use std::fmt;

use axum_core::{
    body::Body,
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};

use super::{TelenorUser, backend::Identity};
use crate::browser::request::RequestInfo;

impl<S: Send + Sync> FromRequestParts<S> for TelenorUser {
    type Rejection = TelenorUserRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let Some(Identity { backend, current }) = parts.extensions.get().cloned() else {
            return Err(MissingLayer::logged().into());
        };
        let info = RequestInfo::of(parts);
        match current {
            Ok(current) => Ok(Self::new(current, backend, info)),
            Err(refusal) => {
                let response = backend.challenge(&info.refused(refusal));
                Err(LoginRequired(Box::new(response)).into())
            }
        }
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for TelenorUser {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, MissingLayer> {
        let Some(Identity { backend, current }) = parts.extensions.get().cloned() else {
            return Err(MissingLayer::logged());
        };
        let current = current.ok();
        Ok(current.map(|current| Self::new(current, backend, RequestInfo::of(parts))))
    }
}

/// Why a handler that takes a [`TelenorUser`] was not called.
#[derive(Debug)]
#[non_exhaustive]
pub enum TelenorUserRejection {
    /// No user is signed in.
    LoginRequired(LoginRequired),
    /// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer).
    MissingLayer(MissingLayer),
}

/// No user is signed in. As a response, it sends a page to log in, and is a 401 for a script.
pub struct LoginRequired(Box<Response<Body>>);

impl fmt::Debug for LoginRequired {
    /// The response holds `state` and a cookie.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginRequired")
            .field("status", &self.0.status())
            .finish_non_exhaustive()
    }
}

/// The route has no [`TelenorAuthLayer`](crate::TelenorAuthLayer). This is a mistake in the app,
/// and returns 500.
///
/// In axum, a layer reaches only the routes that were added before it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MissingLayer;

impl MissingLayer {
    fn logged() -> Self {
        tracing::error!(
            "a handler takes TelenorUser, but its route has no TelenorAuthLayer: \
             add routes before `.layer(auth)`"
        );
        Self
    }
}

impl From<LoginRequired> for TelenorUserRejection {
    fn from(rejection: LoginRequired) -> Self {
        Self::LoginRequired(rejection)
    }
}

impl From<MissingLayer> for TelenorUserRejection {
    fn from(rejection: MissingLayer) -> Self {
        Self::MissingLayer(rejection)
    }
}

impl IntoResponse for TelenorUserRejection {
    fn into_response(self) -> Response {
        match self {
            Self::LoginRequired(rejection) => rejection.into_response(),
            Self::MissingLayer(rejection) => rejection.into_response(),
        }
    }
}

impl IntoResponse for LoginRequired {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl IntoResponse for MissingLayer {
    fn into_response(self) -> Response {
        let text = "TelenorAuthLayer is missing on this route";
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    }
}

impl fmt::Display for TelenorUserRejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginRequired(_) => "no user is signed in",
            Self::MissingLayer(_) => "TelenorAuthLayer is missing on this route",
        })
    }
}

impl std::error::Error for TelenorUserRejection {}
