//! The panes of one series, and its windows over them.
//!
//! Invariants:
//! - Panes ascend. Numbers of panes count from the first one ever, so that dropping old ones moves none.
//! - Each window is at a head of its own: it holds exactly the panes in its bounds there. It is moved when it is
//!   read, and with all others once [`BEHIND_MAX`] panes came: then what goes in and out of it lies side by side.

use std::collections::VecDeque;

use super::pane::{Parts, Sketch, Slot};
use super::window::{Run, Value, WindowSpec, add_resets, lost_between};
use crate::agg::exact::ExactSum;
use crate::agg::sketch::LogLog;
use crate::codec::{DecodeError, Reader, Result, Writer};

/// What the series of a set have in common.
#[derive(Debug)]
pub(super) struct Shape {
    /// Their windows.
    pub windows: Vec<WindowSpec>,
    /// What their panes keep.
    pub parts: Parts,
    /// How entries of distinct sketches are found.
    pub sketch: Sketch,
    /// Panes kept before the head, with the head.
    pub keep: i64,
    /// Width of a pane, ns.
    pub pane_ns: i64,
}

/// Panes that come until all windows are moved, and what they have left is dropped.
const BEHIND_MAX: u32 = 16;

/// A sample on its way into a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Pane of its event time.
    pub pane: i64,
    /// Event time, ns.
    pub ts: i64,
    /// Value.
    pub value: f64,
}

/// A series.
#[derive(Debug, Clone)]
pub(super) struct Series {
    slots: VecDeque<Slot>,
    /// Panes dropped so far.
    dropped: u64,
    /// Number of the first pane that is not known to be final.
    open_from: u64,
    /// No window is at a later head.
    latest: i64,
    /// Panes that came since all windows were moved.
    behind: u32,
    spans: Vec<Span>,
}

/// A window: the panes with the numbers from `begin` to before `end`.
#[derive(Debug, Clone)]
struct Span {
    head: i64,
    begin: u64,
    end: u64,
    run: Run,
}

impl Series {
    /// Without samples.
    pub fn new(shape: &Shape, head: i64) -> Self {
        let span = |spec: &WindowSpec| Span { head, begin: 0, end: 0, run: Run::new(spec.kind) };
        Series {
            slots: VecDeque::new(),
            dropped: 0,
            open_from: 0,
            latest: head,
            behind: 0,
            spans: shape.windows.iter().map(span).collect(),
        }
    }

    /// Pane of the newest sample.
    pub fn newest(&self) -> Option<i64> {
        self.slots.back().map(|slot| slot.pane)
    }

    /// Pane of the oldest sample that is still kept at `head`.
    pub fn oldest(&self, shape: &Shape, head: i64) -> Option<i64> {
        let from = head.saturating_sub(shape.keep);
        self.slots.get(self.slots.partition_point(|slot| slot.pane <= from)).map(|slot| slot.pane)
    }

    /// Panes.
    pub fn panes(&self) -> usize {
        self.slots.len()
    }

    fn slot(&self, number: u64) -> &Slot {
        &self.slots[(number - self.dropped) as usize]
    }

    fn total(&self) -> u64 {
        self.dropped + self.slots.len() as u64
    }

    /// Moves a window to `head`.
    #[inline]
    pub fn seek(&mut self, shape: &Shape, window: usize, head: i64) {
        if self.spans[window].head != head {
            self.move_span(shape, window, head);
        }
    }

    fn move_span(&mut self, shape: &Shape, window: usize, head: i64) {
        let spec = shape.windows[window];
        let Series { slots, dropped, spans, .. } = self;
        let (panes, span) = (Panes { slots, dropped: *dropped }, &mut spans[window]);
        if head < span.head {
            // Made anew.
            let from =
                panes.slots.partition_point(|slot| slot.pane < spec.panes(head).0) as u64 + panes.dropped;
            *span = Span { head, begin: from, end: from, run: Run::new(spec.kind) };
        }
        span.head = head;
        span.go_on(&panes, spec, shape.sketch);
        self.latest = self.latest.max(head);
    }

    /// Moves all windows to `head`, and drops what none reaches there.
    fn settle(&mut self, shape: &Shape, head: i64) {
        self.behind = 0;
        for window in 0..self.spans.len() {
            self.seek(shape, window, head);
        }
        self.latest = head;
        let last = head.saturating_sub(shape.keep);
        while self.slots.front().is_some_and(|slot| slot.pane <= last) {
            self.slots.pop_front();
            self.dropped += 1;
        }
        self.open_from = self.open_from.max(self.dropped);
        if self.slots.capacity() > 64 && self.slots.len() * 4 < self.slots.capacity() {
            self.slots.shrink_to(self.slots.len() * 2);
        }
    }

