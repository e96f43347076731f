//! Three processes of the demo behind one address, with Redis between them, while things break.

#![allow(clippy::unwrap_used, reason = "a test ends where something is missing")]
#![allow(
    unreachable_pub,
    reason = "tests/it and the stores' crate share these files"
)]

#[path = "it/support"]
mod support {
    pub mod browser;
    pub mod demo;
    pub mod log;
    #[path = "redis/server.rs"]
    pub mod redis;
    pub mod remote;
}

use std::{
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use support::{
    browser::{Answer, Browser, navigation},
    demo::{Demo, command},
    redis::Redis,
    remote::remote,
};
use telenor_auth::mock::{MockGateway, Subscriber};
use tokio::{sync::watch, task::JoinSet};

const PROCESSES: usize = 3;
const LOGINS: usize = 500;
const PAGES_EACH: usize = 6;
/// Of so many visitors one takes some time at Telenor, and comes back when nothing is broken any
/// more.
const ONE_IS_SLOW: usize = 4;
const LONGEST: Duration = Duration::from_secs(240);
const KEYS: &str = "Vd2eZ4pWfpqO8tq1eLJUlLyOJ1hNP2Yh0z7cxAvo3cM=";

/// Hands each request to the next process, and to the one after it when that is not there, as
/// proxies do with a GET.
struct RoundRobin {
    client: reqwest::Client,
    processes: Mutex<Vec<String>>,
    next: AtomicUsize,
}

impl RoundRobin {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for process in first..first + PROCESSES {
            let base = self.processes.lock().unwrap()[process % PROCESSES].clone();
            let url = format!("{base}{}", parts.uri.path_and_query().unwrap());
            let sent = self.client.request(parts.method.clone(), url);
            let sent = sent.headers(parts.headers.clone()).body(body.clone());
            let Ok(answer) = sent.send().await else {
                continue;
            };
            let (status, headers) = (answer.status(), answer.headers().clone());
            // A process that was killed half-way through its answer has given none.
            let Ok(bytes) = answer.bytes().await else {
                continue;
            };
            let mut response = Response::new(Body::from(bytes));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            return response;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    }
}

struct Cluster {
    gateway: Arc<MockGateway>,
    redis: Redis,
    proxy: Arc<RoundRobin>,
    /// Where a browser would find the proxy. The visitors here are handed to it without a network
    /// in between.
    address: String,
    router: Router,
    demos: Vec<Demo>,
}

impl Cluster {
    async fn start() -> Self {
        let mut gateway = MockGateway::builder();
        for visitor in 0..LOGINS {
            gateway = gateway.subscriber(subscriber(visitor));
        }
        let proxy = Arc::new(RoundRobin {
            client: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .build()
                .unwrap(),
            processes: Mutex::default(),
            next: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&proxy);
        let router = Router::new().fallback(async move |request| shared.answer(request).await);
        let mut cluster = Self {
            gateway: Arc::new(gateway.start().await.unwrap()),
            redis: Redis::durable().await,
            proxy,
            address: "http://127.0.0.1".to_owned(),
            router,
            demos: Vec::new(),
        };
        for _ in 0..PROCESSES {
            let demo = cluster.demo();
            cluster
                .proxy
                .processes
                .lock()
                .unwrap()
                .push(demo.base.clone());
            cluster.demos.push(demo);
        }
        cluster
    }

    fn demo(&self) -> Demo {
        let mut command = command(&[
            ("TELENOR_CLIENT_ID", self.gateway.client_id()),
            ("TELENOR_CLIENT_SECRET", self.gateway.client_secret()),
            ("TELENOR_GATEWAY", &self.gateway.base_url()),
            (
                "TELENOR_REDIRECT_URI",
                &format!("{}/telenor/callback", self.address),
            ),
            ("TELENOR_COOKIE_KEYS", KEYS),
            ("TELENOR_SESSION_STORE", &self.redis.url()),
        ]);
        // No test reads what it logs before the pipe is full.
        Demo::of(command.stderr(Stdio::null()))
    }

    /// Whether every process knows at once whether a session is there.
    async fn is_well(&self) -> bool {
        let processes = self.proxy.processes.lock().unwrap().clone();
        for base in processes {
            let mut browser = Browser {
                router: remote(&base),
                jar: vec![("dev-telenor-session".into(), "unknown".into())],
            };
            let asked = browser.send(navigation("/telenor/session")).await;
            if asked.status != StatusCode::OK {
                return false;
            }
        }
        true
    }

    /// `kill -9`, and another process in its place.
    fn replace_process(&mut self, at: usize) {
        // Started after the old one is gone, so that for a while there are two.
        drop(self.demos.remove(at));
        let demo = self.demo();
        self.proxy.processes.lock().unwrap()[at] = demo.base.clone();
        self.demos.insert(at, demo);
    }
}

fn number(visitor: usize) -> String {
    format!("479{visitor:07}")
}

fn subscriber(visitor: usize) -> Subscriber {
    Subscriber::new(number(visitor)).with_name(format!("Kunde{visitor}"), None, "Hansen")
}

/// What became of the visits.
#[derive(Default)]
struct Tally {
    logins: AtomicUsize,
    pages: AtomicUsize,
    /// Answers that were neither a page nor a step of a login.
    unavailable: AtomicUsize,
    /// Answers that asked a login to wait for its turn.
    busy: AtomicUsize,
    started_over: AtomicUsize,
    /// Logins that came back when nothing was broken any more.
    late: AtomicUsize,
    is_healed: watch::Sender<bool>,
}

#[derive(Clone)]
struct Visitor {
    number: usize,
    browser: Browser,
    gateway: Arc<MockGateway>,
    tally: Arc<Tally>,
}

impl Visitor {
    async fn visit(mut self) {
        self.log_in().await;
        for _ in 0..PAGES_EACH {
            self.look_at_page().await;
        }
    }

    /// As often as it takes, as a person does who presses the button of each page that says that it
    /// did not work.
    async fn log_in(&mut self) {
        loop {
            let page = self.open("/api/me").await;
            if page.status == StatusCode::OK {
                break;
            }
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
            let number = number(self.number);
            let callback = self.gateway.allow_as(&page.location(), &number).unwrap();
            if self.number.is_multiple_of(ONE_IS_SLOW) {
                let mut healed = self.tally.is_healed.subscribe();
                healed.wait_for(|healed| *healed).await.unwrap();
            }
            if self.come_back(&callback).await {
                break;
            }
            self.tally.started_over.fetch_add(1, Ordering::Relaxed);
        }
        self.tally.logins.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this login led in. Loading the same address once more goes on with it, as long as no
    /// instance knows that the code was used.
    async fn come_back(&mut self, callback: &str) -> bool {
        let late = *self.tally.is_healed.borrow();
        if late {
            self.tally.late.fetch_add(1, Ordering::Relaxed);
        }
        loop {
            let answer = self.browser.open(callback).await;
            if answer.status == StatusCode::SEE_OTHER {
                return self.browser.session().is_some();
            }
            if answer.status != StatusCode::SERVICE_UNAVAILABLE {
                assert!(!late, "a login was lost: {}", answer.body);
                return false;
            }
            let is = |cause| answer.body.contains(cause);
            assert!(is("too_many_logins") || !late, "{}", answer.body);
            self.wait(&answer).await;
            // An instance that was killed is in progress: better press the button.
            if is("provider_unavailable") {
                return false;
            }
        }
    }

    async fn look_at_page(&mut self) {
        loop {
            let page = self.open("/api/me").await;
            if page.status == StatusCode::OK {
                let name = format!("\"given_name\":\"Kunde{}\"", self.number);
                assert!(page.body.contains(&name), "{name}, not {}", page.body);
                self.tally.pages.fetch_add(1, Ordering::Relaxed);
                return;
            }
            assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
            self.tally.started_over.fetch_add(1, Ordering::Relaxed);
            self.log_in().await;
        }
    }

    /// The first answer that is not about something being down.
    async fn open(&mut self, path: &str) -> Answer {
        loop {
            let answer = self.browser.open(path).await;
            match answer.status {
                StatusCode::OK | StatusCode::SEE_OTHER => return answer,
                _ => self.wait(&answer).await,
            }
        }
    }

    async fn wait(&self, answer: &Answer) {
        assert_eq!(
            answer.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{}",
            answer.body
        );
        assert!(answer.header("retry-after").is_some());
        let busy = answer.body.contains("too_many_logins");
        let counted = if busy {
            &self.tally.busy
        } else {
            &self.tally.unavailable
        };
        counted.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let all = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(120), all).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_login_is_lost_or_mixed_up_when_a_process_and_redis_are_killed() {
    // What the layer logs, it logs in other processes: no test has to look for secrets in what this
    // one does.
    let _ = tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::default());
    let mut cluster = Cluster::start().await;
    let tally = Arc::new(Tally::default());
    let browser = Browser {
        router: cluster.router.clone(),
        jar: Vec::new(),
    };
    let mut visits = JoinSet::new();
    for number in 0..LOGINS {
        let visitor = Visitor {
            number,
            browser: browser.clone(),
            gateway: Arc::clone(&cluster.gateway),
            tally: Arc::clone(&tally),
        };
        visits.spawn(visitor.visit());
    }
    let faults = async {
        let logins = async |count| tally.logins.load(Ordering::Relaxed) >= count;
        until("people log in", async || logins(LOGINS / 10).await).await;
        cluster.replace_process(0);
        until("and go on", async || logins(LOGINS / 5).await).await;
        cluster.redis.kill();
        until("that is noticed", async || {
            tally.unavailable.load(Ordering::Relaxed) >= 20
        })
        .await;
        cluster.replace_process(1);
        cluster.redis.restart().await;
        until("every process finds Redis again", async || {
            cluster.is_well().await
        })
        .await;
        tally.is_healed.send_replace(true);
    };
    let all = async {
        while let Some(visit) = visits.join_next().await {
            visit.unwrap();
        }
    };
    let story = async { tokio::join!(faults, all) };
    let ended = tokio::time::timeout(LONGEST, story).await;
    assert!(ended.is_ok(), "every visit ends");

    println!(
        "{} logins, {} pages; {} answers that something is down, {} that logins have to wait, {} logins begun again; {} came back after the faults",
        tally.logins.load(Ordering::Relaxed),
        tally.pages.load(Ordering::Relaxed),
        tally.unavailable.load(Ordering::Relaxed),
        tally.busy.load(Ordering::Relaxed),
        tally.started_over.load(Ordering::Relaxed),
        tally.late.load(Ordering::Relaxed),
    );
    assert_eq!(tally.pages.load(Ordering::Relaxed), LOGINS * PAGES_EACH);
    assert!(tally.late.load(Ordering::Relaxed) >= LOGINS / ONE_IS_SLOW);
}
