//! The one connection to Redis that all tasks of this process share.

use std::{sync::Mutex, time::Duration};

use redis::{
    Client, Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout},
};

use crate::{session::StoreError, sync::lock};

/// For one attempt to connect, with TLS and password.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The attempts in a row, and the first and the longest pause between them. Together they take less
/// time than a command has by default, so that a caller learns the reason. The next command begins
/// again, so nothing connects without a caller.
const MAX_RETRIES: usize = 2;
const MIN_BACKOFF: Duration = Duration::from_millis(50);
const MAX_BACKOFF: Duration = Duration::from_millis(100);
/// How long a connection may return nothing but errors. The manager reconnects when a connection
/// breaks. It does not when the server hangs, when the name leads to another server by now, or when
/// the server has refused the password once.
const MAX_FAILING: Duration = Duration::from_secs(2);

/// Connects with the first command, and again when the connection breaks.
pub(super) struct Connection {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    manager: Option<ConnectionManager>,
    /// How many managers there were.
    number: u64,
    /// Since when commands return nothing but errors.
    failing: Option<Instant>,
}

impl Connection {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            state: Mutex::default(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the answer of Redis to a command, which must be safe to send twice. A restart of
    /// Redis leaves a broken connection, which only the next command detects. Nothing says then
    /// whether that command was executed.
    pub(super) async fn query<T: FromRedisValue>(
        &self,
        command: &Cmd,
        within: Duration,
    ) -> Result<T, StoreError> {
        let mut first = None;
        let queried = async {
            loop {
                let (mut manager, number) = self.manager()?;
                let answer = command.query_async(&mut manager).await;
                match self.observe(answer, number) {
                    Err(error) if first.is_none() && is_other_connections(&error) => {
                        first = Some(error);
                    }
                    answer => return answer,
                }
            }
        };
        // Nothing continues after the deadline, not even the wait for a connection.
        match in_time(within, queried).await {
            Some(answer) => answer.map_err(|error| StoreError::new(describe(&error))),
            None => {
                self.record_failure();
                let text = match &first {
                    Some(error) => describe(error),
                    None => "Redis did not answer in time".to_owned(),
                };
                Err(StoreError::new(text))
            }
        }
    }

    fn manager(&self) -> Result<(ConnectionManager, u64), RedisError> {
        let mut state = lock(&self.state);
        if let Some(manager) = &state.manager {
            return Ok((manager.clone(), state.number));
        }
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            // Each command has its own deadline.
            .set_response_timeout(None)
            .set_number_of_retries(MAX_RETRIES)
            .set_min_delay(MIN_BACKOFF)
            .set_max_delay(MAX_BACKOFF);
        // It is made here because it needs a runtime. It does not connect yet.
        let manager = ConnectionManager::new_lazy_with_config(self.client.clone(), config)?;
        state.manager = Some(manager.clone());
        state.number += 1;
        Ok((manager, state.number))
    }

    fn observe<T>(&self, answer: Result<T, RedisError>, number: u64) -> Result<T, RedisError> {
        match &answer {
            Ok(_) => lock(&self.state).failing = None,
            Err(error) if is_demoted(error) => {
                let mut state = lock(&self.state);
                // Another task may have replaced the manager already.
                if state.number == number {
                    state.manager = None;
                }
            }
            Err(_) => self.record_failure(),
        }
        answer
    }

    fn record_failure(&self) {
        let mut state = lock(&self.state);
        let since = *state.failing.get_or_insert_with(Instant::now);
        if since.elapsed() > MAX_FAILING {
            state.manager = None;
            state.failing = None;
        }
    }
}

/// Returns `None` after the deadline, or without a runtime.
pub(super) async fn in_time<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    Handle::try_current().ok()?;
    timeout(limit, work).await.ok()
}

/// Whether the command may succeed on another connection.
fn is_other_connections(error: &RedisError) -> bool {
    error.is_connection_dropped() || is_demoted(error)
}

/// Whether the server accepts no writes any more. Its name leads to another server by now.
fn is_demoted(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
}

/// Returns the error without the arguments of a command, which Redis repeats when it does not know
/// the command.
fn describe(error: &RedisError) -> String {
    match (error.kind(), error.code()) {
        (ErrorKind::Io, _) => format!("Redis cannot be reached: {error}"),
        (ErrorKind::AuthenticationFailed, _) => {
            "Redis refuses the user or the password in the store's URL".to_owned()
        }
        (_, Some(code)) => {
            let detail = error.detail().unwrap_or_default();
            let detail = detail.split(", with args").next().unwrap_or_default();
            format!("Redis answered {code} {detail}")
        }
        _ => format!("Redis: {}", error.category()),
    }
}
