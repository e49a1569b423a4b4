//! The entries of a lane in order, and what an answer does to them. No I/O and no clock.
//!
//! Invariants:
//! - Entries are sent from the front to the back. After one failed, nothing is sent until all that are
//!   under way are answered (*rewinding*); then sending begins again with the first that is left. So
//!   nothing overtakes, and what is under way is a prefix unless the queue is rewinding.
//! - An entry leaves the queue when it is answered for good, or given up and not under way.
//! - Rows get other numbers only after a `SequenceGap`, when all entries of the producer before them are
//!   settled.

use std::collections::VecDeque;
use std::sync::Arc;

use cep_types::ProducerId;
use net_wire::{Reason, RequestId, Window};
use tokio::time::Instant;

use super::entry::{Entry, Place};
use crate::append::receipt::{PartRun, RowOutcome};
use crate::error::ClientError;
use crate::refusal::Refusal;

/// What came of a try.
pub(super) enum Answer {
    /// The server's word on each row.
    Rows(Vec<PartRun>),
    /// No row was taken.
    Refused(Refusal),
    /// No answer will come.
    Lost(ClientError),
}

/// What an answer means for the lane.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// An append is through.
    Progress,
    /// Try again later, for this reason.
    Retry(Refusal),
    /// The connection is gone.
    Lost,
    /// Nothing else.
    Settled,
}

