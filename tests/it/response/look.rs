//! The layer's pages with the app's logo, color and support link.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::StatusCode;
use telenor_auth::{Language, Logo, StartScript, TelenorAuthBuilder, TelenorAuthLayer};

use crate::support::{Answer, App, ORIGIN, routes};

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";

fn look(builder: TelenorAuthBuilder) -> TelenorAuthBuilder {
    builder
        .app_name("Fjellbua")
        .logo(Logo::svg(SVG))
        .accent_color("#b92a1e")
        .support_link(Language::Bokmal, "Skriv til oss", "/help?topic=login")
}

fn policy(page: &Answer) -> Vec<&str> {
    let policy = page.header("content-security-policy").unwrap();
    policy.split("; ").collect()
}

#[track_caller]
fn assert_allows_its_style(page: &Answer) {
    let (_, style) = page.body.split_once("<style>").unwrap();
    let (style, _) = style.split_once("</style>").unwrap();
    let hash = BASE64_STANDARD.encode(digest(&SHA256, style.as_bytes()));
    let source = format!("style-src 'sha256-{hash}'");
    assert!(
        policy(page).contains(&&*source),
        "{source}: {:?}",
        policy(page)
    );
}

#[tokio::test]
async fn policy_allows_the_style_and_the_logo_of_the_app_and_nothing_more() {
    let plain = App::start().await;
    let page = plain.browser().open("/telenor/callback").await;
    assert_allows_its_style(&page);
    assert!(!policy(&page).iter().any(|part| part.starts_with("img-src")));
    let plain_policy: Vec<String> = policy(&page)
        .iter()
        .map(|part| (*part).to_owned())
        .collect();

    let app = App::with(look).await;
    for target in ["/telenor/callback", "/telenor/logout"] {
        let page = app.browser().open(target).await;
        assert_allows_its_style(&page);
        assert!(page.body.contains("--accent: #b92a1e;"), "{target}");
        let image = "<img class=\"logo\" src=\"data:image/svg+xml;base64,";
        assert!(page.body.contains(image), "{target}: {}", page.body);
        assert!(!page.body.contains("<script"), "{target}");
        let mut parts = policy(&page);
        assert_eq!(parts.pop(), Some("img-src data:"), "{target}");
        let same = |part: &&&str| !part.starts_with("style-src");
        let parts: Vec<&str> = parts.iter().filter(same).copied().collect();
        let others = plain_policy.iter().map(String::as_str);
        let others: Vec<&str> = others.filter(|part| same(&part)).collect();
        assert_eq!(parts, others, "{target}");
    }
}

#[tokio::test]
async fn failures_have_the_support_link_and_other_pages_have_none() {
    let app = App::with(look).await;
    let link = "<a href=\"/help?topic=login\">Skriv til oss</a>";
    let page = app.browser().open("/telenor/callback").await;
    assert!(page.body.contains(link), "{}", page.body);
    let page = app.browser().open("/telenor/logout").await;
    assert!(!page.body.contains("Skriv til oss"), "{}", page.body);

    let gateway = app.gateway;
    let uri = format!("{ORIGIN}/kunde/telenor/callback");
    let layer = TelenorAuthLayer::builder(gateway.client_id(), gateway.client_secret(), uri);
    let layer = look(layer).stripped_prefix("/kunde").build().unwrap();
    let app = App::mounted(routes(&Default::default()).layer(layer), gateway);
    let page = app.browser().open("/telenor/callback").await;
    let link = link.replace("/help", "/kunde/help");
    assert!(page.body.contains(&link), "{}", page.body);
}

#[tokio::test]
async fn start_page_allows_the_images_of_its_script_beside_the_logo() {
    let script = StartScript::inline("go()").connect("http://line.test");
    let app = App::with(|builder| {
        let builder = look(builder).http_start("http://start.test");
        builder.start_script(script)
    })
    .await;
    let mut browser = app.browser();
    let start = browser.start("/private").await;
    let mut page = crate::support::navigation(start.strip_prefix("http://start.test").unwrap());
    let host = http::HeaderValue::from_static("start.test");
    page.headers_mut().insert("host", host);
    let page = app.browser().send(page).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let images = policy(&page);
    let images: Vec<_> = images
        .iter()
        .filter(|part| part.starts_with("img-src"))
        .collect();
    assert_eq!(images, [&"img-src data: http://line.test"]);
    assert!(policy(&page).contains(&"connect-src http://line.test"));
}
