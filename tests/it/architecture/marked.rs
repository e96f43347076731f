//! The tests that carry rows of `docs/security.md`, in a line above them: `/// S24.` or
//! `/// S24, S26.`; in JavaScript `// S24.`.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    conditions::{Conditions, named_in},
    imports::rust_files,
};

/// A test that carries rows, and what it runs with.
pub struct Test {
    pub rows: Vec<u8>,
    /// As `scripts/promise` takes it: the kind of test, and where it is.
    pub name: String,
    pub conditions: Conditions,
}

impl Test {
    pub fn kind(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn tests() -> Vec<Test> {
    let mut tests = Vec::new();
    for folder in ["src", "tests"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            tests.extend(tests_in_rust(&file, &text));
        }
    }
    for entry in fs::read_dir(root().join("tests/browser")).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.ends_with(".test.mjs") {
            let text = fs::read_to_string(&file).unwrap();
            tests.extend(test_in_javascript(name, &text));
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

fn tests_in_rust(file: &Path, text: &str) -> Vec<Test> {
    let lines: Vec<&str> = text.lines().collect();
    let mut tests = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_doc = line.trim().starts_with("///");
        let Some(rows) = is_doc.then(|| marks(line)).flatten() else {
            continue;
        };
        let name = name_of_test(&lines[at + 1..], text);
        let name = name.unwrap_or_else(|| panic!("{}: no test is below {line}", file.display()));
        let place = place(file, text);
        tests.push(Test {
            rows,
            name: format!("{place}{name}"),
            conditions: Conditions::of(&place, name, text),
        });
    }
    tests
}

/// The name of the function that these lines begin with, if it is run as a test: by its attribute,
/// or by a macro that names it.
fn name_of_test<'t>(lines: &[&'t str], text: &str) -> Option<&'t str> {
    let is_attribute = |line: &&&str| line.trim().starts_with("#[");
    let attributes = lines.iter().take_while(is_attribute).count();
    let signature = lines.get(attributes)?.trim_start_matches(' ');
    let signature = signature.strip_prefix("async ").unwrap_or(signature);
    let name = signature.strip_prefix("fn ")?.split(['(', '<']).next()?;
    let is_test = |line: &&str| {
        ["#[test]", "#[tokio::test"]
            .iter()
            .any(|a| line.contains(a))
    };
    let of_macro = named_in(text, "over_each_store! {").contains(&name)
        || text.contains(&format!(" {name}, Search::"));
    (of_macro || lines[..attributes].iter().any(is_test)).then_some(name)
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
        ["tests", binary] => format!("{binary} "),
        _ => panic!("{}: scripts/promise runs no test there", path.display()),
    }
}

/// A row names the file of a test in JavaScript.
fn test_in_javascript(file: &str, text: &str) -> Option<Test> {
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let marks = line.trim().starts_with("// S").then(|| marks(line));
        if let Some(marks) = marks.flatten() {
            let is_test = lines[at + 1].trim().starts_with("test(");
            assert!(is_test, "{file}: no test is below {line}");
            rows.extend(marks);
        }
    }
    (!rows.is_empty()).then(|| Test {
        rows,
        name: format!("browser {file}"),
        conditions: Conditions {
            stores: BTreeSet::new(),
            http: BTreeSet::from(["1.1"]),
        },
    })
}
