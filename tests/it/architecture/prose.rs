//! Doc and comment lines end at column 100.

use std::{fs, path::Path};

use super::imports::rust_files;

#[test]
fn doc_and_comment_lines_end_at_column_100() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut long = Vec::new();
    for folder in ["src", "examples", "tests", "benches"] {
        for file in rust_files(&root.join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            for (at, line) in text.lines().enumerate() {
                let comment = line.trim_start();
                // A row of a table and an address cannot be broken.
                let text = comment.trim_start_matches(['/', '!', ' ']);
                let unbreakable = text.starts_with('|') || text.contains("]: ");
                let is_long = line.chars().count() > 100;
                if comment.starts_with("//") && is_long && !unbreakable {
                    let file = file.strip_prefix(root).unwrap().display();
                    long.push(format!("{file}:{}", at + 1));
                }
            }
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}
