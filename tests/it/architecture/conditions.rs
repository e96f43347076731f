//! With which stores, and over which versions of HTTP, a test runs, by its text.

use std::{collections::BTreeSet, iter};

/// What a test runs with. The names are those of the columns.
pub struct Conditions {
    pub stores: BTreeSet<&'static str>,
    /// Of a test that sends requests to the layer.
    pub http: BTreeSet<&'static str>,
}

/// What is written where a request is sent.
const REQUESTS: [&str; 5] = ["App::", "Browser {", "Keeper::", "Visitor::", ".oneshot("];

/// What is written where a layer is made.
const LAYERS: [&str; 6] = [
    "App::start(",
    "App::with(",
    "App::at(",
    "Keeper::",
    "builder(&",
    "TelenorAuthLayer::builder(",
];

/// What is written where a layer gets another store than the one that it has by default.
const OTHER_STORE: [&str; 4] = ["session_store(", "in_cookie", "in_redis(", "in_cache"];

/// Of a store in this crate, in the path of a test or in its text.
const STORES: [(&str, &[&str]); 4] = [
    ("cookie", &["in_cookie", "CookieStore", "session::cookie::"]),
    (
        "Redis",
        &["in_redis", "RedisStore", "session::redis::", "Redis::start"],
    ),
    ("cached", &["in_cache", "CachedStore", "session::cached::"]),
    (
        "memory",
        &[
            "MemoryStore",
            "memory_store::",
            "session::memory::",
            "Leased",
        ],
    ),
];

/// Of a database behind a store that was written for tower-sessions.
const DATABASES: [(&str, &[&str]); 3] = [
    ("PostgreSQL", &["Database::postgresql", "Postgres::"]),
    ("SQLite", &["Database::sqlite"]),
    ("Redis", &["Database::redis", "Redis::start"]),
];

impl Conditions {
    /// `place` has the kind of the test, and `text` the whole file.
    pub fn of(place: &str, name: &str, text: &str) -> Self {
        let of_tests = text
            .split_once("mod tests {")
            .map_or(text, |(_, tests)| tests);
        let body = with_what_it_calls(name, of_tests);
        let in_each_store = named_in(text, "over_each_store! {");
        let in_each_store = in_each_store.contains(&name);
        let sends = !["lib ", "models "]
            .iter()
            .any(|kind| place.starts_with(kind))
            && !place.starts_with("stores ")
            && (in_each_store || sends_requests(&body));
        let http = match () {
            () if named_in(text, "over_http2! {").contains(&name) => &["1.1", "2"][..],
            () if !sends => &[],
            () if !body.contains("HTTP_2") && !body.contains("h2::") => &["1.1"],
            () if body.contains("HTTP_11") => &["1.1", "2"],
            () => &["2"],
        };
        let stores = if place.starts_with("stores ") {
            databases(name, text, &body)
        } else if in_each_store {
            let all = ["memory", "cookie", "Redis", "cached"];
            let all = &all[..if text.contains("apps:") { 4 } else { 3 }];
            all.iter().copied().collect()
        } else {
            stores(place, &body, sends)
        };
        Self {
            stores,
            http: http.iter().copied().collect(),
        }
    }
}

fn sends_requests(body: &str) -> bool {
    // A gate is opened by `open()`, and a page has an address.
    let opens = body.replace(".open()", "").contains(".open(");
    opens || REQUESTS.iter().any(|sign| body.contains(sign))
}

/// The stores that a test names, and the default one where a layer has no other.
fn stores(place: &str, body: &str, sends: bool) -> BTreeSet<&'static str> {
    let mut stores = named(&STORES, &format!("{place} {body}"));
    let count = |signs: &[&str]| -> usize {
        let counts = signs.iter().map(|sign| body.matches(sign).count());
        counts.sum()
    };
    if sends && count(&LAYERS) > count(&OTHER_STORE) {
        stores.insert("memory");
    }
    stores
}

/// The databases of a test: those it names, or all of the macro that runs it.
fn databases(name: &str, text: &str, body: &str) -> BTreeSet<&'static str> {
    let of_macro = named_in(text, "over_each_store! {");
    let atomic = of_macro
        .iter()
        .position(|word| *word == "where_creating_is_atomic:");
    match of_macro.iter().position(|word| *word == name) {
        None => named(&DATABASES, body),
        Some(at) if atomic.is_some_and(|atomic| at > atomic) => ["SQLite", "Redis"].into(),
        Some(_) => ["PostgreSQL", "SQLite", "Redis"].into(),
    }
}

fn named(of: &[(&'static str, &[&str])], text: &str) -> BTreeSet<&'static str> {
    let named = of
        .iter()
        .filter(|(_, signs)| signs.iter().any(|sign| text.contains(sign)));
    named.map(|(name, _)| *name).collect()
}

/// The words in the blocks of a macro, in their order.
pub fn named_in<'t>(text: &'t str, opening: &str) -> Vec<&'t str> {
    let blocks = text.split(opening).skip(1);
    blocks
        .flat_map(|block| block.split('}').next().unwrap().split_whitespace())
        .collect()
}

/// A function of a file, and the type that it belongs to.
struct Function<'t> {
    name: &'t str,
    of: Option<&'t str>,
    text: String,
}

/// The text of a function, and of the functions of its file that it calls, also by others.
fn with_what_it_calls(name: &str, text: &str) -> String {
    let (found, mut others): (Vec<_>, Vec<_>) = functions(text)
        .into_iter()
        .partition(|function| function.name == name);
    let mut body: String = found.into_iter().map(|function| function.text).collect();
    loop {
        let (called, rest): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|other| is_called(other, &body));
        if called.is_empty() {
            return body;
        }
        body.extend(called.into_iter().map(|function| function.text));
        others = rest;
    }
}

fn is_called(function: &Function<'_>, body: &str) -> bool {
    let name = function.name;
    if let Some(of) = function.of {
        let calls = [format!("{of}::{name}("), format!(".{name}(")];
        return calls.iter().any(|call| body.contains(call));
    }
    let is_word = |character: char| character.is_alphanumeric() || "_.:".contains(character);
    body.match_indices(name).any(|(at, _)| {
        let (before, after) = (&body[..at], &body[at + name.len()..]);
        !before.ends_with(is_word) && after.starts_with(['(', ')', ','])
    })
}

fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut functions = Vec::new();
    let mut of = None;
    for (at, line) in lines.iter().enumerate() {
        let start = line.trim_start();
        let indent = line.len() - start.len();
        if indent == 0 && start.starts_with("impl") {
            of = start.trim_end_matches([' ', '{']).split(' ').next_back();
            of = of.map(|name| name.split('<').next().unwrap());
        } else if indent == 0 && !["", "}", "{", "where"].contains(&start) {
            of = None;
        }
        let mut words = iter::successors(Some(start), |rest| Some(rest.split_once(' ')?.1));
        let Some(signature) = words.find_map(|rest| rest.strip_prefix("fn ")) else {
            continue;
        };
        let name = signature.split(['(', '<']).next().unwrap();
        let is_comment = start.starts_with("//");
        if is_comment
            || !name
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_')
        {
            continue;
        }
        let end = format!("{:indent$}}}", "");
        let length = match line.ends_with('}') {
            true => Some(0),
            false => lines[at..].iter().position(|line| line.starts_with(&end)),
        };
        let body = &lines[at..=at + length.unwrap_or(0)];
        functions.push(Function {
            name,
            of,
            text: body.join("\n") + "\n",
        });
    }
    functions
}
