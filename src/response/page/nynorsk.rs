//! The texts of the pages in nynorsk.

use super::text::{Message, Text};
use crate::failure::FailureCause;

pub(super) static NYNORSK: Text = Text {
    failure,
    login_lost: Message {
        title: "Vi klarte ikkje å fullføre innlogginga",
        summary: "Noko er gale med systema våre, så innlogginga gjekk tapt. Dette er ein feil hos \
                  oss, ikkje hos deg.",
        advice: &[
            "Vent litt, og prøv på nytt. Om det ikkje hjelper, kan du kontakte oss og oppgje \
             feilkoden nedst på sida.",
        ],
        button: TRY_AGAIN,
    },
    cookie_twice: Message {
        title: "Nettlesaren sender to innloggingar",
        summary: "Nettlesaren sender to ulike informasjonskapslar for den same innlogginga, og vi \
                  kan ikkje vite kva for ein som er din.",
        advice: &[
            "Opne innstillingane i nettlesaren, og slett informasjonskapslane for denne \
             nettstaden.",
            "Prøv så på nytt.",
        ],
        button: TRY_AGAIN,
    },
    signed_out: Message {
        title: "Du er logga ut",
        summary: "Vi har avslutta innlogginga di her.",
        advice: &[
            "Telenor kan framleis kjenne att abonnementet ditt, så det går fort å logge inn igjen.",
        ],
        button: "Logg inn igjen",
    },
    confirm_logout: Message {
        title: "Vil du logge ut?",
        summary: "Du er logga inn med Telenor.",
        advice: &["Loggar du ut, må du logge inn på nytt neste gong."],
        button: "Logg ut",
    },
    login_page: Message {
        title: "Logg inn med Telenor",
        summary: "Telenor kjenner att abonnementet ditt, og du avgjer sjølv om du vil dele \
                  opplysningane dine.",
        advice: &["Er du på mobil, går det lettast på mobilnettet. Slå gjerne av wifi først."],
        button: "Gå vidare til Telenor",
    },
    start: Message {
        title: "På veg til Telenor",
        summary: "No kjenner Telenor att abonnementet ditt.",
        advice: &["Skjer det ikkje noko, trykkjer du på knappen."],
        button: "Hald fram til Telenor",
    },
    without_login: |app, purpose| match app {
        Some(app) => format!("Utan innlogging kan ikkje {app} {purpose}."),
        None => format!("Utan innlogging kan vi ikkje {purpose}."),
    },
    with_login: |app, purpose| {
        format!(
            "Når du har logga inn, kan {} {purpose}.",
            app.unwrap_or("vi")
        )
    },
    default_purpose: "hente opplysningane dine frå Telenor",
    continue_without: "Hald fram utan å logge inn",
    go_home: "Til framsida",
    stay_signed_in: "Nei, eg vil vere innlogga",
    reference: "Referanse",
    reference_use: "Ha referansen klar om du tek kontakt med oss.",
    cause: "Feilkode",
    from_telenor: "Melding frå Telenor",
};

const TRY_AGAIN: &str = "Prøv igjen";
const START_OVER: &str = "Start på nytt";

