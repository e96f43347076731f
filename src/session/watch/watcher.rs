//! Ends the waits for sessions that have ended: one task for all of them, which runs while
//! something waits.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

use super::{entries::Entries, last_ends::LastEnds};
use crate::{
    clock::{Clock, unix_seconds},
    detached,
    error::chain,
    session::{
        Session, SessionId, SessionToken, StoreError, erased::ErasedStore, limits::SessionLimits,
    },
    sync::lock,
};

/// How often the clock is looked at, and a store that has its answer at hand.
const TICK: Duration = Duration::from_secs(1);
/// At least this long between two looks, so that many ends at once cost a few.
const PAUSE: Duration = Duration::from_millis(50);
/// A store behind a network is asked about each session this often. With the other times of this
/// file, an end elsewhere is noticed within 30 seconds.
const INTERVAL: Duration = Duration::from_secs(15);
/// It is longer by up to this, so that sessions which began together are not asked about together.
const SPREAD: Duration = Duration::from_secs(5);
/// Shorter than a tick, so that what the store has at hand is asked for at the next one.
const AT_HAND_INTERVAL: Duration = Duration::from_millis(500);
/// After an error of the store.
const RETRY: Duration = Duration::from_secs(5);
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// For one look. The rest follows at once.
const MAX_BATCH: usize = 1_000;
/// These are looked up one by one.
const MAX_IDLE: usize = 100;

/// Knows for which sessions something waits, and which have ended.
pub(super) struct Watcher {
    store: Arc<dyn ErasedStore>,
    clock: Clock,
    limits: SessionLimits,
    entries: Mutex<Entries>,
    last_ends: LastEnds,
    wake: Arc<Notify>,
    /// One look at the store at a time.
    is_looking: AtomicBool,
}

impl Watcher {
    pub(super) fn new(store: Arc<dyn ErasedStore>, clock: Clock, limits: SessionLimits) -> Self {
        Self {
            store,
            clock,
            limits,
            entries: Mutex::default(),
            last_ends: LastEnds::new(),
            wake: Arc::default(),
            is_looking: AtomicBool::new(false),
        }
    }

    /// Returns what waits for the end of this session.
    pub(super) fn watch(
        self: &Arc<Self>,
        id: SessionId,
        token: &SessionToken,
        session: &Session,
    ) -> Waiter {
        let (receiver, was_watched) = {
            let mut entries = lock(&self.entries);
            let receiver = entries.subscribe(id, token, session);
            (receiver, std::mem::replace(&mut entries.is_watched, true))
        };
        // What ended before this is in no list: the store is asked.
        self.wake.notify_one();
        if !was_watched {
            let watching = Watching(Some(Arc::downgrade(self)));
            detached::spawn_loop(watching.run(Arc::clone(&self.wake)));
        }
        Waiter {
            watcher: Arc::clone(self),
            id,
            receiver: Some(receiver),
        }
    }

    /// A session has ended.
    pub(super) fn end(&self, id: SessionId) {
        self.last_ends.note(Some(id), self.clock.seconds());
        lock(&self.entries).end(id);
    }

    /// Sessions may have ended, and it is not known which.
    pub(super) fn look_at_all(&self) {
        self.last_ends.note(None, self.clock.seconds());
        lock(&self.entries).all_due();
        self.wake.notify_one();
    }

    /// Notes a state of a session that this process has written.
    pub(super) fn see(&self, id: SessionId, session: &Session) {
        lock(&self.entries).see(id, session);
    }

    /// The state of this session that was seen last.
    pub(super) fn latest(&self, id: SessionId, session: Session) -> Session {
        let mut entries = lock(&self.entries);
        entries.see(id, &session);
        entries.session(id).cloned().unwrap_or(session)
    }

    /// Whether this process knows of an end that may be this session's.
    pub(super) fn may_have_ended(&self, id: SessionId, seen_at: u64) -> bool {
        self.last_ends.may_have_ended(id, seen_at)
    }

