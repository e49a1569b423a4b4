//! The running state of a window over the panes of a series.

use std::collections::VecDeque;

use super::formula::{self, Edges, Slope, word};
use super::pane::{Sketch, Slot};
use super::sorted::Sorted;
use crate::agg::exact::{ExactProducts, ExactSum};
use crate::agg::sketch::{LogLog, SlidingLogLog};

/// What a window keeps, by what is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sum and count.
    Sum,
    /// Sum, sum of squares and count.
    Spread,
    /// The least sample.
    Least,
    /// The largest sample.
    Largest,
    /// Resets and count.
    Counter,
    /// Count; first and last sample are those of its panes.
    Gauge,
    /// All samples in order.
    Order,
    /// The distinct sketch.
    Distinct,
}

/// A window of the series of a set: panes `(head − offset − range, head − offset]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WindowSpec {
    /// What it keeps.
    pub kind: Kind,
    /// Panes it spans.
    pub range: i64,
    /// Panes that it ends before the head.
    pub offset: i64,
}

impl WindowSpec {
    /// First and last pane at `head`.
    #[inline]
    pub fn panes(&self, head: i64) -> (i64, i64) {
        let last = head.saturating_sub(self.offset);
        (last.saturating_sub(self.range - 1), last)
    }
}

/// What of a window is a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    Stddev,
    Last,
    Slope(Slope),
    Quantile(f64),
    Distinct,
}

/// Sums and orders of the samples in the window.
#[derive(Debug, Clone)]
pub(super) enum Run {
    Sum { count: u64, sum: ExactSum },
    Spread { count: u64, sum: ExactSum, squares: Box<ExactProducts> },
    Extreme { largest: bool, best: VecDeque<(i64, f64)> },
    Counter { count: u64, resets: ExactSum },
    Gauge { count: u64 },
    Order { count: u64, samples: Box<Sorted> },
    Distinct { sketch: Box<SlidingLogLog> },
}

