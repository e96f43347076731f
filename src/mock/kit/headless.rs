//! The decisions of a subscriber, without a browser.

use url::Url;

use crate::mock::{
    error::MockError,
    gateway::MockGateway,
    script::{Endpoint, record::RecordedRequest},
    server::authorization_request::{self, AuthorizationError, AuthorizationRequest},
};

impl MockGateway {
    /// Follows an authorization URL as the first subscriber, who agrees to everything.
    ///
    /// Returns the callback URL that the browser would be sent to. The visit is counted and
    /// recorded like a browser's, without headers. Scripted answers and gates do not apply to it.
    ///
    /// # Errors
    ///
    /// `authorization_url` does not lead to the authorization endpoint, or the gateway refuses
    /// the request without a redirect, as it does for a bad client id or redirect URI.
    pub fn allow(&self, authorization_url: &str) -> Result<String, MockError> {
        self.visit(authorization_url, |request| self.consent(request, 0))
    }

    /// Follows an authorization URL as the subscriber with `mobile_number`, who agrees.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Self::allow), and when no subscriber has that number.
    pub fn allow_as(
        &self,
        authorization_url: &str,
        mobile_number: &str,
    ) -> Result<String, MockError> {
        let subscriber = (self.shared.settings)
            .subscriber(mobile_number)
            .ok_or(MockError::UnknownSubscriber)?;
        self.visit(authorization_url, |request| {
            self.consent(request, subscriber)
        })
    }

    /// Follows an authorization URL as a user who refuses to share anything.
    ///
    /// The callback URL has `access_denied` with Telenor's own description.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Self::allow).
    pub fn deny(&self, authorization_url: &str) -> Result<String, MockError> {
        self.visit(authorization_url, AuthorizationRequest::denied)
    }

    /// Follows an authorization URL as a user who lets the USSD question time out.
    ///
    /// The callback URL has the error `login_required`, or the one that
    /// [`ussd_timeout_error`](crate::mock::MockGatewayBuilder::ussd_timeout_error) has set.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Self::allow).
    pub fn time_out(&self, authorization_url: &str) -> Result<String, MockError> {
        let error = &self.shared.settings.ussd_timeout_error;
        self.visit(authorization_url, |request| request.timed_out(error))
    }

    /// Follows an authorization URL to a callback with `error`.
    ///
    /// # Errors
    ///
    /// As for [`allow`](Self::allow).
    pub fn fail(
        &self,
        authorization_url: &str,
        error: &str,
        description: Option<&str>,
    ) -> Result<String, MockError> {
        self.visit(authorization_url, |request| {
            request.failed(error, description)
        })
    }

    fn visit(
        &self,
        authorization_url: &str,
        decide: impl FnOnce(&AuthorizationRequest) -> String,
    ) -> Result<String, MockError> {
        let url = Url::parse(authorization_url).map_err(|_| MockError::NotAnAuthorizationUrl)?;
        if url.path() != self.shared.settings.endpoints.authorization {
            return Err(MockError::NotAnAuthorizationUrl);
        }
        let query = url.query().unwrap_or_default();
        let visit = RecordedRequest::visit(&url).ok_or(MockError::NotAnAuthorizationUrl)?;
        (self.shared.script).record(Endpoint::Authorize, visit);
        match authorization_request::parse(&self.shared.settings, query) {
            Ok(request) => Ok(decide(&request)),
            Err(AuthorizationError::Callback(callback)) => Ok(callback),
            Err(AuthorizationError::Direct(error)) => Err(MockError::Refused {
                status: error.status,
                code: error.apigee.to_owned(),
                description: error.description,
            }),
        }
    }

    fn consent(&self, request: &AuthorizationRequest, subscriber: usize) -> String {
        let lifetime = self.shared.settings.code_lifetime;
        let code = (self.shared.grants()).issue_code(request, subscriber, lifetime);
        request.granted(&code)
    }
}
