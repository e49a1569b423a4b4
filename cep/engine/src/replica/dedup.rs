//! Which rows are new (R-IDEM-1).
//!
//! Producers number their rows densely: of each, only the number of the next row is kept. Opaque ids
//! are kept one by one. Both may be forgotten once no retry of theirs can come any more, which is
//! after the retry window; retries from before it are refused without a look.
//!
//! Invariants:
//! - A row is new once. Nothing is forgotten within the retry window: a full table refuses new
//!   producers and new ids instead.
//! - A producer's rows are taken without gaps, in order, from 0 on.
//! - What is decided is a function of the entries before: stamps are the only clock.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use cep_types::codec::{DecodeError, Reader, Result, Writer};
use cep_types::log::{Config, PartHead, PartIds};
use cep_types::{EventId, ProducerId};

const SECOND_NS: i64 = 1_000_000_000;
/// How far the clock of a client may be ahead of the server's, ns.
pub const CLOCK_SKEW_NS_MAX: i64 = 5 * 60 * SECOND_NS;

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DedupLimits {
    /// Producers, of live rows and of replays each.
    pub producers_max: usize,
    /// Opaque ids, of both.
    pub ids_max: usize,
    /// Rows first sent longer ago are refused, ns.
    pub retry_window_ns: i64,
    /// How far the clocks of clients may be ahead, ns: rows first sent later than that are refused, and what
    /// has been here is remembered for so much longer.
    pub skew_ns: i64,
}

impl Default for DedupLimits {
    fn default() -> Self {
        Self {
            producers_max: 65_536,
            ids_max: 1_000_000,
            retry_window_ns: 30 * 60 * SECOND_NS,
            skew_ns: CLOCK_SKEW_NS_MAX,
        }
    }
}

impl DedupLimits {
    /// These, where a config does not say otherwise.
    pub fn with(self, config: &Config) -> Self {
        let ids_max = usize::try_from(config.ids_max).unwrap_or(usize::MAX);
        DedupLimits { ids_max, retry_window_ns: config.retry_window_ns, ..self }
    }
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It has not been here before.
    New,
    /// It has.
    Duplicate,
    /// Rows of its producer before it have not been here: send those first.
    Gap,
    /// There is no place to remember it; come again later.
    Full,
    /// It was first sent before the retry window, or says that it will be: it cannot be told whether it is
    /// new.
    Expired,
    /// No definition takes it: it is not remembered.
    NoReader,
}

/// A run of rows with one verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdicts {
    /// Rows.
    pub rows: u32,
    /// What becomes of them.
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Producer {
    /// Number of its next row.
    next: u64,
    /// Stamp of its latest rows.
    seen: i64,
}

/// What has been here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dedup {
    limits: DedupLimits,
    /// By whether they replay, and number.
    producers: BTreeMap<(bool, ProducerId), Producer>,
    ids: BTreeSet<(bool, EventId)>,
    /// The ids by stamp, in order of arrival.
    by_stamp: VecDeque<(i64, bool, EventId)>,
    /// Before this stamp no producer can be forgotten.
    sweep_at: i64,
    /// Rows first sent before this are refused, whatever the window says now: what was here then may be
    /// forgotten.
    forgotten_ns: i64,
    /// A checkpoint that the ids are being written for.
    cut: Option<IdsCut>,
}

/// How far the ids are written: they come behind, and go in front.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct IdsCut {
    /// Ids that are yet to be written, from `at` on in `by_stamp`.
    left: usize,
    at: usize,
    /// Bytes of ids that went before they were written.
    gone: Vec<u8>,
}

impl Dedup {
    /// Nothing has been here.
    pub fn new(limits: DedupLimits) -> Self {
        Dedup {
            limits,
            producers: BTreeMap::new(),
            ids: BTreeSet::new(),
            by_stamp: VecDeque::new(),
            sweep_at: i64::MIN,
            forgotten_ns: i64::MIN,
            cut: None,
        }
    }

    /// Goes by other limits from this stamp on. Within a longer window rows that were sent before it was
    /// set are still refused; beyond a smaller capacity nothing is forgotten, and nothing new taken.
    pub fn set_limits(&mut self, limits: DedupLimits, stamp_ns: i64) {
        self.forgotten_ns = self.horizon(stamp_ns);
        self.limits = limits;
        self.sweep_at = i64::MIN;
    }

