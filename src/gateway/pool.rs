//! The connections that are kept open between requests.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

use super::connection::Connection;
use crate::sync::lock;

/// More than this many connections are needed for a moment only.
const MAX_IDLE: usize = 8;
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
        let mut idle = lock(&self.0);
        idle.retain(Idle::is_usable);
        let ready = idle
            .iter()
            .rposition(|idle| idle.connection.sender.is_ready())?;
        Some(idle.remove(ready).connection)
    }

    /// Keeps a connection whose response was read to its end.
    pub(super) fn put(&self, connection: Connection) {
        let mut idle = lock(&self.0);
        idle.retain(Idle::is_usable);
        if idle.len() == MAX_IDLE {
            idle.remove(0);
        }
        idle.push(Idle {
            connection,
            since: Instant::now(),
        });
    }
}

impl Idle {
    fn is_usable(&self) -> bool {
        !self.connection.sender.is_closed() && self.since.elapsed() < IDLE_TIMEOUT
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
