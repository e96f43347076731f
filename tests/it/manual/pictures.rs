//! Pictures of the manual: files in the repository, part of the page in the documentation, which
//! shows no relative picture.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{definitions, read, root};

#[test]
fn each_picture_is_part_of_its_page_in_the_documentation() {
    for chapter in ["how_it_works", "failures"] {
        let page = read(format!("docs/{chapter}.md"));
        let embedded = read(format!("src/manual/pictures/{chapter}.md"));
        let mut expected = String::new();
        for (label, target) in definitions(&page) {
            let Some(name) = target.strip_prefix("pictures/") else {
                continue;
            };
            let kind = match name.rsplit('.').next() {
                Some("svg") => "svg+xml",
                kind => kind.unwrap(),
            };
            let bytes = fs::read(root().join("docs/pictures").join(name)).unwrap();
            assert!(bytes.len() < 12_000, "{name} has {} bytes", bytes.len());
            let bytes = BASE64_STANDARD.encode(bytes);
            expected += &format!("[{label}]: data:image/{kind};base64,{bytes}\n");
        }
        assert!(
            embedded == expected,
            "scripts/pictures writes src/manual/pictures/{chapter}.md"
        );
    }
}
