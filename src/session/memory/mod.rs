//! Sessions in this process's memory.

mod shards;
mod subjects;
mod sweeper;

use std::{fmt, sync::Arc, time::SystemTime};

use tokio::task::yield_now;

use self::{
    shards::{Shards, shards_for},
    subjects::Subjects,
    sweeper::Sweeper,
};
use super::{Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId};
use crate::{clock::unix_seconds, detached, session_refusal::SessionRefusal};

const DEFAULT_CAPACITY: usize = 100_000;
/// To free a session takes 5 µs where a million are freed one after the other. Other tasks go on
/// after so many.
const FREED_AT_ONCE: usize = 32;

/// Keeps sessions in memory, for an app that runs as one process.
///
/// It holds a bounded number of sessions, which defaults to 100 000. When it is full it refuses a
/// new session and keeps those it has. An expired session is refused at once and forgotten within a
/// minute. Tokens are kept as hashes only.
///
/// ```
/// use telenor_auth::session::MemoryStore;
///
/// let store = MemoryStore::with_capacity(20_000);
/// assert!(store.is_empty());
/// ```
///
/// # A limit for logins
///
/// No live session makes room for a new one. So a client that logs in again and again, and sends
/// no cookie, can fill the store with one phone line. Users who are signed in do not notice. All
/// others get 503 until sessions expire, and the log says that the store is full.
///
/// Where the hook [`on_login`](crate::TelenorAuthBuilder::on_login) names the customer,
/// [`with_max_sessions_per_subject`](Self::with_max_sessions_per_subject) limits the sessions of
/// each. A limit for visitors whom the app does not know is the app's or its proxy's. This
/// middleware takes 20 callbacks in a minute from one address, and stands outside the layer. Mind
/// that many phones share an address in a mobile network.
///
/// ```
/// use std::{
///     collections::HashMap,
///     sync::{Arc, Mutex},
///     time::{Duration, Instant},
/// };
/// use axum::{
///     Router,
///     extract::{Request, State},
///     http::StatusCode,
///     middleware::{Next, from_fn_with_state},
///     response::{IntoResponse, Response},
/// };
///
/// /// The callbacks of this minute, by the address that the app's own proxy states.
/// type Callbacks = Arc<Mutex<(Option<Instant>, HashMap<String, u32>)>>;
///
/// async fn limit(State(callbacks): State<Callbacks>, request: Request, next: Next) -> Response {
///     if request.uri().path() == "/telenor/callback" {
///         let address = request.headers().get("x-forwarded-for");
///         let address = address.and_then(|address| address.to_str().ok()?.rsplit(',').next());
///         let address = address.unwrap_or_default().trim().to_owned();
///         let mut callbacks = callbacks.lock().unwrap();
///         let (since, counts) = &mut *callbacks;
///         if since.is_none_or(|since| since.elapsed() > Duration::from_secs(60)) {
///             *since = Some(Instant::now());
///             counts.clear();
///         }
///         let count = counts.entry(address).or_default();
///         *count += 1;
///         if *count > 20 {
///             return StatusCode::TOO_MANY_REQUESTS.into_response();
///         }
///     }
///     next.run(request).await
/// }
///
/// # let (app, auth) = (Router::new(), telenor_auth::TelenorAuthLayer::builder(
/// #     "id", "secret", "https://shop.example/telenor/callback").build()?);
/// let app: Router = app.layer(auth).layer(from_fn_with_state(Callbacks::default(), limit));
/// # use axum::body::Body;
/// # use tower::ServiceExt;
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// # runtime.block_on(async {
/// #     for number in 0..22 {
/// #         let callback = Request::get("/telenor/callback").header("x-forwarded-for", "a, b");
/// #         let callback = callback.body(Body::empty()).unwrap();
/// #         let answer = app.clone().oneshot(callback).await.unwrap();
/// #         let expected = if number < 20 { 400 } else { 429 };
/// #         assert_eq!(answer.status(), expected);
/// #     }
/// # });
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    sessions: Arc<Sessions>,
    max_per_subject: usize,
}

/// What the clones of a store share.
struct Sessions {
    shards: Shards,
    subjects: Subjects,
    sweeper: Sweeper,
}

impl MemoryStore {
    /// Returns an empty store for 100 000 sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// Returns an empty store for this number of sessions.
    #[must_use]
    pub fn with_capacity(sessions: usize) -> Self {
        Self {
            sessions: Arc::new(Sessions {
                shards: Shards::new(sessions),
                subjects: Subjects::new(shards_for(sessions)),
                sweeper: Sweeper::default(),
            }),
            max_per_subject: usize::MAX,
        }
    }

