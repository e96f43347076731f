//! What further APIs answer, besides the two identity APIs.

use std::io;

use http::Uri;

use super::script::answer::Answer;
use crate::gateway::endpoints::Endpoints;

/// The answers by path.
#[derive(Default)]
pub(super) struct Apis(Vec<(&'static str, Answer)>);

impl Apis {
    pub(super) fn add(&mut self, path: &'static str, answer: Answer) {
        self.0.push((path, answer));
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|(path, _)| *path)
    }

    pub(super) fn answer(&self, path: &str) -> Option<&Answer> {
        let api = self.0.iter().find(|(known, _)| *known == path);
        api.map(|(_, answer)| answer)
    }

    /// Checks that a request can reach each API.
    pub(super) fn check(&self, endpoints: &Endpoints) -> io::Result<()> {
        for (at, path) in self.paths().enumerate() {
            let is_path = path.starts_with('/') && !path.contains(['?', '#']);
            let is_path = is_path && path.parse::<Uri>().is_ok_and(|uri| uri.path() == path);
            let mut endpoints = endpoints.all().into_iter();
            let is_taken = endpoints.any(|(_, known)| known == path)
                || self.paths().take(at).any(|known| known == path)
                || path.starts_with("/mock/");
            if !is_path || is_taken {
                let error = format!(
                    "the mock cannot serve an API at {path:?}: set a path without a query, each \
                     once, none of an endpoint, and none below /mock/"
                );
                return Err(io::Error::new(io::ErrorKind::InvalidInput, error));
            }
        }
        Ok(())
    }
}
