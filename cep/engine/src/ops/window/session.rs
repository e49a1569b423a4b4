//! Session windows: rows of one key less than a gap apart.
//!
//! Invariants:
//! - Open sessions of one key do not touch: they are at least a gap apart.
//! - `ends` holds every open session under (end, number of its first row): the order of closes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included, Unbounded};

use cep_lang::diag::codes;
use smallvec::SmallVec;

use super::bounded::Moment;
use super::content::{Content, Shape};
use super::result::{Bounds, ResultPlan};
use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::keys::encode_value;
use crate::ops::{CLOSE_ROWS, OpContext, OpError};
use crate::time::{NodeTime, WATERMARK_START};

/// A session window operator.
#[derive(Debug)]
pub struct SessionWindow {
    gap_ns: i64,
    shape: Shape,
    result: ResultPlan,
    sessions: Vec<Option<Session>>,
    free: Vec<u32>,
    /// Slots by key and start.
    by_key: BTreeMap<(Vec<u8>, i64), u32>,
    /// (end, number of the first row, slot).
    ends: BTreeSet<(i64, u64, u32)>,
    spare: Vec<Content>,
    watermark: i64,
    seq: u64,
    late_rows: u64,
    /// Bytes of text in the open sessions.
    text: usize,
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
            text: 0,
            key: Vec::new(),
        }
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// The least watermark that closes a session.
    pub fn due_watermark(&self) -> Option<i64> {
        self.ends.first().map(|&(end, _, _)| end)
    }

    /// Watermark up to which `CLOSE_ROWS` sessions close; `None`: there are no more.
    pub fn watermark_horizon(&self) -> Option<i64> {
        if self.ends.len() <= CLOSE_ROWS {
            return None;
        }
        self.ends.iter().nth(CLOSE_ROWS - 1).map(|&(end, _, _)| end)
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
                let started = (std::mem::take(&mut session.key), session.start);
                self.by_key.remove(&started);
                let at = Moment {
                    time: end.saturating_sub(1),
                    stamp: time.stamps[step],
                    pos: position(step, Phase::Watermark),
                };
                let bounds = Bounds { start: session.start, end };
                self.result.emit(&mut self.shape, &mut session.content, bounds, at, out, cx.errors);
                self.text -= session.content.text_bytes();
                session.content.clear();
                self.spare.push(session.content);
            }
        }
        from
    }

    fn add_row(&mut self, input: &Chunk, row: usize, cx: &mut OpContext<'_>) {
        let time = self.shape.prepare.time(input)[row];
        let pos = self.shape.prepare.pos(input)[row];
        if time.checked_add(self.gap_ns).is_none_or(|end| end == i64::MAX) {
            let message = "the session of the row ends after the year 2262; the row was left out";
            cx.errors.push(OpError::of_record(pos, codes::TIME_OUT_OF_RANGE, message));
            return;
        }
        if self.shape.room(input, row, row + 1, self.text) == 0 {
            self.shape.refuse(input, row, cx.errors);
            return;
        }
        self.key.clear();
        for column in self.shape.extra(input) {
            encode_value(column, row, &mut self.key);
        }
        // Sessions of one key are a gap apart: the row can touch the last one that begins before it,
        // and the first one after it.
        let gap = self.gap_ns;
        let here = (std::mem::take(&mut self.key), time);
        let before = self.by_key.range((Unbounded, Included(&here))).next_back();
        let after = self.by_key.range((Excluded(&here), Unbounded)).next();
        let touched: SmallVec<[u32; 2]> = [before, after]
            .into_iter()
            .flatten()
            .filter(|((key, _), _)| *key == here.0)
            .map(|(_, &slot)| slot)
            .filter(|&slot| {
                let session = self.sessions[slot as usize].as_ref().expect("`by_key` names open sessions");
                time < session.last.saturating_add(gap) && session.start < time.saturating_add(gap)
            })
            .collect();
        self.key = here.0;
        if touched.is_empty() && self.is_late(time, pos, cx) {
            self.late_rows += 1;
            cx.leave_out(input, self.shape.prepare.original(row));
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
        if time < session.start {
            self.by_key.remove(&(session.key.clone(), session.start));
            self.by_key.insert((session.key.clone(), time), slot);
            session.start = time;
        }
        session.last = session.last.max(time);
        self.ends.insert((session.last.saturating_add(gap), session.first_seq, slot));
        let before = session.content.text_bytes();
        self.shape.add(&mut session.content, input, row, row + 1, self.seq);
        // `min` may get shorter.
        self.text = self.text + session.content.text_bytes() - before;
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
        self.by_key.insert((session.key.clone(), session.start), slot);
        self.ends.insert((session.last.saturating_add(self.gap_ns), session.first_seq, slot));
        self.sessions[slot as usize] = Some(session);
        slot
    }

    /// Joins session `other` into `into`: a row bridges them.
    fn absorb(&mut self, into: u32, other: u32) {
        let mut gone = self.sessions[other as usize].take().expect("it is open");
        self.free.push(other);
        self.by_key.remove(&(std::mem::take(&mut gone.key), gone.start));
        self.ends.remove(&(gone.last.saturating_add(self.gap_ns), gone.first_seq, other));
        let session = self.sessions[into as usize].as_mut().expect("it is open");
        self.ends.remove(&(session.last.saturating_add(self.gap_ns), session.first_seq, into));
        debug_assert!(session.start < gone.start, "it is absorbed by the one before it");
        session.last = session.last.max(gone.last);
        session.first_seq = session.first_seq.min(gone.first_seq);
        let before = session.content.text_bytes() + gone.content.text_bytes();
        session.content.merge(&gone.content);
        self.text = self.text + session.content.text_bytes() - before;
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
        self.text = 0;
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
            self.text += session.content.text_bytes();
            self.insert(session);
        }
        self.shape.decode(input)
    }
}
