//! Where and with what the figures were taken.

use std::{fs, process::Command};

use super::page::wrap;

const PEERS: [&str; 8] = [
    "axum",
    "axum-security",
    "tower-sessions",
    "axum-login",
    "axum-oidc",
    "axum-extra",
    "cookie",
    "oauth2",
];

/// A sentence about the machine, and one about the versions.
#[must_use]
pub fn describe() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name| {
        let mut lines = processors.lines().filter(|line| line.starts_with(name));
        lines.next()?.split(": ").nth(1)
    };
    let model = field("model name").unwrap_or("unknown");
    let number = processors.matches("processor\t").count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (date, rustc) = (output("date", &["+%F"]), output("rustc", &["--version"]));
    let lock = include_str!("../../Cargo.lock");
    let versions = PEERS.map(|peer| format!("{peer} {}", newest(lock, peer)));
    let (kernel, versions) = (kernel.trim(), versions.join(", "));
    wrap(&format!(
        "Measured on {date} on a virtual machine with {number} processors ({model}), Linux \
         {kernel}, {rustc}. Versions: {versions}."
    ))
}

fn output(command: &str, arguments: &[&str]) -> String {
    let output = Command::new(command).args(arguments).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// The newest version of a package in a lock file. axum-login and axum-oidc bring an older
/// tower-sessions than the one that is measured.
fn newest<'l>(lock: &'l str, package: &str) -> &'l str {
    let name = format!("name = \"{package}\"\nversion = \"");
    let versions = lock.split(name.as_str()).skip(1);
    let versions = versions.filter_map(|rest| rest.split('"').next());
    let numbers = |version: &&str| {
        let numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        numbers.collect::<Vec<u32>>()
    };
    versions.max_by_key(numbers).unwrap_or("unknown")
}
