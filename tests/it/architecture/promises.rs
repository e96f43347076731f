//! `docs/security.md` has a row for each promise, and names the tests that show it.
//!
//! A test carries its rows in a line above it: `/// S24.` or `/// S24, S26.`; in JavaScript
//! `// S24.`. The last three columns of the page are made from these lines:
//! `PROMISES=write cargo test --all-features --test it promises`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::RangeInclusive,
    path::Path,
};

use super::imports::rust_files;

const PAGE: &str = "docs/security.md";
/// The page has a row for each of these numbers.
const ROWS: RangeInclusive<u8> = 1..=122;
/// The cell of a row that no test shows begins so, and goes on with the reason.
const NOT_SHOWN: &str = "No test: ";

/// A test, and what it was run with.
struct Test {
    rows: Vec<u8>,
    /// As `scripts/promise` takes it: the kind of test, and where it is.
    name: String,
    stores: BTreeSet<&'static str>,
    /// The versions of HTTP, for a test that sends requests to the layer.
    http: BTreeSet<&'static str>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for folder in ["src", "tests", "benches/tests"] {
        for file in rust_files(&root().join(folder)) {
            tests.extend(tests_in_rust(&file));
        }
    }
    for entry in fs::read_dir(root().join("tests/browser")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".test.mjs") {
            tests.extend(tests_in_javascript(
                name,
                &fs::read_to_string(&file).unwrap(),
            ));
        }
    }
    tests.sort_by(|a, b| a.name.cmp(&b.name));
    tests
}

/// The numbers in a line like `/// S24, S26.`.
fn marks(line: &str) -> Option<Vec<u8>> {
    let list = line.trim().trim_start_matches('/').trim();
    let is_mark = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
    if !list.strip_prefix('S').is_some_and(is_mark) {
        return None;
    }
    let number = |mark: &str| mark.strip_prefix('S')?.parse().ok();
    let numbers = list
        .strip_suffix('.')
        .map(|list| list.split(", ").map(number).collect());
    Some(
        numbers
            .flatten()
            .unwrap_or_else(|| panic!("{line}: rows are written like `/// S24, S26.`")),
    )
}

fn tests_in_rust(file: &Path) -> Vec<Test> {
    let text = fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let over_http2 = named_in(&text, "over_http2! {");
    let in_each_store = named_in(&text, "over_each_store! {");
    let mut tests = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(rows) = line
            .trim()
            .starts_with("///")
            .then(|| marks(line))
            .flatten()
        else {
            continue;
        };
        let after = lines[at + 1..].iter().position(|line| line.contains("fn "));
        let start = at + 1 + after.expect("a test below its rows");
        let name = lines[start].split("fn ").nth(1).unwrap();
        let name = name.split(['(', '<']).next().unwrap();
        let indent = lines[start].len() - lines[start].trim_start().len();
        let end = lines[start..]
            .iter()
            .position(|line| line.starts_with(&format!("{:indent$}}}", "")));
        let body = lines[start..start + end.unwrap()].join("\n");
        let place = place(file, &text);
        if place.starts_with("models ") {
            let entry = format!(" {name}, Search::");
            assert!(text.contains(&entry), "{name} is no model of `models!`");
        }
        let is_request = !place.starts_with("lib");
        let stores = match () {
            () if in_each_store.contains(name) && place.starts_with("stores ") => {
                BTreeSet::from(["memory", "Redis", "SQL"])
            }
            () if in_each_store.contains(name) => {
                let mut stores = BTreeSet::from(["memory", "cookie", "Redis"]);
                if text.contains("apps:") {
                    stores.insert("cached");
                }
                stores
            }
            () => stores_named(&place, &body),
        };
        let http = match () {
            () if over_http2.contains(name) => BTreeSet::from(["1.1", "2"]),
            () if is_request && (body.contains("App::") || in_each_store.contains(name)) => {
                BTreeSet::from([if body.contains("HTTP_2") || body.contains("h2::") {
                    "2"
                } else {
                    "1.1"
                }])
            }
            () => BTreeSet::new(),
        };
        let name = format!("{place}{name}");
        tests.push(Test {
            rows,
            name,
            stores,
            http,
        });
    }
    tests
}

/// The words in the blocks of a macro.
fn named_in<'t>(text: &'t str, opening: &str) -> BTreeSet<&'t str> {
    let blocks = text.split(opening).skip(1);
    blocks
        .flat_map(|block| block.split('}').next().unwrap().split_whitespace())
        .collect()
}

/// The stores that a test names, and the one of every app in the tests.
fn stores_named(place: &str, body: &str) -> BTreeSet<&'static str> {
    let all = format!("{place} {body}");
    let signs: [(&'static str, &[&str]); 5] = [
        ("cookie", &["in_cookie", "CookieStore", "session::cookie::"]),
        (
            "Redis",
            &["in_redis", "RedisStore", "session::redis::", "Redis::start"],
        ),
        ("cached", &["in_cache", "CachedStore", "session::cached::"]),
        ("SQL", &["stores "]),
        (
            "memory",
            &[
                "MemoryStore",
                "memory_store::",
                "session::memory::",
                "App::",
                "app(",
            ],
        ),
    ];
    let named = signs
        .iter()
        .filter(|(_, signs)| signs.iter().any(|sign| all.contains(sign)));
    named.map(|(store, _)| *store).collect()
}

