//! Sessions in a store that was written for tower-sessions.

mod generation;
mod pair;
mod records;
mod table;
mod turn;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

use self::{
    generation::Generation,
    records::{Core014, Core015, Records},
    table::{Table, id_of},
    turn::Turns,
};
use super::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError};
use crate::{
    boxed::BoxFuture,
    clock::Clock,
    key::{CookieKeys, Purpose, Sealer},
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait for another instance that replaces the same session.
const WAIT: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Keeps sessions in any store that was written for tower-sessions: PostgreSQL, MySQL, SQLite, DynamoDB and many more.
///
/// Which constructor a store needs is a matter of the `tower-sessions-core` that it was written for:
///
/// | store | constructor |
/// | --- | --- |
/// | sqlx 0.15 (PostgreSQL, MySQL, SQLite), redis 0.16, moka 0.15, dynamodb 0.3, libsql 0.4, rorm 0.4, sled 0.2 | [`from_core_014`](Self::from_core_014) |
/// | memory, rusqlite 0.15, surrealdb 0.10 | [`from_core_015`](Self::from_core_015) |
///
/// Give the very same keys to every instance of the app. What is kept is sealed with them, under hashes of the session tokens: who
/// reads the store gets neither tokens nor sessions.
///
// The crate of the stores' tests compiles it: it has the store.
#[cfg_attr(not(doctest), doc = include_str!("postgresql.md"))]
///
/// # The store
///
/// - Give each app a table, or a Redis database, of its own. Above all it must not be the one that tower-sessions' own layer uses:
///   there a visitor's cookie names records, and would name these.
/// - No `CachingSessionStore` in front of it: an instance would go on from its cache with a session that was ended elsewhere.
/// - The SQL stores keep what has expired until they are told to delete it, sessions as well as the short-lived records by which instances
///   agree on who does what: call their `delete_expired` every few minutes.
/// - It must not hand out what has expired, and deleting what is not there must be no error: the family's store in files is of no use here.
/// - It must not drop records to make room. A session that lost one of its records is over; when it is the one by which
///   [`revoke_all`](SessionStore::revoke_all) ends sessions, all are.
///
/// # What it costs
///
/// One look-up per request, two where sessions [change while they last](Session::is_renewable), and one more every two seconds.
///
/// # What it can promise
///
/// As much as such stores can, which know neither conditions nor lists:
///
/// - A session that was ended stays ended, also when another instance is about to write to it.
/// - [`revoke_all`](SessionStore::revoke_all) holds at once in the instance that does it, and within two seconds in the others; within
///   thirty where the store does not answer.
/// - Of several who replace a session, or claim a piece of work, at the same moment, one wins. Between instances that holds as far as the store
///   creates records atomically, as the one for Redis does. Those for SQL look whether a record is there and write afterwards, or clear
///   one away that has expired: then two instances that come within the same few milliseconds may both win. By that a refresh token may be presented
///   twice, which the layer copes with; a code may be, of which the gateway refuses the second; and one instance that notes a use may write over the
///   tokens that another has just refreshed, so that the user has to log in again when the old one runs out.
///
/// # How it keeps to that
///
/// - *Changed ids*: where a store gives a record another id than it was told, because that one is taken, it is deleted again and the session gets
///   a new token. No cookie ever names an id that the store chose.
/// - *Revived sessions*: saving brings back what was deleted, in most of these stores. A session's own record is created once and never saved
///   again, and where it is gone, so is the session; what changes is in a record beside it, which is worth nothing alone.
/// - *Expired sessions*: each holds its end, sealed, and that is what counts.
#[derive(Clone)]
pub struct TowerSessionsStore {
    table: Table,
    generation: Arc<Generation>,
    turns: Turns,
    sealer: Arc<Sealer>,
    clock: Clock,
}

impl TowerSessionsStore {
    /// Keeps sessions in a store for `tower-sessions-core` 0.14, sealed with these keys.
    #[must_use]
    pub fn from_core_014<Store>(store: Store, keys: &CookieKeys) -> Self
    where
        Store: tower_sessions_core_014::SessionStore,
    {
        Self::over(Arc::new(Core014(store)), keys)
    }

    /// Keeps sessions in a store for `tower-sessions-core` 0.15, sealed with these keys.
    #[must_use]
    pub fn from_core_015<Store>(store: Store, keys: &CookieKeys) -> Self
    where
        Store: tower_sessions_core_015::SessionStore,
    {
        Self::over(Arc::new(Core015(store)), keys)
    }

    /// How long each call of the store may take, two seconds unless told otherwise; beyond, it has failed.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.table.timeout = timeout;
        self
    }

    /// The clock that expiry is measured against, beside the store's own.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    fn over(records: Arc<dyn Records>, keys: &CookieKeys) -> Self {
        Self {
            table: Table::new(records, DEFAULT_TIMEOUT),
            generation: Arc::default(),
            turns: Turns::default(),
            sealer: Arc::new(keys.sealer(Purpose::Session, b"tower-sessions")),
            clock: Clock::default(),
        }
    }

    /// Rounded up, as the clock tells whole seconds.
    fn after(&self, ttl: Duration) -> u64 {
        let seconds = ttl.as_secs().saturating_add(1);
        self.clock.seconds().saturating_add(seconds)
    }
}

