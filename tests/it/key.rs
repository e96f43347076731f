//! Keys change on two instances under load, step by step, and no user notices.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use telenor_auth::{
    CookieKeys,
    mock::MockGateway,
    session::{CookieStore, SessionStore},
};
use tokio::{sync::watch, task::JoinSet};

use crate::support::{self, Browser, builder, routes};

const TIMEOUT: Duration = Duration::from_secs(120);
const VISITORS: usize = 4;
const NEWCOMERS: usize = 2;
/// How many requests of each kind reach each instance between two changes.
const BETWEEN: usize = 10;

/// Where both instances find their keys.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new(keys: &[&str]) -> Self {
        let number: u64 = rand::random();
        let name = format!("telenor-auth-rotation-{number:016x}");
        let file = Self(std::env::temp_dir().join(name));
        file.write(keys);
        file
    }

    /// Replaces the file at once, so that no instance reads half of it.
    fn write(&self, keys: &[&str]) {
        let new = self.0.with_extension("new");
        fs::write(&new, format!("# the first seals\n{}\n", keys.join("\n"))).unwrap();
        fs::rename(new, &self.0).unwrap();
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn key(seed: u8) -> String {
    let key = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[seed]);
    BASE64_STANDARD.encode(key)
}

/// A process of its own, as far as keys go.
struct Instance {
    keys: CookieKeys,
    router: Router,
}

impl Instance {
    fn new<Store: SessionStore>(
        gateway: &MockGateway,
        file: &Path,
        store: impl FnOnce(&CookieKeys) -> Store,
    ) -> Self {
        let keys = CookieKeys::from_file(file).unwrap();
        let layer = builder(gateway)
            .cookie_keys(keys.clone())
            .session_store(store(&keys));
        let router = routes(&support::Hits::default()).layer(layer.build().unwrap());
        Self { keys, router }
    }
}

/// The users of both instances, and how much each instance has served.
struct Load {
    gateway: MockGateway,
    routers: [Router; 2],
    /// By instance: pages for signed-in users.
    pages: [watch::Sender<usize>; 2],
    /// By instance: logins that ended there and began at the other one.
    logins: [watch::Sender<usize>; 2],
    /// Whether every session and every login from before has expired.
    expired: watch::Sender<bool>,
    /// How many tasks have noticed that.
    noticed: watch::Sender<usize>,
    stopped: watch::Sender<bool>,
}

impl Load {
    fn browser(&self) -> Browser {
        Browser {
            router: self.routers[0].clone(),
            jar: Vec::new(),
        }
    }

    /// A login that begins at one instance and ends at the other.
    async fn sign_in(&self, browser: &mut Browser, ends_at: usize) {
        browser.router = self.routers[1 - ends_at].clone();
        let callback = browser.callback_url(&self.gateway, "/private").await;
        self.finish(browser, &callback, ends_at).await;
    }

    async fn finish(&self, browser: &mut Browser, callback: &str, ends_at: usize) {
        browser.router = self.routers[ends_at].clone();
        let done = browser.open(callback).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        count(&self.logins[ends_at]);
    }

    async fn page(&self, browser: &mut Browser, at: usize) {
        browser.router = self.routers[at].clone();
        assert!(browser.token().await.is_some(), "logged out");
        count(&self.pages[at]);
        // A page is answered without a wait, so a user who opens one after another would keep the
        // thread.
        tokio::task::yield_now().await;
    }

    /// A signed-in user who opens pages on both instances.
    async fn visitor(self: Arc<Self>) {
        let (mut browser, mut signed_in_again) = (self.browser(), false);
        self.sign_in(&mut browser, 0).await;
        for at in [0, 1].into_iter().cycle() {
            if *self.stopped.borrow() {
                return;
            }
            if *self.expired.borrow() && !signed_in_again {
                browser.jar.clear();
                self.sign_in(&mut browser, at).await;
                count(&self.noticed);
                signed_in_again = true;
            }
            self.page(&mut browser, at).await;
        }
    }

    /// New users, one after another.
    async fn newcomers(self: Arc<Self>) {
        let mut has_noticed = false;
        for at in [0, 1].into_iter().cycle() {
            if *self.stopped.borrow() {
                return;
            }
            if *self.expired.borrow() && !has_noticed {
                count(&self.noticed);
                has_noticed = true;
            }
            let mut browser = self.browser();
            self.sign_in(&mut browser, at).await;
            self.page(&mut browser, 1 - at).await;
        }
    }

    /// Waits until each instance has served more of everything.
    async fn serve_more(&self) {
        for counter in self.pages.iter().chain(&self.logins) {
            let enough = *counter.borrow() + BETWEEN;
            let mut counter = counter.subscribe();
            counter.wait_for(|count| *count >= enough).await.unwrap();
        }
    }

    async fn everything_expires(&self) {
        self.expired.send_replace(true);
        let (mut noticed, all) = (self.noticed.subscribe(), VISITORS + NEWCOMERS);
        noticed.wait_for(|count| *count == all).await.unwrap();
    }
}

fn count(counter: &watch::Sender<usize>) {
    counter.send_modify(|count| *count += 1);
}

