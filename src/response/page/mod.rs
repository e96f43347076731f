//! The pages that a person sees when a login fails or ends.
//!
//! A page is in the language of the browser, runs no script, and fetches nothing. It says what
//! happened, what that means for the app, and what to do. It has one primary button.

mod accent;
mod bokmal;
mod color;
mod english;
mod logo;
pub(crate) mod look;
mod nynorsk;
mod text;

use askama::Template;

pub use self::logo::Logo;
use self::{
    bokmal::BOKMAL,
    english::ENGLISH,
    logo::LogoImage,
    look::{Look, SupportLink},
    nynorsk::NYNORSK,
    text::{Message, Text},
};
use crate::{
    browser::{language::Language, start_script::StartScript},
    failure::FailureCause,
    session_refusal::SessionRefusal,
};

const EXCLAMATION: &str = "M12 3.5v11M12 19.9v.1";
const TICK: &str = "M4.5 12.5l5 5L19.5 7";
const PADLOCK: &str = "M5 11h14v9.5H5zM8 11V7.5a4 4 0 0 1 8 0V11";
const DOOR: &str = "M14 7V3.5H4.5v17H14V17M9.5 12h11M17 8.5l3.5 3.5-3.5 3.5";

/// The topic of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Failure(FailureCause),
    SignedOut,
    ConfirmLogout,
    /// The page before a login: the login starts when the user presses the button.
    LoginPage,
    /// The page that leads to Telenor by itself, or by Telenor's script.
    Start,
}

/// One page and its data. All data is escaped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    pub(crate) topic: Topic,
    pub(crate) language: Language,
    pub(crate) app_name: Option<&'a str>,
    /// The purpose of the login for the app, a verb phrase in `language`: "fylle ut adressen din".
    pub(crate) purpose: Option<&'a str>,
    /// The address of the primary button.
    pub(crate) retry: Option<&'a str>,
    /// The address that continues without a login.
    pub(crate) continue_without: Option<&'a str>,
    /// The app's front page, linked after a logout, and on other pages if there is no
    /// `continue_without`.
    pub(crate) home: Option<&'a str>,
    /// The address that the logout form posts to.
    pub(crate) logout: Option<&'a str>,
    /// Whether the app may redirect the user to another origin after the form.
    pub(crate) form_may_lead_away: bool,
    /// The gateway's `error_description`, cut and cleaned.
    pub(crate) description: Option<&'a str>,
    /// The reference that the user can give to support.
    pub(crate) login_id: Option<&'a str>,
    /// Why there is no session, for a failure of which that says more.
    pub(crate) reason: Option<SessionRefusal>,
    /// Telenor's script on the start page. No other page has a script.
    pub(crate) script: Option<&'a StartScript>,
    /// The app's own title and summary of a failure.
    pub(crate) words: Option<(&'a str, &'a str)>,
    /// Whether the login goes on when the browser loads the same address again.
    pub(crate) login_pending: bool,
    /// What the app has set for all pages.
    pub(crate) look: Option<&'a Look>,
}

impl<'a> Page<'a> {
    /// A page without any data.
    pub(crate) const fn new(topic: Topic, language: Language) -> Self {
        Self {
            topic,
            language,
            app_name: None,
            purpose: None,
            retry: None,
            continue_without: None,
            home: None,
            logout: None,
            form_may_lead_away: false,
            description: None,
            login_id: None,
            reason: None,
            script: None,
            words: None,
            login_pending: false,
            look: None,
        }
    }

    /// Returns the whole document.
    pub(crate) fn render(&self) -> String {
        let message = self.message();
        let look = self.look();
        let view = View {
            lang: self.language.lang(),
            style: &look.style,
            logo: look.logo.as_ref(),
            text: text(self.language),
            title: self.title(),
            summary: self.summary(),
            message,
            icon: self.icon(),
            app_name: self.app(),
            consequence: self.consequence(),
            form: self.form(),
            links: self.links(),
            cause: match self.topic {
                Topic::Failure(cause) => Some(cause.as_str()),
                _ => None,
            },
            reason: self.reason.map(SessionRefusal::as_str),
            description: self.description,
            login_id: self.login_id,
            support: self.support(),
            forward: self.retry.filter(|_| self.topic == Topic::Start),
            script: self.script,
        };
        // A bare page is better than none.
        view.render().unwrap_or_else(|_| {
            let (title, summary) = (message.title, message.summary);
            let lang = view.lang;
            let head = format!("<!doctype html><html lang={lang}><meta charset=utf-8>");
            format!("{head}<title>{title}</title><h1>{title}</h1><p>{summary}")
        })
    }

