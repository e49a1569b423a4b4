//! Open addressing from keys to dense group numbers.

use super::{KeyRows, hash_bytes};

const EMPTY: u32 = u32::MAX;
const SLOTS_MIN: usize = 16;

/// Groups by key. Removal is by [`KeyTable::clear`] or by [`KeyTable::retain`].
#[derive(Debug, Clone)]
pub struct KeyTable {
    /// Per slot: upper 32 bits of the hash, group number.
    slots: Vec<(u32, u32)>,
    /// `64 − log2(slots.len())`.
    shift: u32,
    /// Per group: end of its key in `arena`.
    ends: Vec<usize>,
    hashes: Vec<u64>,
    arena: Vec<u8>,
}

impl Default for KeyTable {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyTable {
    /// No groups.
    pub fn new() -> Self {
        KeyTable {
            slots: vec![(0, EMPTY); SLOTS_MIN],
            shift: 64 - SLOTS_MIN.trailing_zeros(),
            ends: Vec::new(),
            hashes: Vec::new(),
            arena: Vec::new(),
        }
    }

    /// Makes room for so many groups in all, of so many bytes of keys.
    pub fn reserve(&mut self, groups: usize, key_bytes: usize) {
        self.ends.reserve(groups.saturating_sub(self.len()));
        self.hashes.reserve(groups.saturating_sub(self.len()));
        self.arena.reserve(key_bytes.saturating_sub(self.arena.len()));
        let size = (groups * 2).next_power_of_two();
        if size > self.slots.len() {
            self.resize(size);
        }
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no groups.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Heap bytes in use.
    pub fn bytes(&self) -> usize {
        self.slots.len() * 8 + self.ends.len() * 16 + self.arena.len()
    }

    /// Canonical bytes of group `group`'s key.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn key(&self, group: u32) -> &[u8] {
        let group = group as usize;
        let start = if group == 0 { 0 } else { self.ends[group - 1] };
        &self.arena[start..self.ends[group]]
    }

    /// The group of a key, if it has one.
    pub fn find(&self, key: &[u8]) -> Option<u32> {
        self.probe(key, hash_bytes(key)).ok()
    }

    /// The group of a key, made if there is none.
    #[inline]
    pub fn find_or_insert(&mut self, key: &[u8]) -> u32 {
        let hash = hash_bytes(key);
        match self.probe(key, hash) {
            Ok(group) => group,
            Err(slot) => self.insert(key, hash, slot),
        }
    }

    /// Groups of all rows of `keys`, written to `out`; rows that made a group are appended to
    /// `fresh`.
    pub fn find_or_insert_rows(&mut self, keys: &KeyRows<'_>, out: &mut Vec<u32>, fresh: &mut Vec<u32>) {
        out.clear();
        match keys {
            KeyRows::Text { offsets, bytes } => {
                let rows = offsets.windows(2).map(|w| &bytes[w[0] as usize..w[1] as usize]);
                self.find_or_insert_all(rows, out, fresh);
            }
            KeyRows::Encoded { offsets, bytes } => {
                let rows = offsets.windows(2).map(|w| &bytes[w[0]..w[1]]);
                self.find_or_insert_all(rows, out, fresh);
            }
        }
    }

    #[inline(always)]
    fn find_or_insert_all<'a>(
        &mut self,
        rows: impl Iterator<Item = &'a [u8]>,
        out: &mut Vec<u32>,
        fresh: &mut Vec<u32>,
    ) {
        for key in rows {
            let hash = hash_bytes(key);
            out.push(match self.probe(key, hash) {
                Ok(group) => group,
                Err(slot) => {
                    fresh.push(out.len() as u32);
                    self.insert(key, hash, slot)
                }
            });
        }
    }

    /// Removes all groups, keeping allocations.
    pub fn clear(&mut self) {
        if !self.ends.is_empty() {
            self.slots.fill((0, EMPTY));
        }
        self.ends.clear();
        self.hashes.clear();
        self.arena.clear();
    }

    /// Keeps the groups for which `keep` says so and renumbers them in order; returns the old
    /// numbers of those kept.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) -> Vec<u32> {
        let kept: Vec<u32> = (0..self.len() as u32).filter(|&g| keep(g)).collect();
        let keys: Vec<Vec<u8>> = kept.iter().map(|&g| self.key(g).to_vec()).collect();
        self.clear();
        for key in keys {
            self.find_or_insert(&key);
        }
        kept
    }

    #[inline]
    fn probe(&self, key: &[u8], hash: u64) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        let tag = hash as u32;
        let mut slot = (hash >> self.shift) as usize;
        loop {
            let (slot_tag, group) = self.slots[slot];
            if group == EMPTY {
                return Err(slot);
            }
            if slot_tag == tag && same(self.key(group), key) {
                return Ok(group);
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn insert(&mut self, key: &[u8], hash: u64, slot: usize) -> u32 {
        let group = u32::try_from(self.len()).expect("`state.keys.max` keeps groups below 2^32");
        self.arena.extend_from_slice(key);
        self.ends.push(self.arena.len());
        self.hashes.push(hash);
        self.slots[slot] = (hash as u32, group);
        if self.len() * 2 > self.slots.len() {
            self.grow();
        }
        group
    }

    fn grow(&mut self) {
        self.resize(self.slots.len() * 2);
    }

    fn resize(&mut self, size: usize) {
        self.slots.clear();
        self.slots.resize(size, (0, EMPTY));
        self.shift = 64 - size.trailing_zeros();
        for (group, &hash) in self.hashes.iter().enumerate() {
            let mut slot = (hash >> self.shift) as usize;
            while self.slots[slot].1 != EMPTY {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = (hash as u32, group as u32);
        }
    }
}

/// Byte equality; keys are short, so words beat a call to memcmp.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    let n = a.len();
    if n != b.len() {
        return false;
    }
    let word = |s: &[u8], at: usize| u64::from_le_bytes(s[at..at + 8].try_into().expect("eight bytes"));
    let half = |s: &[u8], at: usize| u32::from_le_bytes(s[at..at + 4].try_into().expect("four bytes"));
    match n {
        8..=16 => word(a, 0) == word(b, 0) && word(a, n - 8) == word(b, n - 8),
        4..=7 => half(a, 0) == half(b, 0) && half(a, n - 4) == half(b, n - 4),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_are_numbered_by_first_arrival_and_never_merge(
            keys in proptest::collection::vec(proptest::collection::vec(0u8..3, 0..20), 0..400),
            keep in 1u32..4,
        ) {
            let mut table = KeyTable::new();
            let mut reference: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
            for key in &keys {
                let next = reference.len() as u32;
                let expected = *reference.entry(key.clone()).or_insert(next);
                prop_assert_eq!(table.find_or_insert(key), expected);
            }
            for (key, group) in &reference {
                prop_assert_eq!(table.find(key), Some(*group));
                prop_assert_eq!(table.key(*group), key.as_slice());
            }
            let kept = table.retain(|g| g % keep == 0);
            for (new, old) in kept.iter().enumerate() {
                let key = reference.iter().find(|(_, g)| *g == old).map(|(k, _)| k.clone());
                prop_assert_eq!(Some(table.key(new as u32).to_vec()), key);
            }
            prop_assert_eq!(table.len(), kept.len());
        }
    }
}
