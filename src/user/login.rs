//! A login that a handler starts, and links to logins.

use std::{fmt, sync::Arc};

use axum_core::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use serde::Serialize;

use super::{
    backend::{LoginOptions, LoginSource, UserBackend},
    extract::{Identity, MissingLayer},
};
use crate::{
    app_value::{AppValue, AppValueError},
    browser::request::RequestInfo,
    oauth::is_reserved_parameter,
};

/// Together, names and values.
const MAX_PARAMETERS: usize = 1024;

/// A login for the visitor of this request, which the handler starts by returning it.
///
/// It is an extractor, and works with and without a user: a user who logs in once more gets a new
/// session. As a response it sends the browser to Telenor, also after a form. To keep what the form
/// holds is the part of the handler. HTMX opens Telenor's page. Any other script gets 401 with the
/// address of the login route, and no login starts.
///
/// A form of another origin gets 403, with or without a session, as a request of a signed-in user
/// does: it must not choose what a login is about. Any site can link to a GET, so do not put the
/// query of a GET into a note.
///
/// A link of another site that would end a session gets a page with a button first, which opens
/// the same address. Where the app wants a
/// [`login_page`](crate::TelenorAuthBuilder::login_page), every visitor from outside gets that
/// page. A page that comes through a service worker of the app, as in Firefox, gets a button that
/// starts a login without the note and the parameters.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use telenor_auth::{LoginMistake, TelenorLogin, TelenorUser};
///
/// #[derive(Serialize, Deserialize)]
/// struct Basket {
///     id: u64,
/// }
///
/// /// The form "pay with your phone number".
/// async fn pay(login: TelenorLogin) -> Result<TelenorLogin, LoginMistake> {
///     login.return_to("/receipt").note(&Basket { id: 17 })
/// }
///
/// /// The page after the login.
/// async fn receipt(user: TelenorUser) -> Result<String, telenor_auth::AppValueError> {
///     let basket: Option<Basket> = user.note()?;
///     Ok(basket.map_or("no basket".to_owned(), |basket| format!("basket {}", basket.id)))
/// }
/// ```
#[must_use = "the login starts when the handler returns it"]
pub struct TelenorLogin {
    backend: Arc<dyn UserBackend>,
    info: RequestInfo,
    options: LoginOptions,
}

impl TelenorLogin {
    /// The most bytes that the JSON of a [note](Self::note) can have.
    pub const MAX_NOTE: usize = 512;

    /// Returns the login for the visitor of this request, for a service that is not axum's.
    ///
    /// # Errors
    ///
    /// [`MissingLayer`]: the request did not pass a [`TelenorAuthLayer`](crate::TelenorAuthLayer).
    /// On a route without the layer, use
    /// [`TelenorAuthLayer::login`](crate::TelenorAuthLayer::login).
    pub fn of_parts(request: &Parts) -> Result<Self, MissingLayer> {
        match request.extensions.get::<Identity>() {
            Some(identity) => {
                let mut info = identity.request_info().clone();
                // The handler asks for the login, whether there is a session or not.
                info.refusal = None;
                Ok(Self {
                    backend: Arc::clone(identity.backend()),
                    info,
                    options: LoginOptions {
                        source: identity.login_source(),
                        is_signed_in: Some(matches!(identity, Identity::User(_))),
                        ..LoginOptions::default()
                    },
                })
            }
            None => Err(MissingLayer::logged(&request.extensions, &request.uri)),
        }
    }

    /// For a request that no layer has seen.
    pub(crate) fn new(backend: Arc<dyn UserBackend>, request: &Parts, source: LoginSource) -> Self {
        Self {
            backend,
            info: RequestInfo::of(request),
            options: LoginOptions {
                source,
                ..LoginOptions::default()
            },
        }
    }

    /// Returns the address of a login that leads to `return_to`, for a link or a form with GET:
    /// `/telenor/login?return_to=%2Fcheckout`. A login by link has no note.
    ///
    /// ```
    /// use telenor_auth::TelenorLogin;
    ///
    /// async fn front_page(login: TelenorLogin) -> String {
    ///     format!("<a href='{}'>Logg inn</a>", login.path("/checkout"))
    /// }
    /// ```
    #[must_use]
    pub fn path(&self, return_to: &str) -> String {
        self.backend.login_path(return_to)
    }

    /// Sets the page of the app that the login leads to, as a path with an optional query. It
    /// defaults to the page of this request, or for a form to the page that the form was on.
    ///
    /// A target that is not on the app's origin, or is one of the layer's own routes, leads home.
    pub fn return_to(mut self, path: impl Into<String>) -> Self {
        self.options.return_to = Some(path.into());
        self
    }

