//! Which authorization codes and tokens are good.

use std::{collections::HashMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::distr::{Alphanumeric, SampleString as _};
use tokio::time::Instant;

use super::{authorization::AuthorizationRequest, parameters::Parameters};

/// One consent, and what every token that comes of it stands for.
#[derive(Clone)]
pub(in crate::mock) struct Grant {
    id: u64,
    pub(in crate::mock) subscriber: usize,
    pub(in crate::mock) scope: String,
}

#[derive(Default)]
pub(in crate::mock) struct Grants {
    codes: HashMap<String, Code>,
    access_tokens: HashMap<String, AccessToken>,
    refresh_tokens: HashMap<String, Grant>,
    last_id: u64,
}

struct Code {
    grant: Grant,
    expires: Instant,
    used: bool,
    redirect_uri: String,
    code_challenge: Option<String>,
}

struct AccessToken {
    grant: Grant,
    expires: Option<Instant>,
}

/// Why a code is turned down.
pub(in crate::mock) enum BadCode {
    /// Never issued, used before, or too old.
    Invalid,
    /// Redeemed with another redirect URI than it was sent to or, in strict mode, with none.
    RedirectUri,
    /// RFC 7636 section 4.6: the verifier is missing, uncalled for, or not the challenge's.
    Verifier,
}

/// Why an access token is turned down.
pub(in crate::mock) enum BadToken {
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
        let issued = Code {
            grant,
            expires: later(lifetime),
            used: false,
            redirect_uri: request.redirect_uri.clone(),
            code_challenge: request.code_challenge.clone(),
        };
        self.codes.insert(code.clone(), issued);
        code
    }

    /// Uses a code up, whether or not the rest of the token request is right.
    pub(in crate::mock) fn redeem(
        &mut self,
        code: &str,
        parameters: &Parameters,
        strict: bool,
    ) -> Result<Grant, BadCode> {
        let code = self.codes.get_mut(code).ok_or(BadCode::Invalid)?;
        if code.used {
            // RFC 6749 section 4.1.2: what came of the first use is taken back.
            let grant = code.grant.id;
            self.revoke(grant);
            return Err(BadCode::Invalid);
        }
        code.used = true;
        if code.expires <= Instant::now() {
            return Err(BadCode::Invalid);
        }
        match parameters.find("redirect_uri") {
            Some(sent) if sent != code.redirect_uri => return Err(BadCode::RedirectUri),
            None if strict => return Err(BadCode::RedirectUri),
            _ => {}
        }
        let verifier = parameters.find("code_verifier");
        if verifier.map(super::authorization::s256) != code.code_challenge {
            return Err(BadCode::Verifier);
        }
        Ok(code.grant.clone())
    }

    /// Trades a refresh token in; it is good once.
    pub(in crate::mock) fn refresh(&mut self, refresh_token: &str) -> Option<Grant> {
        self.refresh_tokens.remove(refresh_token)
    }

    pub(in crate::mock) fn issue_access_token(&mut self, grant: &Grant, expires_in: u64) -> String {
        let token = new_access_token();
        let issued = AccessToken {
            grant: grant.clone(),
            expires: Some(later(Duration::from_secs(expires_in))),
        };
        self.access_tokens.insert(token.clone(), issued);
        token
    }

    pub(in crate::mock) fn issue_refresh_token(&mut self, grant: &Grant) -> String {
        let token = Alphanumeric.sample_string(&mut rand::rng(), 32);
        self.refresh_tokens.insert(token.clone(), grant.clone());
        token
    }

    /// The index of the subscriber whom the access token stands for.
    pub(in crate::mock) fn subscriber(&self, access_token: &str) -> Result<usize, BadToken> {
        let token = self.access_tokens.get(access_token);
        let token = token.ok_or(BadToken::Unknown)?;
        if token.is_live() {
            Ok(token.grant.subscriber)
        } else {
            Err(BadToken::Expired)
        }
    }

    /// Ends the access token and whatever else came of the same consent.
    pub(in crate::mock) fn log_out(&mut self, access_token: &str) -> Result<(), BadToken> {
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

impl AccessToken {
    fn is_live(&self) -> bool {
        self.expires.is_some_and(|expires| Instant::now() < expires)
    }
}

/// 28 bytes, so that the token ends in `==`, as the one in Telenor's logout example.
pub(in crate::mock) fn new_access_token() -> String {
    STANDARD.encode(rand::random::<[u8; 28]>())
}

/// `lifetime` from now; a life beyond what the clock can tell is a very long one.
fn later(lifetime: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    Instant::now() + lifetime.min(CENTURY)
}
