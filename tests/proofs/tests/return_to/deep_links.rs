//! The app's own deep links survive a login.

use telenor_auth_proofs::support::{app::App, browser::ORIGIN};
use url::{Position, Url};

use super::{
    layer::{by_query, by_request_line},
    links::link,
    random::{Random, cases},
    verdict::fault,
};

/// What a rule made of some deep links.
#[derive(Debug, Default)]
struct Kept {
    links: usize,
    refused: Vec<String>,
    /// Those that led to another page than the one that was asked for.
    altered: Vec<(String, String)>,
}

impl Kept {
    async fn by(links: &[String], rule: impl AsyncFn(&str) -> Option<String>) -> Self {
        let mut kept = Self {
            links: links.len(),
            ..Self::default()
        };
        for link in links {
            let location = rule(link).await.expect("a legal target makes a request");
            assert_eq!(fault(&location), None, "{link} -> {location}");
            let path = location.strip_prefix(ORIGIN).unwrap_or(&location);
            if path == "/" {
                kept.refused.push(link.clone());
            } else if path != link {
                kept.altered.push((link.clone(), path.to_owned()));
            }
        }
        kept
    }

    /// Whether at most one in a hundred is refused, and every other one kept byte for byte.
    fn is_good(&self) -> bool {
        self.altered.is_empty() && self.refused.len() * 100 <= self.links
    }
}

fn links(random: &mut Random) -> Vec<String> {
    (0..cases()).map(|_| link(random)).collect()
}

/// S85, S89.
#[tokio::test]
async fn deep_links_return_byte_for_byte() {
    let mut random = Random::new(16);
    let (app, links) = (App::start().await, links(&mut random));
    let kept = Kept::by(&links, async |link| by_request_line(&app, link).await).await;
    println!("{} of {} refused", kept.refused.len(), kept.links);
    assert!(kept.is_good(), "{random}: {kept:#?}");
}

/// S89.
#[tokio::test]
async fn deep_links_in_the_query_return_byte_for_byte() {
    let mut random = Random::new(17);
    let app = App::start().await;
    let mut links = links(&mut random);
    // A request line has no fragment, and a link to the login route may have one.
    links
        .iter_mut()
        .step_by(2)
        .for_each(|link| link.push_str("#/del?2"));
    let kept = Kept::by(&links, async |link| by_query(&app, link).await).await;
    println!("{} of {} refused", kept.refused.len(), kept.links);
    assert!(kept.is_good(), "{random}: {kept:#?}");
}

/// Rules that are safe and lose the page, as some login layers do.
#[tokio::test]
async fn rules_that_lose_deep_links_fail_the_same_test() {
    let mut random = Random::new(16);
    let links = links(&mut random);
    for (name, rule) in [
        ("refuses all", refuse_all as fn(&str) -> Option<String>),
        ("refuses two slashes in a row anywhere", refuse_two_slashes),
        ("knows few characters", refuse_unknown),
        ("rewrites as a parser does", rewrite),
    ] {
        let kept = Kept::by(&links, async |link| rule(link)).await;
        let (refused, altered) = (kept.refused.len(), kept.altered.len());
        println!("{name}: {refused} refused, {altered} altered");
        assert!(!kept.is_good(), "{name}");
    }
}

fn refuse_all(_: &str) -> Option<String> {
    Some("/".to_owned())
}

/// As oauth2-proxy and wonderwall do.
fn refuse_two_slashes(link: &str) -> Option<String> {
    Some(if link.contains("//") { "/" } else { link }.to_owned())
}

/// As better-auth does.
fn refuse_unknown(link: &str) -> Option<String> {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~?&=%+@".contains(&byte);
    let is_good = link.bytes().all(is_known);
    Some(if is_good { link } else { "/" }.to_owned())
}

fn rewrite(link: &str) -> Option<String> {
    let url = Url::parse(ORIGIN).unwrap().join(link).unwrap();
    let path = &url[Position::BeforePath..];
    Some(path.replace("//", "/").replace('+', "%20"))
}
