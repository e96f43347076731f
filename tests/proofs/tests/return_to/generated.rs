//! Generated targets: pieces that parsers disagree about, in any order.

use telenor_auth_proofs::support::app::App;

use super::{
    layer::{by_query, by_request_line},
    naive::RULES,
    random::{Random, cases},
    verdict::judge,
};

const SLASHES: [&str; 20] = [
    "/", "/", "/", "/", "//", "\\", "\\", ".", "..", "./", "../", "%2e", "%2E%2e", "%2f", "%2F",
    "%5c", "%252f", "%25", "%", ";",
];
const BLANKS: [&str; 18] = [
    "\t", "\n", "\r", "\0", " ", "\u{b}", "\u{7f}", "\u{a0}", "\u{3000}", "\u{feff}", "\u{2028}",
    "\u{ff0f}", "\u{2215}", "\u{3002}", "%09", "%0a", "%0d", "%00",
];
const WORDS: [&str; 24] = [
    "evil.test",
    "evil.test",
    "evil.test",
    "app.test",
    "http:",
    "https:",
    "HTTPS:",
    "javascript:",
    "user:pass@",
    "@",
    ":443",
    "[::1]",
    "?",
    "#",
    "&",
    "=",
    "+",
    "å",
    "💶",
    "telenor/login",
    "telenor/logout",
    "./telenor/logout",
    "telenor/callback",
    "a",
];

/// Some slashes and dots, then all sorts. Most targets start with a slash, since others are refused
/// by the first rule, and most have no blank.
fn target(random: &mut Random) -> String {
    let mut target = random.pick(&["/", "/", "/", ""]).to_owned();
    let has_blanks = random.once_in(3);
    for _ in 0..random.below(4) {
        let blank = has_blanks && random.once_in(2);
        target.push_str(random.pick(if blank { &BLANKS } else { &SLASHES }));
    }
    for _ in 0..random.below(4) {
        target.push_str(random.pick(&WORDS));
        if random.once_in(3) {
            target.push_str(random.pick(&SLASHES));
        }
    }
    target
}

fn targets(random: &mut Random) -> Vec<String> {
    (0..cases()).map(|_| target(random)).collect()
}

/// S86, S87, S89.
#[tokio::test]
async fn generated_targets_in_the_query_stay_on_the_origin() {
    let mut random = Random::new(14);
    let (app, targets) = (App::start().await, targets(&mut random));
    let verdicts = judge(&targets, async |target| by_query(&app, target).await).await;
    verdicts.assert_none(&random.to_string());
}

/// S86, S87, S88, S89.
#[tokio::test]
async fn generated_targets_in_the_request_line_stay_on_the_origin() {
    let mut random = Random::new(15);
    let (app, targets) = (App::start().await, targets(&mut random));
    let verdicts = judge(&targets, async |target| by_request_line(&app, target).await).await;
    verdicts.assert_none(&random.to_string());
}

/// A test of generated targets that no rule fails would prove nothing.
#[tokio::test]
async fn naive_rules_fail_on_generated_targets() {
    let mut random = Random::new(14);
    let targets = targets(&mut random);
    for (name, rule, fault) in RULES {
        let verdicts = judge(&targets, async |target| Some(rule(target))).await;
        println!("{name}: {}", verdicts.count(fault));
        assert!(verdicts.count(fault) > 0, "{name}, {random}: {verdicts:#?}");
    }
}
