//! The page about failures has each cause, and the titles of the pages as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{codes, definitions, read, rows};

/// The causes, by their names in the code.
fn causes() -> BTreeMap<String, String> {
    let source = read("src/failure.rs");
    let (_, list) = source.split_once("\nfailure_causes! {").unwrap();
    let (list, _) = list.split_once("\n}").unwrap();
    let rows = list.lines().filter(|line| line.ends_with(';'));
    rows.map(|row| {
        let mut parts = row.trim().split(", ");
        let (variant, name) = (parts.next().unwrap(), parts.next().unwrap());
        (variant.to_owned(), name.trim_matches('"').to_owned())
    })
    .collect()
}

/// The English titles, by the cause or by the name of another page.
fn titles() -> BTreeMap<String, String> {
    let causes = causes();
    let source = read("src/response/page/english.rs");
    let mut page = "";
    let mut titles = BTreeMap::new();
    for line in source.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(" => Message {") {
            page = name.strip_prefix("FailureCause::").unwrap();
        } else if let Some(name) = line.strip_suffix(": Message {") {
            page = name;
        } else if let Some(title) = line.strip_prefix("title: \"") {
            let page = causes.get(page).map_or(page, String::as_str);
            let title = title.trim_end_matches("\",");
            titles.insert(page.to_owned(), title.to_owned());
        }
    }
    assert_eq!(titles.len(), causes.len() + 6, "the pages of english.rs");
    titles
}

#[test]
fn each_cause_has_a_row_with_the_title_of_its_page() {
    let page = read("docs/failures.md");
    let titles = titles();
    let rows = rows(&page);
    for cause in causes().into_values() {
        let named = format!("`{cause}`");
        let has_status = |row: &[&str]| row.len() == 4 && row[1].parse::<u16>().is_ok();
        let row = rows.iter().find(|row| row[0] == named && has_status(row));
        let row = row.unwrap_or_else(|| panic!("no row for {cause}"));
        assert_eq!(row[2], titles[&cause], "{cause}");
    }
}

#[test]
fn each_cause_has_a_picture_or_is_named_among_those_without_one() {
    let page = read("docs/failures.md");
    let table = page.lines().collect::<Vec<_>>();
    let mut shown = BTreeSet::new();
    for lines in table
        .windows(3)
        .filter(|lines| lines[0].starts_with("| !["))
    {
        shown.extend(codes(lines[2]));
    }
    for part in page.split("\nNo picture: ").skip(1) {
        shown.extend(codes(part.split("\n\n").next().unwrap()));
    }
    let causes: BTreeSet<_> = causes().into_values().collect();
    let named: BTreeSet<_> = shown.into_iter().map(str::to_owned).collect();
    assert_eq!(named, causes);
}

#[test]
fn each_picture_of_a_page_is_described_by_its_title() {
    let page = read("docs/failures.md");
    let titles = titles();
    let mut described = 0;
    for lines in page.lines().collect::<Vec<_>>().windows(3) {
        if !lines[0].starts_with("| ![") {
            continue;
        }
        let cells = |line| rows(line).remove(0);
        for (picture, name) in cells(lines[0]).into_iter().zip(cells(lines[2])) {
            let (alt, _) = picture
                .strip_prefix("![")
                .unwrap()
                .split_once("][")
                .unwrap();
            let title = match codes(name)[..] {
                [cause] => &*titles[cause],
                _ => name.trim_matches('"'),
            };
            assert_eq!(alt, title);
            described += 1;
        }
    }
    let pictures = definitions(&page);
    let pictures = pictures
        .iter()
        .filter(|(label, _)| label.starts_with("page-"));
    assert_eq!(described, pictures.count());
}

#[test]
fn each_quoted_title_is_that_of_a_page() {
    let titles: BTreeSet<_> = titles().into_values().collect();
    for (chapter, at_least) in [("failures", 10), ("to_production", 3)] {
        let page = read(format!("docs/{chapter}.md"));
        let quoted: Vec<_> = rows(&page)
            .into_iter()
            .flatten()
            .filter(|cell| cell.starts_with('"') && cell.ends_with('"'))
            .map(|cell| cell.trim_matches('"'))
            .collect();
        assert!(quoted.len() >= at_least, "{chapter}: {quoted:?}");
        for title in quoted {
            assert!(titles.contains(title), "{chapter}: {title}");
        }
    }
}

#[test]
fn each_page_without_a_cause_of_its_own_is_in_the_chapter() {
    let page = read("docs/failures.md");
    let causes: BTreeSet<_> = causes().into_values().collect();
    for (name, title) in titles() {
        let row = format!("\n| \"{title}\" |");
        assert!(causes.contains(&name) || page.contains(&row), "{title}");
    }
}