    /// What it goes by.
    pub fn limits(&self) -> DedupLimits {
        self.limits
    }

    /// When rows were first sent at the earliest that can still be told from new ones, ns; for the state.
    pub(crate) fn forgotten_ns(&self) -> i64 {
        self.forgotten_ns
    }

    /// Goes by what was set before a checkpoint.
    pub(crate) fn restore_limits(&mut self, limits: DedupLimits, forgotten_ns: i64) {
        (self.limits, self.forgotten_ns) = (limits, forgotten_ns);
    }

    /// Rows first sent before this are refused.
    fn horizon(&self, stamp_ns: i64) -> i64 {
        stamp_ns.saturating_sub(self.limits.retry_window_ns).max(self.forgotten_ns)
    }

    /// Judges the rows of an append, in order, and remembers those that are new.
    pub fn judge(&mut self, head: &PartHead, stamp_ns: i64, out: &mut Vec<Verdicts>) {
        out.clear();
        let horizon = self.horizon(stamp_ns);
        let ahead = stamp_ns.saturating_add(self.limits.skew_ns);
        if head.first_sent.0 < horizon || head.first_sent.0 > ahead {
            return push(out, head.rows, Verdict::Expired);
        }
        match &head.ids {
            PartIds::Sequence { producer, first } => {
                self.judge_sequence((head.replay, *producer), *first, head.rows, stamp_ns, out);
            }
            // Judged by the activation that they belong to.
            PartIds::Source { .. } => push(out, head.rows, Verdict::Duplicate),
            PartIds::Opaque(ids) => {
                self.forget_ids(horizon.saturating_sub(self.limits.skew_ns));
                // All of an append or nothing: what is sent again comes as it was.
                if self.ids.len() + ids.len() > self.limits.ids_max {
                    let key = |&id: &EventId| (head.replay, id);
                    let new: BTreeSet<_> = ids.iter().map(key).filter(|id| !self.ids.contains(id)).collect();
                    if self.ids.len() + new.len() > self.limits.ids_max {
                        return push(out, head.rows, Verdict::Full);
                    }
                }
                for &id in ids {
                    let verdict = self.judge_id((head.replay, id), stamp_ns);
                    push(out, 1, verdict);
                }
            }
        }
    }

    /// Number of the next row of a producer; 0 for one that is not known. Where a source goes on.
    pub fn next_of(&self, replay: bool, producer: ProducerId) -> u64 {
        self.producers.get(&(replay, producer)).map_or(0, |known| known.next)
    }

    fn judge_sequence(
        &mut self,
        key: (bool, ProducerId),
        first: u64,
        rows: u32,
        stamp_ns: i64,
        out: &mut Vec<Verdicts>,
    ) {
        let next = self.next_of(key.0, key.1);
        if first > next {
            return push(out, rows, Verdict::Gap);
        }
        if !self.producers.contains_key(&key) && !self.has_place(stamp_ns) {
            return push(out, rows, Verdict::Full);
        }
        let end = first + u64::from(rows);
        let old = next.min(end) - first;
        push(out, old as u32, Verdict::Duplicate);
        push(out, rows - old as u32, Verdict::New);
        self.producers.insert(key, Producer { next: next.max(end), seen: stamp_ns });
    }

    /// Whether another producer can be remembered, perhaps in the place of one whose retries are over.
    fn has_place(&mut self, stamp_ns: i64) -> bool {
        if self.producers.len() < self.limits.producers_max {
            return true;
        }
        if stamp_ns < self.sweep_at {
            return false;
        }
        let window = self.limits.retry_window_ns.saturating_add(self.limits.skew_ns);
        self.producers.retain(|_, known| known.seen >= stamp_ns.saturating_sub(window));
        let oldest = self.producers.values().map(|known| known.seen).min();
        self.sweep_at = oldest.map_or(i64::MIN, |seen| seen.saturating_add(window).saturating_add(1));
        self.producers.len() < self.limits.producers_max
    }

    fn judge_id(&mut self, key: (bool, EventId), stamp_ns: i64) -> Verdict {
        if self.ids.contains(&key) {
            return Verdict::Duplicate;
        }
        self.ids.insert(key);
        self.by_stamp.push_back((stamp_ns, key.0, key.1));
        Verdict::New
    }

