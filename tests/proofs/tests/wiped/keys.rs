//! Keys of a ring, and their text.

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_STANDARD};
use telenor_auth::{
    CookieKeys,
    session::{Session, SessionToken},
};

use super::{login::random_text, memory::Memory};

/// Raw keys, which the ring keeps, and their texts. HKDF makes another key of each (RFC 5869
/// section 2.2).
fn keys(memory: &mut Memory) -> Vec<Vec<u8>> {
    Memory::aside(|| {
        let salt = hmac::Key::new(hmac::HMAC_SHA256, b"telenor-auth");
        let mut key = || {
            let mut key = vec![0; 32];
            aws_lc_rs::rand::fill(&mut key).unwrap();
            memory.secret("raw key", &key);
            memory.secret("key of HKDF", hmac::sign(&salt, &key));
            memory.secret("text of a key", BASE64_STANDARD.encode(&key));
            memory.secret("hexadecimal text of a key", hex(&key));
            key
        };
        (0..9).map(|_| key()).collect()
    })
}

fn hex(key: &[u8]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Uses the keys once.
fn seal(keys: &CookieKeys) {
    let session = Session::new("token", std::time::SystemTime::now());
    let id = SessionToken::random().id();
    let sealed = session.seal(keys, id);
    assert!(Session::open(keys, id, &sealed).is_some());
}

/// S122.
#[test]
fn nothing_is_left_of_keys_and_their_text() {
    type Spelling = fn(&[u8]) -> String;
    let spellings: [Spelling; 2] = [|key| BASE64_STANDARD.encode(key), hex];
    for spelling in spellings {
        let mut memory = Memory::watch();
        let raw = keys(&mut memory);
        let texts = Memory::aside(|| raw.iter().map(|key| spelling(key)).collect::<Vec<_>>());
        let file = Memory::aside(|| {
            let file = std::env::temp_dir().join(format!("keys-{}", random_text(16)));
            std::fs::write(&file, texts[5..].join("\n")).unwrap();
            file
        });
        let mut kept = vec![
            CookieKeys::parse(Memory::aside(|| &*texts.join(",").leak())).unwrap(),
            CookieKeys::new(raw.iter().filter(|key| key[0] != 255)).unwrap(),
            CookieKeys::from_file(&file).unwrap(),
        ];
        let mut turn = 0;
        let source = {
            let texts = Memory::aside(|| texts.clone().leak());
            move || {
                turn += 1;
                Ok::<_, std::io::Error>(texts[turn % 2..].join(","))
            }
        };
        kept.push(CookieKeys::from_fn(source).unwrap());
        assert!(kept[3].reload().unwrap());
        kept.iter().for_each(seal);
        assert!(kept[3].reload().unwrap());
        kept.iter().for_each(seal);
        assert_eq!(memory.in_use(), ["raw key"].into());
        drop(kept);
        memory.stop();
        std::fs::remove_file(&file).unwrap();
        memory.assert_wiped();
    }
}

/// S122.
#[test]
fn nothing_is_left_of_a_text_that_is_no_key() {
    let mut memory = Memory::watch();
    let raw = keys(&mut memory);
    // All of it but the end can be decoded.
    let text = Memory::aside(|| {
        let mut text = BASE64_STANDARD.encode(&raw[0]);
        text.replace_range(40..41, "%");
        &*text.leak()
    });
    let read = || Ok::<_, std::io::Error>(text.to_owned());
    assert!(CookieKeys::from_fn(read).is_err());
    assert!(CookieKeys::parse(text).is_err());
    memory.stop();
    memory.assert_wiped();
}

/// S122.
#[test]
fn nothing_is_left_of_a_session() {
    for length in [28, 40, 41, 900] {
        let token = random_text(length);
        let mut memory = Memory::watch();
        memory.whole_secret("access token", token);
        let keys = CookieKeys::random();
        let id = SessionToken::random().id();
        let session = Session::new(token, std::time::SystemTime::now());
        let sealed = session.seal(&keys, id);
        let opened = Session::open(&keys, id, &sealed).unwrap();
        let copy = opened.access_token().clone();
        assert_eq!(memory.in_use(), ["access token"].into());
        drop((session, opened, copy));
        assert_eq!(memory.in_use(), [].into());
        memory.stop();
        memory.assert_wiped();
    }
}