    /// Lets a value of the app travel with the login: the id of a basket, for example.
    ///
    /// Its JSON has at most [`MAX_NOTE`](Self::MAX_NOTE) bytes, and is sealed in the cookie of this
    /// login. The hook [`on_login`](crate::TelenorAuthBuilder::on_login) can read it, and
    /// [`TelenorUser::note`](crate::TelenorUser::note) as long as the session lasts. Where the
    /// browser has no room for one more login, places to return to go first, and then the oldest
    /// login as a whole. A note never goes alone.
    ///
    /// # Errors
    ///
    /// [`LoginMistake::Note`] when the value is too large or has no JSON.
    pub fn note<T: Serialize + ?Sized>(mut self, note: &T) -> Result<Self, LoginMistake> {
        let note = AppValue::of(note, Self::MAX_NOTE).map_err(LoginMistake::Note)?;
        self.options.note = Some(note);
        Ok(self)
    }

    /// Sets a parameter of the authorization request for this login, such as `login_hint`.
    ///
    /// It takes the place of one with the same name that was set before, here or by
    /// [`authorization_parameter`](crate::TelenorAuthBuilder::authorization_parameter). The value
    /// is in the address of Telenor's page, in the browser's history and in logs on the way. So a
    /// hint must not hold a phone number in the clear. Telenor documents no such parameter.
    ///
    /// # Errors
    ///
    /// [`LoginMistake`] for a name that the layer sends itself, such as `state`, and when names and
    /// values together have more than 1024 bytes.
    pub fn parameter(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Result<Self, LoginMistake> {
        let (name, value) = (name.into(), value.into());
        if is_reserved_parameter(&name) {
            return Err(LoginMistake::ReservedParameter(name));
        }
        let parameters = &mut self.options.parameters;
        parameters.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        parameters.push((name, value));
        let len = |(name, value): &(String, String)| name.len() + value.len();
        if parameters.iter().map(len).sum::<usize>() > MAX_PARAMETERS {
            return Err(LoginMistake::ParametersTooLong);
        }
        Ok(self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for TelenorLogin {
    type Rejection = MissingLayer;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingLayer> {
        Self::of_parts(parts)
    }
}

impl IntoResponse for TelenorLogin {
    fn into_response(self) -> Response {
        self.backend.begin_login(&self.info, self.options)
    }
}

impl fmt::Debug for TelenorLogin {
    /// A parameter or the address may name a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelenorLogin").finish_non_exhaustive()
    }
}

/// A handler set up a login that cannot start. As a response it is a 500, which is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginMistake {
    /// The note cannot travel with the login.
    Note(AppValueError),
    /// The parameter has no name, or the layer sends it itself or must not send it.
    ReservedParameter(String),
    /// The parameters have more than 1024 bytes together.
    ParametersTooLong,
}

impl fmt::Display for LoginMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Note(error) => write!(f, "the note of a login: {error}"),
            Self::ReservedParameter(name) => write!(
                f,
                "the parameter {name:?} of the authorization request is empty, or one that the \
                 layer sets itself or must not send: remove it"
            ),
            Self::ParametersTooLong => f.write_str(
                "the parameters of a login have more than 1024 bytes together: shorten them",
            ),
        }
    }
}

impl std::error::Error for LoginMistake {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Note(error) => Some(error),
            Self::ReservedParameter(_) | Self::ParametersTooLong => None,
        }
    }
}

impl IntoResponse for LoginMistake {
    fn into_response(self) -> Response {
        tracing::error!(error = %self, "a handler cannot start its login");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn mistake_says_what_to_change_and_why() {
        let long = "x".repeat(TelenorLogin::MAX_NOTE);
        let cause = AppValue::of(&long, TelenorLogin::MAX_NOTE).unwrap_err();
        let note = LoginMistake::Note(cause.clone());
        assert_eq!(note.to_string(), format!("the note of a login: {cause}"));
        let source = note.source().and_then(|source| source.downcast_ref());
        assert_eq!(source, Some(&cause));
        for (mistake, part) in [
            (
                LoginMistake::ReservedParameter("state".to_owned()),
                "remove it",
            ),
            (LoginMistake::ParametersTooLong, "shorten them"),
        ] {
            let text = mistake.to_string();
            assert!(text.contains(part) && mistake.source().is_none(), "{text}");
        }
    }
}