    pub(super) fn look(&self) -> &'a Look {
        self.look.unwrap_or_else(|| Look::plain())
    }

    /// A link to help, where something has failed.
    fn support(&self) -> Option<&'a SupportLink> {
        match self.topic {
            Topic::Failure(_) => self.look().support(self.language),
            _ => None,
        }
    }

    pub(super) fn title(&self) -> &'a str {
        let own = self.words.map(|(title, _)| title.trim());
        let own = own.filter(|title| !title.is_empty());
        own.unwrap_or(self.message().title)
    }

    pub(super) fn summary(&self) -> &'a str {
        let own = self.words.map(|(_, summary)| summary.trim());
        let own = own.filter(|summary| !summary.is_empty());
        own.unwrap_or(self.message().summary)
    }

    pub(super) fn advice(&self) -> &'static [&'static str] {
        self.message().advice
    }

    pub(super) fn button(&self) -> &'static str {
        self.message().button
    }

    fn message(&self) -> Message {
        let text = text(self.language);
        match self.topic {
            Topic::Failure(cause) => failure(text, cause, self.reason),
            Topic::SignedOut => text.signed_out,
            Topic::ConfirmLogout => text.confirm_logout,
            Topic::LoginPage => text.login_page,
            Topic::Start => text.start,
        }
    }

    /// What the app can do with the login, or cannot do without it.
    pub(super) fn consequence(&self) -> Option<String> {
        use FailureCause::{
            CrossOriginRequest, CrossSiteRequest, ForeignOrigin, FormNotSent,
            InsufficientUserAuthentication, MethodNotAllowed, SpeculativeRequest,
        };
        let text = text(self.language);
        let sentence = match self.topic {
            Topic::LoginPage => text.with_login,
            // Their summaries are enough: the form is lost, or no login failed.
            Topic::Failure(FormNotSent | CrossSiteRequest | CrossOriginRequest) => return None,
            Topic::Failure(ForeignOrigin | InsufficientUserAuthentication) => return None,
            Topic::Failure(MethodNotAllowed | SpeculativeRequest) => return None,
            Topic::Failure(_) => text.without_login,
            Topic::SignedOut | Topic::ConfirmLogout | Topic::Start => return None,
        };
        let purpose = self.purpose().unwrap_or(text.default_purpose);
        Some(sentence(self.app(), purpose))
    }

    pub(super) fn purpose(&self) -> Option<&'a str> {
        // The sentence has its own full stop.
        let purpose = self
            .purpose
            .map(|purpose| purpose.trim().trim_end_matches('.'));
        purpose.filter(|purpose| !purpose.is_empty())
    }

    fn app(&self) -> Option<&'a str> {
        self.app_name.map(str::trim).filter(|app| !app.is_empty())
    }

    /// The form's address. A logout changes state, so it is posted. Everything else is a link.
    pub(super) fn form(&self) -> Option<&'a str> {
        match self.topic {
            Topic::ConfirmLogout | Topic::Failure(FailureCause::CrossSiteRequest) => self.logout,
            _ => None,
        }
    }

    /// Whether another attempt, or going on without a login, can help.
    fn can_go_on(&self) -> bool {
        match self.topic {
            Topic::Failure(FailureCause::ForeignOrigin | FailureCause::CrossOriginRequest) => false,
            // The form is the button.
            _ => self.form().is_none(),
        }
    }

    /// The address of another attempt.
    pub(super) fn retry(&self) -> Option<&'a str> {
        self.retry.filter(|_| self.can_go_on())
    }

    /// The address that goes on without a login.
    pub(super) fn way_out(&self) -> Option<&'a str> {
        self.continue_without.filter(|_| self.can_go_on())
    }

    /// The links, the primary one first.
    fn links(&self) -> Vec<Link<'a>> {
        let text = text(self.language);
        let link = |href: Option<&'a str>, label| href.map(|href| Link { href, label });
        let retry = link(self.retry, self.message().button);
        let home = link(self.home, text.go_home);
        let links = match self.topic {
            Topic::ConfirmLogout => [link(self.home, text.stay_signed_in), None],
            Topic::SignedOut => [home, retry],
            Topic::Failure(_) if !self.can_go_on() => [home, None],
            Topic::Start => [retry, None],
            Topic::Failure(_) | Topic::LoginPage => {
                [retry, link(self.way_out(), text.continue_without).or(home)]
            }
        };
        links.into_iter().flatten().collect()
    }

    /// The icon above the title, as the SVG path of a 24 by 24 picture.
    fn icon(&self) -> &'static str {
        match self.topic {
            Topic::Failure(cause) if cause.needs_login() => PADLOCK,
            Topic::LoginPage | Topic::Start => PADLOCK,
            Topic::Failure(_) => EXCLAMATION,
            Topic::SignedOut => TICK,
            Topic::ConfirmLogout => DOOR,
        }
    }
}