    /// Limits the sessions of one [subject](Session::subject). It defaults to no limit. A login
    /// beyond the limit ends the oldest of them.
    #[must_use]
    pub fn with_max_sessions_per_subject(mut self, sessions: usize) -> Self {
        self.max_per_subject = sessions.max(1);
        self
    }

    /// Returns how many sessions are kept, with those that have expired and are not forgotten yet.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.shards.len()
    }

    /// Returns whether no session is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many sessions the index of the subjects has.
    #[cfg(any(test, model))]
    pub(crate) fn indexed(&self) -> usize {
        self.sessions.subjects.len()
    }

    #[inline]
    fn find(&self, token: &SessionToken, now: SystemTime) -> Option<Session> {
        let now = unix_seconds(now);
        self.sessions.sweeper.observe(now);
        let session = self.sessions.shards.get(token.id())?;
        (!session.has_expired(now)).then_some(session)
    }
}

impl Sessions {
    fn remove(&self, id: SessionId) {
        if let Some(session) = self.shards.remove(id) {
            self.forget_subject(&session, id);
        }
    }

    fn forget_subject(&self, session: &Session, id: SessionId) {
        if let Some(subject) = session.subject() {
            self.subjects.remove(subject, id);
        }
    }

    /// Adds a session that is kept to those of its subject, and ends the oldest beyond the limit.
    fn add_to_subject(&self, subject: SubjectId, id: SessionId, most: usize, now: u64) {
        if most < usize::MAX {
            // One that has expired does not count.
            let known = self.subjects.sessions(subject);
            let expired = known.into_iter().filter(|id| !self.is_live(*id, now));
            expired.for_each(|id| self.remove(id));
        }
        let over = self.subjects.add(subject, id, most);
        over.into_iter().for_each(|id| self.remove(id));
        // Ended between being kept and being added.
        if self.shards.get(id).is_none() {
            self.subjects.remove(subject, id);
        }
    }

    fn is_live(&self, id: SessionId, now: u64) -> bool {
        let session = self.shards.get(id);
        session.is_some_and(|session| !session.has_expired(now))
    }

    /// Forgets what has expired. Between its steps other tasks go on.
    async fn sweep(&self, now: u64) {
        for expired in self.shards.sweep(now) {
            self.free(expired.into_iter()).await;
        }
    }

    /// Forgets all. Between its steps other tasks go on.
    async fn drain(&self) {
        for removed in self.shards.drain() {
            self.free(removed).await;
        }
    }

    /// Forgets the sessions of one subject. Between its steps other tasks go on.
    async fn remove_subject(&self, subject: SubjectId) {
        for ids in self.subjects.sessions(subject).chunks(FREED_AT_ONCE) {
            ids.iter().for_each(|id| self.remove(*id));
            yield_now().await;
        }
    }

    async fn free(&self, mut removed: impl ExactSizeIterator<Item = (SessionId, Session)>) {
        loop {
            self.forget_subjects(removed.by_ref().take(FREED_AT_ONCE));
            yield_now().await;
            if removed.len() == 0 {
                return;
            }
        }
    }

    /// Takes a place for a new session, that of an expired one where there is no other.
    fn reserve(&self, now: u64) -> bool {
        loop {
            if self.shards.reserve() {
                return true;
            }
            let mut steps = self.shards.sweep(now);
            let Some(expired) = steps.find(|expired| !expired.is_empty()) else {
                // Another caller may have freed a place before this one looked.
                return self.shards.reserve();
            };
            self.forget_subjects(expired);
        }
    }

    fn forget_subjects(&self, removed: impl IntoIterator<Item = (SessionId, Session)>) {
        for (id, session) in removed {
            self.forget_subject(&session, id);
        }
    }
}

