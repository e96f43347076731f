//! Sessions in Redis.

mod address;
mod claims;
mod connection;
mod ended;
mod keys;

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use redis::{Cmd, FromRedisValue, cmd};

pub(super) use self::ended::Ended;
use self::{connection::Connection, keys::Prefix};
use super::{Claim, Session, SessionId, SessionStore, SessionToken, StoreError, record::stored};
use crate::{
    clock::Clock,
    error::ConfigError,
    key::{CookieKeys, Sealer},
};

const PREFIX: &str = "telenor:";
const TIMEOUT: Duration = Duration::from_millis(500);
/// For each step of looking through all keys, at least.
const SCAN_TIMEOUT: Duration = Duration::from_secs(2);
const SCAN_COUNT: u32 = 1_000;
/// Puts a value in place of one that begins with its first argument, and says whether that is done; also when it had been done before, by a
/// command whose answer was lost.
const REPLACE: &str = "\
local known = redis.call('GET', KEYS[1])
if known == ARGV[2] then return 1 end
if not known or string.sub(known, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1";

/// Keeps sessions in Redis 6 or newer, or in Valkey, for an app that runs as any number of processes.
///
/// It connects with the first session that somebody asks for, so an app starts while Redis is down, and answers 503 until it is up.
/// One connection carries everything, and is made anew when it breaks.
///
/// What is kept there is sealed with the key ring, under a hash of the token: a look into Redis opens nobody's session. Every session is
/// gone from Redis when it ends, and a restart of Redis without persistence logs everybody out. Redis should not evict keys
/// (`maxmemory-policy noeviction`); it should be one server or a failover pair behind one name, and is spoken to without the protocol of Redis
/// Cluster. A user in Redis needs `+@connection +get +set +del +eval +unlink +scan`, on keys that begin with the [prefix](Self::prefix).
///
/// ```no_run
/// use telenor_auth::{CookieKeys, TelenorAuthLayer, session::RedisStore};
///
/// let keys = CookieKeys::parse(&std::env::var("TELENOR_COOKIE_KEYS")?)?;
/// let store = RedisStore::new("rediss://shop:password@redis.example:6379/0", &keys)?;
/// let auth = TelenorAuthLayer::builder("id", "secret", "https://shop.example/telenor/callback")
///     .cookie_keys(keys)
///     .session_store(store)
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RedisStore {
    connection: Arc<Connection>,
    sealer: Arc<Sealer>,
    prefix: Prefix,
    timeout: Duration,
    clock: Clock,
}

impl RedisStore {
    /// A store at this address: `redis://`, or `rediss://` for TLS (`valkey://` and `valkeys://` are the same), then `user:password@` or `:password@` if there is one, host, port (6379
    /// unless given) and, after a slash, the number of the database. Nothing connects yet.
    ///
    /// Without TLS the password can be read on its way. TLS is set up from the process's default
    /// [`CryptoProvider`](rustls::crypto::CryptoProvider); where there is none, aws-lc-rs is made that.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidStoreUrl`] when the address is none of these. The error shows no password.
    pub fn new(url: &str, keys: &CookieKeys) -> Result<Self, ConfigError> {
        let client = address::client(url)?;
        Ok(Self {
            connection: Arc::new(Connection::new(client)),
            sealer: Arc::new(stored(keys)),
            prefix: Prefix::new(PREFIX),
            timeout: TIMEOUT,
            clock: Clock::default(),
        })
    }

    /// Trusts these certificate authorities, in PEM form, instead of the system's.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidCertificates`] when they cannot be read, and [`ConfigError::InvalidStoreUrl`] when the address has no TLS.
    pub fn ca(mut self, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let client = address::trusting(self.connection.client(), pem.as_ref())?;
        self.connection = Arc::new(Connection::new(client));
        Ok(self)
    }

    /// What all keys in Redis begin with: `telenor:` unless told otherwise. Two apps on one Redis need two prefixes.
    #[must_use]
    pub fn prefix(mut self, prefix: impl AsRef<str>) -> Self {
        self.prefix = Prefix::new(prefix.as_ref());
        self
    }

    /// How long one command may take, with the wait for a connection: 500 ms unless told otherwise. Beyond, the answer is 503.
    ///
    /// Only [`revoke_all`](SessionStore::revoke_all), which looks through every key of the database, has 2 seconds for each of its steps where
    /// this is less.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The clock that expiry is measured against.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.connection.ask(command, self.timeout).await
    }

    async fn find(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let mut get = cmd("GET");
        let value: Option<Vec<u8>> = self.ask(get.arg(self.prefix.session(id))).await?;
        let session = value.and_then(|value| self.open(id, &value));
        Ok(session.filter(|session| session.is_live(self.clock.seconds())))
    }

    async fn forget(&self, key: &str) -> Result<(), StoreError> {
        self.ask(cmd("DEL").arg(key)).await
    }

    /// The version stands in clear before what is sealed, for Redis to compare.
    fn seal(&self, session: &Session, id: SessionId) -> String {
        let sealed = session.seal_as(&self.sealer, &id.to_string());
        format!("{}.{sealed}", session.version())
    }

    /// `None` as well for a version that somebody changed, who would have an older state of the session written over a newer one.
    fn open(&self, id: SessionId, value: &[u8]) -> Option<Session> {
        let (version, sealed) = str::from_utf8(value).ok()?.split_once('.')?;
        let session = Session::open_as(&self.sealer, &id.to_string(), sealed.as_bytes())?;
        (session.version().to_string() == version).then_some(session)
    }
}

