//! The hash of a run.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Hashes every event of a run in order.
#[derive(Default)]
pub(crate) struct Trace {
    hasher: SipHasher13,
    polls: u64,
}

impl Trace {
    pub(crate) fn poll(&mut self, now_ns: u64, shard: u64, slot: usize, name: &str) {
        self.polls += 1;
        self.hasher.write_u64(now_ns);
        self.hasher.write_u64(shard);
        self.hasher.write_u64(slot as u64);
        self.hasher.write(name.as_bytes());
    }

    pub(crate) fn mark(&mut self, now_ns: u64, what: &str, detail: u64) {
        self.hasher.write_u64(now_ns);
        self.hasher.write_u64(detail);
        self.hasher.write(what.as_bytes());
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hasher.finish()
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls
    }
}
