//! Session windows: rows of one key less than a gap apart.
//!
//! Invariants:
//! - Open sessions of one key do not touch: they are at least a gap apart.
//! - `ends` holds every open session under (end, number of its first row): the order of closes.
//! - Sessions that a row joins are merged in order of their first rows.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::bounded::Moment;
use super::content::{Content, Shape};
use super::result::{Bounds, ResultPlan};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::keys::encode_value;
use crate::ops::OpContext;
use crate::time::{NodeTime, WATERMARK_START};

/// A session window operator.
#[derive(Debug)]
pub struct SessionWindow {
    gap_ns: i64,
    shape: Shape,
    result: ResultPlan,
    sessions: Vec<Option<Session>>,
    free: Vec<u32>,
    by_key: BTreeMap<Vec<u8>, SmallVec<[u32; 2]>>,
    /// (end, number of the first row, slot).
    ends: BTreeSet<(i64, u64, u32)>,
    spare: Vec<Content>,
    watermark: i64,
    seq: u64,
    late_rows: u64,
    key: Vec<u8>,
}

#[derive(Debug)]
struct Session {
    key: Vec<u8>,
    start: i64,
    last: i64,
    first_seq: u64,
    content: Content,
}

impl SessionWindow {
    /// An operator without rows; the session keys are the extra expressions of `shape`.
    pub fn new(gap_ns: i64, shape: Shape, result: ResultPlan) -> Self {
        SessionWindow {
            gap_ns,
            shape,
            result,
            sessions: Vec::new(),
            free: Vec::new(),
            by_key: BTreeMap::new(),
            ends: BTreeSet::new(),
            spare: Vec::new(),
            watermark: WATERMARK_START,
            seq: 0,
            late_rows: 0,
            key: Vec::new(),
        }
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.shape.prepare.run(input, cx);
        let rows = self.shape.prepare.rows(input);
        let time = cx.time;
        let mut from = 0;
        for row in 0..rows {
            let pos = self.shape.prepare.pos(input)[row];
            // Watermarks of the step rows before this one.
            if let Some(before) = step_row(pos).checked_sub(1) {
                from = self.close_until(from, before, time, out, cx);
            }
            self.add_row(input, row, cx);
        }
        self.close_until(from, time.last_row(), time, out, cx);
        self.watermark = self.watermark.max(time.watermarks.last());
    }

    /// Closes what the watermarks of step rows `from..=to` close; returns where to go on.
    fn close_until(
        &mut self,
        from: usize,
        to: usize,
        time: NodeTime<'_>,
        out: &mut Chunk,
        cx: &mut OpContext<'_>,
    ) -> usize {
        let mut from = from;
        while let Some(&(end, _, _)) = self.ends.first() {
            let Some(step) = time.watermarks.first_reaching(end, from).filter(|&s| s <= to) else { break };
            from = step;
            let watermark = time.watermarks.after(step);
            while let Some(&(end, _, slot)) = self.ends.first().filter(|e| e.0 <= watermark) {
                self.ends.pop_first();
                let mut session = self.sessions[slot as usize].take().expect("`ends` names open sessions");
                self.free.push(slot);
                self.forget(&session.key, slot);
                let at = Moment {
                    time: end.saturating_sub(1),
                    stamp: time.stamps[step],
                    pos: position(step, Phase::Watermark),
                };
                let bounds = Bounds { start: session.start, end };
                self.result.emit(&mut self.shape, &mut session.content, bounds, at, out, cx.errors);
                session.content.clear();
                self.spare.push(session.content);
            }
        }
        from
    }

    fn forget(&mut self, key: &[u8], slot: u32) {
        let slots = self.by_key.get_mut(key).expect("an open session has a key");
        slots.retain(|s| *s != slot);
        if slots.is_empty() {
            self.by_key.remove(key);
        }
    }

