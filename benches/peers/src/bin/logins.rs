//! Prints the cost of one login: `row,subject,wall_ns,cpu_ns`.
//!
//! A login is two requests: the one that is sent to the gateway, and the callback, which gets the
//! token from an endpoint in another process over plain http. 32 logins are in progress at once.
//! What a browser does between the two does not count.

use std::{env, io, time::Instant};

use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
};
use telenor_auth_benches::requests;
use telenor_auth_peers::{
    browser::{callback, page},
    child::Server,
    measure::{median, process_cpu},
    subjects::{axum_oidc, axum_security, bare, by_hand, oauth2_and_jar, telenor_auth},
};
use tokio::task::JoinSet;
use tower::ServiceExt;

const AT_ONCE: usize = 32;

struct Login {
    subject: &'static str,
    app: Router,
    start: &'static str,
    walls: Vec<f64>,
    cpus: Vec<f64>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let is_quick = env::args().any(|argument| argument == "--quick");
    let (rounds, logins) = if is_quick { (3, 128) } else { (31, 640) };
    let mut server = Server::start(None, &["provider"])?;
    let provider = server.line()?;
    let security = axum_security::LOGIN;
    let mut subjects = [
        ("bare", bare::logins(), "/user"),
        ("by hand", by_hand::logins(&provider), "/user"),
        ("telenor-auth", telenor_auth::memory(&provider), "/user"),
        ("axum-security", axum_security::app(&provider), security),
        (
            "oauth2 + private jar",
            oauth2_and_jar::app(&provider),
            "/user",
        ),
        ("axum-oidc", axum_oidc::app(&provider).await, "/user"),
    ]
    .map(|(subject, app, start)| Login {
        subject,
        app: app.with_state(()),
        start,
        walls: Vec::new(),
        cpus: Vec::new(),
    });
    for round in 0..=rounds {
        for login in &mut subjects {
            let (wall, cpu) = login.log_in(logins).await;
            // The first round opens the connections.
            if round > 0 {
                login.walls.push(wall);
                login.cpus.push(cpu);
            }
        }
    }
    println!("row,subject,wall_ns,cpu_ns");
    for mut login in subjects {
        let (wall, cpu) = (median(&mut login.walls), median(&mut login.cpus));
        println!("login,{},{wall:.0},{cpu:.0}", login.subject);
    }
    Ok(())
}

impl Login {
    /// Logs so many users in. Returns the time and the processor time of one, in nanoseconds.
    async fn log_in(&self, logins: usize) -> (f64, f64) {
        let others = requests::cookies(3, "");
        let others = others.trim_end_matches("; ");
        let pages = (0..logins).map(|_| page(self.start, others));
        let begun = self.send(pages.collect()).await;
        let callbacks = begun.responses.iter().map(|response| {
            let cookies = format!("{others}; {}", first_cookie(response));
            page(&callback(response), &cookies)
        });
        let finished = self.send(callbacks.collect()).await;
        for response in &finished.responses {
            let (subject, status) = (self.subject, response.status());
            assert!(status.is_redirection(), "{subject}: {status}");
        }
        let part = |total: f64| total / logins as f64;
        (
            part(begun.wall + finished.wall),
            part(begun.cpu + finished.cpu),
        )
    }

    /// Sends requests, some of them at once.
    async fn send(&self, requests: Vec<Request<Body>>) -> Sent {
        let mut shares: Vec<_> = (0..AT_ONCE).map(|_| Vec::new()).collect();
        for (at, request) in requests.into_iter().enumerate() {
            shares[at % AT_ONCE].push(request);
        }
        let (cpu, wall) = (process_cpu(), Instant::now());
        let mut tasks = JoinSet::new();
        for share in shares {
            let app = self.app.clone();
            tasks.spawn(async move {
                let mut responses = Vec::with_capacity(share.len());
                for request in share {
                    let Ok(response) = app.clone().oneshot(request).await;
                    responses.push(response);
                }
                responses
            });
        }
        let responses = tasks.join_all().await;
        Sent {
            wall: wall.elapsed().as_nanos() as f64,
            cpu: process_cpu() - cpu,
            responses: responses.into_iter().flatten().collect(),
        }
    }
}

struct Sent {
    responses: Vec<Response<Body>>,
    wall: f64,
    cpu: f64,
}

fn first_cookie(response: &Response<Body>) -> &str {
    let cookie = response.headers().get(header::SET_COOKIE);
    let cookie = cookie.and_then(|cookie| cookie.to_str().ok());
    let cookie = cookie.expect("a login that begins sets a cookie");
    cookie.split(';').next().unwrap_or_default()
}
