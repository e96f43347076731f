//! The texts of the pages in English.

use super::text::{Message, Text};
use crate::failure::FailureCause;

pub(super) static ENGLISH: Text = Text {
    failure,
    login_lost: Message {
        title: "We could not complete your sign-in",
        summary: "Something is wrong with our systems, so your sign-in was lost. This is our \
                  mistake, not yours.",
        advice: &[
            "Wait a moment, then try again. If that does not help, contact us and mention the \
             error code below.",
        ],
        button: TRY_AGAIN,
    },
    cookie_twice: Message {
        title: "Your browser sends two sign-ins",
        summary: "Your browser sends two different cookies for the same sign-in, and we cannot \
                  know which one is yours.",
        advice: &[
            "Open your browser’s settings, and delete the cookies for this site.",
            "Then try again.",
        ],
        button: TRY_AGAIN,
    },
    signed_out: Message {
        title: "You are signed out",
        summary: "Your sign-in here has ended.",
        advice: &["Telenor may still recognise your phone, so signing in again is quick."],
        button: "Sign in again",
    },
    confirm_logout: Message {
        title: "Do you want to sign out?",
        summary: "You are signed in with Telenor.",
        advice: &["If you sign out, you will have to sign in again next time."],
        button: "Sign out",
    },
    login_page: Message {
        title: "Sign in with Telenor",
        summary: "Telenor recognises your phone subscription, and you decide whether to share your \
                  details.",
        advice: &["On a phone, mobile data works best. You may want to turn Wi-Fi off first."],
        button: "Continue to Telenor",
    },
    start: Message {
        title: "On the way to Telenor",
        summary: "Telenor is recognising your phone subscription.",
        advice: &["If nothing happens, press the button."],
        button: "Go on to Telenor",
    },
    without_login: |app, purpose| {
        format!(
            "Unless you sign in, {} cannot {purpose}.",
            app.unwrap_or("we")
        )
    },
    with_login: |app, purpose| {
        format!(
            "Once you have signed in, {} can {purpose}.",
            app.unwrap_or("we")
        )
    },
    default_purpose: "get your details from Telenor",
    continue_without: "Continue without signing in",
    go_home: "Go to the front page",
    stay_signed_in: "No, keep me signed in",
    reference: "Reference",
    reference_use: "Have the reference at hand if you contact us.",
    cause: "Error code",
    from_telenor: "Message from Telenor",
};

const TRY_AGAIN: &str = "Try again";
const START_OVER: &str = "Start again";