impl SessionStore for RedisStore {
    type Load = Pin<Box<dyn Future<Output = Result<Option<Session>, StoreError>> + Send>>;

    fn load(&self, token: &SessionToken<'_>) -> Self::Load {
        let (store, id) = (self.clone(), token.id());
        Box::pin(async move { store.find(id).await })
    }

    async fn save(&self, session: Session) -> Result<SessionToken<'static>, StoreError> {
        let seconds = session.seconds_left(self.clock.seconds());
        if seconds == 0 {
            return Err(StoreError::new("the session has ended before it was kept"));
        }
        // A token is taken when the command was sent twice; nobody knows it then, and what it opens ends by itself.
        for _ in 0..3 {
            let token = SessionToken::random();
            let id = token.id();
            let mut set = cmd("SET");
            set.arg(self.prefix.session(id))
                .arg(self.seal(&session, id));
            let set = set.arg("EX").arg(seconds).arg("NX");
            if self.ask::<Option<String>>(set).await?.is_some() {
                return Ok(token);
            }
        }
        Err(StoreError::new("Redis has every new token already"))
    }

    async fn replace(
        &self,
        token: &SessionToken<'_>,
        new: Session,
    ) -> Result<Option<SessionToken<'static>>, StoreError> {
        let Some(before) = new.version().checked_sub(1) else {
            return Ok(None);
        };
        let id = token.id();
        let mut replace = cmd("EVAL");
        replace.arg(REPLACE).arg(1).arg(self.prefix.session(id));
        let replace = replace.arg(format!("{before}.")).arg(self.seal(&new, id));
        let replaced: bool = self.ask(replace).await?;
        Ok(replaced.then(|| token.clone().into_owned()))
    }

    async fn remove(&self, token: &SessionToken<'_>) -> Result<(), StoreError> {
        self.forget(&self.prefix.session(token.id())).await
    }

    async fn revoke(&self, id: SessionId, _until: SystemTime) -> Result<(), StoreError> {
        self.forget(&self.prefix.session(id)).await
    }

    async fn revoke_all(&self) -> Result<(), StoreError> {
        let pattern = self.prefix.sessions();
        let within = self.timeout.max(SCAN_TIMEOUT);
        let mut cursor = 0_u64;
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern);
            let scan = scan.arg("COUNT").arg(SCAN_COUNT);
            let (next, mut keys): (u64, Vec<Vec<u8>>) = self.connection.ask(scan, within).await?;
            keys.retain(|key| self.prefix.is_session(key));
            if !keys.is_empty() {
                let mut unlink = cmd("UNLINK");
                let () = self.connection.ask(unlink.arg(keys), within).await?;
            }
            if next == 0 {
                return Ok(());
            }
            cursor = next;
        }
    }

    async fn claim(&self, name: &str, ttl: Duration) -> Result<Claim, StoreError> {
        self.claim_work(name, ttl).await
    }

    async fn release(&self, name: &str) -> Result<(), StoreError> {
        self.forget(&self.prefix.claim(name)).await
    }

    async fn settle(&self, name: &str, result: &str, ttl: Duration) -> Result<(), StoreError> {
        self.settle_work(name, result, ttl).await
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
