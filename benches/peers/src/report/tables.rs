//! Tables in Markdown.

use super::{
    figures::{Figure, added, value},
    page::wrap,
};
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

/// The kinds of requests of `benches/src/cases.rs`: row, subject, and what it is.
const REQUESTS: [(&str, &str, &str); 15] = [
    ("memory", "layer", "signed in, session in memory"),
    ("memory", "layer_plain", "… and the handler takes no user"),
    ("sessions_100k", "layer", "… one of 100\u{202f}000 sessions"),
    ("sessions_1m", "layer", "… one of a million sessions"),
    ("cookies_1", "layer", "… with one cookie in place of three"),
    (
        "cookies_30",
        "layer",
        "… with 30 cookies, the session's last",
    ),
    (
        "cookies_4k",
        "layer",
        "… with 4 KB of cookies, the session's last",
    ),
    ("optional", "layer", "… and the layer is `optional`"),
    ("cookie", "layer", "signed in, session in a sealed cookie"),
    ("cookie", "layer_plain", "… and the handler takes no user"),
    (
        "anonymous",
        "layer",
        "a visitor, and the layer is `optional`",
    ),
    ("public", "layer", "a visitor on a route outside the layer"),
    (
        "challenge",
        "layer",
        "a visitor is sent to the gateway (303)",
    ),
    ("fetch", "layer", "a script without a session (401)"),
    (
        "callback",
        "layer",
        "the end of a login, with the exchange of the code",
    ),
];

/// Instructions and allocations of one request over the bare router, beside the minimum by hand.
#[must_use]
pub fn instructions(counts: &[Figure], allocations: &[Figure]) -> String {
    let mut table = "| | instructions | by hand | by hand = 1 | allocations | by hand |\n\
                     | --- | ---: | ---: | ---: | ---: | ---: |\n"
        .to_owned();
    let over_bare = |figures, row, subject| {
        let found = value(figures, row, subject).zip(value(figures, row, "bare"));
        found.map(|(count, bare)| count - bare)
    };
    for (row, subject, title) in REQUESTS {
        let Some(layer) = over_bare(counts, row, subject) else {
            continue;
        };
        // The minimum's handler takes the user.
        let minimum = (subject == "layer").then_some("by_hand");
        let by_hand = minimum.and_then(|minimum| over_bare(counts, row, minimum));
        let cells = [
            Some(thousands(layer)),
            by_hand.map(thousands),
            by_hand.map(|by_hand| format!("{:.2}", layer / by_hand)),
            over_bare(allocations, row, subject).map(thousands),
            minimum
                .and_then(|minimum| over_bare(allocations, row, minimum))
                .map(thousands),
        ];
        let cells = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
        table += &format!("| {title} | {} |\n", cells.join(" | "));
    }
    table
}

/// How often a request waits for code beyond the bare router, beside the minimum by hand.
#[must_use]
pub fn misses(counts: &[Figure]) -> String {
    let misses = second_values(counts);
    let mut table =
        "| | misses | by hand | by hand = 1 |\n| --- | ---: | ---: | ---: |\n".to_owned();
    let beyond = |row, subject| {
        let added = added(&misses, row);
        let found = added.iter().find(|(known, _)| *known == subject);
        found.map(|(_, misses)| *misses)
    };
    for row in ["memory", "cookie", "challenge", "callback"] {
        let title = REQUESTS.iter().find(|(known, ..)| *known == row);
        let counts = beyond(row, "layer").zip(beyond(row, "by_hand"));
        if let Some(((.., title), (layer, by_hand))) = title.zip(counts) {
            let ratio = layer / by_hand;
            let (layer, by_hand) = (thousands(layer), thousands(by_hand));
            table += &format!("| {title} | {layer} | {by_hand} | {ratio:.2} |\n");
        }
    }
    table
}

/// What a session in memory takes, by a counting allocator.
#[must_use]
pub fn session(allocations: &[Figure]) -> String {
    let stores = allocations.iter().filter(|figure| figure.row == "session");
    let sizes = stores.filter_map(|figure| {
        let sessions = figure.subject.parse().ok()?;
        let bytes = figure.values.get(1)?;
        let sessions = thousands(sessions);
        Some(format!("{bytes:.0} bytes in a store of {sessions}"))
    });
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    wrap(&format!(
        "By a counting allocator, a session with a token of 28 characters and no data of the app \
         takes {sizes}. Tables that grow by doubling are in it, and what the allocator itself adds \
         is not."
    ))
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