    fn forget_ids(&mut self, horizon: i64) {
        while let Some(&(stamp, replay, id)) = self.by_stamp.front().filter(|(stamp, _, _)| *stamp < horizon)
        {
            debug_assert!(stamp < horizon);
            self.by_stamp.pop_front();
            if let Some(cut) = &mut self.cut {
                if cut.at > 0 {
                    cut.at -= 1;
                } else if cut.left > 0 {
                    cut.left -= 1;
                    put_id((stamp, replay, id), &mut cut.gone);
                }
            }
            self.ids.remove(&(replay, id));
        }
    }

    /// Begins a checkpoint: writes what comes before the ids; they come from [`Dedup::cut_next`], and then
    /// what [`Dedup::encode_tail`] had given now.
    pub(super) fn freeze(&mut self, out: &mut Writer) {
        self.encode_producers(out);
        out.u64(self.by_stamp.len() as u64);
        self.cut = Some(IdsCut { left: self.by_stamp.len(), at: 0, gone: Vec::new() });
    }

    /// Writes ids until `out` has `until` bytes; true when all are written.
    pub(super) fn cut_next(&mut self, out: &mut Vec<u8>, until: usize) -> bool {
        let Some(cut) = &mut self.cut else { return true };
        out.append(&mut cut.gone);
        let room = until.saturating_sub(out.len()) / ID_BYTES + 1;
        let count = cut.left.min(room);
        self.by_stamp.range(cut.at..cut.at + count).for_each(|&id| put_id(id, out));
        (cut.at, cut.left) = (cut.at + count, cut.left - count);
        let done = cut.left == 0;
        if done {
            self.cut = None;
        }
        done
    }

    /// Gives up a checkpoint.
    pub(super) fn thaw(&mut self) {
        self.cut = None;
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_producers(out);
        out.u64(self.by_stamp.len() as u64);
        self.by_stamp.iter().for_each(|&id| put_id(id, &mut out.bytes));
        self.encode_tail(out);
    }

    /// Writes what comes behind the ids.
    pub(super) fn encode_tail(&self, out: &mut Writer) {
        out.i64(self.sweep_at);
    }

    fn encode_producers(&self, out: &mut Writer) {
        out.u64(self.producers.len() as u64);
        for (&(replay, producer), known) in &self.producers {
            out.bool(replay);
            out.u64(producer.0);
            out.u64(known.next);
            out.i64(known.seen);
        }
    }

    /// Reads what [`Dedup::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(limits: DedupLimits, input: &mut Reader<'_>) -> Result<Self> {
        let mut dedup = Dedup::new(limits);
        for _ in 0..input.len(25)? {
            let key = (input.bool()?, ProducerId(input.u64()?));
            let known = Producer { next: input.u64()?, seen: input.i64()? };
            if dedup.producers.insert(key, known).is_some() {
                return Err(DecodeError("a producer occurs twice".into()));
            }
        }
        for _ in 0..input.len(25)? {
            let (stamp, replay) = (input.i64()?, input.bool()?);
            let id = EventId(u128::from_le_bytes(input.array()?));
            if !dedup.ids.insert((replay, id)) {
                return Err(DecodeError("an event id occurs twice".into()));
            }
            dedup.by_stamp.push_back((stamp, replay, id));
        }
        dedup.sweep_at = input.i64()?;
        Ok(dedup)
    }
}

#[cfg(test)]
mod tests;

/// Bytes of an id in a checkpoint.
const ID_BYTES: usize = 25;

fn put_id((stamp, replay, id): (i64, bool, EventId), out: &mut Vec<u8>) {
    out.extend_from_slice(&stamp.to_le_bytes());
    out.push(u8::from(replay));
    out.extend_from_slice(&id.0.to_le_bytes());
}

/// Adds `rows` to the last run if it has the same verdict.
fn push(out: &mut Vec<Verdicts>, rows: u32, verdict: Verdict) {
    match out.last_mut() {
        _ if rows == 0 => {}
        Some(last) if last.verdict == verdict => last.rows += rows,
        _ => out.push(Verdicts { rows, verdict }),
    }
}
