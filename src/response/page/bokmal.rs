//! The texts of the pages in bokmål.

use super::text::{Message, Text};
use crate::failure::FailureCause;

pub(super) static BOKMAL: Text = Text {
    failure,
    login_lost: Message {
        title: "Vi klarte ikke å fullføre innloggingen",
        summary: "Noe er galt med systemene våre, så innloggingen gikk tapt. Dette er en feil hos \
                  oss, ikke hos deg.",
        advice: &[
            "Vent litt, og prøv igjen. Hvis det ikke hjelper, kan du kontakte oss og oppgi \
             feilkoden nederst på siden.",
        ],
        button: TRY_AGAIN,
    },
    cookie_twice: Message {
        title: "Nettleseren sender to innlogginger",
        summary: "Nettleseren sender to ulike informasjonskapsler for den samme innloggingen, og \
                  vi kan ikke vite hvilken som er din.",
        advice: &[
            "Åpne innstillingene i nettleseren, og slett informasjonskapslene for dette \
             nettstedet.",
            "Prøv så igjen.",
        ],
        button: TRY_AGAIN,
    },
    signed_out: Message {
        title: "Du er logget ut",
        summary: "Vi har avsluttet innloggingen din her.",
        advice: &[
            "Telenor kan fortsatt kjenne igjen abonnementet ditt, så det går fort å logge inn \
             igjen.",
        ],
        button: "Logg inn igjen",
    },
    confirm_logout: Message {
        title: "Vil du logge ut?",
        summary: "Du er logget inn med Telenor.",
        advice: &["Logger du ut, må du logge inn på nytt neste gang."],
        button: "Logg ut",
    },
    login_page: Message {
        title: "Logg inn med Telenor",
        summary: "Telenor kjenner igjen abonnementet ditt, og du bestemmer selv om du vil dele \
                  opplysningene dine.",
        advice: &["Er du på mobil, går det enklest på mobilnettet. Slå gjerne av wifi først."],
        button: "Fortsett til Telenor",
    },
    start: Message {
        title: "På vei til Telenor",
        summary: "Nå kjenner Telenor igjen abonnementet ditt.",
        advice: &["Skjer det ikke noe, trykker du på knappen."],
        button: "Gå videre til Telenor",
    },
    without_login: |app, purpose| match app {
        Some(app) => format!("Uten innlogging kan ikke {app} {purpose}."),
        None => format!("Uten innlogging kan vi ikke {purpose}."),
    },
    with_login: |app, purpose| {
        format!(
            "Når du har logget inn, kan {} {purpose}.",
            app.unwrap_or("vi")
        )
    },
    default_purpose: "hente opplysningene dine fra Telenor",
    continue_without: "Fortsett uten å logge inn",
    go_home: "Til forsiden",
    stay_signed_in: "Nei, jeg vil være innlogget",
    reference: "Referanse",
    reference_use: "Ha referansen klar hvis du kontakter oss.",
    cause: "Feilkode",
    from_telenor: "Melding fra Telenor",
};

const TRY_AGAIN: &str = "Prøv igjen";
const START_OVER: &str = "Start på nytt";