    /// Takes a sample that came behind all others in the log; `head` is the present one, and panes before
    /// `first_open` get no more samples.
    #[inline]
    pub fn add(&mut self, shape: &Shape, sample: Sample, head: i64, first_open: i64) {
        self.close(first_open);
        let Sample { pane, ts, value } = sample;
        let (number, exists) = self.place(pane);
        if pane > self.latest && number + u64::from(exists) == self.total() {
            // In no window yet.
            match self.slots.back_mut().filter(|_| exists) {
                Some(last) => last.add(shape.parts, shape.sketch, ts, value),
                None => {
                    self.slots.push_back(Slot::new(pane, ts, value));
                    self.behind += 1;
                    if self.behind >= BEHIND_MAX {
                        self.settle(shape, head);
                    }
                }
            }
            return;
        }
        self.add_between(shape, sample, (number, exists));
    }

    /// The same where windows may have the pane already.
    fn add_between(&mut self, shape: &Shape, sample: Sample, (number, exists): (u64, bool)) {
        let Sample { pane, ts, value } = sample;
        let is_new = shape.parts.has(Parts::DISTINCT) && {
            let entry = shape.sketch.entry(value);
            !(exists && self.slot(number).has_entry(shape.sketch, entry))
        };
        let has_resets = shape.parts.has(Parts::RESETS);
        let behind = has_resets
            && number + u64::from(exists) == self.total()
            && (!exists || ts >= self.slot(number).last().0);
        if has_resets && !behind {
            self.shift_resets(shape, number, exists, pane, false);
        }
        let before = match (behind, exists) {
            _ if !has_resets => None,
            (true, true) => Some(self.slot(number).last().1),
            (true, false) if number > self.dropped => Some(self.slot(number - 1).last().1),
            _ => None,
        };
        let at = (number - self.dropped) as usize;
        if exists {
            self.slots[at].add(shape.parts, shape.sketch, ts, value);
        } else if at == self.slots.len() {
            self.slots.push_back(Slot::new(pane, ts, value));
        } else {
            self.slots.insert(at, Slot::new(pane, ts, value));
        }
        for (span, spec) in self.spans.iter_mut().zip(&shape.windows) {
            let (low, high) = spec.panes(span.head);
            if pane > high {
                continue;
            }
            if pane < low {
                span.begin += u64::from(!exists);
                span.end += u64::from(!exists);
                continue;
            }
            span.end += u64::from(!exists);
            span.run.sample(pane, value, shape.sketch, is_new);
            if let Some(lost) = before.filter(|&lost| value < lost)
                && (exists || number > span.begin)
                && let Some(resets) = span.run.resets_mut()
            {
                resets.add(lost);
            }
        }
        if has_resets && !behind {
            self.shift_resets(shape, number, true, pane, true);
        }
    }

    /// Number that the pane has, or would have.
    #[inline]
    fn place(&self, pane: i64) -> (u64, bool) {
        match self.slots.back() {
            Some(last) if last.pane == pane => (self.total() - 1, true),
            Some(last) if last.pane > pane => {
                let at = self.slots.partition_point(|slot| slot.pane < pane);
                (at as u64 + self.dropped, self.slots[at].pane == pane)
            }
            _ => (self.total(), false),
        }
    }

    /// Puts the resets in and around a pane into the windows, or takes them out.
    fn shift_resets(&mut self, shape: &Shape, number: u64, exists: bool, pane: i64, add: bool) {
        let mut spans = std::mem::take(&mut self.spans);
        for (span, spec) in spans.iter_mut().zip(&shape.windows) {
            let (low, high) = spec.panes(span.head);
            let (begin, end) = (span.begin, span.end);
            let Some(resets) = span.run.resets_mut().filter(|_| (low..=high).contains(&pane)) else {
                continue;
            };
            let mut sum = ExactSum::default();
            let next = if exists { number + 1 } else { number };
            let before = (number > begin).then(|| self.slot(number - 1));
            let after = (next < end).then(|| self.slot(next));
            let own = exists.then(|| self.slot(number));
            let pairs = match own {
                None => [before.zip(after), None],
                Some(own) => [before.map(|b| (b, own)), after.map(|a| (own, a))],
            };
            if let Some(own) = own {
                add_resets(&mut sum, own);
            }
            pairs
                .into_iter()
                .flatten()
                .filter_map(|(a, b)| lost_between(a, b))
                .for_each(|lost| sum.add(lost));
            if add {
                resets.merge(&sum);
            } else {
                resets.unmerge(&sum);
            }
        }
        self.spans = spans;
    }

