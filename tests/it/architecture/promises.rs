//! `docs/security.md` has a row for each promise, and names the tests that show it.
//!
//! The last three columns of the page are made from the tests that carry a row:
//! `PROMISES=write cargo test --all-features --test it promises`.

use std::{collections::BTreeSet, fs, ops::RangeInclusive};

use super::marked::{Test, root, tests};

const PAGE: &str = "docs/security.md";
/// The page has a row for each of these numbers.
const ROWS: RangeInclusive<u8> = 1..=122;
/// The cell of a row that no test shows begins so, and goes on with the reason.
const NOT_SHOWN: &str = "No test: ";

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
    let conditions = || tests.iter().map(|test| &test.conditions);
    let stores: BTreeSet<&str> = conditions().flat_map(|with| with.stores.clone()).collect();
    let http: BTreeSet<&str> = conditions().flat_map(|with| with.http.clone()).collect();
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
        let kind = format!("\n| `{}` | ", test.kind());
        assert!(page.contains(&kind), "{PAGE} says nothing of {}", test.name);
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
fn summary_names_rows_for_each_promise_and_each_row() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let promised = text.split_once("## What is promised").unwrap().1;
    let promised = promised.split_once("## What is not promised").unwrap().0;
    let promises: Vec<&str> = promised.split("\n**").skip(1).collect();
    assert!(promises.len() > 10, "{promises:#?}");
    let mut named = BTreeSet::new();
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
            named.extend(first..=last);
        }
    }
    let missing: Vec<u8> = ROWS.filter(|row| !named.contains(row)).collect();
    assert_eq!(missing, [0; 0], "rows that no promise names");
}
