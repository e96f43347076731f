//! An app that keeps its users beyond their requests, and time that passes without sleeping.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, mpsc},
    task::{Context, Waker},
    time::Duration,
};

use axum::routing::get;
use telenor_auth::{
    Clock, SessionEnded, TelenorAuthBuilder, TelenorAuthLayer, TelenorUser, mock::MockGateway,
};

use super::{
    app::{App, Hits, builder, routes},
    browser::Browser,
};

/// An instance of an app.
pub struct Keeper {
    pub app: App,
    pub auth: TelenorAuthLayer,
    users: Arc<Mutex<Option<TelenorUser>>>,
}

impl Keeper {
    pub async fn start(settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder) -> Self {
        let gateway = MockGateway::start().await.unwrap();
        Self::at(gateway, Clock::manual(), settings)
    }

    /// The same at this gateway, with this clock.
    pub fn at(
        gateway: MockGateway,
        clock: Clock,
        settings: impl FnOnce(TelenorAuthBuilder) -> TelenorAuthBuilder,
    ) -> Self {
        let builder = settings(builder(&gateway).clock(clock.clone()));
        let auth = builder.build().unwrap();
        let users = Arc::<Mutex<_>>::default();
        let kept = Arc::clone(&users);
        let keep = async move |user: TelenorUser| {
            *kept.lock().unwrap() = Some(user);
        };
        let hits = Hits::default();
        let router = routes(&hits).route("/keep", get(keep)).layer(auth.clone());
        let app = App {
            router,
            gateway,
            clock,
            hits,
        };
        Self { app, auth, users }
    }

    /// The user of this browser, as a handler gets it.
    pub async fn keep(&self, browser: &Browser) -> TelenorUser {
        let mut browser = Browser {
            router: self.app.router.clone(),
            jar: browser.jar.clone(),
        };
        browser.open("/keep").await;
        self.users.lock().unwrap().take().expect("a user")
    }

    /// A browser that is signed in, and its user.
    pub async fn signed_in(&self) -> (Browser, TelenorUser) {
        let browser = self.app.signed_in().await;
        let user = self.keep(&browser).await;
        (browser, user)
    }
}

/// Lets this much time pass for the timers of the test, at once.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// Time that stands still for the timers of a test, also while a socket waits, until the test lets
/// some pass.
pub struct Frozen {
    _held: mpsc::Sender<()>,
}

impl Frozen {
    pub fn start() -> Self {
        tokio::time::pause();
        let (held, end) = mpsc::channel();
        // Tokio does not move time on while such a task runs.
        tokio::task::spawn_blocking(move || end.recv());
        Self { _held: held }
    }

    /// Lets this much time pass, and the tasks of the test go on as far as they can.
    pub async fn pass(&self, time: Duration) {
        tokio::time::advance(time).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// Whether a session has ended, as far as its wait says without another look.
pub fn has_ended(ended: &mut SessionEnded) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Pin::new(ended).poll(&mut context).is_ready()
}

/// Waits for the end, which a background task notices.
pub async fn assert_ends(ended: &mut SessionEnded) {
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    ended.expect("the session ends");
}

/// Asserts that the background task, which has the time to look, does not see an end.
pub async fn assert_goes_on(ended: &mut SessionEnded) {
    for _ in 0..5 {
        pass(Duration::from_secs(7)).await;
        let wait = tokio::time::timeout(Duration::from_millis(20), &mut *ended).await;
        assert!(wait.is_err(), "the session goes on");
    }
}