/// The entries of a lane.
#[derive(Default)]
pub(super) struct Queue {
    entries: VecDeque<Entry>,
    /// Rows and bytes under way.
    size_under_way: Window,
    count_under_way: usize,
    is_rewinding: bool,
}

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        self.entries.push_back(entry);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn size_under_way(&self) -> Window {
        self.size_under_way
    }

    pub(super) fn has_under_way(&self) -> bool {
        self.count_under_way > 0
    }

    /// When the oldest entry that is under way was sent.
    pub(super) fn oldest_sent(&self) -> Option<Instant> {
        self.entries.iter().find_map(|entry| match entry.place {
            Place::UnderWay { since, .. } => Some(since),
            Place::Waiting => None,
        })
    }

    /// The nearest deadline.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.entries.iter().filter(|entry| !entry.is_given_up()).map(|entry| entry.deadline).min()
    }

    /// The next entry to send; `None` while rewinding, when all are under way, and while rows of the
    /// same producer with older numbers are not settled.
    pub(super) fn next(&mut self) -> Option<&mut Entry> {
        if self.is_rewinding {
            if self.has_under_way() {
                return None;
            }
            self.is_rewinding = false;
        }
        let at = self.count_under_way;
        if self.waits_for_older(at) {
            return None;
        }
        self.entries.get_mut(at)
    }

    /// Whether rows before `at` still have numbers of a producer that was replaced since.
    fn waits_for_older(&self, at: usize) -> bool {
        let Some((entry, numbers)) = self.entries.get(at).and_then(|it| Some((it, it.part.numbers()?)))
        else {
            return false;
        };
        let numbering = numbers.now(entry.part.partition);
        let is_new = entry.numbered.is_none_or(|(producer, _)| producer == numbering.producer);
        let is_older = |before: &Entry| {
            before.part.numbers().is_some_and(|of| Arc::ptr_eq(of, numbers))
                && before.numbered.is_some_and(|(producer, _)| producer != numbering.producer)
        };
        numbering.is_renewed && is_new && self.entries.iter().take(at).any(is_older)
    }

    /// The entry that [`next`](Self::next) gave is sent.
    pub(super) fn sent(&mut self, request: RequestId, now: Instant) {
        let at = self.count_under_way;
        if let Some(entry) = self.entries.get_mut(at) {
            entry.place = Place::UnderWay { request, since: now };
            let Window { events, bytes } = entry.part.size();
            self.size_under_way.events += events;
            self.size_under_way.bytes += bytes;
            self.count_under_way += 1;
        }
    }

    /// The entry that [`next`](Self::next) gave can never be sent.
    pub(super) fn unsendable(&mut self, error: ClientError) {
        if let Some(mut entry) = self.entries.remove(self.count_under_way) {
            entry.fail(error);
            self.doubt(&entry);
        }
    }

    /// Takes what came of a try.
    pub(super) fn answer(&mut self, request: RequestId, answer: Answer) -> Effect {
        let is_it =
            |entry: &Entry| matches!(entry.place, Place::UnderWay { request: of, .. } if of == request);
        let Some(at) = self.entries.iter().position(is_it) else {
            return Effect::Settled;
        };
        let size = self.entries[at].part.size();
        self.size_under_way.events -= size.events;
        self.size_under_way.bytes -= size.bytes;
        self.count_under_way -= 1;
        self.entries[at].place = Place::Waiting;
        match answer {
            Answer::Rows(runs) => self.take_rows(at, runs),
            Answer::Refused(refusal) if refusal.is_retried() => {
                self.retry(at, refusal.to_string());
                Effect::Retry(refusal)
            }
            Answer::Refused(refusal) => {
                self.settle(at, |entry| entry.fail(ClientError::Server(refusal.into())), true);
                Effect::Settled
            }
            Answer::Lost(error) => {
                self.entries[at].is_unknown = true;
                self.retry(at, error.to_string());
                Effect::Lost
            }
        }
    }

    fn take_rows(&mut self, at: usize, runs: Vec<PartRun>) -> Effect {
        let is_gap =
            |run: &PartRun| matches!(run.outcome, RowOutcome::Rejected { reason: Reason::SequenceGap, .. });
        let numbered = self.entries[at].numbered;
        if let Some(numbered) = numbered
            && runs.iter().all(is_gap)
        {
            return self.take_gap(at, numbered, runs);
        }
        let entry = &self.entries[at];
        let is_applied = runs.iter().any(|run| run.outcome.is_applied());
        let is_rejected = runs.iter().any(|run| matches!(run.outcome, RowOutcome::Rejected { .. }));
        if let (Some(numbers), Some(numbered), true) = (entry.part.numbers(), numbered, is_applied) {
            numbers.confirm(entry.part.partition, numbered);
        }
        self.settle(at, |entry| entry.finish(runs), is_rejected);
        Effect::Progress
    }

    /// The server misses rows before these.
    fn take_gap(&mut self, at: usize, numbered: (ProducerId, u64), runs: Vec<PartRun>) -> Effect {
        let entry = &self.entries[at];
        let Some(numbers) = entry.part.numbers() else {
            return Effect::Settled;
        };
        let same = |before: &Entry| before.part.numbers().is_some_and(|of| Arc::ptr_eq(of, numbers));
        let same_numbers = |before: &Entry| {
            same(before) && before.numbered.is_some_and(|(producer, _)| producer == numbered.0)
        };
        if self.entries.iter().take(at).any(same_numbers) {
            // They are sent again before it.
            self.retry(at, "rows before these were not taken".to_owned());
            return Effect::Settled;
        }
        if numbers.renew(entry.part.partition, numbered) {
            // Not applied, and never will be under these numbers.
            let entry = &mut self.entries[at];
            entry.numbered = None;
            entry.is_unknown = false;
            self.retry(at, "rows before these were refused".to_owned());
        } else {
            self.settle(at, |entry| entry.finish(runs), false);
        }
        self.is_rewinding |= self.has_under_way();
        Effect::Settled
    }

    /// Sends it again when all that are under way are answered, unless it was given up.
    fn retry(&mut self, at: usize, why: String) {
        self.is_rewinding = true;
        let entry = &mut self.entries[at];
        entry.last = Some(why);
        if entry.is_given_up()
            && let Some(entry) = self.entries.remove(at)
        {
            self.doubt(&entry);
        }
    }

    /// It is answered for good. `is_doubtful`: its numbers may not count as used.
    fn settle(&mut self, at: usize, end: impl FnOnce(&mut Entry), is_doubtful: bool) {
        let Some(mut entry) = self.entries.remove(at) else {
            return;
        };
        end(&mut entry);
        if is_doubtful && entry.numbered.is_some() {
            self.doubt(&entry);
            self.is_rewinding |= self.has_under_way();
        }
    }

    fn doubt(&self, entry: &Entry) {
        if let (Some(numbers), Some(numbered)) = (entry.part.numbers(), entry.numbered) {
            numbers.doubt(entry.part.partition, numbered);
        }
    }

    /// Gives up what has passed its deadline.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut at = 0;
        while at < self.entries.len() {
            let entry = &mut self.entries[at];
            if entry.deadline > now || entry.is_given_up() {
                at += 1;
                continue;
            }
            entry.expire();
            if entry.is_under_way() {
                // Its answer is still waited for, so that the credits are right.
                at += 1;
            } else if let Some(entry) = self.entries.remove(at) {
                self.doubt(&entry);
            }
        }
    }

    /// Notes what keeps everything waiting.
    pub(super) fn held_up(&mut self, why: &str) {
        for entry in self.entries.iter_mut().filter(|entry| !entry.is_under_way()) {
            entry.last = Some(why.to_owned());
        }
    }

    /// Fails everything that waits.
    pub(super) fn fail_waiting(&mut self, error: &ClientError) {
        let mut at = 0;
        while at < self.entries.len() {
            if self.entries[at].is_under_way() {
                at += 1;
            } else if let Some(mut entry) = self.entries.remove(at) {
                entry.fail(error.clone());
                self.doubt(&entry);
            }
        }
    }
}
