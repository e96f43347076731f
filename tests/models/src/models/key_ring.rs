//! The key ring: readers while the keys change.

use std::{convert::Infallible, sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use shuttle::{future::block_on, thread};

use crate::{
    digest::sha256,
    explore::{Model, Search},
    key::{CookieKeys, Purpose, Sealer},
    sync::{Mutex, lock},
};

models! {
    "key_ring":
    what_a_listed_key_sealed_opens, Search::Some(50_000);
    each_instance_opens_what_the_other_seals, Search::Some(50_000);
    ring_is_the_old_or_the_new_as_a_whole, Search::Every;
    new_key_seals_as_soon_as_the_reload_returns, Search::Some(50_000);
    later_read_of_the_source_stands, Search::Every;
    failed_read_does_not_outlive_a_good_one, Search::Every;
    sealer_never_keeps_old_keys, Search::Every;
    follower_ends_with_the_ring, Search::Some(50_000);
}

/// The text of a ring.
fn text(seeds: &[u8]) -> String {
    let key = |seed: &u8| BASE64_STANDARD.encode(sha256(&[&[*seed]]));
    seeds.iter().map(key).collect::<Vec<_>>().join(",")
}

/// A place that keys are read from.
#[derive(Clone)]
struct Vault(Arc<Mutex<String>>);

impl Vault {
    fn of(seeds: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(text(seeds))))
    }

    fn hold(&self, seeds: &[u8]) {
        *lock(&self.0) = text(seeds);
    }

    fn keys(&self) -> CookieKeys {
        let vault = self.clone();
        CookieKeys::from_fn(move || Ok::<_, Infallible>(lock(&vault.0).clone())).unwrap()
    }
}

fn sealer(keys: &CookieKeys) -> Sealer {
    keys.sealer(Purpose::Session, b"shop")
}

fn fixed(seed: u8) -> Sealer {
    sealer(&CookieKeys::parse(&text(&[seed])).unwrap())
}

fn opens(sealer: &Sealer, sealed: &str) -> bool {
    sealer.open::<u8>("name", sealed.as_bytes()) == Some(7)
}

/// Both keys are listed all the time, in changing order.
/// S71.
fn what_a_listed_key_sealed_opens() {
    let vault = Vault::of(&[1, 2]);
    let keys = vault.keys();
    let shared = sealer(&keys);
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                let sealed = shared.seal("name", &7_u8);
                assert!(opens(&shared, &sealed));
                assert!(opens(&sealer(&keys), &sealed));
            });
        }
        for ring in [[2, 1], [1, 2]] {
            vault.hold(&ring);
            assert_eq!(keys.reload(), Ok(true));
        }
    });
}

/// The steps of a rotation, each of which reaches both instances before the next one. The last step
/// comes when nothing is left that the old key sealed.
/// S71.
fn each_instance_opens_what_the_other_seals() {
    let vault = Vault::of(&[1]);
    let instances = [vault.keys(), vault.keys()];
    let sealers = [sealer(&instances[0]), sealer(&instances[1])];
    for ring in [&[1, 2][..], &[2, 1], &[2]] {
        let left = sealers[0].seal("name", &7_u8);
        let old_is_in_use = ring.len() > 1;
        vault.hold(ring);
        thread::scope(|threads| {
            for (at, instance) in instances.iter().enumerate() {
                threads.spawn(move || assert!(instance.reload().is_ok(), "{at}"));
            }
            if old_is_in_use {
                let [one, other] = &sealers;
                threads.spawn(|| assert!(opens(other, &one.seal("name", &7_u8))));
                assert!(opens(one, &other.seal("name", &7_u8)));
            }
        });
        let opened = sealers.iter().filter(|sealer| opens(sealer, &left)).count();
        assert!(opened == 2 || !old_is_in_use);
    }
}

