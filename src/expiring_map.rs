//! A map whose entries last for a stated time.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
};

/// Forgets each entry when its time is up. A key counts once, however often it is inserted.
pub(crate) struct ExpiringMap<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// The keys by the order in which they were inserted.
    order: BTreeMap<u64, K>,
    next: u64,
    /// In the unit of the times that the callers pass, which is seconds for most.
    ttl: u64,
}

struct Entry<V> {
    value: V,
    inserted_at: u64,
    number: u64,
}

impl<V> Entry<V> {
    /// An entry from a future as far away counts as expired: the clock was set back, and what the
    /// entry is about is refused for the same reason.
    fn is_live(&self, now: u64, ttl: u64) -> bool {
        self.inserted_at.abs_diff(now) < ttl
    }
}

impl<K: Copy + Eq + Hash, V> ExpiringMap<K, V> {
    pub(crate) fn new(ttl: u64) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            next: 0,
            ttl,
        }
    }

    /// Puts an entry in the place of the one that the key had.
    pub(crate) fn insert(&mut self, key: K, value: V, now: u64) {
        self.remove(&key);
        let number = self.next;
        self.next += 1;
        self.order.insert(number, key);
        let entry = Entry {
            value,
            inserted_at: now,
            number,
        };
        self.entries.insert(key, entry);
    }

    /// The same, where the oldest entries make room beyond this number.
    pub(crate) fn insert_bounded(&mut self, key: K, value: V, now: u64, capacity: usize) {
        self.insert(key, value, now);
        while self.len() > capacity {
            self.remove_oldest();
        }
    }

    /// The entry of this key, until its time is up.
    pub(crate) fn get(&self, key: &K, now: u64) -> Option<&V> {
        let entry = self.entries.get(key)?;
        entry.is_live(now, self.ttl).then_some(&entry.value)
    }

    pub(crate) fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.order.remove(&entry.number);
        }
    }

    /// Keeps the entries for which `keep` holds.
    #[cfg(feature = "cached")]
    pub(crate) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        self.entries.retain(|_, entry| keep(&entry.value));
        self.order.retain(|_, key| self.entries.contains_key(key));
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.order.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn remove_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.entries.remove(&key);
        }
    }

    /// Removes the entries whose time is up.
    pub(crate) fn sweep(&mut self, now: u64) {
        while let Some((_, key)) = self.order.first_key_value()
            && !self.entries[key].is_live(now, self.ttl)
        {
            self.remove_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_forgotten_when_its_time_is_up() {
        let mut map = ExpiringMap::new(60);
        map.insert("a", 1, 1_000);
        map.insert("b", 2, 1_030);
        map.sweep(1_059);
        assert_eq!(map.get(&"a", 1_059), Some(&1));
        map.sweep(1_060);
        assert_eq!(
            (map.get(&"a", 1_060), map.get(&"b", 1_060)),
            (None, Some(&2))
        );
    }

    #[test]
    fn key_counts_once_and_lasts_from_the_last_insert() {
        let mut map = ExpiringMap::new(60);
        for number in 0..100_000 {
            map.insert("a", number, 1_000);
        }
        map.insert("a", 7, 1_030);
        assert_eq!((map.len(), map.order.len()), (1, 1));
        map.sweep(1_089);
        assert_eq!(map.get(&"a", 1_089), Some(&7));
    }

    #[test]
    fn entry_from_a_far_future_is_forgotten() {
        let mut map = ExpiringMap::new(60);
        map.insert("a", 1, 1_000_000);
        map.sweep(1_000);
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn oldest_makes_room() {
        let mut map = ExpiringMap::new(60);
        for key in ["a", "b", "a"] {
            map.insert(key, (), 1_000);
        }
        map.insert_bounded("c", (), 1_000, 2);
        assert_eq!(
            ["a", "b", "c"].map(|key| map.get(&key, 1_000).is_some()),
            [true, false, true]
        );
    }

    /// After the clock was set back, an entry may be older than one that was inserted before it.
    #[test]
    fn entry_behind_a_younger_one_ends_in_time() {
        let mut map = ExpiringMap::new(60);
        map.insert("a", 1, 1_000);
        map.insert("b", 2, 960);
        map.sweep(1_020);
        assert_eq!(
            (map.get(&"a", 1_020), map.get(&"b", 1_020)),
            (Some(&1), None)
        );
    }
}
