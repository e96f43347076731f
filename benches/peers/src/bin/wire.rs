//! Prints requests per second over the wire: `row,subject,requests_per_second,ratio`.
//!
//! wrk sends on one processor, and the server answers on another. Each round measures every server
//! once. The ratio is the median of the ratios to the bare router in the same round.

use std::{env, io, process::Command};

use telenor_auth_benches::requests;
use telenor_auth_peers::{child::Server, measure::median};

const SUBJECTS: [(&str, &str); 10] = [
    ("memory", "bare"),
    ("memory", "by hand"),
    ("cookie", "by hand"),
    ("memory", "telenor-auth"),
    ("cookie", "telenor-auth"),
    ("memory", "axum-security"),
    ("memory", "tower-sessions"),
    ("memory", "axum-login"),
    ("memory", "axum-oidc"),
    ("cookie", "private jar"),
];

struct Target {
    _server: Server,
    url: String,
    headers: Vec<String>,
    rates: Vec<f64>,
}

fn main() -> io::Result<()> {
    let is_quick = env::args().any(|argument| argument == "--quick");
    let (rounds, duration) = if is_quick { (3, "1s") } else { (9, "2s") };
    let mut targets = Vec::new();
    for (row, subject) in SUBJECTS {
        targets.push(target(row, subject)?);
    }
    for _ in 0..rounds {
        for target in &mut targets {
            let rate = measure(target, duration)?;
            target.rates.push(rate);
        }
    }
    let bare = targets[0].rates.clone();
    println!("row,subject,requests_per_second,ratio");
    for ((row, subject), mut target) in SUBJECTS.into_iter().zip(targets) {
        let ratios = target
            .rates
            .iter()
            .zip(&bare)
            .map(|(rate, bare)| rate / bare);
        let ratio = median(&mut ratios.collect::<Vec<_>>());
        println!(
            "{row},{subject},{:.0},{ratio:.3}",
            median(&mut target.rates)
        );
    }
    Ok(())
}

fn target(row: &str, subject: &str) -> io::Result<Target> {
    let mut server = Server::start(Some("1"), &[row, subject])?;
    let port = server.line()?;
    let cookies = requests::cookies(3, &server.line()?);
    let request = requests::page("/user", &cookies);
    let headers = request.headers().iter();
    let headers =
        headers.filter_map(|(name, value)| Some(format!("{name}: {}", value.to_str().ok()?)));
    Ok(Target {
        _server: server,
        url: format!("http://127.0.0.1:{port}/user"),
        headers: headers.collect(),
        rates: Vec::new(),
    })
}

/// Requests per second.
fn measure(target: &Target, duration: &str) -> io::Result<f64> {
    let mut wrk = Command::new("taskset");
    wrk.args(["-c", "0", "wrk", "-t1", "-c16", "-d", duration]);
    for header in &target.headers {
        wrk.args(["-H", header]);
    }
    let output = wrk.arg(&target.url).output()?;
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = output.lines();
    let rate = lines.find_map(|line| line.strip_prefix("Requests/sec:"));
    match rate.and_then(|rate| rate.trim().parse().ok()) {
        Some(rate) if !output.contains("Non-2xx") => Ok(rate),
        _ => Err(io::Error::other(format!("{}: {output}", target.url))),
    }
}