    fn add_row(&mut self, input: &Chunk, row: usize, cx: &mut OpContext<'_>) {
        let time = self.shape.prepare.time(input)[row];
        let pos = self.shape.prepare.pos(input)[row];
        self.key.clear();
        for column in self.shape.extra(input) {
            encode_value(column, row, &mut self.key);
        }
        let gap = self.gap_ns;
        let near = |s: &Session| time < s.last.saturating_add(gap) && s.start < time.saturating_add(gap);
        let mut touched: SmallVec<[u32; 2]> = self
            .by_key
            .get(&self.key)
            .into_iter()
            .flatten()
            .copied()
            .filter(|&slot| self.sessions[slot as usize].as_ref().is_some_and(near))
            .collect();
        touched.sort_unstable_by_key(|&slot| self.sessions[slot as usize].as_ref().map(|s| s.first_seq));
        if touched.is_empty() && self.is_late(time, pos, cx) {
            self.late_rows += 1;
            if let Some(late) = cx.late.as_deref_mut() {
                late.append_gather(input, &[self.shape.prepare.original(row)]);
            }
            return;
        }
        if self.shape.refuses(input, row, cx.errors) {
            return;
        }
        self.shape.enter(input, row);
        let slot = match touched[..] {
            [] => self.open(time),
            [first, ref others @ ..] => {
                for &other in others {
                    self.absorb(first, other);
                }
                first
            }
        };
        let session = self.sessions[slot as usize].as_mut().expect("just found or opened");
        self.ends.remove(&(session.last.saturating_add(gap), session.first_seq, slot));
        session.start = session.start.min(time);
        session.last = session.last.max(time);
        self.ends.insert((session.last.saturating_add(gap), session.first_seq, slot));
        self.shape.add(&mut session.content, input, row, row + 1, self.seq);
        self.seq += 1;
    }

    /// Whether the session of a single row at `time` would be closed already.
    fn is_late(&self, time: i64, pos: u32, cx: &OpContext<'_>) -> bool {
        let before = match step_row(pos) {
            0 => self.watermark,
            step => self.watermark.max(cx.time.watermarks.after(step - 1)),
        };
        time.saturating_add(self.gap_ns) <= before
    }

    /// Opens a session for the current key.
    fn open(&mut self, time: i64) -> u32 {
        let session = Session {
            key: self.key.clone(),
            start: time,
            last: time,
            first_seq: self.seq,
            content: self.spare.pop().unwrap_or_else(|| self.shape.content()),
        };
        self.insert(session)
    }

    fn insert(&mut self, session: Session) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.sessions.push(None);
            self.sessions.len() as u32 - 1
        });
        self.by_key.entry(session.key.clone()).or_default().push(slot);
        self.ends.insert((session.last.saturating_add(self.gap_ns), session.first_seq, slot));
        self.sessions[slot as usize] = Some(session);
        slot
    }

    /// Joins session `other` into `into`: a row bridges them.
    fn absorb(&mut self, into: u32, other: u32) {
        let mut gone = self.sessions[other as usize].take().expect("it is open");
        self.free.push(other);
        self.forget(&gone.key, other);
        self.ends.remove(&(gone.last.saturating_add(self.gap_ns), gone.first_seq, other));
        let session = self.sessions[into as usize].as_mut().expect("it is open");
        self.ends.remove(&(session.last.saturating_add(self.gap_ns), session.first_seq, into));
        session.start = session.start.min(gone.start);
        session.last = session.last.max(gone.last);
        session.first_seq = session.first_seq.min(gone.first_seq);
        session.content.merge(&gone.content);
        self.ends.insert((session.last.saturating_add(self.gap_ns), session.first_seq, into));
        gone.content.clear();
        self.spare.push(gone.content);
    }

    /// Writes the state: open sessions by end, then first row.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.u64(self.seq);
        out.u64(self.late_rows);
        out.u64(self.ends.len() as u64);
        for &(_, _, slot) in &self.ends {
            let session = self.sessions[slot as usize].as_ref().expect("`ends` names open sessions");
            out.blob(&session.key);
            out.i64(session.start);
            out.i64(session.last);
            out.u64(session.first_seq);
            session.content.encode(&self.shape, out);
        }
        self.shape.encode(out);
    }

    /// Reads what [`SessionWindow::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.seq = input.u64()?;
        self.late_rows = input.u64()?;
        self.sessions.clear();
        self.free.clear();
        self.by_key.clear();
        self.ends.clear();
        for _ in 0..input.len(8)? {
            let session = Session {
                key: input.blob()?.to_vec(),
                start: input.i64()?,
                last: input.i64()?,
                first_seq: input.u64()?,
                content: Content::decode(&self.shape, input)?,
            };
            if session.start > session.last {
                return Err(DecodeError("a session ends before it begins".into()));
            }
            self.insert(session);
        }
        self.shape.decode(input)
    }
}
