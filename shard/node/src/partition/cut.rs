//! A checkpoint of a partition on its way into the log: the replica, then the rows kept for subscribers.
//!
//! Invariant: rows that are kept never change, so holding them is a view of them.

use std::collections::VecDeque;
use std::rc::Rc;

use cep_engine::replica::Replica;
use cep_types::StreamId;
use cep_types::codec::Writer;

use super::outputs::{Kept, encode_kept};

/// What is left of a checkpoint to be written.
#[derive(Default)]
pub(crate) struct Cut {
    head: Vec<u8>,
    replica_is_done: bool,
    pieces: VecDeque<Piece>,
}

/// A part of it.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Kept(StreamId, Rc<Kept>),
}

impl Cut {
    /// Of a replica that has begun its own, between these.
    pub(super) fn new(head: Vec<u8>, pieces: VecDeque<Piece>) -> Self {
        Cut { head, replica_is_done: false, pieces }
    }

    /// Appends about `bytes` more bytes; true when that was all.
    pub(super) fn go_on(&mut self, replica: &mut Replica, bytes: usize, out: &mut Vec<u8>) -> bool {
        let until = out.len() + bytes.max(1);
        out.append(&mut self.head);
        if !self.replica_is_done {
            self.replica_is_done = replica.cut_next(out, until);
        }
        while self.replica_is_done && out.len() < until {
            match self.pieces.pop_front() {
                Some(Piece::Bytes(mut bytes)) => out.append(&mut bytes),
                Some(Piece::Kept(stream, kept)) => {
                    let mut writer = Writer { bytes: std::mem::take(out) };
                    encode_kept(stream, &kept, &mut writer);
                    *out = writer.bytes;
                }
                None => return true,
            }
        }
        false
    }
}
