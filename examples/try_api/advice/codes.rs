//! The error codes of the gateway, as documented with each of its APIs.

use super::{Advice, BAD_CREDENTIALS};

pub(super) const CODES: &[(u32, Advice)] = &[
    (
        40001,
        Advice {
            meaning: "The end-user id is missing or invalid.",
            change: "Nothing on developer.telenor.no: the path probably lacks a number or has a wrong one. user-info and device-info take none.",
        },
    ),
    (
        40101,
        Advice {
            meaning: "The resource is invalid.",
            change: "Nothing on developer.telenor.no, probably: compare the path with the documentation of the API.",
        },
    ),
    (
        40102,
        Advice {
            meaning: "The Authorization header is missing.",
            change: "Nothing on developer.telenor.no: the header was sent, so something on the way probably took it out. Check --gateway.",
        },
    ),
    (
        40103,
        Advice {
            meaning: "No API product was found: the app is not subscribed to this API.",
            change: "On developer.telenor.no: subscribe the app to the API's product, then run this again for a new token, which is probably needed.",
        },
    ),
    (
        40104,
        Advice {
            meaning: "The token is not authorized for that phone number (MSISDN).",
            change: "Nothing on developer.telenor.no: a path with a number in it probably has to name the line that logged in.",
        },
    ),
    (
        40105,
        Advice {
            meaning: "The access token is invalid.",
            change: "Nothing on developer.telenor.no: run this again for a new token. If it comes back at once, the consent was probably withdrawn, or the token is another gateway's.",
        },
    ),
    (
        40106,
        Advice {
            meaning: "The access token has expired.",
            change: "Nothing on developer.telenor.no: run this again for a new token.",
        },
    ),
    (
        40107,
        Advice {
            meaning: "Basic authentication is not allowed, from outside or for this client.",
            change: "On developer.telenor.no: probably nothing that you can set yourself; ask at /support there.",
        },
    ),
    (40108, BAD_CREDENTIALS),
    (
        40301,
        Advice {
            meaning: "The scope is invalid.",
            change: "On developer.telenor.no: subscribe the app to the API's product, which access is probably tied to. Then leave --scope out: the pages on line authentication name none.",
        },
    ),
    (
        40401,
        Advice {
            meaning: "The gateway has no such path or method.",
            change: "Nothing on developer.telenor.no: compare the path, and the version in it, with the documentation of the API.",
        },
    ),
    (
        4_042_000,
        Advice {
            meaning: "The system behind the gateway has no such path or method.",
            change: "Nothing on developer.telenor.no: name and version of the API are probably right, so check what comes after them in the path.",
        },
    ),
    (
        42901,
        Advice {
            meaning: "The quota is used up.",
            change: "Nothing on developer.telenor.no to try first: wait. No quotas are published, so ask at /support there what the app's is.",
        },
    ),
    (
        42902,
        Advice {
            meaning: "The calls come too fast (spike arrest).",
            change: "Nothing on developer.telenor.no: wait a moment, and spread the calls.",
        },
    ),
    (
        50001,
        Advice {
            meaning: "An internal error of the gateway.",
            change: "Nothing on developer.telenor.no: try again later, and ask at /support there if it persists.",
        },
    ),
    (
        50002,
        Advice {
            meaning: "The acr could not be validated; that is probably the pseudonym that stands for the line.",
            change: "Nothing on developer.telenor.no: run this again, if need be with another line, and ask at /support there if it persists.",
        },
    ),
    (
        50003,
        Advice {
            meaning: "The subscription could not be validated.",
            change: "Nothing on developer.telenor.no: the phone has to be on, with a valid SIM. Try another line, and ask at /support there if it persists.",
        },
    ),
    (
        500_100,
        Advice {
            meaning: "An internal error of the system behind the gateway.",
            change: "Nothing on developer.telenor.no: try again later, and ask at /support there if it persists.",
        },
    ),
];