    /// Ends what the clock has ended, and asks the store about what is due.
    fn look(self: &Arc<Self>) {
        let now = self.clock.seconds();
        let mut entries = lock(&self.entries);
        entries.end_refused(&self.limits, now);
        if entries.is_empty() || self.is_looking.swap(true, Ordering::SeqCst) {
            return;
        }
        let look = Look(Arc::clone(self));
        let idle = entries.idle(&self.limits, now, MAX_IDLE);
        let due = entries.take_due(MAX_BATCH, || {
            let spread = SPREAD.mul_f64(f64::from(rand::random::<u16>()) / f64::from(u16::MAX));
            Instant::now() + INTERVAL + spread
        });
        drop(entries);
        if !(due.is_empty() && idle.is_empty()) {
            detached::spawn_loop(look.run(due, idle));
        }
    }
}

/// The task. When it is dropped with its runtime, the next wait starts another one.
struct Watching(Option<Weak<Watcher>>);

impl Watching {
    async fn run(mut self, wake: Arc<Notify>) {
        loop {
            let _ = timeout(TICK, wake.notified()).await;
            let Some(watcher) = self.0.as_ref().and_then(Weak::upgrade) else {
                return;
            };
            watcher.look();
            {
                let mut entries = lock(&watcher.entries);
                if entries.is_empty() {
                    entries.is_watched = false;
                    self.0 = None;
                    return;
                }
            }
            drop(watcher);
            sleep(PAUSE).await;
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(watcher) = self.0.as_ref().and_then(Weak::upgrade) {
            lock(&watcher.entries).is_watched = false;
        }
    }
}

/// One look at the store, in a task of its own: a store that hangs or panics stops no clock.
struct Look(Arc<Watcher>);

impl Look {
    async fn run(self, due: Vec<(SessionId, Session)>, idle: Vec<(SessionId, SessionToken)>) {
        let asked = timeout(LOOK_TIMEOUT, async {
            self.ask(&due).await?;
            self.look_up_idle(idle).await
        });
        let late = || Err(StoreError::new("it did not answer in time"));
        if let Err(error) = asked.await.unwrap_or_else(|_| late()) {
            let error = chain(&error);
            tracing::debug!(
                error,
                "it is not known which sessions have ended: asking again"
            );
            let ids = due.iter().map(|(id, _)| *id);
            lock(&self.0.entries).due_by(ids, Instant::now() + RETRY);
        }
        let watcher = Arc::clone(&self.0);
        drop(self);
        // More than fits one look, or what came during it.
        if lock(&watcher.entries).has_due() {
            watcher.wake.notify_one();
        }
    }

    async fn ask(&self, due: &[(SessionId, Session)]) -> Result<(), StoreError> {
        if due.is_empty() {
            return Ok(());
        }
        let watcher = &self.0;
        let mut answer = watcher.store.find_ended(due, watcher.clock.now());
        let (ended, at_hand) = match detached::now(&mut answer) {
            Some(ended) => (ended?, true),
            None => (answer.await?, false),
        };
        for id in ended {
            watcher.end(id);
        }
        if at_hand {
            let ids = due.iter().map(|(id, _)| *id);
            lock(&watcher.entries).due_by(ids, Instant::now() + AT_HAND_INTERVAL);
        }
        Ok(())
    }

    /// Sessions that are idle as far as this process knows may have been used elsewhere.
    async fn look_up_idle(&self, idle: Vec<(SessionId, SessionToken)>) -> Result<(), StoreError> {
        let watcher = &self.0;
        for (id, token) in idle {
            let now = watcher.clock.now();
            let session = watcher.store.load_fresh(&token, now).await?;
            let mut entries = lock(&watcher.entries);
            if let Some(session) = &session {
                entries.see(id, session);
            }
            let refused = entries
                .session(id)
                .is_some_and(|latest| watcher.limits.refusal(latest, unix_seconds(now)).is_some());
            if session.is_none() || refused {
                entries.end(id);
            }
        }
        Ok(())
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        self.0.is_looking.store(false, Ordering::SeqCst);
    }
}

/// Waits for the end of one session.
pub(crate) struct Waiter {
    watcher: Arc<Watcher>,
    id: SessionId,
    receiver: Option<watch::Receiver<()>>,
}

impl Waiter {
    pub(crate) async fn ended(mut self) {
        if let Some(receiver) = &mut self.receiver {
            // Nothing is ever sent: this returns when the sender is gone.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // It no longer counts as one that waits.
        self.receiver = None;
        lock(&self.watcher.entries).release(self.id);
    }
}
