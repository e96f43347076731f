//! One test over each store in this crate.

use telenor_auth::{TelenorAuthBuilder, session::CookieStore};

use super::app::keys;

/// Runs tests over each store. A test takes an app, or a function that sets the store of a builder.
macro_rules! over_each_store {
    (apps: $($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            pub(super) async fn $name() {
                super::$name(crate::support::App::start().await).await;
            })*
        }
        mod cookie {
            $(#[tokio::test]
            async fn $name() {
                let settings = crate::support::each_store::in_cookie;
                super::$name(crate::support::App::with(settings).await).await;
            })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let redis = crate::support::redis::Redis::start().await;
                let settings = |builder| crate::support::each_store::in_redis(&redis, builder);
                super::$name(crate::support::App::with(settings).await).await;
            })*
        }
        #[cfg(feature = "cached")]
        mod cached {
            $(#[tokio::test]
            async fn $name() {
                let settings = crate::support::each_store::in_cache;
                super::$name(crate::support::App::with(settings).await).await;
            })*
        }
    };
    (builders: $($name:ident)*) => {
        mod memory {
            $(#[tokio::test]
            pub(super) async fn $name() {
                super::$name(|builder| builder).await;
            })*
        }
        mod cookie {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::each_store::in_cookie).await;
            })*
        }
        #[cfg(feature = "redis")]
        mod redis {
            $(#[tokio::test]
            async fn $name() {
                let redis = crate::support::redis::Redis::start().await;
                let settings = |builder| crate::support::each_store::in_redis(&redis, builder);
                super::$name(settings).await;
            })*
        }
    };
}

pub fn in_cookie(builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
    let keys = keys(1);
    let store = CookieStore::new(&keys);
    builder.cookie_keys(keys).session_store(store)
}

#[cfg(feature = "redis")]
pub fn in_redis(redis: &super::redis::Redis, builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
    let keys = keys(1);
    let store = telenor_auth::session::RedisStore::new(&redis.url(), &keys).unwrap();
    let builder = builder.cookie_keys(keys);
    // For a busy machine.
    builder.session_store(store.with_timeout(std::time::Duration::from_secs(5)))
}

#[cfg(feature = "cached")]
pub fn in_cache(builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
    use telenor_auth::session::{CachedStore, MemoryStore};

    builder.session_store(CachedStore::new(MemoryStore::new()))
}
