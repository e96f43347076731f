//! The texts that each language must have.

use crate::failure::FailureCause;

/// All the texts of one language.
pub(super) struct Text {
    /// A function and not a map, because its match proves that no cause is missing.
    pub(super) failure: fn(FailureCause) -> Message,
    /// A login that was lost on our side.
    pub(super) login_lost: Message,
    /// A browser that sends two session cookies.
    pub(super) cookie_twice: Message,
    pub(super) signed_out: Message,
    pub(super) confirm_logout: Message,
    pub(super) login_page: Message,
    pub(super) start: Message,
    /// Returns what the app cannot do without the login, from the app's name and its purpose.
    pub(super) without_login: fn(Option<&str>, &str) -> String,
    /// Returns what the app can do after the login, from the app's name and its purpose.
    pub(super) with_login: fn(Option<&str>, &str) -> String,
    /// The purpose if the app does not set one.
    pub(super) default_purpose: &'static str,
    pub(super) continue_without: &'static str,
    pub(super) go_home: &'static str,
    pub(super) stay_signed_in: &'static str,
    pub(super) reference: &'static str,
    pub(super) reference_use: &'static str,
    pub(super) cause: &'static str,
    pub(super) from_telenor: &'static str,
}

/// The texts of one page.
#[derive(Clone, Copy)]
pub(super) struct Message {
    pub(super) title: &'static str,
    pub(super) summary: &'static str,
    /// The advice to the user: one or two sentences, or several steps.
    pub(super) advice: &'static [&'static str],
    /// The label of the primary button.
    pub(super) button: &'static str,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{
        super::{Language, text},
        *,
    };

    fn messages(language: Language) -> Vec<(String, Message)> {
        let text = text(language);
        let named = [
            ("login_lost", text.login_lost),
            ("cookie_twice", text.cookie_twice),
            ("signed_out", text.signed_out),
            ("confirm_logout", text.confirm_logout),
            ("login_page", text.login_page),
            ("start", text.start),
        ];
        let named = named
            .into_iter()
            .map(|(name, message)| (name.to_owned(), message));
        FailureCause::ALL
            .iter()
            .map(|cause| (cause.to_string(), (text.failure)(*cause)))
            .chain(named)
            .collect()
    }

    fn labels(language: Language) -> [&'static str; 8] {
        let text = text(language);
        [
            text.default_purpose,
            text.continue_without,
            text.go_home,
            text.stay_signed_in,
            text.reference,
            text.reference_use,
            text.cause,
            text.from_telenor,
        ]
    }

    fn sentences(language: Language) -> Vec<String> {
        let text = text(language);
        let mut sentences = Vec::new();
        for (_, message) in messages(language) {
            sentences.push(message.summary.to_owned());
            sentences.extend(message.advice.iter().map(|step| (*step).to_owned()));
        }
        for app in [None, Some("Fjellbutikken")] {
            sentences.push((text.without_login)(app, text.default_purpose));
            sentences.push((text.with_login)(app, text.default_purpose));
        }
        sentences
    }

    fn short_texts(language: Language) -> HashSet<&'static str> {
        let messages = messages(language).into_iter();
        messages
            .flat_map(|(_, message)| [message.title, message.button])
            .chain(labels(language))
            .collect()
    }

    #[test]
    fn no_text_is_missing_in_any_language() {
        for language in Language::ALL {
            for (name, message) in messages(language) {
                let all = [message.title, message.summary, message.button];
                assert!(
                    all.iter()
                        .chain(message.advice)
                        .all(|text| !text.trim().is_empty()),
                    "{language:?} {name}"
                );
                assert!(
                    !message.advice.is_empty(),
                    "{language:?} {name}: has no advice"
                );
            }
            assert!(
                labels(language)
                    .iter()
                    .all(|label| !label.trim().is_empty()),
                "{language:?}"
            );
        }
    }

    #[test]
    fn titles_are_distinct() {
        for language in Language::ALL {
            let messages = messages(language);
            let titles: HashSet<_> = messages.iter().map(|(_, message)| message.title).collect();
            assert_eq!(titles.len(), messages.len(), "{language:?}");
        }
    }

    #[test]
    fn sentences_end_and_titles_do_not() {
        for language in Language::ALL {
            for sentence in sentences(language) {
                assert!(
                    sentence.ends_with('.') && !sentence.contains("  "),
                    "{sentence}"
                );
            }
            for (_, message) in messages(language) {
                assert!(
                    !message.title.ends_with('.') && message.title.chars().count() <= 45,
                    "{}",
                    message.title
                );
                assert!(
                    !message.button.ends_with('.') && message.button.chars().count() <= 30,
                    "{}",
                    message.button
                );
            }
        }
    }

    #[test]
    fn no_text_is_in_the_wrong_language() {
        // Short texts that are spelled the same in bokmål and nynorsk.
        let same: HashSet<&str> = [
            "Det tok for lang tid",
            "Du må logge inn",
            "Feilkode",
            "Logg inn",
            "Logg inn igjen",
            "Logg inn med Telenor",
            "Logg inn på nytt",
            "Logg ut",
            "Prøv igjen",
            "Referanse",
            "Start på nytt",
            "Vil du logge ut?",
        ]
        .into();
        let [bokmal, nynorsk, english] = Language::ALL.map(short_texts);
        let shared: HashSet<&str> = bokmal.intersection(&nynorsk).copied().collect();
        assert_eq!(shared, same);
        assert!(english.is_disjoint(&bokmal) && english.is_disjoint(&nynorsk));

        let [bokmal, nynorsk, english] =
            Language::ALL.map(|language| sentences(language).into_iter().collect::<HashSet<_>>());
        let none: Vec<&String> = Vec::new();
        assert_eq!(bokmal.intersection(&nynorsk).collect::<Vec<_>>(), none);
        assert!(english.is_disjoint(&bokmal) && english.is_disjoint(&nynorsk));
    }

    #[test]
    fn each_language_keeps_to_its_own_spelling() {
        let foreign_word = |language, text: &str| {
            let words = text.to_lowercase();
            let foreign: &[&str] = match language {
                Language::Bokmal => &[
                    "ikkje", "frå", "noko", "eit", "ein", "vart", "berre", "kva", "dei", "no",
                ],
                Language::Nynorsk => &[
                    "ikke", "fra", "noe", "et", "en", "ble", "bare", "hva", "de", "nå", "igjennom",
                ],
                Language::English => &["ikke", "ikkje", "og", "du", "igjen"],
            };
            words
                .split(|c: char| !c.is_alphabetic() && c != '-')
                .find(|word| foreign.contains(word))
                .map(str::to_owned)
        };
        for language in Language::ALL {
            let short = short_texts(language).into_iter().map(str::to_owned);
            for text in sentences(language).into_iter().chain(short) {
                assert_eq!(foreign_word(language, &text), None, "{language:?}: {text}");
            }
        }
    }

    #[test]
    fn no_text_has_technical_words() {
        let jargon = [
            "token", "state", "oauth", "gateway", "api", "session", "sesjon", "server", "client",
            "klient",
        ];
        for language in Language::ALL {
            let short = short_texts(language).into_iter().map(str::to_owned);
            for text in sentences(language).into_iter().chain(short) {
                let words = text.to_lowercase();
                let mut words = words.split(|c: char| !c.is_alphabetic());
                assert!(words.all(|word| !jargon.contains(&word)), "{text}");
            }
        }
    }

    #[test]
    fn errors_of_the_operator_are_not_blamed_on_the_user() {
        use FailureCause::*;
        for cause in [
            ProviderRefused,
            CallbackAstray,
            ClientRejected,
            SessionTooLarge,
            StoreUnavailable,
            Internal,
        ] {
            for (language, words) in [
                (Language::Bokmal, "Dette er en feil hos oss, ikke hos deg"),
                (
                    Language::Nynorsk,
                    "Dette er ein feil hos oss, ikkje hos deg",
                ),
                (Language::English, "This is our mistake, not yours"),
            ] {
                assert!(
                    (text(language).failure)(cause).summary.contains(words),
                    "{language:?} {cause}"
                );
            }
        }
    }

    #[test]
    fn denied_access_says_that_nothing_was_shared() {
        for (language, words) in [
            (Language::Bokmal, "ingen opplysninger om deg er delt"),
            (Language::Nynorsk, "ingen opplysningar om deg er delte"),
            (Language::English, "nothing about you was shared"),
        ] {
            assert!(
                (text(language).failure)(FailureCause::AccessDenied)
                    .summary
                    .contains(words),
                "{language:?}"
            );
        }
    }

    #[test]
    fn unrecognized_line_gets_advice_on_mobile_data_first_and_the_phone_next() {
        for (language, words) in [
            (
                Language::Bokmal,
                ["mobildata", "svare på telefonen", "hos Telenor"],
            ),
            (
                Language::Nynorsk,
                ["mobildata", "svare på telefonen", "hos Telenor"],
            ),
            (
                Language::English,
                ["mobile data", "answer on your phone", "with Telenor"],
            ),
        ] {
            let advice = (text(language).failure)(FailureCause::LineNotRecognized).advice;
            assert_eq!(advice.len(), words.len(), "{language:?}");
            for (step, words) in advice.iter().zip(words) {
                assert!(step.contains(words), "{language:?}: {words} in {step}");
            }
            for cause in ["VPN", "iCloud Private Relay"] {
                assert!(advice[0].contains(cause), "{language:?}: {cause}");
            }
        }
    }

    #[test]
    fn consequence_reads_well_with_and_without_name_and_purpose() {
        let app = Some("Fjellbutikken");
        let table = [
            (
                Language::Bokmal,
                app,
                Some("fylle ut adressen din"),
                "Uten innlogging kan ikke Fjellbutikken fylle ut adressen din.",
            ),
            (
                Language::Bokmal,
                None,
                Some("fylle ut adressen din"),
                "Uten innlogging kan vi ikke fylle ut adressen din.",
            ),
            (
                Language::Bokmal,
                app,
                None,
                "Uten innlogging kan ikke Fjellbutikken hente opplysningene dine fra Telenor.",
            ),
            (
                Language::Bokmal,
                None,
                None,
                "Uten innlogging kan vi ikke hente opplysningene dine fra Telenor.",
            ),
            (
                Language::Nynorsk,
                app,
                Some("fylle ut adressa di"),
                "Utan innlogging kan ikkje Fjellbutikken fylle ut adressa di.",
            ),
            (
                Language::Nynorsk,
                None,
                None,
                "Utan innlogging kan vi ikkje hente opplysningane dine frå Telenor.",
            ),
            (
                Language::English,
                app,
                Some("fill in your address"),
                "Unless you sign in, Fjellbutikken cannot fill in your address.",
            ),
            (
                Language::English,
                None,
                None,
                "Unless you sign in, we cannot get your details from Telenor.",
            ),
        ];
        for (language, app, purpose, expected) in table {
            let text = text(language);
            let purpose = purpose.unwrap_or(text.default_purpose);
            assert_eq!((text.without_login)(app, purpose), expected);
        }
    }
}
