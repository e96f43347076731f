//! The authorization codes and tokens that the gateway has issued.

use std::{collections::HashMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::distr::{Alphanumeric, SampleString as _};
use tokio::time::Instant;

use super::{
    authorization_request::{AuthorizationRequest, s256},
    parameters::Parameters,
};

/// One consent. All its tokens are for the same subscriber and scope.
#[derive(Clone)]
pub(in crate::mock) struct Grant {
    id: u64,
    pub(in crate::mock) subscriber: usize,
    pub(in crate::mock) scope: String,
}

#[derive(Default)]
pub(in crate::mock) struct Grants {
    codes: HashMap<String, IssuedCode>,
    access_tokens: HashMap<String, IssuedToken>,
    refresh_tokens: HashMap<String, Grant>,
    last_id: u64,
}

struct IssuedCode {
    grant: Grant,
    expires: Instant,
    used: bool,
    redirect_uri: String,
    code_challenge: Option<String>,
}

struct IssuedToken {
    grant: Grant,
    expires: Option<Instant>,
}

/// Why a code is refused.
pub(in crate::mock) enum CodeError {
    /// The code was never issued, has been used, or has expired.
    Invalid,
    /// The token request has another redirect URI than the authorization request, or none in strict
    /// mode.
    RedirectUri,
    /// The verifier is missing, unexpected, or does not match the challenge (RFC 7636 section 4.6).
    Verifier,
}

/// Why an access token is refused.
pub(in crate::mock) enum TokenError {
    Unknown,
    Expired,
}

impl Grants {
    pub(in crate::mock) fn issue_code(
        &mut self,
        request: &AuthorizationRequest,
        subscriber: usize,
        lifetime: Duration,
    ) -> String {
        self.last_id += 1;
        let code = Alphanumeric.sample_string(&mut rand::rng(), 8);
        let grant = Grant {
            id: self.last_id,
            subscriber,
            scope: request.scope.clone().unwrap_or_default(),
        };
        let issued = IssuedCode {
            grant,
            expires: expiry(lifetime),
            used: false,
            redirect_uri: request.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
        };
        self.codes.insert(code.clone(), issued);
        code
    }

    /// Exchanges a code. It is used up even if the rest of the token request is invalid.
    pub(in crate::mock) fn redeem(
        &mut self,
        code: &str,
        parameters: &Parameters,
        strict: bool,
    ) -> Result<Grant, CodeError> {
        let code = self.codes.get_mut(code).ok_or(CodeError::Invalid)?;
        if code.used {
            // The tokens from its first use are revoked (RFC 6749 section 4.1.2).
            let grant = code.grant.id;
            self.revoke(grant);
            return Err(CodeError::Invalid);
        }
        code.used = true;
        if code.expires <= Instant::now() {
            return Err(CodeError::Invalid);
        }
        match parameters.find("redirect_uri") {
            Some(sent) if sent != code.redirect_uri => return Err(CodeError::RedirectUri),
            None if strict => return Err(CodeError::RedirectUri),
            _ => {}
        }
        let verifier = parameters.find("code_verifier");
        if verifier.map(s256) != code.code_challenge {
            return Err(CodeError::Verifier);
        }
        Ok(code.grant.clone())
    }

    /// Exchanges a refresh token, which can be used once.
    pub(in crate::mock) fn refresh(&mut self, refresh_token: &str) -> Option<Grant> {
        self.refresh_tokens.remove(refresh_token)
    }

    pub(in crate::mock) fn issue_access_token(&mut self, grant: &Grant, expires_in: u64) -> String {
        let token = new_access_token();
        let issued = IssuedToken {
            grant: grant.clone(),
            expires: Some(expiry(Duration::from_secs(expires_in))),
        };
        self.access_tokens.insert(token.clone(), issued);
        token
    }

    pub(in crate::mock) fn issue_refresh_token(&mut self, grant: &Grant) -> String {
        let token = Alphanumeric.sample_string(&mut rand::rng(), 32);
        self.refresh_tokens.insert(token.clone(), grant.clone());
        token
    }

    /// Returns the index of the access token's subscriber.
    pub(in crate::mock) fn subscriber(&self, access_token: &str) -> Result<usize, TokenError> {
        let token = self.access_tokens.get(access_token);
        let token = token.ok_or(TokenError::Unknown)?;
        if token.is_live() {
            Ok(token.grant.subscriber)
        } else {
            Err(TokenError::Expired)
        }
    }

    /// Ends the access token and all other tokens of the same consent.
    pub(in crate::mock) fn log_out(&mut self, access_token: &str) -> Result<(), TokenError> {
        self.subscriber(access_token)?;
        let grant = self.access_tokens[access_token].grant.id;
        self.revoke(grant);
        Ok(())
    }

    pub(in crate::mock) fn expire_tokens(&mut self) {
        for token in self.access_tokens.values_mut() {
            token.expires = None;
        }
    }

    pub(in crate::mock) fn revoke_tokens(&mut self) {
        self.access_tokens.clear();
        self.refresh_tokens.clear();
    }

    pub(in crate::mock) fn live_tokens(&self) -> usize {
        (self.access_tokens.values())
            .filter(|token| token.is_live())
            .count()
    }

    fn revoke(&mut self, id: u64) {
        self.access_tokens.retain(|_, token| token.grant.id != id);
        self.refresh_tokens.retain(|_, grant| grant.id != id);
    }
}

impl IssuedToken {
    fn is_live(&self) -> bool {
        self.expires.is_some_and(|expires| Instant::now() < expires)
    }
}

/// 28 bytes, so that the token ends with `==`, as in Telenor's logout example.
pub(in crate::mock) fn new_access_token() -> String {
    STANDARD.encode(rand::random::<[u8; 28]>())
}

/// Returns the end of a lifetime that starts now. A lifetime that is too long for the clock is cut
/// to a century.
fn expiry(lifetime: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    Instant::now() + lifetime.min(CENTURY)
}
