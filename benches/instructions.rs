//! Counts the instructions of requests by callgrind, and the code that they run through.
//!
//! It prints `row,subject,instructions,bytes`: the instructions of one request, and the bytes of
//! code that all requests of the case touch, in whole lines of a processor's cache.
//!
//! Each case runs in a process of its own, which is this program again, under valgrind. Callgrind
//! counts inside of [`send_all`] alone. Subtract `bare` of the same row, and what is left is the
//! cost of the layer.
//!
//! Names of rows as arguments choose among them. What callgrind writes stays in `target/callgrind`:
//! `callgrind_annotate --inclusive=yes target/callgrind/memory.layer.out` says where it goes.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::{collections::HashSet, env, fs, io, path::Path, process::Command};

use telenor_auth_benches::{
    cases::{self, Case, REQUESTS, ROWS},
    token_endpoint,
};

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [token_endpoint::ARGUMENT] => token_endpoint::serve(),
        ["--case", row, subject] => {
            let case = cases::find(row, subject);
            send_all(&mut case.expect("a case of cases.rs"));
        }
        _ => {
            println!("row,subject,instructions,bytes");
            // Cargo adds `--bench`.
            let named = || arguments.iter().filter(|name| !name.starts_with("--"));
            let is_chosen = |row: &str| named().count() == 0 || named().any(|name| *name == row);
            for row in ROWS.iter().filter(|row| is_chosen(row.name)) {
                for (subject, _) in row.subjects {
                    let (instructions, bytes) = count(row.name, subject)?;
                    println!("{},{subject},{instructions:.1},{bytes}", row.name);
                }
            }
        }
    }
    Ok(())
}

/// Callgrind finds it by its name.
#[inline(never)]
fn send_all(case: &mut Case) {
    case.run();
}

/// The instructions of one request, and the bytes of code.
fn count(row: &str, subject: &str) -> io::Result<(f64, usize)> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    let folder = target.join("callgrind");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{row}.{subject}.out"));
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-atstart=no",
            "--dump-instr=yes",
        ])
        .arg("--toggle-collect=*send_all*")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(&program)
        .args(["--case", row, subject])
        .output()
        .map_err(|error| io::Error::other(format!("install valgrind: {error}")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text
        .lines()
        .find_map(|line| line.split("Collected :").nth(1));
    let collected = collected.and_then(|count| count.trim().parse::<f64>().ok());
    match collected {
        Some(count) if output.status.success() && count > 0.0 => {
            let bytes = code(&fs::read_to_string(file)?);
            Ok((count / REQUESTS as f64, bytes))
        }
        _ => Err(io::Error::other(format!("{row}, {subject}: {text}"))),
    }
}

/// The bytes of code in a profile, in whole lines of a cache.
///
/// Lines of the profile begin with an address, or with how far it is from the last one. `ob` names
/// the library that it is in. The line after `calls` repeats the address of the call.
fn code(profile: &str) -> usize {
    const CACHE_LINE: u64 = 64;
    let mut touched = HashSet::new();
    let (mut object, mut address) = ("", 0_u64);
    for line in profile.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = name.split(' ').next().unwrap_or_default();
        }
        let position = line.split(' ').next().unwrap_or_default();
        let number = |text: &str| text.parse::<u64>().ok();
        let next = match position.as_bytes() {
            [b'0', b'x', ..] => u64::from_str_radix(&position[2..], 16).ok(),
            [b'+', ..] => number(&position[1..]).map(|far| address + far),
            [b'-', ..] => number(&position[1..]).map(|far| address - far),
            b"*" => Some(address),
            _ => None,
        };
        if let Some(next) = next {
            address = next;
            touched.insert((object, address / CACHE_LINE));
        }
    }
    touched.len() * CACHE_LINE as usize
}