/// Changes the file, and reloads one instance after the other. Logins are pending all the time.
async fn step(load: &Load, file: &KeyFile, instances: &[Instance; 2], keys: &[&str]) {
    let mut pending = Vec::new();
    for at in [0, 1, 0, 1] {
        let mut browser = load.browser();
        browser.router = load.routers[at].clone();
        let callback = browser.callback_url(&load.gateway, "/private").await;
        pending.push((browser, callback, 1 - at));
    }
    file.write(keys);
    load.serve_more().await;
    for instance in instances {
        assert_eq!(instance.keys.reload(), Ok(true));
        load.serve_more().await;
        let (mut browser, callback, ends_at) = pending.remove(0);
        load.finish(&mut browser, &callback, ends_at).await;
    }
    for (mut browser, callback, ends_at) in pending {
        load.finish(&mut browser, &callback, ends_at).await;
        load.page(&mut browser, 1 - ends_at).await;
    }
}

/// S71.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_change_under_load_and_no_user_is_logged_out() {
    in_time(change_keys(CookieStore::new)).await;
}

#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_in_redis_outlast_a_change_of_keys() {
    use telenor_auth::session::RedisStore;

    let redis = support::redis::Redis::start().await;
    let store = |keys: &_| {
        let store = RedisStore::new(&redis.url(), keys).unwrap();
        store.with_timeout(Duration::from_secs(5))
    };
    in_time(change_keys(store)).await;
}

async fn in_time(story: impl Future<Output = ()>) {
    let ended = tokio::time::timeout(TIMEOUT, story).await;
    assert!(ended.is_ok(), "the test ends in time");
}

async fn change_keys<Store: SessionStore>(store: impl Fn(&CookieKeys) -> Store) {
    let [old, new] = [1, 2].map(key);
    let file = KeyFile::new(&[&old]);
    let gateway = MockGateway::start().await.unwrap();
    let instances = [(); 2].map(|()| Instance::new(&gateway, &file.0, &store));
    let load = Arc::new(Load {
        gateway,
        routers: [0, 1].map(|at: usize| instances[at].router.clone()),
        pages: Default::default(),
        logins: Default::default(),
        expired: watch::Sender::default(),
        noticed: watch::Sender::default(),
        stopped: watch::Sender::default(),
    });
    let mut tasks = JoinSet::new();
    for _ in 0..VISITORS {
        tasks.spawn(Arc::clone(&load).visitor());
    }
    for _ in 0..NEWCOMERS {
        tasks.spawn(Arc::clone(&load).newcomers());
    }

    let rotation = async {
        load.serve_more().await;
        let mut kept_aside = load.browser();
        load.sign_in(&mut kept_aside, 0).await;
        step(&load, &file, &instances, &[&old, &new]).await;
        step(&load, &file, &instances, &[&new, &old]).await;
        for at in [0, 1] {
            load.page(&mut kept_aside, at).await;
        }
        load.everything_expires().await;
        step(&load, &file, &instances, &[&new]).await;
        load.stopped.send_replace(true);
        kept_aside
    };
    let mut kept_aside = tokio::select! {
        kept_aside = rotation => kept_aside,
        ended = tasks.join_next() => panic!("{:?}", ended.unwrap().unwrap_err()),
    };
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    for router in &load.routers {
        kept_aside.router = router.clone();
        assert!(kept_aside.token().await.is_none(), "the old key is gone");
    }
}

/// S70.
#[tokio::test]
async fn there_is_no_built_in_key() {
    let gateway = MockGateway::start().await.unwrap();
    let app = || {
        let keys = CookieKeys::random();
        let store = CookieStore::new(&keys);
        [
            builder(&gateway).build().unwrap(),
            builder(&gateway)
                .cookie_keys(keys)
                .session_store(store)
                .build()
                .unwrap(),
        ]
        .map(|layer| routes(&support::Hits::default()).layer(layer))
    };
    for (router, other) in app().into_iter().zip(app()) {
        let mut browser = Browser {
            router,
            jar: Vec::new(),
        };
        let callback = browser.callback_url(&gateway, "/private").await;
        let mut moved = Browser {
            router: other,
            jar: browser.jar.clone(),
        };
        moved.open(&callback).await.assert_safe_reject();
        assert_eq!(browser.open(&callback).await.status, StatusCode::SEE_OTHER);
        moved.jar = browser.jar.clone();
        assert!(moved.token().await.is_none());
    }
}

/// S71.
#[tokio::test]
async fn change_of_keys_logs_no_user_out() {
    let gateway = MockGateway::start().await.unwrap();
    let raw = |number: u8| {
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[number])
            .as_ref()
            .to_vec()
    };
    let app = |ring: &[u8]| {
        let keys = telenor_auth::CookieKeys::new(ring.iter().map(|number| raw(*number))).unwrap();
        let store = CookieStore::new(&keys);
        let layer = builder(&gateway)
            .cookie_keys(keys)
            .session_store(store)
            .build()
            .unwrap();
        routes(&support::Hits::default()).layer(layer)
    };
    let mut browser = Browser {
        router: app(&[1]),
        jar: Vec::new(),
    };
    let callback = browser.callback_url(&gateway, "/private").await;
    browser.open(&callback).await;
    browser.router = app(&[2, 1]);
    assert!(browser.token().await.is_some());
    browser.router = app(&[2]);
    assert!(browser.token().await.is_none());
}
