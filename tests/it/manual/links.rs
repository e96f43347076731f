//! The manual works as files of the repository and as modules of the documentation.

use std::path::Path;

use super::{definitions, pages, prose, read, root};

/// The id of a heading, on GitHub as in rustdoc.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        letter => letter
            .is_alphanumeric()
            .then(|| letter.to_ascii_lowercase()),
    });
    kept.collect()
}

fn anchors(page: &Path) -> Vec<String> {
    let mut is_code = false;
    let mut anchors = Vec::new();
    for line in read(page).lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code && line.starts_with('#') {
            anchors.push(anchor(line.trim_start_matches('#')));
        }
    }
    anchors
}

/// The targets of links that stand in the text: `[text](target)`.
fn inline_targets(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.match_indices("](").filter_map(|(at, open)| {
        let target = &prose[at + open.len()..];
        Some(target[..target.find(')')?].to_owned())
    });
    targets.collect()
}

fn is_relative(target: &str) -> bool {
    let elsewhere = ["http:", "https:", "mailto:", "data:", "crate::"];
    !elsewhere.iter().any(|start| target.starts_with(start))
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut broken = Vec::new();
    let top = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "examples/README.md",
    ]
    .map(|name| root().join(name));
    for page in pages().into_iter().chain(top) {
        let text = read(&page);
        let defined = definitions(&text)
            .into_iter()
            .map(|(_, target)| target.to_owned());
        for target in inline_targets(&text).into_iter().chain(defined) {
            if !is_relative(&target) {
                continue;
            }
            let (file, fragment) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => page.clone(),
                file => page.with_file_name(file),
            };
            let is_markdown = file.extension().is_some_and(|extension| extension == "md");
            let found = file.exists()
                && (fragment.is_empty()
                    || !is_markdown
                    || anchors(&file).iter().any(|known| known == fragment));
            if !found {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_link_to_a_chapter_leads_to_its_module_in_the_documentation() {
    let links = read("src/manual/links.md");
    let modules = definitions(&links);
    let mut missing = Vec::new();
    for page in pages() {
        let text = read(&page);
        for target in inline_targets(&text) {
            assert!(
                !target.contains(".md"),
                "{}: `{target}` leads nowhere in the documentation: give it a name, \
                 [text][name], and define it here and in src/manual/links.md",
                page.display()
            );
        }
        for (label, target) in definitions(&text) {
            let Some((chapter, fragment)) = target.split_once(".md") else {
                continue;
            };
            let expected = match chapter {
                "README" => format!("crate::manual{fragment}"),
                chapter => format!("crate::manual::{chapter}{fragment}"),
            };
            if !modules.contains(&(label, &*expected)) {
                missing.push(format!("[{label}]: {expected}"));
            }
        }
    }
    assert!(missing.is_empty(), "src/manual/links.md: {missing:#?}");
}

#[test]
fn every_name_of_a_link_is_defined_on_its_page() {
    let mut undefined = Vec::new();
    for page in pages() {
        let text = read(&page);
        let defined = definitions(&text);
        let mut is_code = false;
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            }
            for (at, open) in line.match_indices("][").filter(|_| !is_code) {
                let label = &line[at + open.len()..];
                let label = &label[..label.find(']').unwrap_or(label.len())];
                if !defined.iter().any(|(known, _)| *known == label) {
                    undefined.push(format!("{}: [{label}]", page.display()));
                }
            }
        }
    }
    assert!(undefined.is_empty(), "{undefined:#?}");
}

#[test]
fn every_page_is_a_chapter_and_is_in_the_contents() {
    let modules = read("src/manual/mod.rs");
    let contents = read("docs/README.md");
    for page in pages() {
        let name = page.file_stem().and_then(|name| name.to_str()).unwrap();
        if name == "README" {
            continue;
        }
        assert!(modules.lines().any(|line| line.trim() == name), "{name}");
        let listed = definitions(&contents)
            .into_iter()
            .any(|(_, target)| target == format!("{name}.md"));
        assert!(listed, "{name}");
    }
}

#[test]
fn the_first_example_is_the_same_in_the_readme_and_on_the_page_of_the_crate() {
    let readme = read("README.md");
    let first = |text: &str, fence: &str| -> String {
        let code = text.split_once(fence).unwrap().1;
        code.split_once("```").unwrap().0.trim().to_owned()
    };
    let page: String = read("src/lib.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n")
        .collect();
    let start = page.find("use axum::").unwrap();
    let page = format!("```rust\n{}", &page[start..]);
    assert_eq!(
        first(&readme, "```rust,no_run\n"),
        first(&page, "```rust\n")
    );
}
