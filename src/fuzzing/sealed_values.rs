//! Sealed values: what browsers and stores bring back.

use super::app::{keys, unused_keys};
use crate::key::{CookieKeys, Purpose, Sealer};

const PURPOSES: [Purpose; 6] = [
    Purpose::LogoutForm,
    Purpose::LoopDetector,
    Purpose::PendingLogin,
    Purpose::Session,
    Purpose::SharedOutcome,
    Purpose::StartTicket,
];
const NAMES: [&str; 3] = ["session", "__Host-telenor-login-abc", ""];

thread_local! {
    static SEALERS: Vec<Sealer> = sealers(&keys());
    static UNUSED: Vec<Sealer> = sealers(&unused_keys());
}

/// One for each purpose, in each of two apps.
fn sealers(keys: &CookieKeys) -> Vec<Sealer> {
    let contexts = [&b"shop"[..], b"other shop"].into_iter();
    contexts
        .flat_map(|context| PURPOSES.map(|purpose| keys.sealer(purpose, context)))
        .collect()
}

/// What was not sealed never opens. What was sealed opens as what it was, under its own purpose,
/// app and name, and never when it was altered.
///
/// The input is tried as a sealed value. Then its first five bytes say what is sealed for, and
/// where that is altered. The rest is the value.
pub fn sealed_values(data: &[u8]) {
    UNUSED.with(|sealers| {
        for sealer in sealers {
            for name in NAMES {
                assert!(!opens(sealer, name, data), "{data:?}");
            }
        }
    });
    if let Some((choice, value)) = data.split_first_chunk() {
        SEALERS.with(|sealers| check(sealers, *choice, value));
    }
}

/// Every value can be read as this type, so only the seal decides.
fn opens(sealer: &Sealer, name: &str, sealed: &[u8]) -> bool {
    sealer.open::<()>(name, sealed).is_some()
}

fn check(sealers: &[Sealer], [chosen, kind, high, low, by]: [u8; 5], value: &[u8]) {
    let own = usize::from(chosen) % sealers.len();
    let name = NAMES[usize::from(kind) % NAMES.len()];
    let sealed = sealers[own].seal(name, &value.to_vec()).into_bytes();
    let opened: Option<Vec<u8>> = sealers[own].open(name, &sealed);
    assert_eq!(opened.as_deref(), Some(value));

    for (at, sealer) in sealers.iter().enumerate() {
        for other in NAMES {
            let is_own = (at, other) == (own, name);
            assert_eq!(opens(sealer, other, &sealed), is_own, "{at} {other}");
        }
    }

    let place = usize::from(u16::from_be_bytes([high, low])) % (sealed.len() + 1);
    let mut altered = sealed.clone();
    match kind % 4 {
        0 => altered.truncate(place),
        1 => altered.insert(place, by),
        2 => altered.extend_from_slice(value),
        _ => {
            if let Some(byte) = altered.get_mut(place) {
                *byte = by;
            }
        }
    }
    assert_eq!(opens(&sealers[own], name, &altered), altered == sealed);
}