fn failure(cause: FailureCause) -> Message {
    match cause {
        FailureCause::AccessDenied => Message {
            title: "Du sa nei til å dele opplysningar",
            summary: "Du takka nei hos Telenor, så ingen opplysningar om deg er delte.",
            advice: &["Har du skifta meining, kan du logge inn på nytt og svare ja."],
            button: "Logg inn på nytt",
        },
        FailureCause::LineNotRecognized => Message {
            title: "Telenor kjende ikkje att abonnementet ditt",
            summary: "Det hender helst på wifi eller VPN, eller når ingen svarar på spørsmålet på \
                      telefonen.",
            advice: &[
                "Slå av wifi og VPN (på iPhone òg iCloud Private Relay), og prøv ein gong til med \
                 mobildata.",
                "Eller vel å svare på telefonen. Då får du eit spørsmål på mobilen og trykkjer OK.",
                "Abonnementet må vere hos Telenor.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderRefused => Message {
            title: "Telenor avviste innlogginga",
            summary: "Innlogginga er sett opp feil. Dette er ein feil hos oss, ikkje hos deg.",
            advice: &["Prøv igjen seinare."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderError => Message {
            title: "Noko gjekk gale hos Telenor",
            summary: "Det oppstod ein feil hos Telenor medan du logga inn.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderUnavailable => Message {
            title: "Telenor svarar ikkje akkurat no",
            summary: "Noko er gale hos Telenor for tida. Slikt går som regel over av seg sjølv.",
            advice: &["Vent eit halvt minutt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::CallbackMalformed => Message {
            title: "Vi klarte ikkje å lese svaret frå Telenor",
            summary: "Adressa hit er øydelagd, kanskje fordi ho vart kopiert eller korta ned.",
            advice: &["Start innlogginga på nytt."],
            button: START_OVER,
        },
        FailureCause::StateUnknown => Message {
            title: "Vi kjenner ikkje att innlogginga",
            summary: "Kanskje gjekk det for lang tid, eller så opna lenkja seg i ein annan app \
                      eller nettlesar. Det hender òg når nettlesaren ikkje tek imot informasjonskapslar.",
            advice: &[
                "Sjå etter at nettlesaren tek imot informasjonskapslar.",
                "Start på nytt her, og hald deg i denne nettlesaren heile vegen.",
            ],
            button: START_OVER,
        },
        FailureCause::StateExpired => Message {
            title: "Det tok for lang tid",
            summary: "Av omsyn til tryggleiken må innlogginga gjerast ferdig på nokre få minutt.",
            advice: &["Start innlogginga på nytt."],
            button: START_OVER,
        },
        FailureCause::ErrorWithoutLogin => Message {
            title: "Inga innlogging er i gang her",
            summary: "Lenkja seier at ei innlogging ikkje lukkast, men vi finn inga som er starta \
                      i denne nettlesaren.",
            advice: &[
                "Starta du ikkje noko, kan du sjå bort frå dette. Elles: tillat \
                 informasjonskapslar, og start på nytt.",
            ],
            button: START_OVER,
        },
        FailureCause::CallbackAstray => Message {
            title: "Svaret frå Telenor hamna på feil adresse",
            summary: "Difor kunne vi ikkje logge deg inn. Dette er ein feil hos oss, ikkje hos \
                      deg.",
            advice: &["Prøv igjen seinare."],
            button: TRY_AGAIN,
        },
        FailureCause::CodeRejected => Message {
            title: "Innlogginga kan ikkje brukast lenger",
            summary: "Telenor seier at ho alt er brukt, eller at ho er for gammal.",
            advice: &["Start på nytt. Ikkje oppdater sida eller gå tilbake undervegs."],
            button: START_OVER,
        },
        FailureCause::CodeReplayed => Message {
            title: "Innlogginga er alt brukt",
            summary: "Kvar innlogging verkar berre éin gong.",
            advice: &["Start på nytt. Ikkje oppdater sida eller gå tilbake undervegs."],
            button: START_OVER,
        },
        FailureCause::ClientRejected => Message {
            title: "Telenor kjenner oss ikkje att",
            summary: "Telenor slapp ikkje nettstaden vår inn. Dette er ein feil hos oss, ikkje hos \
                      deg.",
            advice: &["Prøv igjen seinare."],
            button: TRY_AGAIN,
        },
        FailureCause::TokenResponseInvalid => Message {
            title: "Vi forstod ikkje svaret frå Telenor",
            summary: "Det mangla noko vi treng for å logge deg inn. Du har ikkje gjort noko gale.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayTimeout => Message {
            title: "Telenor svarte ikkje i tide",
            summary: "Vi venta, men det kom ikkje noko svar frå Telenor.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayUnreachable => Message {
            title: "Vi får ikkje kontakt med Telenor",
            summary: "Sambandet mellom oss og Telenor er brote. Det er ikkje noko gale med nettet \
                      ditt.",
            advice: &["Vent nokre minutt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayBusy => Message {
            title: "Det er stor pågang hos Telenor no",
            summary: "Telenor tek ikkje imot fleire innloggingar frå oss akkurat no.",
            advice: &["Vent eit halvt minutt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::TooManyLogins => Message {
            title: "Mange loggar inn samstundes",
            summary: "Vi rekk ikkje over fleire innloggingar akkurat no.",
            advice: &["Vent nokre sekund, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::SessionTooLarge => Message {
            title: "Vi fekk ikkje lagra innlogginga",
            summary: "Ho tok større plass enn nettlesaren tillèt. Dette er ein feil hos oss, ikkje \
                      hos deg.",
            advice: &["Prøv igjen seinare."],
            button: TRY_AGAIN,
        },
        FailureCause::StoreUnavailable => Message {
            title: "Vi får ikkje sjekka innlogginga di",
            summary: "Systemet som hugsar deg, svarar ikkje. Dette er ein feil hos oss, ikkje hos \
                      deg.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginLoop => Message {
            title: "Nettlesaren hugsar ikkje innlogginga",
            summary: "Nettlesaren gløymer deg kvar gong du loggar inn. Anten blokkerer han \
                       informasjonskapslar, eller så går klokka på mobilen eller PC-en feil.",
            advice: &[
                "Opne innstillingane i nettlesaren, gå til «Personvern», og tillat \
                 informasjonskapslar.",
                "La mobilen eller PC-en stille dato og klokke sjølv.",
                "Prøv så på nytt.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRefused => Message {
            title: "Du kan ikkje logge inn her",
            summary: "Telenor kjende att abonnementet ditt, men det gir ikkje tilgang hos oss.",
            advice: &["Trur du at det er ein feil, kan du ta kontakt med oss."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRequired => Message {
            title: "Du må logge inn",
            summary: "Du er ikkje logga inn, eller så har innlogginga gått ut.",
            advice: &["Telenor kjenner att abonnementet ditt, så du treng ikkje noko passord."],
            button: "Logg inn",
        },
        FailureCause::InsufficientUserAuthentication => Message {
            title: "Logg inn på nytt",
            summary: "Her må du ha logga inn nyleg, og det er ei stund sidan sist.",
            advice: &["Når du har logga inn, kjem du tilbake hit."],
            button: "Logg inn på nytt",
        },
        FailureCause::FormNotSent => Message {
            title: "Skjemaet vart ikkje sendt",
            summary: "Du må logge inn før du sender skjemaet, så det du skreiv, er ikkje teke vare på.",
            advice: &[
                "Logg inn, og fyll ut skjemaet ein gong til. Går du tilbake først, finn du kanskje \
                 det du skreiv.",
            ],
            button: "Logg inn",
        },
        FailureCause::CrossSiteRequest => Message {
            title: "Du vart ikkje logga ut",
            summary: "Det kan hende at ein annan nettstad bad om det, så vi gjorde ingenting.",
            advice: &["Vil du logge ut, må du gjere det her."],
            button: "Logg ut",
        },
        FailureCause::CrossOriginRequest => Message {
            title: "Skjemaet kom frå ein annan nettstad",
            summary: "Det vart ikkje sendt frå ei av våre eigne sider, så vi gjorde ingenting.",
            advice: &["Gå til framsida, og gjer det derifrå."],
            button: TRY_AGAIN,
        },
        FailureCause::ForeignOrigin => Message {
            title: "Adressa er berre for våre eigne sider",
            summary: "Du kom ikkje hit frå ei av dei, så vi svara ikkje.",
            advice: &["Gå til framsida, og prøv derifrå."],
            button: TRY_AGAIN,
        },
        FailureCause::MethodNotAllowed => Message {
            title: "Sida kan ikkje opnast slik",
            summary: "Adressa er berre eit ledd i innlogginga og kan ikkje brukast på denne måten.",
            advice: &["Gå tilbake til nettstaden, og start derifrå."],
            button: START_OVER,
        },
        FailureCause::SpeculativeRequest => Message {
            title: "Sida er ikkje opna enno",
            summary: "Nettlesaren prøvde å hente sida på førehand. Vi ventar til du opnar henne \
                      sjølv.",
            advice: &["Opne sida når du er klar."],
            button: "Opne sida",
        },
        FailureCause::LoginHookFailed => Message {
            title: "Innlogginga vart ikkje fullført",
            summary: "Telenor kjende att abonnementet ditt, men så gjekk noko gale hos oss.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
        FailureCause::Internal => Message {
            title: "Noko gjekk gale hos oss",
            summary: "Dette er ein feil hos oss, ikkje hos deg.",
            advice: &["Vent litt, og prøv ein gong til."],
            button: TRY_AGAIN,
        },
    }
}