/// A loop, or a login from the future, is the user's to mend only where the browser is the cause.
fn failure(text: &Text, cause: FailureCause, reason: Option<SessionRefusal>) -> Message {
    use FailureCause::{LoginLoop, StateExpired};
    match (cause, reason) {
        (LoginLoop, Some(SessionRefusal::NoCookie)) => (text.failure)(LoginLoop),
        (LoginLoop, Some(SessionRefusal::CookieTwice)) => text.cookie_twice,
        (LoginLoop, _) | (StateExpired, Some(_)) => text.login_lost,
        _ => (text.failure)(cause),
    }
}

const fn text(language: Language) -> &'static Text {
    match language {
        Language::Bokmal => &BOKMAL,
        Language::Nynorsk => &NYNORSK,
        Language::English => &ENGLISH,
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct View<'a> {
    lang: &'static str,
    style: &'a str,
    logo: Option<&'a LogoImage>,
    text: &'static Text,
    title: &'a str,
    summary: &'a str,
    message: Message,
    icon: &'static str,
    app_name: Option<&'a str>,
    consequence: Option<String>,
    form: Option<&'a str>,
    links: Vec<Link<'a>>,
    cause: Option<&'static str>,
    reason: Option<&'static str>,
    description: Option<&'a str>,
    login_id: Option<&'a str>,
    support: Option<&'a SupportLink>,
    forward: Option<&'a str>,
    script: Option<&'a StartScript>,
}

