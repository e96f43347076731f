//! Sessions in Redis.

mod address;
mod connection;
mod keys;
mod leases;
mod revocation_feed;
mod subjects;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use redis::{Cmd, FromRedisValue, cmd};

pub(super) use self::revocation_feed::RevocationFeed;
use self::{connection::Connection, keys::Prefix};
use super::{
    Leases, Session, SessionId, SessionStore, SessionToken, StoreError, SubjectId, record::stored,
};
use crate::{
    clock::unix_seconds,
    error::ConfigError,
    key::{CookieKeys, Sealer},
    session_refusal::SessionRefusal,
};

const PREFIX: &str = "telenor:";
const TIMEOUT: Duration = Duration::from_millis(500);
/// For each step of looking through all keys, at least.
const SCAN_TIMEOUT: Duration = Duration::from_secs(2);
const SCAN_COUNT: u32 = 1_000;
const MAX_KEYS: usize = 500;
const MAX_ATTEMPTS: usize = 3;
/// Replaces a value that begins with the first argument, and returns whether it did. It returns the
/// same when it runs again, after an answer that was lost.
const UPDATE: &str = "\
local known = redis.call('GET', KEYS[1])
if known == ARGV[2] then return 1 end
if not known or string.sub(known, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1";
const WHICH_EXIST: &str = "\
local exist = {}
for at, key in ipairs(KEYS) do exist[at] = redis.call('EXISTS', key) end
return exist";

/// Keeps sessions in Redis 6 or newer, or in Valkey, for an app that runs as any number of
/// processes.
///
/// It connects with the first session that a request brings. So an app starts while Redis is down,
/// and answers 503 until it is up. One connection carries everything. When it breaks, the store
/// makes a new one.
///
/// What Redis keeps is sealed with the key ring, under a hash of the token: a look into Redis opens
/// no session. A session leaves Redis when it ends. A restart of Redis without persistence ends all
/// sessions. Redis should not evict keys (`maxmemory-policy noeviction`). It should be one server,
/// or a failover pair behind one name: the store does not speak the protocol of Redis Cluster. A
/// user in Redis needs `+@connection +get +set +del +eval +unlink +scan +exists`, and for sessions
/// that have a [subject](Session::subject) also
/// `+zadd +zrange +zrevrange +zrem +zcard +zpopmin +ttl +expire`, on keys that begin with the
/// [prefix](Self::with_prefix).
///
/// ```no_run
/// use telenor_auth::{CookieKeys, TelenorAuthLayer, session::RedisStore};
///
/// let keys = CookieKeys::parse(&std::env::var("TELENOR_COOKIE_KEYS")?)?;
/// let store = RedisStore::new("rediss://shop:password@redis.example:6379/0", &keys)?;
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .session_store(store) // its keys seal the layer's cookies too
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Connection>,
    sealer: Arc<Sealer>,
    prefix: Prefix,
    timeout: Duration,
    max_per_subject: usize,
}

impl RedisStore {
    /// Makes a store at this address. It does not connect yet.
    ///
    /// The address is `redis://`, or `rediss://` for TLS (`valkey://` and `valkeys://` are the
    /// same), then `user:password@` or `:password@` where Redis asks for one, the host, the port,
    /// which defaults to 6379, and after a slash the number of the database.
    ///
    /// Without TLS the password can be read on its way. The process's default
    /// [`CryptoProvider`](rustls::crypto::CryptoProvider) sets up TLS. Where there is none,
    /// aws-lc-rs becomes the default.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidStoreUrl`] when the address is invalid. The error shows no
    /// password.
    pub fn new(url: &str, keys: &CookieKeys) -> Result<Self, ConfigError> {
        let client = address::client(url)?;
        Ok(Self {
            connection: Arc::new(Connection::new(client)),
            sealer: Arc::new(stored(keys)),
            prefix: Prefix::new(PREFIX),
            timeout: TIMEOUT,
            max_per_subject: usize::MAX,
        })
    }

    /// Trusts these certificate authorities, in PEM form, instead of the system's.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidCertificates`] when they cannot be read, and
    /// [`ConfigError::InvalidStoreUrl`] when the address has no TLS.
    pub fn with_ca(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let client = address::trusting(self.connection.client(), pem.as_ref())?;
        self.connection = Arc::new(Connection::new(client));
        Ok(self)
    }

