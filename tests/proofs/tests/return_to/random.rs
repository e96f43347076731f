//! Random numbers that are the same in each run, so that a failure can be repeated.

use std::fmt;

/// SplitMix64. A crate for it would cost more than these lines.
pub struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    /// Starts from the seed in the environment, or else from this one.
    pub fn new(seed: u64) -> Self {
        let seed = number("SEED").unwrap_or(seed);
        Self { seed, state: seed }
    }

    /// Returns a number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }

    /// Returns true once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// Returns that many characters of an alphabet of ASCII.
    pub fn text(&mut self, alphabet: &str, len: usize) -> String {
        let byte = |_| alphabet.as_bytes()[self.below(alphabet.len())] as char;
        (0..len).map(byte).collect()
    }
}

impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SEED={}", self.seed)
    }
}

/// How many cases to generate.
pub fn cases() -> usize {
    number("CASES").map_or(500, |cases| cases as usize)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("SEED and CASES are whole numbers"))
}
