//! Counts the instructions of requests by callgrind, and prints `row,subject,instructions` of one.
//!
//! Each case runs in a process of its own, which is this program again, under valgrind. Callgrind
//! counts inside of [`send_all`] alone. Subtract `bare` of the same row, and what is left is the
//! cost of the layer.
//!
//! Names of rows as arguments choose among them. What callgrind writes stays in `target/callgrind`:
//! `callgrind_annotate --inclusive=yes target/callgrind/memory.layer.out` says where it goes.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::{env, fs, io, path::Path, process::Command};

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
            println!("row,subject,instructions");
            // Cargo adds `--bench`.
            let named = || arguments.iter().filter(|name| !name.starts_with("--"));
            let is_chosen = |row: &str| named().count() == 0 || named().any(|name| *name == row);
            for row in ROWS.iter().filter(|row| is_chosen(row.name)) {
                for (subject, _) in row.subjects {
                    println!("{},{subject},{:.1}", row.name, count(row.name, subject)?);
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

/// The instructions of one request.
fn count(row: &str, subject: &str) -> io::Result<f64> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    let folder = target.join("callgrind");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{row}.{subject}.out"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
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
        Some(count) if output.status.success() && count > 0.0 => Ok(count / REQUESTS as f64),
        _ => Err(io::Error::other(format!("{row}, {subject}: {text}"))),
    }
}
