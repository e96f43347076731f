//! Counts the instructions of requests by callgrind, and the code that they run through.
//!
//! It prints `row,subject,instructions,code`: the instructions of one request, and the bytes of code
//! that a request runs through and one to the bare app does not.
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
    cases::{self, Case, REQUESTS, ROWS, Row},
    code::Code,
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
            println!("row,subject,instructions,code");
            // Cargo adds `--bench`.
            let named = || arguments.iter().filter(|name| !name.starts_with("--"));
            let is_chosen = |row: &str| named().count() == 0 || named().any(|name| *name == row);
            for row in ROWS.iter().filter(|row| is_chosen(row.name)) {
                measure(row)?;
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

fn measure(row: &Row) -> io::Result<()> {
    // The first subject is the bare app.
    let mut bare = None;
    for (subject, _) in row.subjects {
        let (instructions, code) = count(row.name, subject)?;
        let beyond = code.bytes_beyond(bare.as_ref().unwrap_or(&code));
        println!("{},{subject},{instructions:.1},{beyond}", row.name);
        bare = bare.or(Some(code));
    }
    Ok(())
}

/// The instructions of one request, and the code that each request runs through.
fn count(row: &str, subject: &str) -> io::Result<(f64, Code)> {
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
            let code = Code::of_each(REQUESTS as u64, &fs::read_to_string(file)?);
            Ok((count / REQUESTS as f64, code))
        }
        _ => Err(io::Error::other(format!("{row}, {subject}: {text}"))),
    }
}
