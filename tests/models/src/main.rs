//! Model checks: runs the places where the library's threads meet in all orders of their events, or
//! in many.
//!
//! The files of the library are included here as they are. In this crate `crate::sync`, `tokio` and
//! `rand` are stand-ins, through which shuttle chooses what happens next.
//!
//! `telenor-auth-models [--quick] [WORD...]` runs the models whose names hold one of the words.
//! `telenor-auth-models --replay NAME SCHEDULE` repeats one order: the schedule or the seed that a
//! failure has shown.
// The unit tests in the included files are for the real `tokio`.
#![cfg(not(test))]
#![allow(
    dead_code,
    unused_imports,
    reason = "no model uses all of an included file"
)]

#[path = "../../../src/access_token.rs"]
mod access_token;
#[path = "../../../src/app_value.rs"]
mod app_value;
#[path = "../../../src/boxed.rs"]
mod boxed;
#[path = "../../../src/clock.rs"]
mod clock;
#[path = "../../../src/detached.rs"]
mod detached;
#[path = "../../../src/digest.rs"]
mod digest;
#[path = "../../../src/error.rs"]
mod error;
#[path = "../../../src/events/mod.rs"]
mod events;
#[path = "../../../src/expiring_map.rs"]
mod expiring_map;
mod explore;
#[path = "../../../src/failure.rs"]
mod failure;
mod flow;
mod gateway;
#[path = "../../../src/inline_string.rs"]
mod inline_string;
#[path = "../../../src/instance.rs"]
mod instance;
#[path = "../../../src/key/mod.rs"]
mod key;
#[path = "../../../src/login_id.rs"]
mod login_id;
mod models;
mod session;
#[path = "../../../src/session_refusal.rs"]
mod session_refusal;
mod sync;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    if let [replay, name, schedule] = &words[..]
        && replay == "--replay"
    {
        let model = models::all().into_iter().find(|model| model.name == name);
        return match model {
            Some(model) => {
                model.replay(schedule);
                ExitCode::SUCCESS
            }
            None => {
                eprintln!("there is no model {name:?}");
                ExitCode::FAILURE
            }
        };
    }
    let quick = words.iter().any(|word| word == "--quick");
    words.retain(|word| word != "--quick");
    let is_meant = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let models: Vec<_> = models::all()
        .into_iter()
        .filter(|model| is_meant(model.name))
        .collect();
    let failed: Vec<_> = models
        .iter()
        .filter(|model| !model.explore(quick))
        .collect();
    for model in &failed {
        println!("FAILED: {}", model.name);
    }
    if failed.is_empty() && !models.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
