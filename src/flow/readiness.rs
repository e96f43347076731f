//! Asks whether the layer can serve requests, and asks the store for it once a second at most.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::Flow;
use crate::{
    detached, events::GrantType, gateway::breaker::Breaker, key::CookieKeys, response::Readiness,
    session::StoreError,
};

/// A probe waits for the store no longer than this.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// For this long, the last answer of the store is the answer to each probe.
const PING_TTL: Duration = Duration::from_secs(1);

/// The last answer of the store.
#[derive(Clone, Copy)]
struct Answer {
    at: Instant,
    is_reachable: bool,
}

/// What the store has answered last. The probe that holds the lock asks the store, and all other
/// probes wait for that answer.
#[derive(Default)]
pub(crate) struct LastPing(Mutex<Option<Answer>>);

impl Flow {
    pub(crate) async fn ready(self: &Arc<Self>) -> Readiness {
        // In a task of its own, so that probes that hang up early do not start over and over.
        let ping = detached::run(Arc::clone(self).ping());
        // It panicked, or there is no runtime.
        let is_reachable = ping.await.unwrap_or(false);
        let is_open = |grant| self.breaker(grant).is_open();
        Readiness::new(
            is_reachable,
            CookieKeys::of(&self.shared_outcomes).is_current(),
            self.gateway.health.state(),
            is_open,
        )
    }

    /// Whether the store can be reached, from the last answer if that is not too old.
    async fn ping(self: Arc<Self>) -> bool {
        let mut last = self.last_ping.0.lock().await;
        if let Some(answer) = *last
            && answer.at.elapsed() < PING_TTL
        {
            return answer.is_reachable;
        }
        let ping = self.store.ping(self.config.clock.now());
        let late = || StoreError::new("it did not answer a ping within two seconds");
        let pinged = timeout(PING_TIMEOUT, ping).await;
        let pinged = pinged.unwrap_or_else(|_| Err(late()));
        if let Err(error) = &pinged {
            self.events.store_failed(error);
        }
        let is_reachable = pinged.is_ok();
        let at = Instant::now();
        *last = Some(Answer { at, is_reachable });
        is_reachable
    }

    fn breaker(&self, grant: GrantType) -> &Breaker {
        match grant {
            GrantType::AuthorizationCode => &self.gateway.code_breaker,
            GrantType::RefreshToken => &self.gateway.refresh_breaker,
        }
    }
}
