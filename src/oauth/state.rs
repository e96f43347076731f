//! The parameter `state`, which ties a callback to its login (RFC 6749 section 10.12).

use std::fmt;

use aws_lc_rs::constant_time;
use base64_simd::URL_SAFE_NO_PAD;

use crate::login_id::LoginId;

/// 128 random bits for one login, 22 characters in base64url. `Debug` does not show it.
#[derive(Clone)]
pub(crate) struct State {
    value: String,
    login_id: LoginId,
}

impl State {
    pub(crate) fn random() -> Self {
        let mut bytes = [0; 16];
        rand::fill(&mut bytes);
        Self::from_untrusted(URL_SAFE_NO_PAD.encode_to_string(bytes))
    }

    /// Wraps the value of a callback, which may be anything.
    pub(crate) fn from_untrusted(value: String) -> Self {
        let login_id = LoginId::of_state(&value);
        Self { value, login_id }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.value
    }

    pub(crate) fn into_string(self) -> String {
        self.value
    }

    /// Compares in constant time, which `==` does not.
    pub(crate) fn matches(&self, other: &str) -> bool {
        constant_time::verify_slices_are_equal(self.value.as_bytes(), other.as_bytes()).is_ok()
    }

    /// Returns the login's id, for places where `state` itself must not appear.
    pub(crate) fn login_id(&self) -> LoginId {
        self.login_id
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State(login {})", self.login_id())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn states_are_distinct_long_and_evenly_random() {
        let states: HashSet<_> = (0..40_000).map(|_| State::random().value).collect();
        assert_eq!(states.len(), 40_000);
        let mut ones = [0_u32; 128];
        for state in &states {
            let bytes = URL_SAFE_NO_PAD.decode_to_vec(state).unwrap();
            assert_eq!(bytes.len(), 16);
            for (bit, ones) in ones.iter_mut().enumerate() {
                *ones += u32::from(bytes[bit / 8] >> (bit % 8) & 1);
            }
        }
        for (bit, ones) in ones.iter().enumerate() {
            assert!(
                (19_200..20_800).contains(ones),
                "bit {bit} is set {ones} times in 40000"
            );
        }
    }

    /// S10.
    #[test]
    fn only_the_same_state_matches() {
        let state = State::from_untrusted("abc".into());
        assert!(state.matches("abc"));
        for other in ["abd", "ab", "abcd", ""] {
            assert!(!state.matches(other));
        }
    }

    #[test]
    fn login_id_is_that_of_the_value() {
        let state = State::random();
        let back = State::from_untrusted(state.as_str().to_owned());
        assert_eq!(back.login_id(), state.login_id());
        assert_eq!(back.login_id(), LoginId::of_state(state.as_str()));
        assert_ne!(State::random().login_id(), state.login_id());
    }

    #[test]
    fn debug_shows_no_state() {
        let state = State::random();
        assert_eq!(
            format!("{state:?}"),
            format!("State(login {})", state.login_id())
        );
    }
}