fn failure(cause: FailureCause) -> Message {
    match cause {
        FailureCause::AccessDenied => Message {
            title: "Du sa nei til å dele opplysninger",
            summary: "Du takket nei hos Telenor, så ingen opplysninger om deg er delt.",
            advice: &["Har du ombestemt deg, kan du logge inn på nytt og svare ja."],
            button: "Logg inn på nytt",
        },
        FailureCause::LineNotRecognized => Message {
            title: "Telenor kjente ikke igjen abonnementet ditt",
            summary: "Det skjer gjerne på wifi eller VPN, eller når ingen svarer på spørsmålet på \
                      telefonen.",
            advice: &[
                "Slå av wifi og VPN (på iPhone også iCloud Private Relay), og prøv igjen med \
                 mobildata.",
                "Eller velg å svare på telefonen. Da får du et spørsmål på mobilen og trykker OK.",
                "Abonnementet må være hos Telenor.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderRefused => Message {
            title: "Telenor avviste innloggingen",
            summary: "Innloggingen er satt opp feil. Dette er en feil hos oss, ikke hos deg.",
            advice: &["Prøv igjen senere."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderError => Message {
            title: "Noe gikk galt hos Telenor",
            summary: "Det oppsto en feil hos Telenor mens du logget inn.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderUnavailable => Message {
            title: "Telenor svarer ikke akkurat nå",
            summary: "Noe er galt hos Telenor for øyeblikket. Slikt går som regel over av seg \
                      selv.",
            advice: &["Vent et halvt minutt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::CallbackMalformed => Message {
            title: "Vi klarte ikke å lese svaret fra Telenor",
            summary: "Adressen hit er ødelagt, kanskje fordi den ble kopiert eller forkortet.",
            advice: &["Start innloggingen på nytt."],
            button: START_OVER,
        },
        FailureCause::StateUnknown => Message {
            title: "Vi kjenner ikke igjen innloggingen",
            summary: "Kanskje gikk det for lang tid, eller lenken åpnet seg i en annen app eller \
                      nettleser. Det skjer også når informasjonskapsler er slått av.",
            advice: &[
                "Sjekk at nettleseren tar imot informasjonskapsler.",
                "Start på nytt her, og bli i denne nettleseren hele veien.",
            ],
            button: START_OVER,
        },
        FailureCause::StateExpired => Message {
            title: "Det tok for lang tid",
            summary: "Av sikkerhetsgrunner må innloggingen gjøres ferdig på noen få minutter.",
            advice: &["Start innloggingen på nytt."],
            button: START_OVER,
        },
        FailureCause::ErrorWithoutLogin => Message {
            title: "Ingen innlogging er i gang her",
            summary: "Lenken sier at en innlogging mislyktes, men vi finner ingen som er startet \
                      i denne nettleseren.",
            advice: &[
                "Startet du ikke noe, kan du se bort fra dette. Ellers: tillat \
                 informasjonskapsler, og start på nytt.",
            ],
            button: START_OVER,
        },
        FailureCause::CallbackAstray => Message {
            title: "Svaret fra Telenor havnet på feil adresse",
            summary: "Derfor kunne vi ikke logge deg inn. Dette er en feil hos oss, ikke hos deg.",
            advice: &["Prøv igjen senere."],
            button: TRY_AGAIN,
        },
        FailureCause::CodeRejected => Message {
            title: "Innloggingen kan ikke brukes lenger",
            summary: "Telenor sier at den allerede er brukt, eller at den er for gammel.",
            advice: &["Start på nytt. Ikke oppdater siden eller gå tilbake underveis."],
            button: START_OVER,
        },
        FailureCause::CodeReplayed => Message {
            title: "Innloggingen er allerede brukt",
            summary: "Hver innlogging virker bare én gang.",
            advice: &["Start på nytt. Ikke oppdater siden eller gå tilbake underveis."],
            button: START_OVER,
        },
        FailureCause::ClientRejected => Message {
            title: "Telenor kjenner oss ikke igjen",
            summary: "Telenor slapp ikke nettstedet vårt inn. Dette er en feil hos oss, ikke hos \
                      deg.",
            advice: &["Prøv igjen senere."],
            button: TRY_AGAIN,
        },
        FailureCause::TokenResponseInvalid => Message {
            title: "Vi forsto ikke svaret fra Telenor",
            summary: "Det manglet noe vi trenger for å logge deg inn. Du har ikke gjort noe galt.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayTimeout => Message {
            title: "Telenor svarte ikke i tide",
            summary: "Vi ventet, men det kom ikke noe svar fra Telenor.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayUnreachable => Message {
            title: "Vi får ikke kontakt med Telenor",
            summary: "Forbindelsen mellom oss og Telenor er brutt. Det er ikke noe galt med nettet \
                      ditt.",
            advice: &["Vent noen minutter, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayBusy => Message {
            title: "Det er stor pågang hos Telenor",
            summary: "Telenor tar ikke imot flere innlogginger fra oss akkurat nå.",
            advice: &["Vent et halvt minutt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::TooManyLogins => Message {
            title: "Mange logger inn samtidig",
            summary: "Vi rekker ikke over flere innlogginger akkurat nå.",
            advice: &["Vent noen sekunder, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::SessionTooLarge => Message {
            title: "Vi fikk ikke lagret innloggingen",
            summary: "Den tok større plass enn nettleseren tillater. Dette er en feil hos oss, \
                      ikke hos deg.",
            advice: &["Prøv igjen senere."],
            button: TRY_AGAIN,
        },
        FailureCause::StoreUnavailable => Message {
            title: "Vi får ikke sjekket innloggingen din",
            summary: "Systemet som husker deg, svarer ikke. Dette er en feil hos oss, ikke hos \
                      deg.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginLoop => Message {
            title: "Nettleseren husker ikke innloggingen",
            summary: "Nettleseren glemmer deg hver gang du logger inn. Enten blokkerer den \
                       informasjonskapsler, eller så går klokken på mobilen eller PC-en feil.",
            advice: &[
                "Åpne innstillingene i nettleseren, gå til «Personvern», og tillat \
                 informasjonskapsler.",
                "La mobilen eller PC-en stille dato og klokkeslett automatisk.",
                "Prøv så igjen.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRefused => Message {
            title: "Du kan ikke logge inn her",
            summary: "Telenor kjente igjen abonnementet ditt, men det gir ikke tilgang hos oss.",
            advice: &["Tror du at det er en feil, kan du kontakte oss."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRequired => Message {
            title: "Du må logge inn",
            summary: "Du er ikke logget inn, eller så har innloggingen gått ut.",
            advice: &["Telenor kjenner igjen abonnementet ditt, så du trenger ikke noe passord."],
            button: "Logg inn",
        },
        FailureCause::InsufficientUserAuthentication => Message {
            title: "Logg inn på nytt",
            summary: "Her må du ha logget inn nylig, og det er en stund siden sist.",
            advice: &["Når du har logget inn, kommer du tilbake hit."],
            button: "Logg inn på nytt",
        },
        FailureCause::FormNotSent => Message {
            title: "Skjemaet ble ikke sendt",
            summary: "Du må logge inn før du sender skjemaet, så det du skrev, er ikke tatt vare på.",
            advice: &[
                "Logg inn, og fyll ut skjemaet på nytt. Går du tilbake først, finner du kanskje \
                 det du skrev.",
            ],
            button: "Logg inn",
        },
        FailureCause::CrossSiteRequest => Message {
            title: "Du ble ikke logget ut",
            summary: "Det kan hende at et annet nettsted ba om det, så vi gjorde ingenting.",
            advice: &["Vil du logge ut, må du gjøre det her."],
            button: "Logg ut",
        },
        FailureCause::CrossOriginRequest => Message {
            title: "Skjemaet kom fra et annet nettsted",
            summary: "Det ble ikke sendt fra en av våre egne sider, så vi gjorde ingenting.",
            advice: &["Gå til forsiden, og gjør det derfra."],
            button: TRY_AGAIN,
        },
        FailureCause::ForeignOrigin => Message {
            title: "Adressen er bare for våre egne sider",
            summary: "Du kom ikke hit fra en av dem, så vi svarte ikke.",
            advice: &["Gå til forsiden, og prøv derfra."],
            button: TRY_AGAIN,
        },
        FailureCause::MethodNotAllowed => Message {
            title: "Siden kan ikke åpnes slik",
            summary: "Adressen er bare et ledd i innloggingen og kan ikke brukes på denne måten.",
            advice: &["Gå tilbake til nettstedet, og start derfra."],
            button: START_OVER,
        },
        FailureCause::SpeculativeRequest => Message {
            title: "Siden er ikke åpnet ennå",
            summary: "Nettleseren prøvde å hente siden på forhånd. Vi venter til du åpner den \
                      selv.",
            advice: &["Åpne siden når du er klar."],
            button: "Åpne siden",
        },
        FailureCause::LoginHookFailed => Message {
            title: "Innloggingen ble ikke fullført",
            summary: "Telenor kjente igjen abonnementet ditt, men så gikk noe galt hos oss.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
        FailureCause::Internal => Message {
            title: "Noe gikk galt hos oss",
            summary: "Dette er en feil hos oss, ikke hos deg.",
            advice: &["Vent litt, og prøv igjen."],
            button: TRY_AGAIN,
        },
    }
}
