//! Realistic deep links of an app's own: what shops, forms and dashboards have in their addresses,
//! and what is unusual but legal (RFC 3986 section 3.3, and what browsers send besides).

use super::random::Random;

const WORDS: [&str; 14] = [
    "konto",
    "handlekurv",
    "produkt",
    "Min-side",
    "ordre",
    "faktura",
    "tilbud",
    "sok",
    "api",
    "v2",
    "kundeservice",
    "index.html",
    "~kari",
    "_next",
];
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const HEX: &str = "0123456789abcdef";
/// Longer ones are refused, as a test of the layer says.
const MAX_LEN: usize = 2_000;

/// Returns a path and query.
pub fn link(random: &mut Random) -> String {
    loop {
        let mut link = path(random);
        if !random.once_in(3) {
            link.push('?');
            link.push_str(&query(random));
        }
        if link.len() <= MAX_LEN {
            return link;
        }
    }
}

fn path(random: &mut Random) -> String {
    let mut path = String::new();
    for at in 0..=random.below(6) {
        path.push('/');
        // An empty segment is legal, but at the start it makes another host.
        if at == 0 || !random.once_in(25) {
            path.push_str(&segment(random));
        }
        if random.once_in(15) {
            path.push_str(&format!(
                ";v={};color={}",
                random.below(9),
                random.pick(&WORDS)
            ));
        }
    }
    if random.once_in(3) {
        path.push('/');
    }
    path
}

fn segment(random: &mut Random) -> String {
    match random.below(16) {
        0..=3 => random.pick(&WORDS).to_owned(),
        4 => random.below(1_000_000).to_string(),
        5 => uuid(random),
        6 => format!(
            "2026-{:02}-{:02}",
            1 + random.below(12),
            1 + random.below(28)
        ),
        7 => non_ascii(random),
        8 => format!("{}%2F{}", random.pick(&WORDS), random.pick(&WORDS)),
        9 => format!(
            "{}%2f{}%5C{}",
            random.pick(&WORDS),
            random.below(9),
            random.pick(&WORDS)
        ),
        10 => random
            .pick(&[
                "C++",
                "a+b",
                "R%26D",
                "100%25",
                "rock%20%26%20roll",
                "%3F",
                "%23",
            ])
            .to_owned(),
        11 => random
            .pick(&[
                "kari@eksempel.no",
                "12:30",
                "http:",
                "urn:isbn:0451450523",
                "a=b",
            ])
            .to_owned(),
        12 => random
            .pick(&[
                ".well-known",
                "fil.v1.2.pdf",
                "...",
                "a..b",
                "%2Egit",
                "-",
                "_",
            ])
            .to_owned(),
        13 => random
            .pick(&[
                "(1)", "it's", "*", "a,b", "!", "$&", "a;b", "[id]", "a|b", "^",
            ])
            .to_owned(),
        14 => random.text(LETTERS, 43),
        _ => format!("@{}", random.pick(&WORDS)),
    }
}

/// UTF-8 with percent-encoding, in the two spellings of its digits.
fn non_ascii(random: &mut Random) -> String {
    let word = random.pick(&["blåbær", "Ørje", "sjømat", "naïve", "日本", "Привет", "💶"]);
    let is_lower = random.once_in(3);
    let encoded = word.bytes().map(|byte| match (byte.is_ascii(), is_lower) {
        (true, _) => (byte as char).to_string(),
        (false, true) => format!("%{byte:02x}"),
        (false, false) => format!("%{byte:02X}"),
    });
    encoded.collect()
}

fn uuid(random: &mut Random) -> String {
    let parts = [8, 4, 4, 4, 12].map(|len| random.text(HEX, len));
    parts.join("-")
}

fn query(random: &mut Random) -> String {
    // Some apps keep a whole form or a filter in the address.
    let most = if random.once_in(20) { 60 } else { 5 };
    let pairs: Vec<_> = (0..random.below(most)).map(|_| pair(random)).collect();
    pairs.join(if random.once_in(30) { ";" } else { "&" })
}

fn pair(random: &mut Random) -> String {
    let word = random.pick(&WORDS);
    match random.below(16) {
        0..=2 => format!("{word}={}", random.below(1_000)),
        3 => format!("q={}+{}", random.pick(&WORDS), non_ascii(random)),
        4 => format!("next=https://{word}.example/a?b=c"),
        5 => format!("url=https%3A%2F%2F{word}.example%2Fa%3Fb%3Dc"),
        6 => format!("back=//{word}.example/"),
        7 => format!("filter[{word}][gte]={}", random.below(100)),
        8 => format!("{word}[]=1&{word}[]=2"),
        9 => format!("json=%7B%22{word}%22%3A%5B1%2C2%5D%7D"),
        10 => format!(
            "token={}.{}==",
            random.text(LETTERS, 36),
            random.text(LETTERS, 80)
        ),
        11 => random
            .pick(&["", "debug", "=", "a=", "=b", "a=b=c", "?", "a=/b/../c"])
            .to_owned(),
        12 => format!("id={}", uuid(random)),
        13 => random
            .pick(&[
                "t=12:30",
                "mail=kari@eksempel.no",
                "x='a'",
                "y=(a|b)*~!$,",
                "%",
            ])
            .to_owned(),
        14 => format!("utm_source={word}&utm_medium=e-post&utm_campaign={word}%20%F0%9F%8E%84"),
        _ => format!("{word}=%20%09%0D%0A%00{}", random.below(10)),
    }
}