impl Run {
    /// Nothing.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Sum => Run::Sum { count: 0, sum: ExactSum::default() },
            Kind::Spread => Run::Spread { count: 0, sum: ExactSum::default(), squares: Box::default() },
            Kind::Least => Run::Extreme { largest: false, best: VecDeque::new() },
            Kind::Largest => Run::Extreme { largest: true, best: VecDeque::new() },
            Kind::Counter => Run::Counter { count: 0, resets: ExactSum::default() },
            Kind::Gauge => Run::Gauge { count: 0 },
            Kind::Order => Run::Order { count: 0, samples: Box::default() },
            Kind::Distinct => Run::Distinct { sketch: Box::default() },
        }
    }

    /// A pane comes in behind the others; `before` is the last of them.
    pub fn enter(&mut self, slot: &Slot, before: Option<&Slot>, sketch: Sketch) {
        match self {
            Run::Sum { count, sum } => {
                *count += slot.count();
                add_sum(sum, slot);
            }
            Run::Spread { count, sum, squares } => {
                *count += slot.count();
                add_sum(sum, slot);
                match slot.only() {
                    Some(x) if x.is_finite() => squares.add(x, x),
                    Some(_) => {}
                    None => squares.merge(slot.squares().expect("windows of spread keep squares")),
                }
            }
            Run::Extreme { largest, best } => {
                let value = if *largest { slot.largest() } else { slot.least() };
                put_extreme(best, *largest, slot.pane, value);
            }
            Run::Counter { count, resets } => {
                *count += slot.count();
                add_resets(resets, slot);
                if let Some(lost) = before.and_then(|before| lost_between(before, slot)) {
                    resets.add(lost);
                }
            }
            Run::Gauge { count } => *count += slot.count(),
            Run::Order { count, samples } => {
                *count += slot.count();
                samples.enter(slot, *count);
            }
            Run::Distinct { sketch: all } => match slot.entries() {
                Some(entries) => entries.iter().for_each(|&entry| all.add_entry(entry)),
                None => slot.only().into_iter().for_each(|x| all.add_entry(sketch.entry(x))),
            },
        }
    }

    /// The first pane leaves; `after` is the next one. True if the samples in order are to be made anew.
    #[must_use]
    pub fn leave(&mut self, slot: &Slot, after: Option<&Slot>, sketch: Sketch) -> bool {
        match self {
            Run::Sum { count, sum } => {
                *count -= slot.count();
                remove_sum(sum, slot);
            }
            Run::Spread { count, sum, squares } => {
                *count -= slot.count();
                remove_sum(sum, slot);
                match slot.only() {
                    Some(x) if x.is_finite() => squares.remove(x, x),
                    Some(_) => {}
                    None => squares.unmerge(slot.squares().expect("windows of spread keep squares")),
                }
            }
            Run::Extreme { best, .. } => {
                if best.front().is_some_and(|&(pane, _)| pane <= slot.pane) {
                    best.pop_front();
                }
            }
            Run::Counter { count, resets } => {
                *count -= slot.count();
                if let Some(own) = slot.resets() {
                    resets.unmerge(own);
                }
                if let Some(lost) = after.and_then(|after| lost_between(slot, after)) {
                    resets.remove(lost);
                }
            }
            Run::Gauge { count } => *count -= slot.count(),
            Run::Order { count, samples } => {
                *count -= slot.count();
                return samples.leave(slot, *count);
            }
            Run::Distinct { sketch: all } => match slot.entries() {
                Some(entries) => entries.iter().for_each(|&entry| all.remove_entry(entry)),
                None => slot.only().into_iter().for_each(|x| all.remove_entry(sketch.entry(x))),
            },
        }
        false
    }

    /// Samples in order of the panes in the window, made anew.
    pub fn restore_order<'a>(&mut self, slots: impl Iterator<Item = &'a Slot>) {
        let Run::Order { count, samples } = self else { return };
        **samples = Sorted::default();
        *count = 0;
        for slot in slots {
            *count += slot.count();
            samples.enter(slot, *count);
        }
    }

    /// A sample came into pane `pane` of the window. What lies between samples, resets, is not looked at here.
    /// `is_new`: its entry was not in the pane.
    #[inline]
    pub fn sample(&mut self, pane: i64, value: f64, sketch: Sketch, is_new: bool) {
        match self {
            Run::Sum { count, sum } => {
                *count += 1;
                sum.add(value);
            }
            Run::Spread { count, sum, squares } => {
                *count += 1;
                sum.add(value);
                if value.is_finite() {
                    squares.add(value, value);
                }
            }
            Run::Extreme { largest, best } => {
                put_extreme(best, *largest, pane, value);
            }
            Run::Counter { count, .. } | Run::Gauge { count } => *count += 1,
            Run::Order { count, samples } => {
                *count += 1;
                samples.add(word(value), *count);
            }
            Run::Distinct { sketch: all } => {
                if is_new {
                    all.add_entry(sketch.entry(value));
                }
            }
        }
    }

    /// The sum of what resets lost.
    pub fn resets_mut(&mut self) -> Option<&mut ExactSum> {
        match self {
            Run::Counter { resets, .. } => Some(resets),
            _ => None,
        }
    }

    /// The value of a window with samples; `first` and `last` are its first and last pane, `bounds` its start and end.
    pub fn value(&self, value: Value, first: &Slot, last: &Slot, bounds: (i64, i64)) -> Option<f64> {
        match (self, value) {
            (_, Value::Last) => Some(last.last().1),
            (_, Value::Slope(slope)) => {
                let (count, resets) = match self {
                    Run::Counter { count, resets } => (*count, Some(resets)),
                    Run::Gauge { count } => (*count, None),
                    _ => unreachable!("slopes are of counters and gauges"),
                };
                let (start, end) = bounds;
                let edges = Edges { start, end, first: first.first(), last: last.last(), count };
                formula::extrapolated(slope, &edges, resets)
            }
            (Run::Sum { count, .. } | Run::Gauge { count }, Value::Count) => Some(*count as f64),
            (Run::Sum { sum, .. }, Value::Sum) => Some(sum.value()),
            (Run::Sum { sum, count }, Value::Avg) => Some(sum.divided_by(*count)),
            (Run::Spread { count, sum, squares }, Value::Stddev) => {
                Some(formula::stddev(*count, sum, squares))
            }
            (Run::Extreme { best, .. }, Value::Min | Value::Max) => {
                Some(best.front().map_or(f64::NAN, |&(_, value)| value))
            }
            (Run::Order { count, samples }, Value::Quantile(phi)) => {
                Some(formula::quantile(phi, *count, |rank| samples.pair(rank)))
            }
            (Run::Distinct { sketch }, Value::Distinct) => Some(sketch.estimate() as f64),
            _ => unreachable!("the plan pairs values with windows that have them"),
        }
    }

    /// Adds the window's distinct sketch to `union`.
    pub fn union_into(&self, union: &mut LogLog) {
        if let Run::Distinct { sketch } = self {
            sketch.union_into(union);
        }
    }

    /// About the bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Run::Sum { sum, .. } | Run::Counter { resets: sum, .. } => sum.heap_bytes(),
            Run::Spread { sum, squares, .. } => {
                sum.heap_bytes() + size_of::<ExactProducts>() + squares.heap_bytes()
            }
            Run::Extreme { best, .. } => best.capacity() * size_of::<(i64, f64)>(),
            Run::Gauge { .. } => 0,
            Run::Order { samples, .. } => samples.bytes(),
            Run::Distinct { sketch } => size_of::<SlidingLogLog>() + sketch.heap_bytes(),
        }
    }
}

fn add_sum(sum: &mut ExactSum, slot: &Slot) {
    match slot.only() {
        Some(x) => sum.add(x),
        None => sum.merge(slot.sum().expect("several samples have a sum")),
    }
}

fn remove_sum(sum: &mut ExactSum, slot: &Slot) {
    match slot.only() {
        Some(x) => sum.remove(x),
        None => sum.unmerge(slot.sum().expect("several samples have a sum")),
    }
}

/// Adds what resets within a pane lost.
pub(super) fn add_resets(resets: &mut ExactSum, slot: &Slot) {
    if let Some(own) = slot.resets() {
        resets.merge(own);
    }
}

/// What a reset between two panes lost, if there was one.
#[inline]
pub(super) fn lost_between(before: &Slot, after: &Slot) -> Option<f64> {
    let last = before.last().1;
    (after.first().1 < last).then_some(last)
}

/// Puts a value of a pane among the best from each pane on: ascending panes, each better than those behind it.
fn put_extreme(best: &mut VecDeque<(i64, f64)>, largest: bool, pane: i64, value: f64) {
    if value.is_nan() {
        return;
    }
    let beats = |a: f64, b: f64| if largest { a >= b } else { a <= b };
    // Nearly always the newest pane.
    let mut at = best.len();
    while at > 0 && best[at - 1].0 >= pane {
        at -= 1;
    }
    if best.get(at).is_some_and(|&(_, later)| beats(later, value)) {
        return;
    }
    // Of its own pane, an earlier and worse value.
    if best.get(at).is_some_and(|&(p, _)| p == pane) {
        best.remove(at);
    }
    while at > 0 && beats(value, best[at - 1].1) {
        at -= 1;
        best.remove(at);
    }
    best.insert(at, (pane, value));
}
