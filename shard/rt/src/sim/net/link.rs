//! One connection: two directions of segments, and how it ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::id::NodeId;
use crate::sync::Notify;

/// An end of a connection: 0 dialled, 1 accepted.
pub(crate) type End = usize;

pub(crate) struct Connection {
    pub(crate) nodes: [NodeId; 2],
    pub(crate) addresses: [SocketAddr; 2],
    pub(crate) state: RefCell<Links>,
    /// Rung at every change that somebody may wait for.
    pub(crate) changed: Notify,
}

#[derive(Default)]
pub(crate) struct Links {
    /// By the end that writes.
    pub(crate) pipes: [Pipe; 2],
    /// From when on an end finds the connection reset.
    pub(crate) reset_at_ns: [Option<u64>; 2],
    /// From when on an end's writes meet a closed peer.
    pub(crate) peer_closed_at_ns: [Option<u64>; 2],
    /// The end's machine lost power: it answers nothing.
    pub(crate) dead: [bool; 2],
}

#[derive(Default)]
pub(crate) struct Pipe {
    segments: VecDeque<Segment>,
    queued_bytes: usize,
    last_at_ns: u64,
    /// When the end of the stream arrives.
    finished_at_ns: Option<u64>,
    finish_arrived: bool,
}

struct Segment {
    at_ns: u64,
    bytes: Bytes,
    arrived: bool,
}

impl Pipe {
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Sends; never overtakes what was sent before.
    pub(crate) fn push(&mut self, at_ns: u64, bytes: Bytes) {
        self.last_at_ns = self.last_at_ns.max(at_ns);
        self.queued_bytes += bytes.len();
        self.segments.push_back(Segment { at_ns: self.last_at_ns, bytes, arrived: false });
    }

    pub(crate) fn finish(&mut self, at_ns: u64) {
        self.last_at_ns = self.last_at_ns.max(at_ns);
        self.finished_at_ns.get_or_insert(self.last_at_ns);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished_at_ns.is_some()
    }

    /// Marks what has arrived; call it whenever time has passed with the direction open.
    pub(crate) fn arrive(&mut self, now_ns: u64) {
        for segment in self.segments.iter_mut().filter(|segment| segment.at_ns <= now_ns) {
            segment.arrived = true;
        }
        self.finish_arrived |= self.finished_at_ns.is_some_and(|at| at <= now_ns);
    }

    /// Takes arrived bytes, at most `max`. `Some(empty)` is the end of the stream.
    pub(crate) fn take(&mut self, max: usize) -> Option<Bytes> {
        match self.segments.front_mut() {
            Some(segment) if segment.arrived => {
                let bytes = segment.bytes.split_to(max.min(segment.bytes.len()));
                if segment.bytes.is_empty() {
                    self.segments.pop_front();
                }
                self.queued_bytes -= bytes.len();
                Some(bytes)
            }
            None if self.finish_arrived => Some(Bytes::new()),
            _ => None,
        }
    }

    /// When the next thing arrives, if something is under way.
    pub(crate) fn next_at_ns(&self) -> Option<u64> {
        let segment = self.segments.iter().find(|segment| !segment.arrived).map(|segment| segment.at_ns);
        segment.or(self.finished_at_ns.filter(|_| !self.finish_arrived))
    }

    /// Nobody will read this.
    pub(crate) fn discard(&mut self) {
        self.segments.clear();
        self.queued_bytes = 0;
    }
}
