//! The connections that are kept open between requests.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::connection::Connection;
use crate::sync::lock;

/// As many as there are token requests at once by default. In a rush of logins, a connection that
/// was closed a moment ago would have to be opened again.
const MAX_IDLE: usize = 64;
/// Servers, balancers and address translators keep an idle connection for a minute or longer. What
/// is idle for longer than this is not used again, since it may be gone without a sign.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The idle connections, the one that was used last at the end.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// Takes the connection that was used last.
    pub(super) fn take(&self) -> Option<Connection> {
        let now = Instant::now();
        let mut idle = lock(&self.0);
        idle.retain(|idle| idle.is_usable(now));
        let ready = idle
            .iter()
            .rposition(|idle| idle.connection.sender.is_ready())?;
        Some(idle.remove(ready).connection)
    }

    /// Keeps a connection whose response was read to its end.
    pub(super) fn put(&self, connection: Connection) {
        let since = Instant::now();
        let mut idle = lock(&self.0);
        idle.retain(|idle| idle.is_usable(since));
        if idle.len() == MAX_IDLE {
            idle.remove(0);
        }
        idle.push(Idle { connection, since });
    }
}

impl Idle {
    fn is_usable(&self, now: Instant) -> bool {
        let idle_for = now.saturating_duration_since(self.since);
        !self.connection.sender.is_closed() && idle_for < IDLE_TIMEOUT
    }
}

#[cfg(test)]
mod tests {
    use super::{super::connection::tests::connected, *};

    #[tokio::test(start_paused = true)]
    async fn connection_is_used_again_within_half_a_minute() {
        let (pool, (connection, _server)) = (Pool::default(), connected().await);
        pool.put(connection);
        tokio::time::advance(IDLE_TIMEOUT - Duration::from_secs(1)).await;
        let connection = pool.take().unwrap();
        pool.put(connection);
        tokio::time::advance(IDLE_TIMEOUT).await;
        assert!(pool.take().is_none());
    }

    #[tokio::test]
    async fn closed_connection_is_not_used() {
        let (pool, (connection, server)) = (Pool::default(), connected().await);
        pool.put(connection);
        drop(server);
        tokio::task::yield_now().await;
        assert!(pool.take().is_none());
    }

    #[tokio::test]
    async fn pool_is_bounded() {
        let pool = Pool::default();
        let mut servers = Vec::new();
        for _ in 0..2 * MAX_IDLE {
            let (connection, server) = connected().await;
            pool.put(connection);
            servers.push(server);
        }
        let kept = std::iter::from_fn(|| pool.take()).count();
        assert_eq!(kept, MAX_IDLE);
    }
}
