//! The handle of a running gateway: its lifetime, its script and its records.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, task::AbortHandle};
use url::Url;

use super::{reach::Reach, state::GatewayState};
use crate::mock::{
    script::{
        Endpoint,
        answer::Answer,
        connection::{FaultyListener, OpenConnections},
        gate::Gate,
        record::RecordedRequest,
    },
    server::{routes, token_shape::TokenShape},
};

/// Telenor's OAuth server and identity APIs on a loopback port.
///
/// Dropping it stops the server and breaks its open connections. See the [module](super) for its
/// routes.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::MockGateway;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let gateway = MockGateway::start().await?;
/// assert!(gateway.base_url().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the server stops when this is dropped"]
pub struct MockGateway {
    pub(super) shared: Arc<GatewayState>,
    connections: Arc<OpenConnections>,
    server: AbortHandle,
    address: SocketAddr,
    base_url: Url,
}

impl MockGateway {
    pub(super) async fn serve(shared: GatewayState, reach: &Reach) -> io::Result<Self> {
        let listen = reach.address()?;
        let shared = Arc::new(shared);
        let connections = Arc::new(OpenConnections::default());
        let listener =
            FaultyListener::new(TcpListener::bind(listen).await?, Arc::clone(&connections));
        let address = axum::serve::Listener::local_addr(&listener)?;
        let base_url = reach.base_url(address)?;
        if reach.host.is_some() {
            tracing::warn!(
                "dangerous_reachable_as is set: anyone who reaches this gateway can sign in as any \
                 of its subscribers, and read their data. For development only"
            );
        }
        let app = routes::service(Arc::clone(&shared));
        let server = tokio::spawn(axum::serve(listener, app).into_future()).abort_handle();
        Ok(Self {
            shared,
            connections,
            server,
            address,
            base_url,
        })
    }

    /// Returns the gateway's base URL without a slash at the end, such as `http://127.0.0.1:49152`.
    ///
    /// It has the host of [`dangerous_reachable_as`] where that is set.
    ///
    /// [`dangerous_reachable_as`]: crate::mock::MockGatewayBuilder::dangerous_reachable_as
    #[must_use]
    pub fn base_url(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    /// Returns the registered app's client id. It defaults to `mock-client`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.shared.settings.client_id
    }

    /// Returns the registered app's client secret. It defaults to `mock-secret-for-local-use-only`.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.shared.settings.client_secret
    }

    /// Sets the form of token responses from now on.
    pub fn set_token_response(&self, shape: TokenShape) {
        self.shared.terms().shape = shape;
    }

    /// Sets the lifetime of access tokens issued from now on. It defaults to 3599 seconds.
    pub fn set_expires_in(&self, seconds: u64) {
        self.shared.terms().expires_in = seconds;
    }

    /// Answers the next request on `endpoint` with `answer`. Further calls add to a queue.
    pub fn answer_next(&self, endpoint: Endpoint, answer: Answer) {
        self.shared.script.answer_next(endpoint, answer);
    }

    /// Answers every request on `endpoint` with `answer`, after the queued answers.
    pub fn answer_always(&self, endpoint: Endpoint, answer: Answer) {
        self.shared.script.answer_always(endpoint, answer);
    }

    /// Removes all scripted answers for `endpoint`.
    pub fn answer_normally(&self, endpoint: Endpoint) {
        self.shared.script.answer_normally(endpoint);
    }

    /// Makes requests on `endpoint` wait until the returned gate opens or is dropped.
    ///
    /// Requests are recorded before they wait. A later gate replaces this one for later requests.
    pub fn hold(&self, endpoint: Endpoint) -> Gate {
        self.shared.script.hold(endpoint)
    }

    /// Expires all live access tokens. The APIs return 401 with 40106 for them.
    pub fn expire_tokens(&self) {
        self.shared.grants().expire_tokens();
    }

    /// Revokes all tokens, also refresh tokens. The APIs return 401 with 40105 for them.
    pub fn revoke_tokens(&self) {
        self.shared.grants().revoke_tokens();
    }

    /// Returns how many access tokens the APIs accept now.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.shared.grants().live_tokens()
    }

    /// Returns how many requests `endpoint` has received.
    #[must_use]
    pub fn hits(&self, endpoint: Endpoint) -> usize {
        self.shared.script.hits(endpoint)
    }

    /// Returns the last thousand requests that `endpoint` has received, oldest first.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        self.shared.script.requests(endpoint)
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.base_url.port_or_known_default()
    }
}

impl Drop for MockGateway {
    fn drop(&mut self) {
        // Cut first: the end of axum's accept loop wakes each connection, which then sees the cut.
        self.connections.cut();
        self.server.abort();
    }
}

impl fmt::Debug for MockGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockGateway")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
