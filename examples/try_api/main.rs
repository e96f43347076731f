//! Checks whether an app at Telenor works: logs in through the browser, calls the APIs, and
//! explains each step.
//!
//! ```text
//! cargo run --example try_api --features mock
//! ```
//!
//! needs no credentials: without a client id it talks to a mock gateway in the same process.
//! `--help` lists the options.

mod address;
mod advice;
mod browser;
mod calls;
mod endpoints;
mod exit;
mod explain;
mod login;
mod logout;
mod mask;
mod options;
mod probe;
mod run;
mod server;
mod start_page;

use std::{
    env,
    io::{self, Write},
    process::ExitCode,
};

use crate::{exit::Exit, explain::step, options::Command};

const HELP: &str = include_str!("help.txt");
const VERSION: &str = concat!("try_api of telenor-auth ", env!("CARGO_PKG_VERSION"), "\n");

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = env::args_os().skip(1).collect();
    let exit = match Command::parse(arguments, |name| env::var_os(name)) {
        Ok(Command::Help) => Ok(print(HELP)),
        Ok(Command::Version) => Ok(print(VERSION)),
        Ok(Command::Run(options)) => run::run(*options).await,
        Err(error) => Err(error),
    };
    let exit = exit.unwrap_or_else(|error| {
        step("try_api:", error);
        step("", "--help lists the options");
        Exit::Usage
    });
    exit.into()
}

fn print(text: &str) -> Exit {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Success,
        Err(_) => Exit::Api,
    }
}
