//! Values that are random in the library, and that a model must be able to repeat.
//!
//! Each value is a new one. A model can have each value of 32 bytes twice, so that session tokens
//! collide.

use std::cell::Cell;

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
    static COLLIDE: Cell<bool> = const { Cell::new(false) };
}

/// Begins again with the first value, for the next order of events.
pub fn reset() {
    DRAWN.set(0);
    COLLIDE.set(false);
}

/// From now on, each value of 32 bytes comes twice.
pub fn collide() {
    COLLIDE.set(true);
}

pub fn random<T: Random>() -> T {
    T::random()
}

pub fn fill(bytes: &mut [u8]) {
    spell(next(), bytes);
}

pub trait Random {
    fn random() -> Self;
}

impl Random for [u8; 32] {
    fn random() -> Self {
        let mut bytes = [0; 32];
        let times = if COLLIDE.get() { 2 } else { 1 };
        spell(next() / times, &mut bytes);
        bytes
    }
}

impl Random for [u8; 16] {
    fn random() -> Self {
        let mut bytes = [0; 16];
        fill(&mut bytes);
        bytes
    }
}

fn next() -> u64 {
    DRAWN.replace(DRAWN.get() + 1)
}

fn spell(number: u64, bytes: &mut [u8]) {
    bytes[..8].copy_from_slice(&number.to_le_bytes());
}
