//! The names of keys in Redis.

use std::sync::Arc;

use crate::session::{SessionId, SubjectId};

/// The beginning of every key of an app.
#[derive(Clone, Debug)]
pub(super) struct Prefix(Arc<str>);

impl Prefix {
    pub(super) fn new(prefix: &str) -> Self {
        Self(prefix.into())
    }

    pub(super) fn session(&self, id: SessionId) -> String {
        format!("{}session:{id}", self.0)
    }

    /// What the keys of sessions begin with.
    pub(super) fn sessions(&self) -> String {
        format!("{}session:", self.0)
    }

    pub(super) fn subject(&self, subject: SubjectId) -> String {
        format!("{}subject:{subject}", self.0)
    }

    pub(super) fn lease(&self, name: &str) -> String {
        format!("{}lease:{name}", self.0)
    }

    pub(super) fn revocations(&self) -> String {
        format!("{}revocations", self.0)
    }

    /// The key of the time up to which all sessions have ended.
    pub(super) fn revoked_up_to(&self) -> String {
        format!("{}revoked-up-to", self.0)
    }

    /// The pattern by which `SCAN` finds every session, and perhaps other keys.
    pub(super) fn session_pattern(&self) -> String {
        let mut pattern = String::new();
        for character in self.0.chars() {
            if "*?[\\".contains(character) {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern.push_str("session:*");
        pattern
    }

    /// Whether a key is that of a session of this app. The prefix of another app may begin with
    /// this one.
    pub(super) fn is_session(&self, key: &[u8]) -> bool {
        let id = key.strip_prefix(self.0.as_bytes());
        let id = id.and_then(|rest| rest.strip_prefix(b"session:"));
        let id = id.and_then(|id| str::from_utf8(id).ok());
        id.is_some_and(|id| id.parse::<SessionId>().is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_of_another_app_is_not_a_session_of_this_one() {
        let prefix = Prefix::new("shop:");
        let id = SessionId([7; 16]);
        assert!(prefix.is_session(prefix.session(id).as_bytes()));
        for other in [
            Prefix::new("shop:session:").session(id),
            Prefix::new("other-shop:").session(id),
            prefix.lease("session:"),
            format!("{}0", prefix.session(id)),
            format!("shop:session:{}", "*".repeat(32)),
        ] {
            assert!(!prefix.is_session(other.as_bytes()), "{other}");
        }
        assert!(!prefix.is_session(b"shop:session:\xff"));
    }

    #[test]
    fn prefix_is_not_a_pattern() {
        assert_eq!(
            Prefix::new("a*[b]\\:").session_pattern(),
            r"a\*\[b]\\:session:*"
        );
    }
}