impl SessionStore for TowerSessionsStore {
    type Load = BoxFuture<'static, Result<Option<Session>, StoreError>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let (store, id) = (self.clone(), token.id());
        Box::pin(async move { store.find(id).await })
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        self.keep(&session).await
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let id = token.id();
        let name = format!("replace-{id}-{}", new.version());
        // Longer than the calls that are made meanwhile may take.
        let ttl = self.table.timeout.saturating_mul(10);
        let waited = Instant::now() + WAIT;
        loop {
            if self.claim(&name, ttl).await? == Claim::Won {
                let began = Instant::now();
                let replaced = self.replace_alone(id, &new).await;
                // Done, the claim stays until it runs out: nobody who comes late with the same version wins it then. So it does after a call that
                // had no answer in time, as its write may land yet.
                let may_land = replaced.is_err() && began.elapsed() >= self.table.timeout;
                if !matches!(replaced, Ok(true)) && !may_land && began.elapsed() < ttl {
                    let _ = self.release(&name).await;
                }
                return Ok(replaced?.then(|| token.clone().into_owned()));
            }
            if !self.comes_before(id, &new).await? {
                return Ok(None);
            }
            if Instant::now() >= waited {
                return Err(StoreError::new("another instance does not get done"));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        self.end(token.id()).await
    }

    async fn revoke(&self, id: SessionId, _until: SystemTime) -> Result<(), StoreError> {
        self.end(id).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        self.generation.end(&self.table).await
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        let id = claim_of(name);
        let Some(_turn) = self.turns.take(id) else {
            return Ok(Claim::Lost);
        };
        let ours = format!("{HELD}{:032x}", rand::random::<u128>());
        let there = self.table.first(id, &ours, self.after(ttl)).await?;
        Ok(match there.strip_prefix(DONE) {
            Some(result) => Claim::Settled(result.to_owned()),
            None if there == ours => Claim::Won,
            None => Claim::Lost,
        })
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        self.table.delete(claim_of(name)).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        let done = format!("{DONE}{result}");
        self.table.save(claim_of(name), done, self.after(ttl)).await
    }
}

impl fmt::Debug for TowerSessionsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessionsStore")
            .field("timeout", &self.table.timeout)
            .finish_non_exhaustive()
    }
}

/// What a claim says: by whom it is held, or what came of it.
const HELD: &str = "held ";
const DONE: &str = "done ";

fn claim_of(name: &str) -> SessionId {
    id_of("claim", name)
}
