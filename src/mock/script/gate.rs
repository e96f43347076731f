//! The gate with which a test holds requests back, without sleeping.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// Holds back the requests on one endpoint, from
/// [`MockGateway::hold`](crate::mock::MockGateway::hold).
///
/// Dropping the gate opens it.
///
/// # Example
///
/// ```
/// use telenor_auth::mock::{Endpoint, MockGateway};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let gateway = MockGateway::start().await?;
/// let gate = gateway.hold(Endpoint::UserInfo);
/// let url = format!("{}/user-info/v1/users", gateway.base_url());
/// let request = tokio::spawn(reqwest::get(url));
///
/// gate.waiting(1).await; // the request has arrived and has no response yet
/// gate.open();
/// assert_eq!(request.await??.status(), 401);
/// # Ok(())
/// # }
/// ```
#[must_use = "a gate opens when it is dropped"]
pub struct Gate(Arc<Barrier>);

impl Gate {
    pub(in crate::mock) fn new() -> (Self, Arc<Barrier>) {
        let barrier = Arc::new(Barrier {
            open: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
        });
        (Self(Arc::clone(&barrier)), barrier)
    }

    /// Resolves once at least `n` requests wait at the gate.
    pub async fn waiting(&self, n: usize) {
        let mut waiting = self.0.waiting.subscribe();
        // It fails only if the sender is dropped, and the gate itself holds the sender.
        let _ = waiting.wait_for(|waiting| *waiting >= n).await;
    }

    /// Releases the waiting requests, and lets later ones pass.
    pub fn open(self) {
        drop(self);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.open.send_replace(true);
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("waiting", &*self.0.waiting.borrow())
            .finish_non_exhaustive()
    }
}

/// The part of a gate that requests wait at.
pub(in crate::mock) struct Barrier {
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Barrier {
    pub(in crate::mock) async fn pass(&self) {
        let mut open = self.open.subscribe();
        if *open.borrow() {
            return;
        }
        let _guard = WaiterGuard::new(&self.waiting);
        let _ = open.wait_for(|open| *open).await;
    }
}

/// Counts one waiting request, until it passes or its client disconnects.
struct WaiterGuard<'b>(&'b watch::Sender<usize>);

impl<'b> WaiterGuard<'b> {
    fn new(waiting: &'b watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