/// A reader that mixed them would look for sessions under ids that never were.
fn ring_is_the_old_or_the_new_as_a_whole() {
    let vault = Vault::of(&[1, 2]);
    let hashes = |seeds: &[u8]| {
        let keys = CookieKeys::parse(&text(seeds)).unwrap();
        keys.keyed_hashes(b"purpose", b"text")
    };
    let whole = [hashes(&[1, 2]), hashes(&[3, 4, 5])];
    let keys = vault.keys();
    vault.hold(&[3, 4, 5]);
    thread::scope(|threads| {
        threads.spawn(|| assert_eq!(keys.reload(), Ok(true)));
        threads.spawn(|| {
            let read = [(); 2].map(|()| keys.keyed_hashes(b"purpose", b"text"));
            let at = read.map(|read| whole.iter().position(|whole| *whole == read));
            assert!(at[0].is_some() && at[1] >= at[0], "{at:?}");
        });
    });
}

/// A stolen key that was taken out seals nothing more, and opens nothing.
/// S71.
fn new_key_seals_as_soon_as_the_reload_returns() {
    let vault = Vault::of(&[1]);
    let keys = vault.keys();
    let (shared, old) = (sealer(&keys), fixed(1).seal("name", &7_u8));
    vault.hold(&[2]);
    thread::scope(|threads| {
        threads.spawn(|| {
            let sealed = shared.seal("name", &7_u8);
            assert!(opens(&fixed(1), &sealed) || opens(&fixed(2), &sealed));
        });
        threads.spawn(|| opens(&shared, &old));
        let changed = keys.reload();
        assert_eq!(changed, Ok(true));
        assert!(opens(&fixed(2), &shared.seal("name", &7_u8)));
        assert!(!opens(&shared, &old));
    });
    assert!(opens(&fixed(2), &shared.seal("name", &7_u8)));
}

/// A source whose reads are numbered, and two reloads at once, as by the follower and the app.
fn reload_twice(source: fn(u8) -> Result<String, &'static str>) -> CookieKeys {
    let reads = Mutex::new(0);
    let numbered = move || {
        let read = {
            let mut reads = lock(&reads);
            *reads += 1;
            *reads
        };
        source(read)
    };
    let keys = CookieKeys::from_fn(numbered).unwrap();
    thread::scope(|threads| {
        threads.spawn(|| keys.reload());
        threads.spawn(|| keys.reload());
    });
    keys
}

fn later_read_of_the_source_stands() {
    let keys = reload_twice(|read| Ok(text(&[read])));
    assert!(opens(&fixed(3), &sealer(&keys).seal("name", &7_u8)));
}

fn failed_read_does_not_outlive_a_good_one() {
    let keys = reload_twice(|read| match read {
        2 => Err("the vault is sealed"),
        _ => Ok(text(&[read])),
    });
    assert!(opens(&fixed(3), &sealer(&keys).seal("name", &7_u8)));
    assert!(keys.is_current(), "the last read succeeded");
}

/// The keys change while a sealer derives its own from them.
/// S71.
fn sealer_never_keeps_old_keys() {
    let vault = Vault::of(&[1]);
    let keys = vault.keys();
    vault.hold(&[2]);
    let made = thread::scope(|threads| {
        threads.spawn(|| keys.reload());
        let made = threads.spawn(|| {
            let made = sealer(&keys);
            made.seal("name", &7_u8);
            made
        });
        made.join().unwrap()
    });
    assert!(opens(&fixed(2), &made.seal("name", &7_u8)));
}

/// In each order of its reloads and the end of the last user.
fn follower_ends_with_the_ring() {
    let vault = Vault::of(&[1]);
    let keys = vault.keys();
    let shared = sealer(&keys);
    let every = Duration::from_secs(10);
    let follower = shuttle::future::spawn(keys.follow(every));
    vault.hold(&[2, 1]);
    let user = thread::spawn(move || {
        let sealed = shared.seal("name", &7_u8);
        assert!(opens(&shared, &sealed));
    });
    let app = thread::spawn(move || {
        tokio::time::pass(every);
        drop(keys);
    });
    user.join().unwrap();
    app.join().unwrap();
    block_on(follower).unwrap();
}
