//! The parameters of a query or a form.

use url::form_urlencoded;

/// Decoded parameters, each name once.
pub(in crate::mock) struct Parameters(Vec<(String, String)>);

/// A parameter was sent more than once, which RFC 6749 section 3.1 forbids.
#[derive(Debug)]
pub(in crate::mock) struct Repeated(pub(in crate::mock) String);

impl Parameters {
    pub(in crate::mock) fn parse(encoded: &[u8]) -> Result<Self, Repeated> {
        let mut parameters = Vec::<(String, String)>::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(Repeated(name.into_owned()));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// Returns the value of `name`. An empty value counts as absent (RFC 6749 section 3.1).
    pub(in crate::mock) fn find(&self, name: &str) -> Option<&str> {
        (self.0.iter())
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}
