//! The table of log lines has every line of the library, with its level and its fields.

use std::collections::BTreeSet;

use super::{codes, read, root, rows};
use crate::architecture::imports::rust_files;

#[derive(Debug)]
struct Line {
    level: String,
    message: String,
    fields: BTreeSet<String>,
}

/// The lines that the library logs. The mock is a test tool.
fn logged() -> Vec<Line> {
    let mut lines = Vec::new();
    for file in rust_files(&root().join("src")) {
        if file.components().any(|part| part.as_os_str() == "mock") {
            continue;
        }
        let source = read(&file);
        for level in ["debug", "info", "warn", "error"] {
            let start = format!("tracing::{level}!(");
            for (at, open) in source.match_indices(&start) {
                lines.push(line(level, &source[at + open.len()..]));
            }
        }
    }
    lines
}

/// Reads the arguments of a macro of `tracing`: fields, then a message.
fn line(level: &str, arguments: &str) -> Line {
    let quote = arguments.find('"').unwrap();
    let message = &arguments[quote + 1..];
    let end = message
        .match_indices('"')
        .find(|(at, _)| !message[..*at].ends_with('\\'))
        .unwrap()
        .0;
    // A backslash at the end of a line joins it to the next one.
    let mut parts = message[..end].split("\\\n");
    let mut joined = parts.next().unwrap().to_owned();
    parts.for_each(|part| joined += part.trim_start());
    let mut depth = 0;
    let mut fields = vec![String::new()];
    for letter in arguments[..quote].chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(letter),
        }
    }
    let fields = fields.iter().map(|field| {
        let name = field.split('=').next().unwrap();
        name.trim().trim_start_matches(['%', '?']).to_owned()
    });
    Line {
        level: level.to_owned(),
        message: joined,
        fields: fields.filter(|field| !field.is_empty()).collect(),
    }
}

#[test]
fn the_table_has_every_line_of_the_log_with_its_fields() {
    let page = read("docs/monitoring.md");
    let levels = ["debug", "info", "warn", "error"];
    let documented: Vec<_> = rows(&page)
        .into_iter()
        .filter(|row| row.len() == 3 && row[0].split(", ").all(|level| levels.contains(&level)))
        .collect();
    let mut unused: BTreeSet<_> = documented.iter().map(|row| row[1]).collect();
    let logged = logged();
    assert!(logged.len() > 40, "{}", logged.len());
    for line in &logged {
        let row = documented.iter().find(|row| {
            row[0].split(", ").any(|level| level == line.level)
                && line.message.contains(row[1].trim_matches('`'))
        });
        let row = row.unwrap_or_else(|| panic!("docs/monitoring.md has no row: {line:?}"));
        let fields: BTreeSet<_> = codes(row[2]).into_iter().map(str::to_owned).collect();
        assert_eq!(line.fields, fields, "{line:?}");
        unused.remove(row[1]);
    }
    assert!(unused.is_empty(), "no such line: {unused:?}");
}
