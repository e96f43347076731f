//! The gateway as its owner holds it: its life, its script and its records.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use tokio::{net::TcpListener, task::AbortHandle};

use super::state::Shared;
use crate::mock::{
    script::{
        Endpoint,
        answer::Answer,
        connection::{WiredListener, Wires},
        gate::Gate,
        record::RecordedRequest,
    },
    server::{routes, token_shape::TokenShape},
};

/// Telenor's OAuth server and identity APIs on a loopback port.
///
/// Dropping it stops the server and breaks its open connections. See the
/// [module](super) for what it answers.
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
    pub(super) shared: Arc<Shared>,
    wires: Arc<Wires>,
    server: AbortHandle,
    address: SocketAddr,
}

impl MockGateway {
    pub(super) async fn serve(shared: Shared, listen: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(shared);
        let wires = Arc::new(Wires::default());
        let listener = WiredListener::new(TcpListener::bind(listen).await?, Arc::clone(&wires));
        let address = axum::serve::Listener::local_addr(&listener)?;
        let app = routes::service(Arc::clone(&shared));
        let server = tokio::spawn(axum::serve(listener, app).into_future()).abort_handle();
        Ok(Self {
            shared,
            wires,
            server,
            address,
        })
    }

    /// The gateway's base URL without a slash at the end, such as `http://127.0.0.1:49152`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let mut address = self.address;
        // A wildcard address is for listening only; nobody can open it in a browser.
        match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
            _ => {}
        }
        format!("http://{address}")
    }

    /// The registered app's client id; `mock-client` by default.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.shared.settings.client_id
    }

    /// The registered app's client secret; `mock-secret-for-local-use-only` by default.
    #[must_use]
    pub fn client_secret(&self) -> &str {
        &self.shared.settings.client_secret
    }

    /// Sets the form of token responses, until changed.
    pub fn set_token_response(&self, shape: TokenShape) {
        self.shared.terms().shape = shape;
    }

    /// Sets the life of access tokens issued from now on; 3599 seconds by default.
    pub fn set_expires_in(&self, seconds: u64) {
        self.shared.terms().expires_in = seconds;
    }

    /// Answers one coming request on `endpoint` with `answer`; further calls queue up.
    pub fn answer_next(&self, endpoint: Endpoint, answer: Answer) {
        self.shared.script.answer_next(endpoint, answer);
    }

    /// Answers every request on `endpoint` with `answer`, once what is queued is used up.
    pub fn answer_always(&self, endpoint: Endpoint, answer: Answer) {
        self.shared.script.answer_always(endpoint, answer);
    }

    /// Forgets every scripted answer for `endpoint`.
    pub fn answer_normally(&self, endpoint: Endpoint) {
        self.shared.script.answer_normally(endpoint);
    }

    /// Makes requests on `endpoint` wait until the returned gate opens or is dropped.
    ///
    /// Requests are recorded before they wait. A later gate replaces this one for later requests.
    pub fn hold(&self, endpoint: Endpoint) -> Gate {
        self.shared.script.hold(endpoint)
    }

    /// Ages every live access token past its end: the APIs answer 401 with 40106 from now on.
    pub fn expire_tokens(&self) {
        self.shared.grants().expire_tokens();
    }

    /// Takes back every token, refresh tokens too: the APIs answer 401 with 40105 from now on.
    pub fn revoke_tokens(&self) {
        self.shared.grants().revoke_tokens();
    }

    /// How many access tokens the APIs accept now.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.shared.grants().live_tokens()
    }

    /// How many requests `endpoint` has received.
    #[must_use]
    pub fn hits(&self, endpoint: Endpoint) -> usize {
        self.shared.script.hits(endpoint)
    }

    /// The last thousand requests that `endpoint` received, oldest first.
    #[must_use]
    pub fn requests(&self, endpoint: Endpoint) -> Vec<RecordedRequest> {
        self.shared.script.requests(endpoint)
    }

    pub(super) const fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for MockGateway {
    fn drop(&mut self) {
        // Cut first: the end of axum's accept loop wakes each connection, which then finds out.
        self.wires.cut();
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
