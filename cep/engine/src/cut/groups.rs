//! A store of numbered groups that is being written.

use crate::codec::Writer;

/// How far the groups of a store are written, and what they were before they changed.
///
/// Invariant: a group below `next` is written; of the others, one that has changed since the cut is in `saved`.
#[derive(Debug)]
pub struct GroupsCut {
    total: u32,
    next: u32,
    /// Per group: where it begins in `saved`, plus 1; 0 if it has not changed.
    places: Vec<u64>,
    /// Bytes of groups, each behind its length.
    saved: Writer,
}

impl GroupsCut {
    /// Of a store that has groups `0..total` now.
    pub fn new(total: usize) -> Self {
        // Zeroes that nobody looks at cost nothing.
        GroupsCut { total: total as u32, next: 0, places: vec![0; total], saved: Writer::default() }
    }

    /// Whether a group must be saved before it changes.
    #[inline]
    pub fn wants(&self, group: u32) -> bool {
        group >= self.next && group < self.total && self.places[group as usize] == 0
    }

    /// Writes a group aside that is [wanted](GroupsCut::wants) and about to change.
    pub fn save(&mut self, group: u32, encode: impl FnOnce(&mut Writer)) {
        let place = self.saved.bytes.len();
        self.saved.u32(0);
        encode(&mut self.saved);
        let len = (self.saved.bytes.len() - place - 4) as u32;
        self.saved.bytes[place..place + 4].copy_from_slice(&len.to_le_bytes());
        self.places[group as usize] = place as u64 + 1;
    }

    /// Writes groups until `out` has `until` bytes; true when all are written.
    pub fn go_on(
        &mut self,
        out: &mut Writer,
        until: usize,
        mut encode: impl FnMut(u32, &mut Writer),
    ) -> bool {
        while self.next < self.total && out.bytes.len() < until {
            match self.places[self.next as usize] {
                0 => encode(self.next, out),
                place => {
                    let from = place as usize - 1 + 4;
                    let len = self.saved.bytes[from - 4..from].try_into().expect("four bytes");
                    let to = from + u32::from_le_bytes(len) as usize;
                    out.bytes.extend_from_slice(&self.saved.bytes[from..to]);
                }
            }
            self.next += 1;
        }
        self.next == self.total
    }
}
