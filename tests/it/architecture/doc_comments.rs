//! The first paragraph of a doc comment is plain: a short sentence, and it ends.

use std::{fs, path::Path};

use super::imports::rust_files;

/// More words than these are two sentences.
const MOST_WORDS: usize = 26;

#[test]
fn doc_comments_begin_with_a_short_sentence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for file in rust_files(&root.join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for (line, paragraph) in first_paragraphs(&text) {
            let words = first_sentence(&paragraph).split_whitespace().count();
            if !paragraph.ends_with(['.', ':']) || words > MOST_WORDS {
                let file = file.strip_prefix(root).unwrap().display();
                wrong.push(format!("{file}:{line}: {words} words: {paragraph}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The line at which each doc comment of an item begins, and its first paragraph.
fn first_paragraphs(text: &str) -> Vec<(usize, String)> {
    let mut paragraphs: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    let mut is_first = false;
    for (at, line) in text.lines().enumerate() {
        let comment = line.trim_start().strip_prefix("///").map(str::trim);
        match comment {
            Some(words) if !is_inside => {
                paragraphs.push((at + 1, words.to_owned()));
                is_first = !words.is_empty();
            }
            Some("") => is_first = false,
            Some(words) if is_first => {
                let (_, paragraph) = paragraphs.last_mut().unwrap();
                *paragraph = format!("{paragraph} {words}");
            }
            _ => {}
        }
        is_inside = comment.is_some();
    }
    // A comment that continues below an attribute begins with an empty line.
    paragraphs.retain(|(_, paragraph)| !paragraph.is_empty());
    paragraphs
}

fn first_sentence(paragraph: &str) -> &str {
    let end = paragraph
        .match_indices(['.', ':', '!', '?'])
        .find(|(at, _)| {
            let rest = &paragraph[at + 1..];
            rest.is_empty() || rest.starts_with(' ')
        });
    end.map_or(paragraph, |(at, _)| &paragraph[..at])
}