/// The kind of a test and the path of its module, as `cargo test` takes them.
fn place(file: &Path, text: &str) -> String {
    let path = file.strip_prefix(root()).unwrap().with_extension("");
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().unwrap()).collect();
    let module = |parts: &[&str]| -> String {
        let named = parts
            .iter()
            .filter(|part| !["mod", "lib", "main"].contains(part));
        named.map(|part| format!("{part}::")).collect()
    };
    match &parts[..] {
        ["src", rest @ ..] => {
            let tests = if text.contains("mod tests {") {
                "tests::"
            } else {
                ""
            };
            format!("lib {}{tests}", module(rest))
        }
        ["tests", "it", rest @ ..] => format!("it {}", module(rest)),
        ["tests", of @ ("proofs" | "stores"), "tests", rest @ ..] => {
            format!("{of} {}", module(&rest[1..]))
        }
        ["tests", "models", "src", "models", rest @ ..] => format!("models {}", module(rest)),
        ["tests", binary, ..] => format!("{binary} "),
        _ => format!("benches {}", module(&parts[2..])),
    }
}

fn tests_in_javascript(file: &str, text: &str) -> Vec<Test> {
    let lines: Vec<&str> = text.lines().collect();
    let mut tests: BTreeMap<&str, Test> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let is_mark = line.trim().starts_with("// S") && lines[at + 1].trim().starts_with("test(");
        if let Some(rows) = is_mark.then(|| marks(line)).flatten() {
            let test = tests.entry(file).or_insert_with(|| Test {
                rows: Vec::new(),
                name: format!("browser {file}"),
                stores: BTreeSet::new(),
                http: BTreeSet::from(["1.1"]),
            });
            test.rows.extend(rows);
        }
    }
    tests.into_values().collect()
}

/// A row of the page: its number, and its cells.
fn rows(page: &str) -> Vec<(u8, Vec<&str>)> {
    let lines = page.lines().filter_map(|line| {
        let cells = line.strip_prefix("| S")?.strip_suffix(" |")?;
        let mut cells = cells.split(" | ");
        let number = cells.next()?.parse().ok()?;
        Some((number, cells.collect()))
    });
    lines.collect()
}

/// What the tests say about a row: their names, the stores, the versions.
fn shown(tests: &[&Test]) -> [String; 3] {
    let names: Vec<String> = tests
        .iter()
        .map(|test| format!("`{}`", test.name))
        .collect();
    let stores: BTreeSet<&str> = tests.iter().flat_map(|test| test.stores.clone()).collect();
    let http: BTreeSet<&str> = tests.iter().flat_map(|test| test.http.clone()).collect();
    let list = |set: BTreeSet<&str>| match set.len() {
        0 => "–".to_owned(),
        _ => set.into_iter().collect::<Vec<_>>().join(", "),
    };
    [names.join("<br>"), list(stores), list(http)]
}

#[test]
fn promises_name_the_tests_that_carry_their_row() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let tests = tests();
    let mut written = page.clone();
    let mut wrong = Vec::new();
    let mut known = BTreeSet::new();
    for (number, cells) in rows(&page) {
        let of_row: Vec<&Test> = tests
            .iter()
            .filter(|test| test.rows.contains(&number))
            .collect();
        let [promise, without, shown_by, ..] = &cells[..] else {
            panic!("S{number}: a row has six cells");
        };
        assert!(
            promise.len() > 20 && without.len() > 5,
            "S{number}: say what it promises"
        );
        assert!(known.insert(number), "S{number} stands twice");
        let shown = match &of_row[..] {
            [] if shown_by.len() > NOT_SHOWN.len() + 20 && shown_by.starts_with(NOT_SHOWN) => {
                continue;
            }
            [] => ["?", "–", "–"].map(str::to_owned),
            tests => shown(tests),
        };
        let before = format!("| S{number} | {} |", cells.join(" | "));
        let after = format!(
            "| S{number} | {promise} | {without} | {} |",
            shown.join(" | ")
        );
        if of_row.is_empty() || before != after {
            wrong.push(after.clone());
        }
        written = written.replace(&before, &after);
    }
    assert_eq!(known, ROWS.collect(), "the rows of {PAGE}");
    for test in &tests {
        for row in &test.rows {
            assert!(
                known.contains(row),
                "{} carries S{row}, which {PAGE} lacks",
                test.name
            );
        }
    }
    if std::env::var_os("PROMISES").is_some_and(|how| how == "write") {
        fs::write(root().join(PAGE), written).unwrap();
    } else {
        assert!(
            wrong.is_empty(),
            "run PROMISES=write cargo test --all-features --test it promises\n{wrong:#?}"
        );
    }
}

/// The first and the last row of a list in `SECURITY.md`: `S5–S12`, or the one of `S14`.
fn ends(list: &str) -> [u8; 2] {
    let (first, last) = list.split_once('–').unwrap_or((list, list));
    [first, last].map(|row| {
        let number = row.strip_prefix('S').and_then(|number| number.parse().ok());
        number.unwrap_or_else(|| panic!("{list}: rows are written like `S5–S12, S14`"))
    })
}

#[test]
fn summary_names_rows_for_each_promise() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let promised = text.split_once("## What is promised").unwrap().1;
    let promised = promised.split_once("## What is not promised").unwrap().0;
    let promises: Vec<&str> = promised.split("\n**").skip(1).collect();
    assert!(promises.len() > 10, "{promises:#?}");
    for promise in promises {
        let lists = promise.lines().filter_map(|line| {
            line.strip_prefix("Shown by the [rows][rows] ")?
                .strip_suffix('.')
        });
        let lists: Vec<&str> = lists.flat_map(|lists| lists.split(", ")).collect();
        assert!(!lists.is_empty(), "no rows: {promise}");
        for list in lists {
            let [first, last] = ends(list);
            assert!(first <= last, "{list}");
            assert!(ROWS.contains(&first) && ROWS.contains(&last), "{list}");
        }
    }
}
