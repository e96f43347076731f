//! The page about privacy lists what the layer keeps in a browser.

use super::read;

#[test]
fn the_table_has_every_cookie() {
    let page = read("docs/privacy.md");
    let source = read("src/browser/cookie.rs");
    let names: Vec<_> = source
        .split("format!(\"{prefix}{base}-")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(names.len() > 3, "{names:?}");
    for name in names {
        let row = format!("\n| `__Host-telenor-{name}");
        assert!(page.contains(&row), "{name}");
    }
}