    /// Sets the beginning of all keys in Redis. It defaults to `telenor:`. Two apps on one Redis
    /// need two prefixes.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl AsRef<str>) -> Self {
        self.prefix = Prefix::new(prefix.as_ref());
        self
    }

    /// Sets how long one command may take, with the wait for a connection. It defaults to 500 ms.
    /// After that the response is a 503.
    ///
    /// [`revoke_all`](SessionStore::revoke_all) looks through every key of the database. Each of
    /// its steps may take 2 seconds, or this time where it is longer.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Limits the sessions of one [subject](Session::subject). It defaults to no limit. A login
    /// beyond the limit ends the oldest of them.
    #[must_use]
    pub fn with_max_sessions_per_subject(mut self, sessions: usize) -> Self {
        self.max_per_subject = sessions.max(1);
        self
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.connection.query(command, self.timeout).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.query(cmd("DEL").arg(key)).await
    }

    /// Keeps a new session for this number of seconds, and returns whether its id was free.
    async fn create(
        &self,
        id: SessionId,
        session: &Session,
        seconds: u64,
    ) -> Result<bool, StoreError> {
        let (key, sealed) = (self.prefix.session(id), self.seal(session, id));
        if let Some(subject) = session.subject() {
            return self.create_of_subject(subject, id, &sealed, seconds).await;
        }
        let mut set = cmd("SET");
        set.arg(key).arg(sealed).arg("EX").arg(seconds).arg("NX");
        Ok(self.query::<Option<String>>(&set).await?.is_some())
    }

    /// The version stands in clear before what is sealed, for Redis to compare.
    pub(crate) fn seal(&self, session: &Session, id: SessionId) -> String {
        let sealed = session.seal_as(&self.sealer, &id.to_string());
        format!("{}.{sealed}", session.version())
    }

    /// Returns `None` for an altered version too. With it, an older state of the session could
    /// replace a newer one.
    pub(crate) fn open(&self, id: SessionId, value: &[u8]) -> Option<Session> {
        let (version, sealed) = str::from_utf8(value).ok()?.split_once('.')?;
        let session = Session::open_as(&self.sealer, &id.to_string(), sealed.as_bytes())?;
        (session.version().to_string() == version).then_some(session)
    }
}

impl SessionStore for RedisStore {
    async fn load(
        &self,
        token: &SessionToken,
        now: SystemTime,
    ) -> Result<Option<Session>, StoreError> {
        let id = token.id();
        let mut get = cmd("GET");
        let value: Option<Vec<u8>> = self.query(get.arg(self.prefix.session(id))).await?;
        let session = value.and_then(|value| self.open(id, &value));
        Ok(session.filter(|session| !session.is_expired_at(now)))
    }

    fn refusal(&self, token: &SessionToken, _now: SystemTime) -> SessionRefusal {
        token.refusal_if_not_random()
    }

    async fn save(&self, session: Session, now: SystemTime) -> Result<SessionToken, StoreError> {
        let seconds = session.seconds_left(unix_seconds(now));
        if seconds == 0 {
            let ended = "the session has ended before it was kept";
            return Err(StoreError::permanent(ended));
        }
        // A token is taken when the command was sent twice. No client has it then, and its session
        // expires.
        for _ in 0..MAX_ATTEMPTS {
            let token = SessionToken::random();
            if self.create(token.id(), &session, seconds).await? {
                return Ok(token);
            }
        }
        Err(StoreError::new("Redis has every new token already"))
    }

    async fn update(
        &self,
        token: &SessionToken,
        new: Session,
        now: SystemTime,
    ) -> Result<Option<SessionToken>, StoreError> {
        let before = new.version().checked_sub(1);
        let Some(before) = before.filter(|_| !new.is_expired_at(now)) else {
            return Ok(None);
        };
        let id = token.id();
        let mut update = cmd("EVAL");
        update.arg(UPDATE).arg(1).arg(self.prefix.session(id));
        let update = update.arg(format!("{before}.")).arg(self.seal(&new, id));
        let updated: bool = self.query(update).await?;
        Ok(updated.then(|| token.clone()))
    }

    async fn remove(&self, token: &SessionToken, _now: SystemTime) -> Result<(), StoreError> {
        self.delete(&self.prefix.session(token.id())).await
    }

    async fn revoke(
        &self,
        id: SessionId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        self.delete(&self.prefix.session(id)).await
    }

    async fn revoke_subject(
        &self,
        subject: SubjectId,
        _until: SystemTime,
        _now: SystemTime,
    ) -> Result<(), StoreError> {
        self.delete_subject(subject).await
    }

    async fn revoke_all(&self, _now: SystemTime) -> Result<(), StoreError> {
        let pattern = self.prefix.session_pattern();
        let within = self.timeout.max(SCAN_TIMEOUT);
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern);
            let scan = scan.arg("COUNT").arg(SCAN_COUNT);
            let (next, mut keys): (u64, Vec<Vec<u8>>) = self.connection.query(scan, within).await?;
            keys.retain(|key| self.prefix.is_session(key));
            if !keys.is_empty() {
                let mut unlink = cmd("UNLINK");
                let () = self.connection.query(unlink.arg(keys), within).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    async fn find_ended(
        &self,
        sessions: &[(SessionId, Session)],
        now: SystemTime,
    ) -> Result<Vec<SessionId>, StoreError> {
        let mut ended = Vec::new();
        for some in sessions.chunks(MAX_KEYS) {
            let mut exist = cmd("EVAL");
            exist.arg(WHICH_EXIST).arg(some.len());
            for (id, _) in some {
                exist.arg(self.prefix.session(*id));
            }
            let exist: Vec<bool> = self.query(&exist).await?;
            let known = some.iter().zip(exist);
            let known =
                known.filter(|((_, session), exists)| !exists || session.is_expired_at(now));
            ended.extend(known.map(|((id, _), _)| *id));
        }
        Ok(ended)
    }

    async fn sessions_of(
        &self,
        subject: SubjectId,
        _now: SystemTime,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.list_subject(subject).await.map(Some)
    }

    async fn ping(&self, _now: SystemTime) -> Result<(), StoreError> {
        self.query::<String>(&cmd("PING")).await.map(drop)
    }

    fn keys(&self) -> Option<CookieKeys> {
        Some(CookieKeys::of(&self.sealer))
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.prefix)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
