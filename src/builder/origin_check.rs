//! The settings of the check for other origins.

use super::{
    TelenorAuthBuilder,
    url::{is_loopback, parse_url},
};
use crate::{browser::origin_check::OriginCheck, error::ConfigError};

impl TelenorAuthBuilder {
    pub(super) fn validate_origins(&self, own: &str) -> Result<Option<OriginCheck>, ConfigError> {
        let trusted = self.trusted_origins.iter();
        let trusted = trusted.map(|text| origin(text).map_err(ConfigError::InvalidTrustedOrigin));
        let trusted = trusted.collect::<Result<_, _>>()?;
        let check = OriginCheck::new(own, trusted);
        Ok((!self.allow_cross_origin_requests).then_some(check))
    }
}

/// The origin as browsers send it.
fn origin(text: &str) -> Result<Box<str>, String> {
    let url = parse_url(text)?;
    let origin = url.origin().ascii_serialization();
    if url.path() != "/" {
        return Err(format!("has a path after {origin}"));
    }
    if origin.contains('*') {
        return Err(format!(
            "has a wildcard ({origin}), and each origin needs its own line"
        ));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(format!(
            "is plain http ({origin}), whose pages anyone on the network can forge"
        ));
    }
    Ok(origin.into())
}
