//! Reads the source of a ring again at an interval, as long as the ring is in use.

use std::{sync::Weak, time::Duration};

use tokio::{task::spawn_blocking, time::timeout};

use super::ring::Ring;
use crate::error::ConfigError;

/// A shorter interval would keep a thread busy without need.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn follow(ring: Weak<Ring>, every: Duration) {
    let mut dropped = match ring.upgrade() {
        Some(ring) if ring.has_source() => ring.dropped(),
        _ => return,
    };
    let mut failing = false;
    // No value is ever sent. The wait ends early only when the ring is dropped, and with it the
    // sender.
    while timeout(every.max(MIN_INTERVAL), dropped.changed())
        .await
        .is_err()
    {
        let Some(ring) = ring.upgrade() else { return };
        let read = spawn_blocking(move || ring.reload().map(|changed| (changed, ring.len())));
        let read = read.await.unwrap_or_else(|_| {
            let panicked = "the app's own source (it panicked)".to_owned();
            Err(ConfigError::KeysUnavailable(panicked))
        });
        match &read {
            Ok((true, keys)) => tracing::info!(keys, "the cookie keys have changed"),
            Err(error) if !failing => {
                tracing::error!(
                    %error,
                    "the cookie keys cannot be read again: the previous keys stay in use"
                );
            }
            _ => {}
        }
        failing = read.is_err();
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::{
        super::{
            CookieKeys, Purpose,
            source::tests::{Vault, text},
        },
        *,
    };

    const EVERY: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn source_is_read_at_each_interval() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        let sealer = keys.sealer(Purpose::Session, b"");
        tokio::spawn(keys.follow(EVERY));
        for seed in [2, 3] {
            let before = sealer.seal("name", &seed);
            vault.hold(&text(&[seed]));
            sleep(EVERY + MIN_INTERVAL).await;
            assert_eq!(sealer.open::<u8>("name", before.as_bytes()), None);
        }
        assert_eq!(vault.reads(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn source_that_fails_is_read_again() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        let sealed = keys.sealer(Purpose::Session, b"").seal("name", &1_u8);
        let open = || {
            let sealer = keys.sealer(Purpose::Session, b"");
            sealer.open::<u8>("name", sealed.as_bytes())
        };
        tokio::spawn(keys.follow(EVERY));
        for bad in [Vault::FAILS, Vault::PANICS, "not a key"] {
            vault.hold(bad);
            sleep(EVERY + MIN_INTERVAL).await;
            assert_eq!(open(), Some(1), "{bad}");
            assert!(!keys.is_current(), "{bad}");
        }
        vault.hold(&text(&[2]));
        sleep(EVERY + MIN_INTERVAL).await;
        assert_eq!(open(), None);
        assert!(keys.is_current());
    }

    #[tokio::test(start_paused = true)]
    async fn follower_ends_when_the_last_user_of_the_ring_is_dropped() {
        let keys = Vault::of(&text(&[1])).keys();
        let sealer = keys.sealer(Purpose::Session, b"");
        let mut follower = tokio::spawn(keys.follow(EVERY));
        drop(keys);
        let ended = timeout(EVERY * 3 / 2, &mut follower).await;
        assert!(ended.is_err(), "a sealer still uses the ring");
        drop(sealer);
        let ended = timeout(EVERY / 4, follower).await;
        assert!(ended.is_ok(), "before the next interval");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_source_there_is_nothing_to_follow() {
        let keys = CookieKeys::random();
        let ended = timeout(EVERY / 2, keys.follow(EVERY)).await;
        assert!(ended.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn source_is_read_once_a_second_at_most() {
        let vault = Vault::of(&text(&[1]));
        let keys = vault.keys();
        tokio::spawn(keys.follow(MIN_INTERVAL / 100));
        sleep(MIN_INTERVAL * 7 / 2).await;
        assert_eq!(vault.reads(), 1 + 3);
    }
}
