//! How a test holds requests back without sleeping.

use std::{fmt, sync::Arc};

use tokio::sync::watch;

/// Holds back the requests on one endpoint; made by [`MockGateway::hold`](crate::mock::MockGateway::hold).
///
/// Dropping it opens it.
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
/// gate.waiting(1).await; // here the request has arrived and has no answer yet
/// gate.open();
/// assert_eq!(request.await??.status(), 401);
/// # Ok(())
/// # }
/// ```
#[must_use = "a gate opens when it is dropped"]
pub struct Gate(Arc<Latch>);

impl Gate {
    pub(in crate::mock) fn new() -> (Self, Arc<Latch>) {
        let latch = Arc::new(Latch {
            open: watch::Sender::new(false),
            waiting: watch::Sender::new(0),
        });
        (Self(Arc::clone(&latch)), latch)
    }

    /// Resolves once at least `n` requests wait at the gate.
    pub async fn waiting(&self, n: usize) {
        let mut waiting = self.0.waiting.subscribe();
        // The one error is that the sender is gone, and the gate itself keeps it.
        let _ = waiting.wait_for(|waiting| *waiting >= n).await;
    }

    /// Lets the waiting requests go on, and later ones pass.
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

/// The gate as requests see it.
pub(in crate::mock) struct Latch {
    open: watch::Sender<bool>,
    waiting: watch::Sender<usize>,
}

impl Latch {
    pub(in crate::mock) async fn pass(&self) {
        let mut open = self.open.subscribe();
        if *open.borrow() {
            return;
        }
        let _place = Place::take(&self.waiting);
        let _ = open.wait_for(|open| *open).await;
    }
}

/// A request's place in the queue, given up when its client goes away.
struct Place<'l>(&'l watch::Sender<usize>);

impl<'l> Place<'l> {
    fn take(waiting: &'l watch::Sender<usize>) -> Self {
        waiting.send_modify(|waiting| *waiting += 1);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}
