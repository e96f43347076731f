//! The databases that stores of the family are tried with.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use telenor_auth::session::TowerSessionsStore;
use tower_sessions_redis_store::{
    RedisStore,
    fred::{prelude::*, types::CustomCommand},
};
use tower_sessions_sqlx_store::{
    PostgresStore, SqliteStore,
    sqlx::{
        PgPool, SqlitePool,
        postgres::PgPoolOptions,
        query_as,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use crate::{memory::Memory, postgres::Postgres, redis::Redis, support::app::keys};

pub enum Database {
    Memory(Memory),
    Sqlite(SqliteStore, SqlitePool, File),
    Postgresql(PostgresStore, PgPool, String, Arc<Postgres>),
    Redis(RedisStore<Pool>, Pool, Redis),
}

impl Database {
    pub async fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    pub async fn sqlite() -> Self {
        let number: u64 = rand::random();
        let name = format!("telenor-auth-{number:016x}.sqlite");
        let file = File(std::env::temp_dir().join(name));
        let options = SqliteConnectOptions::new()
            .filename(&file.0)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Off);
        let pool = SqlitePool::connect_with(options).await.unwrap();
        let store = SqliteStore::new(pool.clone());
        store.migrate().await.unwrap();
        Self::Sqlite(store, pool, file)
    }

    /// A schema of its own in a server that all tests share.
    pub async fn postgresql() -> Self {
        static SCHEMAS: AtomicUsize = AtomicUsize::new(0);
        let schema = format!("app_{}", SCHEMAS.fetch_add(1, Ordering::SeqCst));
        let server = Postgres::shared();
        let (store, pool) = in_postgres(&server.url(), &schema).await;
        Self::Postgresql(store, pool, schema, server)
    }

    pub async fn redis() -> Self {
        let server = Redis::start();
        let config = Config::from_url(&server.url()).unwrap();
        let pool = Pool::new(config, None, None, None, 4).unwrap();
        pool.init().await.unwrap();
        Self::Redis(RedisStore::new(pool.clone()), pool, server)
    }

    /// One instance of the app, which waits even for a machine that has a lot to do.
    pub fn instance(&self) -> TowerSessionsStore {
        let keys = keys(1);
        let store = match self {
            Self::Memory(store) => TowerSessionsStore::from_core_015(store.clone(), &keys),
            Self::Sqlite(store, ..) => TowerSessionsStore::from_core_014(store.clone(), &keys),
            Self::Postgresql(store, ..) => TowerSessionsStore::from_core_014(store.clone(), &keys),
            Self::Redis(store, ..) => TowerSessionsStore::from_core_014(store.clone(), &keys),
        };
        store.with_timeout(Duration::from_secs(10))
    }

    /// All that is kept, ids and data.
    pub async fn dump(&self) -> Vec<(String, Vec<u8>)> {
        match self {
            Self::Memory(store) => {
                let rows = store.rows();
                let dump = |row: &tower_sessions_core::session::Record| {
                    (row.id.to_string(), format!("{row:?}").into_bytes())
                };
                rows.values().map(dump).collect()
            }
            Self::Sqlite(_, pool, _) => {
                let rows = query_as("select id, data from tower_sessions");
                rows.fetch_all(pool).await.unwrap()
            }
            Self::Postgresql(_, pool, schema, _) => {
                let rows = format!(r#"select id, data from "{schema}"."session""#);
                query_as(&rows).fetch_all(pool).await.unwrap()
            }
            Self::Redis(_, pool, _) => {
                let all = CustomCommand::new_static("KEYS", None::<u16>, false);
                let keys: Vec<String> = pool.next().custom(all, vec!["*"]).await.unwrap();
                let mut rows = Vec::new();
                for key in keys {
                    let data: Vec<u8> = pool.get(&key).await.unwrap();
                    rows.push((key, data));
                }
                rows
            }
        }
    }
}

/// A store with a schema of its own.
pub async fn in_postgres(url: &str, schema: &str) -> (PostgresStore, PgPool) {
    let pool = PgPoolOptions::new().connect(url).await.unwrap();
    let store = PostgresStore::new(pool.clone())
        .with_schema_name(schema)
        .unwrap();
    store.migrate().await.unwrap();
    (store, pool)
}

/// Is gone when the test ends.
pub struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        for end in ["", "-journal", "-wal", "-shm"] {
            let mut file = self.0.clone().into_os_string();
            file.push(end);
            let _ = std::fs::remove_file(file);
        }
    }
}
