//! Every input that the repository keeps, as a test: the seeds of the fuzzer, and what it found.

use std::{collections::BTreeSet, fs, panic::catch_unwind, path::PathBuf};

use super::*;

/// Its name, and what it checks.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 10] = [
    ("accept_language", accept_language),
    ("api_responses", api_responses),
    ("callback_query", callback_query),
    ("cookie_header", cookie_header),
    ("pending_sweep", pending_sweep),
    ("request_kinds", request_kinds),
    ("return_url", return_url),
    ("sealed_values", sealed_values),
    ("stored_records", stored_records),
    ("token_response", token_response),
];

fn folder(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(path)
}

/// The names in a folder, without the ends of files.
fn names(path: &str) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(folder(path)) else {
        return BTreeSet::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn known() -> BTreeSet<String> {
    TARGETS.map(|(target, _)| target.to_owned()).into()
}

/// S16, S29, S39, S49, S68, S83, S120.
#[test]
fn seeds_and_findings_break_no_rule() {
    let mut broken = Vec::new();
    for (target, check) in TARGETS {
        let mut seeds = 0;
        for kind in ["seeds", "findings"] {
            let Ok(inputs) = fs::read_dir(folder(kind).join(target)) else {
                continue;
            };
            for input in inputs {
                let path = input.unwrap().path();
                let input = fs::read(&path).unwrap();
                // The panic itself says which rule is broken.
                if catch_unwind(|| check(&input)).is_err() {
                    broken.push(path);
                }
                seeds += usize::from(kind == "seeds");
            }
        }
        assert!(seeds > 0, "{target} has no seeds");
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_target_has_a_program_and_a_dictionary() {
    assert_eq!(names("fuzz_targets"), known());
    assert_eq!(names("dictionaries"), known());
    assert_eq!(names("seeds"), known());
    let unknown: Vec<_> = names("findings").difference(&known()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    let programs = manifest.matches("[[bin]]").count();
    assert_eq!(programs, TARGETS.len());
}
