//! Asks whether the layer can serve requests, and asks the store for it once a second at most.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::Flow;
use crate::{
    detached, events::GrantType, gateway::breaker::Breaker, key::CookieKeys, response::Readiness,
    session::StoreError, sync::lock,
};

/// A probe waits for the store no longer than this.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
/// For this long, the last answer of the store is the answer to each probe.
const PING_TTL: Duration = Duration::from_secs(1);

/// An answer of the store.
#[derive(Clone, Copy)]
struct Answer {
    at: Instant,
    is_reachable: bool,
}

/// The last ping of the store: in flight, or with its answer. All probes share it.
#[derive(Default)]
pub(crate) struct LastPing(Mutex<Option<Ping>>);

#[derive(Clone)]
struct Ping(watch::Receiver<Option<Answer>>);

impl Ping {
    /// Whether a probe can use this ping. It cannot if the answer is too old, or if the ping ended
    /// without an answer.
    fn is_usable(&self) -> bool {
        // Before the look at the answer: a ping that ends in between has its answer then.
        let is_in_flight = self.0.has_changed().is_ok();
        let answer = *self.0.borrow();
        answer.map_or(is_in_flight, |answer| answer.at.elapsed() < PING_TTL)
    }

    /// Waits for the answer. A ping without an answer panicked, or there is no runtime.
    async fn is_reachable(&mut self) -> bool {
        let answer = self.0.wait_for(Option::is_some).await;
        let answer = answer.ok().and_then(|answer| *answer);
        answer.is_some_and(|answer| answer.is_reachable)
    }
}

impl Flow {
    pub(crate) async fn ready(self: &Arc<Self>) -> Readiness {
        let mut ping = self.join_or_start_ping();
        let is_reachable = ping.is_reachable().await;
        let is_open = |grant| self.breaker(grant).is_open();
        Readiness::new(
            is_reachable,
            CookieKeys::of(&self.shared_outcomes).is_current(),
            self.gateway.health.state(),
            is_open,
        )
    }

    /// The ping runs in a task of its own, so a probe that hangs up does not stop it. The probes
    /// that join a ping have no task, so they leave nothing when they hang up.
    fn join_or_start_ping(self: &Arc<Self>) -> Ping {
        let mut last = lock(&self.last_ping.0);
        if let Some(ping) = &*last
            && ping.is_usable()
        {
            return ping.clone();
        }
        let (sender, answer) = watch::channel(None);
        let ping = last.insert(Ping(answer)).clone();
        drop(last);
        let flow = Arc::clone(self);
        detached::spawn(async move {
            sender.send_replace(Some(flow.ask_store().await));
        });
        ping
    }

    async fn ask_store(&self) -> Answer {
        let ping = self.store.ping(self.config.clock.now());
        let late = || StoreError::new("it did not answer a ping within two seconds");
        let pinged = timeout(PING_TIMEOUT, ping).await;
        let pinged = pinged.unwrap_or_else(|_| Err(late()));
        if let Err(error) = &pinged {
            self.events.store_failed(error);
        }
        Answer {
            at: Instant::now(),
            is_reachable: pinged.is_ok(),
        }
    }

    fn breaker(&self, grant: GrantType) -> &Breaker {
        match grant {
            GrantType::AuthorizationCode => &self.gateway.code_breaker,
            GrantType::RefreshToken => &self.gateway.refresh_breaker,
        }
    }
}