struct Link<'a> {
    href: &'a str,
    label: &'static str,
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;
    use crate::digest::sha256;

    const BARE: Page<'_> = Page::new(Topic::LoginPage, Language::Bokmal);

    const FULL: Page<'_> = Page {
        app_name: Some("Fjellbutikken"),
        purpose: Some("fylle ut adressen din"),
        retry: Some("/telenor/login?return_to=%2Fkasse&x=1"),
        continue_without: Some("/skjema"),
        home: Some("/"),
        logout: Some("/telenor/logout"),
        description: Some("The resource owner denied the request"),
        login_id: Some("7QK2-M9XD"),
        ..BARE
    };

    fn topics() -> impl Iterator<Item = Topic> {
        let failures = FailureCause::ALL.iter().map(|cause| Topic::Failure(*cause));
        failures.chain([
            Topic::SignedOut,
            Topic::ConfirmLogout,
            Topic::LoginPage,
            Topic::Start,
        ])
    }

    fn every_page() -> impl Iterator<Item = String> {
        topics().flat_map(|topic| {
            Language::ALL.into_iter().flat_map(move |language| {
                [BARE, FULL].map(|page| {
                    Page {
                        topic,
                        language,
                        ..page
                    }
                    .render()
                })
            })
        })
    }

    fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
        let (_, rest) = page.split_once(start).expect("the start is there");
        rest.split_once(end).expect("the end is there").0
    }

    #[test]
    fn every_field_is_escaped() {
        let evil = r#"</title></style>"><script>alert('x')</script><img src=x onerror=y>&"#;
        for topic in topics() {
            let page = Page {
                topic,
                language: Language::English,
                ..FULL
            };
            let clean = page.render();
            let evil = Some(evil);
            let injected = [
                Page {
                    app_name: evil,
                    ..page
                },
                Page {
                    purpose: evil,
                    ..page
                },
                Page {
                    retry: evil,
                    ..page
                },
                Page {
                    continue_without: evil,
                    ..page
                },
                Page {
                    continue_without: None,
                    home: evil,
                    ..page
                },
                Page {
                    logout: evil,
                    ..page
                },
                Page {
                    description: evil,
                    ..page
                },
                Page {
                    login_id: evil,
                    ..page
                },
                Page {
                    words: evil.zip(evil),
                    ..page
                },
            ];
            for page in injected {
                let html = page.render();
                assert!(
                    !html.contains("<script") && !html.contains("<img"),
                    "{page:?}"
                );
                for character in ['<', '>', '"'] {
                    let expected = clean.matches(character).count();
                    assert!(
                        html.matches(character).count() <= expected,
                        "{character} in {page:?}"
                    );
                }
                assert!(!html.contains("alert('"), "{page:?}");
            }
        }
    }

    #[test]
    fn every_field_is_shown_in_its_place() {
        let html = Page {
            topic: Topic::Failure(FailureCause::AccessDenied),
            ..FULL
        }
        .render();
        for part in [
            "<header>Fjellbutikken</header>",
            "<p class=\"consequence\">\
             Uten innlogging kan ikke Fjellbutikken fylle ut adressen din.</p>",
            "<a class=\"primary\" href=\"/telenor/login?return_to=%2Fkasse&#38;x=1\">\
             Logg inn på nytt</a>",
            "<a class=\"secondary\" href=\"/skjema\">Fortsett uten å logge inn</a>",
            "<q lang=\"\" dir=\"auto\">The resource owner denied the request</q>",
            "<code>7QK2-M9XD</code>",
            "<code>access_denied</code>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn page_runs_no_script_and_fetches_nothing() {
        for html in every_page() {
            let html = html.to_lowercase();
            for part in [
                "<script",
                "style=",
                "http://",
                "https://",
                "src=",
                "<link",
                "url(",
                "@import",
                "javascript:",
            ] {
                assert!(!html.contains(part), "{part}");
            }
        }
    }

    /// The look of an app that has set everything, with hostile texts.
    fn full_look() -> Look {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
        let logo = Logo::svg(svg).dark(Logo::svg(format!("{svg} ")));
        let support = [
            (Language::Bokmal, "Ring \"oss\" <nå>", "tel:+4791509000"),
            (
                Language::English,
                "Write & ask",
                "https://shop.example/help?a=1&b='\"<2>",
            ),
        ];
        let support = support.map(|(language, text, href)| SupportLink {
            language,
            text: text.to_owned(),
            href: href.to_owned(),
        });
        Look::new(Some("#b92a1e"), None, Some(&logo), support.into()).unwrap()
    }

    #[test]
    fn hash_matches_the_rendered_style() {
        let look = full_look();
        let with_look = topics().map(|topic| {
            let page = Page {
                topic,
                look: Some(&look),
                ..FULL
            };
            (page.render(), &look)
        });
        let plain = every_page().map(|html| (html, Look::plain()));
        for (html, look) in plain.chain(with_look) {
            let style = between(&html, "<style>", "</style>");
            let hash = BASE64_STANDARD.encode(sha256(&[style.as_bytes()]));
            assert_eq!(look.style_source, format!("'sha256-{hash}'"));
            // A browser normalizes line ends before it hashes.
            assert!(!style.contains('\r'));
        }
    }

    #[test]
    fn look_of_the_app_is_escaped_and_loads_nothing() {
        let look = full_look();
        for topic in topics() {
            let page = Page {
                topic,
                language: Language::English,
                look: Some(&look),
                app_name: Some("Fjell\"<b>bua"),
                ..FULL
            };
            let html = page.render();
            for part in ["<script", "<b>", "url(", "@import", "='\"", "javascript:"] {
                assert!(!html.contains(part), "{part} in {html}");
            }
            let sources = [" src=\"", " srcset=\""].map(|name| html.split(name).skip(1));
            for source in sources.into_iter().flatten() {
                assert!(source.starts_with("data:image/svg+xml;base64,"), "{source}");
            }
            assert_eq!(html.matches("<img").count(), 1);
            assert!(html.contains(" alt=\"Fjell&#34;&#60;b&#62;bua\""), "{html}");
            let is_failure = matches!(topic, Topic::Failure(_));
            let help = "href=\"https://shop.example/help?a=1&#38;b=&#39;&#34;&#60;2&#62;\">\
                        Write &#38; ask</a>";
            assert_eq!(html.contains(help), is_failure, "{topic:?}: {html}");
        }
    }

    #[test]
    fn help_in_another_language_is_better_than_none() {
        let look = full_look();
        let page = Page {
            topic: Topic::Failure(FailureCause::AccessDenied),
            look: Some(&look),
            ..FULL
        };
        let link = |language, start: &str| {
            let page = Page { language, ..page };
            let html = page.render();
            assert!(
                html.contains(&format!("<a {start}")),
                "{language:?}: {html}"
            );
        };
        link(Language::Bokmal, "href=\"tel:+4791509000\">Ring");
        link(
            Language::Nynorsk,
            "lang=\"nb\" href=\"tel:+4791509000\">Ring",
        );
        link(Language::English, "href=\"https://shop.example/help");
    }

    #[test]
    fn logo_stands_for_the_name_or_beside_it() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        let header = |logo: &Logo, app_name| {
            let look = Look::new(None, None, Some(logo), Vec::new()).unwrap();
            let page = Page {
                look: Some(&look),
                app_name,
                ..FULL
            };
            let html = page.render();
            let header = between(&html, "<header>", "</header>");
            let (_, rest) = header.split_once(" alt=\"").unwrap();
            rest.replace("\n", "")
        };
        let (logo, name) = (Logo::svg(svg), Some("Fjellbua"));
        assert_eq!(header(&logo, name), "Fjellbua\"></picture>");
        assert_eq!(header(&logo, None), "\"></picture>");
        let symbol = logo.beside_name(true);
        assert_eq!(header(&symbol, name), "\"></picture><span>Fjellbua</span>");
        assert_eq!(header(&symbol, None), "\"></picture>");
    }

    #[test]
    fn page_has_one_heading_one_main_and_at_most_one_primary_button() {
        for html in every_page() {
            assert_eq!(html.matches("<h1>").count(), 1);
            assert_eq!(html.matches("<main>").count(), 1);
            assert!(html.matches("class=\"primary\"").count() <= 1);
        }
        for topic in topics() {
            assert_eq!(
                Page { topic, ..FULL }
                    .render()
                    .matches("class=\"primary\"")
                    .count(),
                1,
                "{topic:?}"
            );
        }
    }

    #[test]
    fn page_states_its_language() {
        for language in Language::ALL {
            let html = Page { language, ..FULL }.render();
            assert_eq!(between(&html, "<html lang=\"", "\""), language.lang());
        }
    }

    #[test]
    fn logout_is_a_form_and_never_a_link() {
        for topic in topics() {
            let html = Page { topic, ..FULL }.render();
            assert!(!html.contains("href=\"/telenor/logout\""), "{topic:?}");
            let posts = html.contains("<form method=\"post\" action=\"/telenor/logout\">");
            let asks = matches!(
                topic,
                Topic::ConfirmLogout | Topic::Failure(FailureCause::CrossSiteRequest)
            );
            assert_eq!(posts, asks, "{topic:?}");
        }
    }

    #[test]
    fn home_is_linked_when_the_app_requires_a_login() {
        let html = Page {
            continue_without: None,
            ..FULL
        }
        .render();
        assert!(html.contains("<a class=\"secondary\" href=\"/\">Til forsiden</a>"));
        let html = Page {
            retry: None,
            continue_without: None,
            ..FULL
        }
        .render();
        assert!(html.contains("<a class=\"primary\" href=\"/\">Til forsiden</a>"));
    }

    #[test]
    fn only_a_failure_names_a_cause() {
        for topic in topics() {
            let html = Page { topic, ..BARE }.render();
            match topic {
                Topic::Failure(cause) => assert!(html.contains(&format!("<code>{cause}</code>"))),
                _ => assert!(!html.contains("<code>")),
            }
        }
    }

    /// `scripts/pictures` sets the directory: no click leads to some of the pages.
    #[test]
    fn each_page_in_the_look_of_the_demo_is_a_whole_document() {
        let flask = include_str!("../../../examples/demo/favicon.svg");
        let flask = Logo::svg(flask).beside_name(true);
        let support = SupportLink {
            language: Language::English,
            text: "Do you need help? Write to us".to_owned(),
            href: "mailto:hjelp@fjellbua.example".to_owned(),
        };
        let look = Look::new(Some("#b92a1e"), None, Some(&flask), vec![support]).unwrap();
        for topic in topics() {
            let html = Page {
                topic,
                language: Language::English,
                app_name: Some("Fjellbua"),
                purpose: Some("fill in your name and address"),
                continue_without: Some("/manual-form"),
                description: None,
                login_id: FULL.login_id.filter(|_| matches!(topic, Topic::Failure(_))),
                look: Some(&look),
                ..FULL
            }
            .render();
            assert!(html.starts_with("<!doctype html>") && html.trim_end().ends_with("</html>"));
            if let Ok(directory) = std::env::var("TELENOR_PAGES_DIRECTORY") {
                let name = match topic {
                    Topic::Failure(cause) => cause.as_str().replace('_', "-"),
                    Topic::SignedOut => "signed-out".to_owned(),
                    Topic::ConfirmLogout => "confirm-logout".to_owned(),
                    Topic::LoginPage => "login-page".to_owned(),
                    Topic::Start => "start".to_owned(),
                };
                let path = std::path::Path::new(&directory).join(name + ".html");
                std::fs::write(path, html).unwrap();
            }
        }
    }

    #[test]
    fn purpose_does_not_end_in_two_full_stops() {
        let html = Page {
            purpose: Some(" fylle ut adressen din. "),
            ..FULL
        }
        .render();
        assert!(html.contains("kan Fjellbutikken fylle ut adressen din.</p>"));
        assert_eq!(
            Page {
                purpose: Some(" "),
                ..FULL
            }
            .consequence(),
            Page {
                purpose: None,
                ..FULL
            }
            .consequence()
        );
    }

    #[test]
    fn title_is_the_heading_of_the_page() {
        for cause in FailureCause::ALL {
            for language in Language::ALL {
                let html = Page {
                    topic: Topic::Failure(*cause),
                    language,
                    ..FULL
                }
                .render();
                assert_eq!(
                    between(&html, "<h1>", "</h1>"),
                    failure(text(language), *cause, None).title
                );
            }
        }
    }

    #[test]
    fn words_of_the_app_replace_title_and_summary() {
        let page = Page {
            topic: Topic::Failure(FailureCause::LoginRefused),
            words: Some(("Kontoen er sperret", "Ring oss på 915 09 000.")),
            ..FULL
        };
        let html = page.render();
        assert_eq!(between(&html, "<h1>", "</h1>"), "Kontoen er sperret");
        assert!(html.contains("<title>Kontoen er sperret – Fjellbutikken</title>"));
        assert!(html.contains("<p>Ring oss på 915 09 000.</p>"), "{html}");
        let message = page.message();
        assert!(!html.contains(message.summary) && html.contains(message.advice[0]));
        let blank = Page {
            words: Some((" ", "")),
            ..page
        };
        assert_eq!(blank.title(), message.title);
        assert_eq!(blank.summary(), message.summary);
    }

    #[test]
    fn blank_app_name_counts_as_missing() {
        let topic = Topic::Failure(FailureCause::AccessDenied);
        let page = Page {
            topic,
            login_id: None,
            ..FULL
        };
        let blank = Page {
            app_name: Some(" "),
            ..page
        }
        .render();
        assert_eq!(
            blank,
            Page {
                app_name: None,
                ..page
            }
            .render()
        );
    }

    #[test]
    fn page_has_no_consequence_when_no_login_failed() {
        use FailureCause::*;
        let silent = [
            CrossOriginRequest,
            CrossSiteRequest,
            ForeignOrigin,
            FormNotSent,
            InsufficientUserAuthentication,
            MethodNotAllowed,
            SpeculativeRequest,
        ];
        for cause in FailureCause::ALL {
            let page = Page {
                topic: Topic::Failure(*cause),
                ..FULL
            };
            assert_eq!(
                page.consequence().is_none(),
                silent.contains(cause),
                "{cause}"
            );
        }
    }

    #[test]
    fn icon_says_whether_the_user_has_to_log_in() {
        for (topic, icon) in [
            (Topic::Failure(FailureCause::LoginRequired), PADLOCK),
            (Topic::Failure(FailureCause::AccessDenied), EXCLAMATION),
            (Topic::LoginPage, PADLOCK),
            (Topic::Start, PADLOCK),
            (Topic::SignedOut, TICK),
            (Topic::ConfirmLogout, DOOR),
        ] {
            let html = Page { topic, ..FULL }.render();
            let icons = [PADLOCK, EXCLAMATION, TICK, DOOR];
            let shown = icons.into_iter().filter(|icon| html.contains(icon));
            assert!(shown.eq([icon]), "{topic:?}");
        }
    }

    #[test]
    fn loop_is_explained_by_its_reason() {
        for language in Language::ALL {
            let text = text(language);
            let title = |reason| failure(text, FailureCause::LoginLoop, reason).title;
            let by_cookies = (text.failure)(FailureCause::LoginLoop).title;
            assert_eq!(title(Some(SessionRefusal::NoCookie)), by_cookies);
            let twice = title(Some(SessionRefusal::CookieTwice));
            assert_eq!(twice, text.cookie_twice.title);
            assert_eq!(title(None), text.login_lost.title);
            assert_ne!(twice, text.login_lost.title);
        }
    }
}
