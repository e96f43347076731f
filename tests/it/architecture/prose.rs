//! Lines of prose end at column 100: comments, and the pages in Markdown.

use std::{fs, path::Path};

use super::imports::rust_files;

const LIMIT: usize = 100;

#[test]
fn doc_and_comment_lines_end_at_column_100() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for folder in ["src", "examples", "tests", "benches"] {
        for file in rust_files(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for (at, line) in text.lines().enumerate() {
                let comment = line.trim_start();
                let text = comment.trim_start_matches(['/', '!', ' ']);
                if comment.starts_with("//") && is_too_long(line) && !is_unbreakable(text) {
                    let file = file.strip_prefix(root).unwrap().display();
                    long.push(format!("{file}:{}", at + 1));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn markdown_lines_end_at_column_100() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for folder in [root.to_owned(), root.join("docs"), root.join("examples")] {
        for entry in fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let mut is_code = false;
            for (at, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
                if line.trim_start().starts_with("```") {
                    is_code = !is_code;
                } else if !is_code && is_too_long(line) && !is_unbreakable(line) {
                    let file = file.strip_prefix(root).unwrap().display();
                    long.push(format!("{file}:{}", at + 1));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

fn is_too_long(line: &str) -> bool {
    line.chars().count() > LIMIT
}

/// A row of a table, or the address of a link.
fn is_unbreakable(text: &str) -> bool {
    text.starts_with('|') || text.contains("]: ")
}
