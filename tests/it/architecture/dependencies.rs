//! No dependency has a weakness that was known when this was written, and checks look for new ones.

use std::{fs, path::Path};

/// The first versions without a known weakness, by crate, with the number of the advisory
/// (RustSec). A crate with two has two lines of versions in use.
const FLOORS: [(&str, &[&str], &str); 16] = [
    ("h2", &["0.4.16"], "2026-0258"),
    ("bytes", &["1.11.1"], "2026-0007"),
    ("time", &["0.3.47"], "2026-0009"),
    ("rustls", &["0.23.18"], "2024-0399"),
    ("rustls-webpki", &["0.103.13"], "2026-0104"),
    ("aws-lc-sys", &["0.39.0"], "2026-0044"),
    ("ring", &["0.17.12"], "2025-0009"),
    ("aes-gcm", &["0.10.3"], "2023-0096"),
    ("tracing-subscriber", &["0.3.20"], "2025-0055"),
    ("idna", &["1.0.3"], "2024-0421"),
    ("url", &["2.5.4"], "2024-0421"),
    ("sqlx", &["0.8.1"], "2024-0363"),
    ("tokio-postgres", &["0.7.18"], "2026-0178"),
    ("rand", &["0.9.3", "0.10.1"], "2026-0097"),
    ("lru", &["0.18.2"], "2026-0253"),
    ("axum-core", &["0.3.0"], "2022-0055"),
];

/// Of the library and its tests, of the fuzz targets, and of the layers that ours is compared with.
const LOCKS: [&str; 3] = ["Cargo.lock", "fuzz/Cargo.lock", PEERS];
const PEERS: &str = "benches/peers/Cargo.lock";

/// Old lines that crates of others still need: in which lock file, if not in all, and the newest
/// version.
const OLD_LINES: [(Option<&str>, &str, &str); 4] = [
    // No advisory is known for it, and the list of 2026 does not name the line.
    (None, "rand", "0.8.8"),
    // axum-oidc has an old reqwest. It is measured on this machine alone, and no app gets it.
    (Some(PEERS), "h2", "0.3.27"),
    (Some(PEERS), "rustls", "0.21.12"),
    (Some(PEERS), "rustls-webpki", "0.101.7"),
];

type Version = [u64; 3];

fn version(text: &str) -> Version {
    let plain = text.split(['-', '+']).next().unwrap();
    let mut numbers = plain.split('.').map(|number| number.parse().unwrap());
    [(); 3].map(|()| numbers.next().unwrap_or(0))
}

/// Versions of one line replace each other without a change of `Cargo.toml`.
fn is_same_line(one: Version, other: Version) -> bool {
    match one[0] {
        0 => one[..2] == other[..2],
        major => major == other[0],
    }
}

/// Whether this version has the weakness, as far as the list says.
fn is_weak(found: Version, floors: &[&str]) -> bool {
    let floors = floors.iter().map(|floor| version(floor));
    let mut of_its_line = floors.clone().filter(|floor| is_same_line(*floor, found));
    match of_its_line.next() {
        Some(floor) => found < floor,
        // An older line is not known to be mended.
        None => floors.max().is_some_and(|newest| found < newest),
    }
}

/// The versions of a crate in a lock file.
fn locked(lock: &str, name: &str) -> Vec<Version> {
    let entry = format!("name = \"{name}\"\nversion = \"");
    let found = lock.split(&entry).skip(1);
    found
        .map(|rest| version(rest.split('"').next().unwrap()))
        .collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// S120.
#[test]
fn no_locked_version_has_a_known_weakness() {
    for path in LOCKS {
        let lock = read(path);
        for (name, floors, advisory) in FLOORS {
            for found in locked(&lock, name) {
                let old = OLD_LINES.iter().find(|(only, of, newest)| {
                    only.is_none_or(|only| only == path)
                        && *of == name
                        && is_same_line(version(newest), found)
                });
                let is_weak = match old {
                    Some((_, _, newest)) => found < version(newest),
                    None => is_weak(found, floors),
                };
                assert!(!is_weak, "{path}: {name} {found:?}: RUSTSEC-{advisory}");
            }
        }
        for used in ["rustls", "aws-lc-sys", "axum-core", "rand"] {
            assert!(!locked(&lock, used).is_empty(), "{path}: {used}");
        }
    }
}

/// S120.
#[test]
fn older_version_is_found_weak() {
    for (found, floors, weak) in [
        ("0.4.15", &["0.4.16"][..], true),
        ("0.4.16", &["0.4.16"], false),
        ("0.3.26", &["0.4.16"], true),
        ("0.5.0", &["0.4.16"], false),
        ("1.11.0", &["1.11.1"], true),
        ("2.0.0", &["1.11.1"], false),
        ("0.9.2", &["0.9.3", "0.10.1"], true),
        ("0.9.5", &["0.9.3", "0.10.1"], false),
        ("0.10.0", &["0.9.3", "0.10.1"], true),
    ] {
        assert_eq!(is_weak(version(found), floors), weak, "{found}");
    }
    let lock = "[[package]]\nname = \"h2\"\nversion = \"0.4.15\"\n";
    assert_eq!(locked(lock, "h2"), [[0, 4, 15]]);
}

/// S120.
#[test]
fn each_change_checks_the_crates_and_each_week_their_advisories() {
    assert!(read(".ci/run").contains("\ncargo deny --workspace check"));
    assert!(read("scripts/advisories").contains("\nexec cargo deny --workspace check advisories"));
    let scripts = weekly_scripts();
    assert!(scripts.contains(&"advisories".to_owned()), "{scripts:?}");
    let deny = read("deny.toml");
    assert!(deny.contains("[advisories]\nversion = 2\n"));
    assert!(!deny.contains("RUSTSEC-"), "an advisory that is ignored");
}

/// Runs of `scripts/` in the weekly workflow, each with its words.
fn weekly_scripts() -> Vec<String> {
    let weekly = read(".github/workflows/weekly.yml");
    let list = weekly
        .split_once("\n        script: [")
        .expect("a matrix")
        .1;
    let scripts = list.split_once(']').unwrap().0.split(", ");
    assert!(weekly.contains("\n      - run: scripts/${{ matrix.script }}\n"));
    scripts.map(str::to_owned).collect()
}

/// S120.
#[test]
fn each_week_tries_made_up_inputs() {
    let scripts = weekly_scripts();
    let of_fuzz = |script: &&String| script.split(' ').next() == Some("fuzz");
    let seconds: Vec<_> = scripts.iter().filter(of_fuzz).collect();
    let [fuzz] = seconds[..] else {
        panic!("one run of scripts/fuzz: {scripts:?}")
    };
    // A name after the seconds would leave the other programs out.
    let words: Vec<&str> = fuzz.split(' ').skip(1).collect();
    assert!(
        words
            .iter()
            .all(|word| word.parse::<u32>().is_ok_and(|s| s >= 60)),
        "{fuzz}"
    );
    assert!(words.len() <= 1, "{fuzz}");
}
