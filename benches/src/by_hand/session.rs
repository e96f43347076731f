//! Sessions: in memory by their token, or sealed in the cookie.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::SystemTime,
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::seal::Seal;

/// What is kept of a login.
#[derive(Clone, Serialize, Deserialize)]
pub struct Session {
    pub access_token: String,
    pub scope: Option<String>,
    pub login_id: [u8; 16],
    pub expires_at: SystemTime,
}

pub enum Sessions {
    Memory(RwLock<HashMap<Box<[u8]>, Arc<Session>>>),
    Cookie(Seal),
}

const NAME: &[u8] = b"session";

impl Sessions {
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(RwLock::default())
    }

    #[must_use]
    pub fn cookie() -> Self {
        Self::Cookie(Seal::random())
    }

    /// Keeps a session, and returns its token.
    ///
    /// # Panics
    ///
    /// When another thread panicked.
    #[must_use]
    pub fn save(&self, session: Session) -> String {
        match self {
            Self::Memory(sessions) => {
                let token: [u8; 32] = rand::random();
                let token = BASE64_URL_SAFE_NO_PAD.encode(token);
                let mut sessions = sessions.write().expect("no thread panics");
                sessions.insert(token.as_bytes().into(), Arc::new(session));
                token
            }
            Self::Cookie(seal) => {
                let mut token = String::new();
                seal.seal(NAME, &session, &mut token);
                token
            }
        }
    }

    pub(super) fn load(&self, token: &[u8]) -> Option<Arc<Session>> {
        match self {
            Self::Memory(sessions) => {
                let sessions = sessions.read().expect("no thread panics");
                sessions.get(token).cloned()
            }
            Self::Cookie(seal) => seal.open(NAME, token).map(Arc::new),
        }
    }
}
