//! Checkpoints in slices: the bytes of one moment, written while the state goes on (R-CKP-1).
//!
//! A *cut* begins between two entries. What is small is written at once; a large store is frozen: from then on
//! it writes what it was at that moment, some of it at a time, and a part of it that is about to change is
//! written aside before it does. So no step waits for a checkpoint, and what a step pays is bounded by what it
//! changes. `groups` is the tool for stores of numbered groups, `contents` the one for windows and buckets.
//!
//! To cut an operator: say in `Operator::freeze` that more follows, give it in `Operator::cut_next`, and
//! call [`GroupsCut::save`] where a group changes. An operator that does not is written at once.
//!
//! Invariants: the bytes of a cut are those of `encode` at its moment; a cut under way is no state: it changes
//! neither output nor hash.

mod contents;
mod groups;

use std::collections::VecDeque;

pub use contents::ContentsCut;
pub use groups::GroupsCut;

/// Groups of an operator that are written at once, not worth a store of their own.
pub const GROUPS_AT_ONCE: usize = 4;

/// What is to be written, in order.
#[derive(Debug)]
pub enum Piece<T> {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What this store gives.
    Store(T),
}

/// Pieces on their way out.
#[derive(Debug)]
pub struct Pieces<T> {
    pieces: VecDeque<Piece<T>>,
}

impl<T> Default for Pieces<T> {
    fn default() -> Self {
        Pieces { pieces: VecDeque::new() }
    }
}

impl<T> Pieces<T> {
    /// These bytes are next, unless they are none.
    pub fn bytes(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            self.pieces.push_back(Piece::Bytes(bytes));
        }
    }

    /// This store is next.
    pub fn store(&mut self, store: T) {
        self.pieces.push_back(Piece::Store(store));
    }

    /// Appends pieces to `out` until it has `until` bytes, or none is left, which is told: true. `give` appends
    /// more of a store and tells whether that was all of it.
    pub fn go_on(
        &mut self,
        out: &mut Vec<u8>,
        until: usize,
        mut give: impl FnMut(&T, &mut Vec<u8>, usize) -> bool,
    ) -> bool {
        while out.len() < until {
            match self.pieces.front_mut() {
                None => return true,
                Some(Piece::Bytes(bytes)) => {
                    let room = until - out.len();
                    if bytes.len() <= room {
                        out.append(bytes);
                        self.pieces.pop_front();
                    } else {
                        let rest = bytes.split_off(room);
                        out.append(bytes);
                        *bytes = rest;
                    }
                }
                Some(Piece::Store(store)) => {
                    if give(store, out, until) {
                        self.pieces.pop_front();
                    }
                }
            }
        }
        self.pieces.is_empty()
    }
}
