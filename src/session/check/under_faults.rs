//! A store whose server fails says so, and recovers with its server.

use std::time::Duration;

use tokio::time::timeout;

use super::{
    checked::{Checked, Saved, next},
    fault::Fault,
    leases::new_name,
    rule::{Found, Rule},
    survivors::{Kept, UncertainSessions},
};
use crate::{
    polling::Polling,
    session::{Lease, Leases, SessionStore, StoreError},
};

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(50);
const LEASE_TTL: Duration = Duration::from_secs(60);

/// Runs the conformance suite for failures on a store behind a network, for the tests of its
/// author.
///
/// `inject` breaks what the store talks to, and repairs it with [`Fault::None`]. For example it
/// lets a proxy in between hang, or stops the server and starts it again. It returns when that is
/// done.
///
/// During an [error](Fault::Error) and a [hang](Fault::Hang), each call of the store must return an
/// error within 5 seconds, and never "there is no such session". Only a store with a cache may
/// still return what it knows. A [slow](Fault::Slow) answer counts as any other. When the server
/// works again, the same store must work within 10 seconds, with every session that it had.
///
/// Like [`check_store`](super::check_store) it ends every session. Give it a store of its own.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use telenor_auth::session::{Fault, FaultyStore, MemoryStore, check_store_faults};
///
/// let store = FaultyStore::new(MemoryStore::new());
/// let server = store.clone();
/// check_store_faults(store, async |fault| match fault {
///     // This one has no deadline, which a store behind a network needs.
///     Fault::Hang => server.set(Fault::Error),
///     fault => server.set(fault),
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
///
/// On the first rule that the store breaks, with a message as that of
/// [`check_store`](super::check_store). It panics outside a tokio runtime as well.
pub async fn check_store_faults<Store: SessionStore>(
    store: Store,
    mut inject: impl AsyncFnMut(Fault),
) {
    inject(Fault::None).await;
    let store = &Checked::new(store);
    let kept = Kept::saved(store).await;
    for fault in [Fault::Error, Fault::Hang] {
        let uncertain = UncertainSessions::saved(store).await;
        let broken = Broken { store, fault };
        inject(fault).await;
        broken.look_ups(&kept).await;
        broken.ping_ends().await;
        broken.changes(&uncertain).await;
        if let Some(leases) = store.leases() {
            broken.leases(leases).await;
        }
        inject(Fault::None).await;
        broken.recovers(&kept).await;
        uncertain.can_still_be_ended(store).await;
    }
    inject(Fault::Slow).await;
    slow_counts_as_any_other(store).await;
    for fault in [Fault::Error, Fault::Hang] {
        inject(fault).await;
        let broken = Broken { store, fault };
        let revoked = store.store().revoke_all(store.now);
        broken.fails("revoke_all", revoked).await;
        inject(Fault::None).await;
        broken.recovers_at_all(&kept).await;
    }
    store.revoke_all().await;
    let rule = Rule::of("revoke_all", "all sessions can be revoked after a fault");
    rule.no_session(&store.load(&kept.live.token).await);
}

/// A store while its server fails.
struct Broken<'s, Store> {
    store: &'s Checked<Store>,
    fault: Fault,
}

