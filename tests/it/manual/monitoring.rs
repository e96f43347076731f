//! The tables of metrics and failures have what the code has, and the board and the alerts name
//! metrics that exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use telenor_auth::TelenorAuthLayer;

use super::{codes, read, rows};
use crate::events::metrics::counted;

/// The labels of each metric, and the values of each label, that exist once a layer is built.
type Labels = BTreeMap<String, BTreeSet<String>>;

fn counted_labels() -> (BTreeMap<String, BTreeSet<String>>, Labels) {
    let series = counted(async {
        let built = TelenorAuthLayer::builder("id", "secret", "https://app.test/callback").build();
        assert!(built.is_ok());
    });
    let mut metrics = BTreeMap::new();
    let mut values = Labels::new();
    for (series, _) in series {
        let mut words = series.split(' ').map(str::to_owned);
        let labels: &mut BTreeSet<String> = metrics.entry(words.next().unwrap()).or_default();
        for label in words {
            let (name, value) = label.split_once('=').unwrap();
            labels.insert(name.to_owned());
            values
                .entry(name.to_owned())
                .or_default()
                .insert(value.to_owned());
        }
    }
    (metrics, values)
}

fn owned(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn the_table_of_metrics_has_each_metric_with_its_labels() {
    let (counted, _) = counted_labels();
    let page = read("docs/monitoring.md");
    let documented = rows(&page)
        .into_iter()
        .filter(|row| row[0].starts_with("`telenor_auth_"));
    let documented: BTreeMap<_, _> = documented
        .map(|row| (codes(row[0])[0].to_owned(), owned(&codes(row[2]))))
        .collect();
    assert_eq!(documented, counted);
}

#[test]
fn the_table_of_labels_has_each_value() {
    let (_, mut counted) = counted_labels();
    let page = read("docs/monitoring.md");
    let start = page.find("| label | values |").unwrap();
    let table = &page[start..start + page[start..].find("\n\n").unwrap()];
    let documented: Labels = rows(table)
        .into_iter()
        .filter(|row| row[0].starts_with('`') && row[0] != "`cause`")
        .map(|row| (codes(row[0])[0].to_owned(), owned(&codes(row[1]))))
        .collect();
    let causes = counted.remove("cause").unwrap();
    assert_eq!(documented, counted);
    // The causes have a page.
    let page = read("docs/failures.md");
    let cells = rows(&page).into_iter().flatten();
    let documented: BTreeSet<_> = cells
        .filter(|cell| cell.starts_with('`'))
        .flat_map(codes)
        .collect();
    let missing: Vec<_> = causes
        .iter()
        .filter(|cause| !documented.contains(cause.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/failures.md: {missing:?}");
}

fn documented_metrics() -> BTreeSet<String> {
    let page = read("docs/monitoring.md");
    let names = rows(&page).into_iter().flat_map(|row| {
        codes(row[0])
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    names
        .filter(|name| name.starts_with("telenor_auth_"))
        .collect()
}

/// The metrics in a text, without what Prometheus adds to the name of a histogram.
fn named_metrics(text: &str) -> BTreeSet<String> {
    let names = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = names.filter(|name| name.starts_with("telenor_auth_"));
    let histogram = ["_bucket", "_count", "_sum"];
    names
        .map(|name| {
            let plain = histogram.iter().find_map(|end| name.strip_suffix(end));
            plain.unwrap_or(name).to_owned()
        })
        .collect()
}

/// Every value of the members with this name.
fn members(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value.as_str() {
                    Some(text) if key == name => found.push(text.to_owned()),
                    _ => members(value, name, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| members(value, name, found)),
        _ => {}
    }
}

#[test]
fn the_board_shows_every_metric_and_no_other() {
    let board: Value = serde_json::from_str(&read("docs/grafana.json")).unwrap();
    let mut queries = Vec::new();
    members(&board, "expr", &mut queries);
    assert!(queries.len() > 10);
    assert_eq!(named_metrics(&queries.join("\n")), documented_metrics());
}

#[test]
fn alerts_name_metrics_and_causes_that_exist() {
    let alerts = read("docs/alerts.yml");
    let documented = documented_metrics();
    let named = named_metrics(&alerts);
    assert!(named.len() > 5);
    let unknown: Vec<_> = named.difference(&documented).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let values = read("docs/failures.md") + &read("docs/monitoring.md");
    for list in alerts.split("=~\"").skip(1) {
        for value in list.split('"').next().unwrap().split('|') {
            assert!(values.contains(&format!("`{value}`")), "{value}");
        }
    }
}

#[test]
fn each_alert_has_a_row() {
    let page = read("docs/monitoring.md");
    let rows = rows(&page);
    let documented: BTreeSet<_> = rows.iter().flat_map(|row| codes(row[0])).collect();
    let alerts = read("docs/alerts.yml");
    let names: Vec<_> = alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .collect();
    assert!(names.len() > 5);
    for name in names {
        assert!(documented.contains(name), "{name}");
    }
}
