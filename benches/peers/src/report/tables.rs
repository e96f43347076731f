//! Tables in Markdown.

use super::figures::{Figure, added, value};
use crate::facts::{FACTS, SUBJECTS};

/// What each subject adds to the bare router, in each of the rows: `(row, title)`.
#[must_use]
pub fn requests(times: &[Figure], allocations: &[Figure], rows: &[(&str, &str)]) -> String {
    let mut table =
        "| | adds | by hand = 1 | allocations |\n| --- | ---: | ---: | ---: |\n".to_owned();
    for (row, title) in rows {
        table += &format!("| **{title}** | | | |\n");
        let minimum = minimum(times, row);
        let count = |subject| value(allocations, row, subject);
        for (subject, time) in added(times, row) {
            let ratio =
                minimum.map_or("–".to_owned(), |minimum| format!("{:.2}", time / minimum));
            let count = match (count(subject), count("bare")) {
                (Some(count), Some(bare)) => format!("{:.0}", count - bare),
                _ => "–".to_owned(),
            };
            let (subject, time) = (name(subject), nanoseconds(time));
            table += &format!("| {subject} | {time} | {ratio} | {count} |\n");
        }
    }
    table
}

/// What a login costs.
#[must_use]
pub fn logins(logins: &[Figure]) -> String {
    let mut table =
        "| | processor time of the app | by hand = 1 |\n| --- | ---: | ---: |\n".to_owned();
    let cpu = second_values(logins);
    let minimum = minimum(&cpu, "login");
    for (subject, time) in added(&cpu, "login") {
        let ratio = minimum.map_or("–".to_owned(), |minimum| format!("{:.2}", time / minimum));
        let (subject, time) = (name(subject), nanoseconds(time));
        table += &format!("| {subject} | {time} | {ratio} |\n");
    }
    table
}

/// The same figures, with the second value of each in front: processor time in place of time.
#[must_use]
pub fn second_values(figures: &[Figure]) -> Vec<Figure> {
    let second = |figure: &Figure| Figure {
        row: figure.row.clone(),
        subject: figure.subject.clone(),
        values: figure.values.get(1..).unwrap_or_default().to_vec(),
    };
    figures.iter().map(second).collect()
}

/// Requests per second over the wire.
#[must_use]
pub fn wire(wire: &[Figure]) -> String {
    let mut table = "| | sessions in | requests a second | bare router = 1 |\n\
                     | --- | --- | ---: | ---: |\n"
        .to_owned();
    for figure in wire {
        let [rate, ratio] = figure.values[..] else {
            continue;
        };
        let store = match (figure.subject.as_str(), figure.row.as_str()) {
            ("bare", _) => "–",
            (_, "memory") => "memory",
            _ => "a cookie",
        };
        let (subject, rate) = (name(&figure.subject), thousands(rate));
        table += &format!("| {subject} | {store} | {rate} | {ratio:.2} |\n");
    }
    table
}

/// What each subject does beside the figures.
#[must_use]
pub fn facts() -> String {
    let mut table = format!("| | {} |\n", SUBJECTS.join(" | "));
    table += &format!("| --- |{}\n", " --- |".repeat(SUBJECTS.len()));
    for fact in FACTS {
        table += &format!("| {} | {} |\n", fact.name, fact.values.join(" | "));
    }
    table
}

/// Instructions of one request over the bare router, where a row has one.
#[must_use]
pub fn instructions(counts: &[Figure]) -> String {
    let mut table =
        "| row | | instructions over the bare router | by hand = 1 |\n| --- | --- | ---: | ---: |\n"
            .to_owned();
    let mut rows: Vec<&str> = counts.iter().map(|figure| figure.row.as_str()).collect();
    rows.dedup();
    for row in rows {
        let minimum = value(counts, row, "by_hand").zip(value(counts, row, "bare"));
        let minimum = minimum.map(|(by_hand, bare)| by_hand - bare);
        for (subject, count) in added(counts, row) {
            let ratio = minimum.map_or("–".to_owned(), |minimum| {
                format!("{:.2}", count / minimum)
            });
            let count = thousands(count);
            let subject = match subject {
                "layer" => "**telenor-auth**".to_owned(),
                "layer_plain" => "telenor-auth, handler takes no user".to_owned(),
                _ => subject.replace('_', " "),
            };
            table += &format!("| {row} | {subject} | {count} | {ratio} |\n");
        }
    }
    table
}

fn minimum(figures: &[Figure], row: &str) -> Option<f64> {
    let mut added = added(figures, row).into_iter();
    added.find_map(|(subject, value)| (subject == "by hand").then_some(value))
}

fn name(subject: &str) -> String {
    match subject {
        "telenor-auth" => "**telenor-auth**".to_owned(),
        "bare" => "bare router".to_owned(),
        _ => subject.to_owned(),
    }
}

/// Nanoseconds as text. Less than 5 ns cannot be distinguished from zero.
#[must_use]
pub fn nanoseconds(time: f64) -> String {
    match time {
        ..5.0 => "below 5 ns".to_owned(),
        ..20_000.0 => format!("{} ns", thousands((time / 5.0).round() * 5.0)),
        _ => format!("{:.0} µs", time / 1e3),
    }
}

/// A whole number with a narrow space between its thousands.
#[must_use]
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits.as_str()),
    };
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