fn failure(cause: FailureCause) -> Message {
    match cause {
        FailureCause::AccessDenied => Message {
            title: "You said no to sharing your details",
            summary: "You declined at Telenor, so nothing about you was shared.",
            advice: &["If you have changed your mind, sign in again and say yes."],
            button: "Sign in again",
        },
        FailureCause::LineNotRecognized => Message {
            title: "Telenor did not recognise your subscription",
            summary: "This tends to happen on Wi-Fi or a VPN, or when the question on the phone is \
                      not answered.",
            advice: &[
                "Turn off Wi-Fi and VPN (on an iPhone, iCloud Private Relay too), then try again \
                 with mobile data.",
                "Or choose to answer on your phone. You then get a question there and tap OK.",
                "The subscription has to be with Telenor.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderRefused => Message {
            title: "Telenor turned the sign-in down",
            summary: "Signing in is not set up correctly. This is our mistake, not yours.",
            advice: &["Please try again later."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderError => Message {
            title: "Something went wrong at Telenor",
            summary: "Telenor ran into an error while you were signing in.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::ProviderUnavailable => Message {
            title: "Telenor does not answer right now",
            summary: "Something is wrong at Telenor at the moment. This usually passes by itself.",
            advice: &["Wait half a minute, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::CallbackMalformed => Message {
            title: "We could not read Telenor’s answer",
            summary: "The address that brought you here is damaged, perhaps from being copied or \
                      shortened.",
            advice: &["Start signing in again."],
            button: START_OVER,
        },
        FailureCause::StateUnknown => Message {
            title: "We do not recognise this sign-in",
            summary: "It may have taken too long, or another app or browser opened the link. It \
                      also happens when cookies are off.",
            advice: &[
                "Check that your browser accepts cookies.",
                "Start again here, and stay in this browser all the way.",
            ],
            button: START_OVER,
        },
        FailureCause::StateExpired => Message {
            title: "That took too long",
            summary: "To keep you safe, a sign-in has to be finished within a few minutes.",
            advice: &["Start signing in again."],
            button: START_OVER,
        },
        FailureCause::ErrorWithoutLogin => Message {
            title: "You are not in the middle of a sign-in",
            summary: "The link says that a sign-in failed, but it did not start in this browser.",
            advice: &[
                "If you did not start one, ignore this. Otherwise allow cookies, and start again.",
            ],
            button: START_OVER,
        },
        FailureCause::CallbackAstray => Message {
            title: "Telenor’s answer went to the wrong place",
            summary: "So we could not sign you in. This is our mistake, not yours.",
            advice: &["Please try again later."],
            button: TRY_AGAIN,
        },
        FailureCause::CodeRejected => Message {
            title: "This sign-in can no longer be used",
            summary: "Telenor says it has already been used or is too old.",
            advice: &["Start again. Do not reload the page or go back along the way."],
            button: START_OVER,
        },
        FailureCause::CodeReplayed => Message {
            title: "This sign-in has already been used",
            summary: "Each sign-in works only once.",
            advice: &["Start again. Do not reload the page or go back along the way."],
            button: START_OVER,
        },
        FailureCause::ClientRejected => Message {
            title: "Telenor does not recognise us",
            summary: "Telenor did not let our site in. This is our mistake, not yours.",
            advice: &["Please try again later."],
            button: TRY_AGAIN,
        },
        FailureCause::TokenResponseInvalid => Message {
            title: "We did not understand Telenor’s answer",
            summary: "Something we need to sign you in was missing. You did nothing wrong.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayTimeout => Message {
            title: "Telenor did not answer in time",
            summary: "We waited, but no answer came from Telenor.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayUnreachable => Message {
            title: "We cannot reach Telenor",
            summary: "The connection between us and Telenor is down. Nothing is wrong with your \
                      network.",
            advice: &["Wait a few minutes, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::GatewayBusy => Message {
            title: "Telenor is very busy",
            summary: "Telenor is not taking more sign-ins from us right now.",
            advice: &["Wait half a minute, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::TooManyLogins => Message {
            title: "Many people are signing in",
            summary: "We cannot handle more sign-ins right now.",
            advice: &["Wait a few seconds, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::SessionTooLarge => Message {
            title: "We could not save your sign-in",
            summary: "It took more room than your browser allows. This is our mistake, not yours.",
            advice: &["Please try again later."],
            button: TRY_AGAIN,
        },
        FailureCause::StoreUnavailable => Message {
            title: "We cannot check your sign-in",
            summary: "The system that remembers you does not answer. This is our mistake, not \
                      yours.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginLoop => Message {
            title: "Your browser forgets the sign-in",
            summary: "Your browser forgets you each time you sign in. Either it blocks cookies, or \
                       the clock on your phone or computer is wrong.",
            advice: &[
                "Open your browser’s settings, go to “Privacy”, and allow cookies.",
                "Let your phone or computer set date and time automatically.",
                "Then try again.",
            ],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRefused => Message {
            title: "You cannot sign in here",
            summary: "Telenor recognised your phone subscription, but it does not give you access here.",
            advice: &["If you think this is wrong, contact us."],
            button: TRY_AGAIN,
        },
        FailureCause::LoginRequired => Message {
            title: "Please sign in",
            summary: "You are not signed in, or your sign-in has run out.",
            advice: &["Telenor recognises your phone subscription, so you do not need a password."],
            button: "Sign in",
        },
        FailureCause::InsufficientUserAuthentication => Message {
            title: "Please sign in again",
            summary: "This needs a recent sign-in, and yours was some time ago.",
            advice: &["When you have signed in, you come back here."],
            button: "Sign in again",
        },
        FailureCause::FormNotSent => Message {
            title: "Your form was not sent",
            summary: "You need to sign in before you send the form, so what you wrote was not kept.",
            advice: &[
                "Sign in, then fill in the form again. If you go back first, you may find what you \
                 wrote.",
            ],
            button: "Sign in",
        },
        FailureCause::CrossSiteRequest => Message {
            title: "You were not signed out",
            summary: "It may have been another site that asked, so nothing has changed.",
            advice: &["If you want to sign out, do it here."],
            button: "Sign out",
        },
        FailureCause::CrossOriginRequest => Message {
            title: "This form came from another site",
            summary: "It was not sent from one of our own pages, so nothing has changed.",
            advice: &["Go to the front page and do it from there."],
            button: TRY_AGAIN,
        },
        FailureCause::ForeignOrigin => Message {
            title: "This address is only for our own pages",
            summary: "You did not come from one of them, so we did not answer.",
            advice: &["Go to the front page and try from there."],
            button: TRY_AGAIN,
        },
        FailureCause::MethodNotAllowed => Message {
            title: "This page cannot be opened that way",
            summary: "The address is only a step on the way to signing in and cannot be used like \
                      this.",
            advice: &["Go back to the site, and start from there."],
            button: START_OVER,
        },
        FailureCause::SpeculativeRequest => Message {
            title: "The page is not open yet",
            summary: "Your browser tried to load the page ahead of time. We wait until you open it \
                      yourself.",
            advice: &["Open the page when you are ready."],
            button: "Open the page",
        },
        FailureCause::LoginHookFailed => Message {
            title: "Your sign-in was not completed",
            summary: "Telenor recognised your phone subscription, but then something went wrong on our side.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
        FailureCause::Internal => Message {
            title: "Something went wrong on our side",
            summary: "This is our mistake, not yours.",
            advice: &["Wait a moment, then try again."],
            button: TRY_AGAIN,
        },
    }
}