impl<Store: SessionStore> Broken<'_, Store> {
    fn rule(&self, method: &'static str, text: &'static str) -> Rule {
        Rule::of(method, text).under(self.fault)
    }

    async fn in_time<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let answer = timeout(ANSWER_TIMEOUT, call).await;
        answer.unwrap_or_else(|_| {
            let rule = self.rule(method, "a call does not hang with the server");
            rule.is_broken(format!("Err within {ANSWER_TIMEOUT:?}"), "no answer")
        })
    }

    async fn fails<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) {
        if self.in_time(method, call).await.is_ok() {
            let rule = self.rule(method, "a failure is an error, and never an answer");
            rule.is_broken("Err", "Ok");
        }
    }

    /// A store that keeps what it needs for a while may still say that it can be reached.
    async fn ping_ends(&self) {
        let ping = self.store.store().ping(self.store.now);
        let _ = self.in_time("ping", ping).await;
    }

    /// A store with a cache may still know the answer, and must know it right.
    async fn look_ups(&self, kept: &Kept) {
        let (store, now) = (self.store.store(), self.store.now);
        let (live, token) = (&kept.live.session, &kept.live.token);
        let text = "a failure is not taken for the end of a session";
        let at_hand = store.try_load(token, now).and_then(Result::ok);
        let loaded = self.in_time("load", store.load(token, now)).await.ok();
        for (method, session) in [("try_load", at_hand), ("load", loaded)] {
            if let Some(session) = session {
                self.rule(method, text)
                    .session(live, &Found { method, session });
            }
        }
        self.fails("load_fresh", store.load_fresh(token, now)).await;

        let sessions = [("live", &kept.live), ("removed", &kept.removed)];
        let entries = sessions.map(|(_, saved)| (self.store.id(saved), saved.session.clone()));
        let ended = store.find_ended(&entries, now);
        if let Ok(ended) = self.in_time("find_ended", ended).await {
            let ended = self.store.names(&ended, &sessions);
            self.rule("find_ended", text)
                .equal(&vec!["removed"], &ended);
        }
        let listed = self
            .in_time("sessions_of", store.sessions_of(kept.subject, now))
            .await;
        if kept.listed
            && let Ok(listed) = listed
        {
            let listed = listed.map(|listed| self.store.names(&listed, &sessions));
            self.rule("sessions_of", text)
                .equal(&Some(vec!["live"]), &listed);
        }
    }

    async fn changes(&self, uncertain: &UncertainSessions) {
        let (store, now, until) = (self.store.store(), self.store.now, self.store.until());
        let never = self.store.session("never");
        self.fails("save", store.save(never, now)).await;
        let Saved { token, session } = &uncertain.updated;
        let updated = store.update(token, next(session, "later"), now);
        self.fails("update", updated).await;
        let removed = store.remove(&uncertain.removed.token, now);
        self.fails("remove", removed).await;
        let revoked = store.revoke(self.store.id(&uncertain.revoked), until, now);
        self.fails("revoke", revoked).await;
        let revoked = store.revoke_subject(uncertain.subject, until, now);
        self.fails("revoke_subject", revoked).await;
    }

    async fn leases(&self, leases: &dyn Leases) {
        let name = new_name();
        self.fails("acquire", leases.acquire(&name, LEASE_TTL))
            .await;
        let completed = leases.complete(&name, "never", LEASE_TTL);
        self.fails("complete", completed).await;
        self.fails("release", leases.release(&name)).await;
    }

    async fn recovers(&self, kept: &Kept) {
        self.recovers_at_all(kept).await;
        let rule = Rule::of("load", "every session is there after a fault, as it was");
        let found = self.store.load(&kept.live.token).await;
        rule.session(&kept.live.session, &found);
    }

    /// Reading and writing may recover one after the other.
    async fn recovers_at_all(&self, kept: &Kept) {
        let (store, now) = (self.store.store(), self.store.now);
        let polling = Polling::new(RECOVERY_TIMEOUT, POLL_INTERVAL);
        loop {
            let read = timeout(ANSWER_TIMEOUT, store.load_fresh(&kept.live.token, now));
            let method = match read.await {
                Ok(Ok(_)) => {
                    let again = self.store.session("again");
                    match timeout(ANSWER_TIMEOUT, store.save(again, now)).await {
                        Ok(Ok(_)) => match timeout(ANSWER_TIMEOUT, store.ping(now)).await {
                            Ok(Ok(())) => return,
                            _ => "ping",
                        },
                        _ => "save",
                    }
                }
                _ => "load_fresh",
            };
            if !polling.next().await {
                let fault = self.fault;
                let rule = Rule::of(method, "the store recovers with its server");
                let expected = format!("Ok within {RECOVERY_TIMEOUT:?} after Fault::{fault:?}");
                rule.is_broken(expected, "Err or no answer");
            }
        }
    }
}

async fn slow_counts_as_any_other<Store: SessionStore>(store: &Checked<Store>) {
    let slow = |method| Rule::of(method, "a slow answer counts as any other").under(Fault::Slow);
    let first = store.save_new("first").await;
    let later = next(&first.session, "later");
    let token = slow("update").token(store.update(&first.token, &later).await);
    slow("update").session(&later, &store.load(&token).await);
    slow("update").no_token(store.update(&token, &later).await);
    store.remove(&token).await;
    slow("remove").no_session(&store.load(&token).await);
    if let Some(leases) = store.leases() {
        let name = new_name();
        for expected in [Lease::Acquired, Lease::Held] {
            let lease = slow("acquire").ok(leases.acquire(&name, LEASE_TTL).await);
            slow("acquire").equal(&expected, &lease);
        }
    }
}
