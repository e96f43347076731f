//! The page about privacy lists what the layer keeps in a browser.

use super::read;

/// S115.
#[test]
fn page_says_that_a_number_is_personal_data_and_no_key_of_an_account() {
    let page = read("docs/privacy.md");
    assert!(page.contains("A phone number is personal data"));
    assert!(page.contains("**A number changes hands.**"));
    assert!(page.contains("revoke_subject"), "how to erase");
    let source = read("src/user/mobile_number.rs");
    let doc: Vec<_> = source
        .lines()
        .map(|line| line.trim_start_matches('/').trim())
        .collect();
    assert!(doc.join(" ").contains(
        "It is personal data. Do not use it as the key of an account: numbers are reassigned"
    ));
}

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
