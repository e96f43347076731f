//! Pictures of the manual: files in the repository, part of the page in the documentation, which
//! shows no relative picture.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{definitions, read, root};

#[test]
fn each_picture_is_part_of_its_page_in_the_documentation() {
    let chapters = [("how_it_works", 1), ("failures", 3), ("performance", 1)];
    for (chapter, files) in chapters {
        let page = read(format!("docs/{chapter}.md"));
        let mut embedded = read(format!("src/manual/pictures/{chapter}.md"));
        for file in 2..=files {
            embedded += &read(format!("src/manual/pictures/{chapter}_{file}.md"));
        }
        let mut expected = String::new();
        for (label, target) in definitions(&page) {
            let is_picture = ["pictures/", "performance/"];
            if !is_picture.iter().any(|start| target.starts_with(start)) {
                continue;
            }
            let kind = match target.rsplit('.').next() {
                Some("svg") => "svg+xml",
                kind => kind.unwrap(),
            };
            let bytes = fs::read(root().join("docs").join(target)).unwrap();
            assert!(bytes.len() < 12_000, "{target} has {} bytes", bytes.len());
            let bytes = BASE64_STANDARD.encode(bytes);
            expected += &format!("[{label}]: data:image/{kind};base64,{bytes}\n");
        }
        assert!(
            embedded == expected,
            "node tests/browser/embed_pictures.mjs writes src/manual/pictures/{chapter}.md"
        );
    }
}