impl SessionStore for MemoryStore {
    fn try_load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Option<Result<Option<Session>, StoreError>> {
        Some(Ok(self.find(token, now)))
    }

    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        Ok(self.find(token, now))
    }

    fn refusal(&self, token: &SessionToken, _now: SystemTime) -> SessionRefusal {
        token.refusal_if_not_random()
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let (sessions, now) = (&self.sessions, unix_seconds(now));
        if !sessions.reserve(now) {
            let full = "the memory store is full of live sessions";
            return Err(StoreError::permanent(full));
        }
        let weak = Arc::downgrade(sessions);
        sessions.sweeper.start(now, move |now| {
            let sessions = weak.upgrade();
            async move {
                let sessions = sessions?;
                sessions.sweep(now).await;
                Some(sessions.shards.len())
            }
        });
        let token = sessions.shards.insert(&session, SessionToken::random);
        if let Some(subject) = session.subject() {
            sessions.add_to_subject(subject, token.id(), self.max_per_subject, now);
        }
        Ok(token)
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        if new.is_expired_at(now) {
            return Ok(None);
        }
        let updated = self.sessions.shards.update(token.id(), new);
        Ok(updated.then(|| token.clone()))
    }

    async fn remove(&self, token: &SessionToken, _now: SystemTime) -> Result<(), StoreError> {
        self.sessions.remove(token.id());
        Ok(())
    }

    async fn revoke(
        &self,
        id: SessionId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        self.sessions.remove(id);
        Ok(())
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        let sessions = Arc::clone(&self.sessions);
        finish(async move { sessions.remove_subject(subject).await }).await
    }

    async fn revoke_all(&self, _now: SystemTime) -> Result<(), StoreError> {
        let sessions = Arc::clone(&self.sessions);
        finish(async move { sessions.drain().await }).await
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let now = unix_seconds(now);
        let ids = sessions.iter().map(|(id, _)| *id);
        Ok(ids.filter(|id| !self.sessions.is_live(*id, now)).collect())
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let now = unix_seconds(now);
        let mut ids = self.sessions.subjects.sessions(subject);
        ids.retain(|id| self.sessions.is_live(*id, now));
        Ok(Some(ids))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs work to its end: a caller that goes away would leave sessions that go on.
async fn finish(work: impl Future<Output = ()> + Send + 'static) -> Result<(), StoreError> {
    let done = detached::run_or_in_place(work).await;
    done.ok_or_else(|| StoreError::permanent("the runtime has shut down"))
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.sessions.shards.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{boxed::BoxFuture, clock::Clock, key::CookieKeys};

    fn session(clock: &Clock, seconds: u64) -> Session {
        Session::new("token", clock.now() + Duration::from_secs(seconds))
    }

    /// S81.
    #[tokio::test]
    async fn full_store_refuses_the_new_and_keeps_the_live() {
        let clock = Clock::manual();
        let store = MemoryStore::with_capacity(2);
        let save = async |seconds| store.save(session(&clock, seconds), clock.now()).await;
        let load = async |token| store.load(token, clock.now()).await.unwrap();
        let first = save(60).await.unwrap();
        let second = save(120).await.unwrap();
        assert!(save(60).await.is_err());
        assert!(load(&first).await.is_some());
        assert!(load(&second).await.is_some());

        clock.advance(Duration::from_secs(60));
        save(60).await.unwrap();
        assert!(load(&second).await.is_some());
        assert_eq!(store.len(), 2);
    }

    #[tokio::test]
    async fn session_opens_by_its_whole_token_and_by_nothing_like_it() {
        let clock = Clock::manual();
        let store = MemoryStore::new();
        let save = async || store.save(session(&clock, 60), clock.now()).await.unwrap();
        let opens = |token: &str| store.find(&SessionToken::new(token), clock.now()).is_some();
        let (token, other) = (save().await, save().await);
        let (token, other) = (token.secret(), other.secret());
        assert!(opens(token) && opens(other));
        for at in 0..token.len() {
            let (before, after) = (&token[..at], &token[at + 1..]);
            let altered = if &token[at..=at] == "A" { "B" } else { "A" };
            assert!(!opens(&format!("{before}{altered}{after}")), "{at}");
            assert!(!opens(before));
        }
        let half = token.len() / 2;
        assert!(!opens(&format!("{}{}", &token[..half], &other[half..])));
        // The last character has two bits that no byte needs.
        let other_spelling = |last: char| format!("{}{last}", &token[..token.len() - 1]);
        let spellings = ('A'..='Z')
            .chain('a'..='z')
            .chain('0'..='9')
            .chain(['-', '_']);
        let that_open = spellings.filter(|last| opens(&other_spelling(*last)));
        assert_eq!(that_open.count(), 1);
        for spelling in [
            format!("{token}="),
            format!(" {token}"),
            format!("{token}A"),
        ] {
            assert!(!opens(&spelling));
        }
        let id = SessionToken::new(token).id();
        assert!(!opens(&id.to_string()));
        assert!(!opens(&String::from_utf8_lossy(&id.to_bytes())));
    }

    /// S81.
    #[tokio::test]
    async fn expired_session_is_refused_before_it_is_swept() {
        let clock = Clock::manual();
        let store = MemoryStore::new();
        let token = store.save(session(&clock, 60), clock.now()).await.unwrap();
        clock.advance(Duration::from_secs(60));
        assert!(store.load(&token, clock.now()).await.unwrap().is_none());
        assert_eq!(store.len(), 1);
    }

    /// S81.
    #[tokio::test(start_paused = true)]
    async fn expired_sessions_are_forgotten_without_traffic() {
        let clock = Clock::manual();
        let store = MemoryStore::new();
        // And the sweeper comes back for the next ones.
        for _ in 0..2 {
            for _ in 0..100 {
                store.save(session(&clock, 60), clock.now()).await.unwrap();
            }
            assert!(!store.is_empty());
            // The clock of the runtime is paused: this moves it and takes no time.
            tokio::time::sleep(Duration::from_secs(180)).await;
            assert!(store.is_empty());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn clock_that_is_put_right_again_costs_no_live_session() {
        let clock = Clock::manual();
        let store = MemoryStore::new();
        let live = store.save(session(&clock, 600), clock.now()).await.unwrap();
        clock.advance(Duration::from_secs(1_000_000));
        store.save(session(&clock, 60), clock.now()).await.unwrap();
        clock.rewind(Duration::from_secs(1_000_000));
        store.load(&live, clock.now()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(90)).await;
        assert!(store.load(&live, clock.now()).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn index_of_subjects_holds_no_session_that_has_ended() {
        let (clock, keys) = (Clock::manual(), CookieKeys::random());
        let store = MemoryStore::new();
        let subject = SubjectId::new(&keys, "customer 17");
        let of_subject = session(&clock, 60).with_subject(subject);
        for end in 0..4 {
            let token = store.save(of_subject.clone(), clock.now()).await.unwrap();
            assert_eq!(store.indexed(), 1);
            match end {
                0 => store.remove(&token, clock.now()).await.unwrap(),
                1 => store.revoke_all(clock.now()).await.unwrap(),
                2 => {
                    let now = clock.now();
                    store.revoke_subject(subject, now, now).await.unwrap();
                }
                _ => store.sessions.sweep(u64::MAX).await,
            }
            assert_eq!(store.indexed(), 0, "{end}");
        }
        // One that has ended in the moment in which it was saved.
        let id = SessionToken::random().id();
        store.sessions.add_to_subject(subject, id, usize::MAX, 0);
        assert_eq!(store.indexed(), 0);
    }

    /// A store whose sessions are all of one subject.
    async fn filled(clock: &Clock, sessions: usize) -> (MemoryStore, SubjectId) {
        let store = MemoryStore::with_capacity(sessions);
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        for _ in 0..sessions {
            let session = session(clock, 60).with_subject(subject);
            store.save(session, clock.now()).await.unwrap();
        }
        (store, subject)
    }

    #[tokio::test]
    async fn other_tasks_go_on_after_a_few_sessions_that_are_freed() {
        let clock = Clock::manual();
        for end in 0..3 {
            let (store, subject) = filled(&clock, 5_000).await;
            let sessions = &store.sessions;
            let mut work: BoxFuture<'_, ()> = match end {
                0 => Box::pin(sessions.sweep(u64::MAX)),
                1 => Box::pin(sessions.drain()),
                _ => Box::pin(sessions.remove_subject(subject)),
            };
            let mut left = sessions.subjects.len();
            while detached::now(&mut work).is_none() {
                let freed = left - sessions.subjects.len();
                assert!(freed <= FREED_AT_ONCE, "{end}: {freed}");
                left -= freed;
            }
            assert_eq!((store.len(), sessions.subjects.len()), (0, 0), "{end}");
        }
    }

    #[tokio::test]
    async fn all_sessions_end_also_when_the_caller_goes_away() {
        let clock = Clock::manual();
        for of_subject in [false, true] {
            let (store, subject) = filled(&clock, 1_000).await;
            let now = clock.now();
            let mut revoke: BoxFuture<'_, Result<(), StoreError>> = match of_subject {
                true => Box::pin(store.revoke_subject(subject, now, now)),
                false => Box::pin(store.revoke_all(now)),
            };
            assert!(detached::now(&mut revoke).is_none());
            drop(revoke);
            for _ in 0..10_000 {
                yield_now().await;
            }
            assert_eq!(store.len(), 0, "{of_subject}");
        }
    }

    #[test]
    fn all_sessions_end_without_a_runtime() {
        let clock = Clock::manual();
        let mut work: BoxFuture<'_, ()> = Box::pin(async {
            let (store, _) = filled(&clock, 3).await;
            store.revoke_all(clock.now()).await.unwrap();
            assert_eq!(store.len(), 0);
        });
        while detached::now(&mut work).is_none() {}
    }

    /// S84.
    #[tokio::test]
    async fn limit_of_a_subject_does_not_count_what_has_expired() {
        let clock = Clock::manual();
        let store = MemoryStore::new().with_max_sessions_per_subject(2);
        let subject = SubjectId::new(&CookieKeys::random(), "customer 17");
        let save = async |seconds| {
            let session = session(&clock, seconds).with_subject(subject);
            store.save(session, clock.now()).await.unwrap()
        };
        let load = async |token| store.load(token, clock.now()).await.unwrap();
        let (long, _short) = (save(600).await, save(60).await);
        clock.advance(Duration::from_secs(60));
        let new = save(600).await;
        assert!(load(&long).await.is_some());
        save(600).await;
        assert!(load(&long).await.is_none());
        assert!(load(&new).await.is_some());
    }
}
