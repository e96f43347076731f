//! Counts the instructions of requests by callgrind, and how often they wait for code.
//!
//! It prints `row,subject,instructions,misses` of one request. A miss is a line of code that is not
//! in the processor's cache for instructions, by a simulation of one with 32 KB.
//!
//! Each case runs in a process of its own, which is this program again, under valgrind. Callgrind
//! counts inside of [`send_all`] alone. Subtract `bare` of the same row, and what is left is the
//! cost of the layer.
//!
//! Names of rows as arguments choose among them. What callgrind writes stays in `target/callgrind`:
//! `callgrind_annotate --inclusive=yes target/callgrind/memory.layer.out` says where it goes.

#![allow(clippy::print_stdout, reason = "a measurement is printed")]

use std::{collections::HashMap, env, fs, io, path::Path, process::Command};

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
            println!("row,subject,instructions,misses");
            // Cargo adds `--bench`.
            let named = || arguments.iter().filter(|name| !name.starts_with("--"));
            let is_chosen = |row: &str| named().count() == 0 || named().any(|name| *name == row);
            for row in ROWS.iter().filter(|row| is_chosen(row.name)) {
                for (subject, _) in row.subjects {
                    let [instructions, misses] = count(row.name, subject)?;
                    println!("{},{subject},{instructions:.1},{misses:.1}", row.name);
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

/// The instructions of one request, and the misses.
fn count(row: &str, subject: &str) -> io::Result<[f64; 2]> {
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).unwrap_or(Path::new("target"));
    let folder = target.join("callgrind");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{row}.{subject}.out"));
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args(["--cache-sim=yes", "--I1=32768,8,64"])
        .arg("--toggle-collect=*send_all*")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(&program)
        .args(["--case", row, subject])
        .output()
        .map_err(|error| io::Error::other(format!("install valgrind: {error}")))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let mut lines = text.lines();
    let mut words = |label| {
        let line = lines.find_map(|line| line.split(label).nth(1));
        line.unwrap_or_default().split_whitespace()
    };
    let counted: HashMap<&str, &str> = words("Events    :").zip(words("Collected :")).collect();
    let of_one = |event| Some(counted.get(event)?.parse::<f64>().ok()? / REQUESTS as f64);
    match (of_one("Ir"), of_one("I1mr")) {
        (Some(instructions), Some(misses)) if output.status.success() && instructions > 0.0 => {
            Ok([instructions, misses])
        }
        _ => Err(io::Error::other(format!("{row}, {subject}: {text}"))),
    }
}