    /// Panes before `first_open` keep the order of their samples no longer.
    #[inline]
    fn close(&mut self, first_open: i64) {
        while self.open_from < self.total() && self.slot(self.open_from).pane < first_open {
            let at = (self.open_from - self.dropped) as usize;
            self.slots[at].close();
            self.open_from += 1;
        }
    }

    /// The value of a window where it is; none without samples.
    #[inline]
    pub fn value(&self, shape: &Shape, window: usize, value: Value) -> Option<f64> {
        let span = &self.spans[window];
        if span.begin == span.end {
            return None;
        }
        let (first, last) = (self.slot(span.begin), self.slot(span.end - 1));
        let (low, high) = shape.windows[window].panes(span.head);
        let bounds =
            (low.saturating_mul(shape.pane_ns), high.saturating_add(1).saturating_mul(shape.pane_ns));
        span.run.value(value, first, last, bounds)
    }

    /// Adds a window's distinct sketch to `union`; false without samples.
    pub fn union_into(&self, window: usize, union: &mut LogLog) -> bool {
        let span = &self.spans[window];
        span.run.union_into(union);
        span.begin < span.end
    }

    /// About the bytes it takes.
    pub fn bytes(&self) -> usize {
        let slots: usize = self.slots.iter().map(Slot::heap_bytes).sum();
        let spans: usize = self.spans.iter().map(|span| span.run.heap_bytes()).sum();
        size_of::<Series>()
            + self.slots.capacity() * size_of::<Slot>()
            + slots
            + self.spans.capacity() * size_of::<Span>()
            + spans
    }

    /// Writes the panes that are still kept at `head`.
    pub fn encode(&self, shape: &Shape, head: i64, first_open: i64, out: &mut Writer) {
        let from = head.saturating_sub(shape.keep);
        let kept = self.slots.partition_point(|slot| slot.pane <= from);
        out.u64((self.slots.len() - kept) as u64);
        self.slots.range(kept..).for_each(|slot| slot.encode(shape.parts, slot.pane >= first_open, out));
    }

    /// Reads what [`Series::encode`] wrote.
    pub fn decode(shape: &Shape, head: i64, first_open: i64, input: &mut Reader<'_>) -> Result<Self> {
        // Its windows are made when they are read.
        let mut series = Series::new(shape, i64::MIN);
        for _ in 0..input.len(24)? {
            let start = input.left();
            let pane = i64::from_le_bytes(peek(input)?);
            let slot = Slot::decode(shape.parts, pane >= first_open, input)?;
            if series.newest().is_some_and(|last| last >= slot.pane)
                || slot.pane <= head.saturating_sub(shape.keep)
            {
                return Err(DecodeError(format!("panes out of order, {start} bytes before the end")));
            }
            series.slots.push_back(slot);
        }
        if series.slots.is_empty() {
            return Err(DecodeError("a series without samples".into()));
        }
        Ok(series)
    }
}

/// The panes of a series by number.
struct Panes<'a> {
    slots: &'a VecDeque<Slot>,
    dropped: u64,
}

impl Panes<'_> {
    fn get(&self, number: u64) -> &Slot {
        &self.slots[(number - self.dropped) as usize]
    }
}

impl Span {
    /// Takes in and lets go what the head has moved over.
    fn go_on(&mut self, panes: &Panes<'_>, spec: WindowSpec, sketch: Sketch) {
        let (low, high) = spec.panes(self.head);
        let total = panes.dropped + panes.slots.len() as u64;
        let mut anew = false;
        while self.begin < self.end && panes.get(self.begin).pane < low {
            let after = (self.begin + 1 < self.end).then(|| panes.get(self.begin + 1));
            anew |= self.run.leave(panes.get(self.begin), after, sketch);
            self.begin += 1;
        }
        while self.end < total && panes.get(self.end).pane <= high {
            let slot = panes.get(self.end);
            if slot.pane < low {
                self.begin = self.end + 1;
            } else {
                let before = (self.begin < self.end).then(|| panes.get(self.end - 1));
                self.run.enter(slot, before, sketch);
            }
            self.end += 1;
        }
        if anew {
            self.run.restore_order((self.begin..self.end).map(|number| panes.get(number)));
        }
    }
}

/// The next eight bytes, which stay.
fn peek(input: &mut Reader<'_>) -> Result<[u8; 8]> {
    let next = input.rest().first_chunk::<8>().copied();
    next.ok_or_else(|| DecodeError("it ends too early".into()))
}
