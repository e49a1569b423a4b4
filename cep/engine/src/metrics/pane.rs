//! What is kept of the samples of one series in one pane.

mod codec;

use super::formula::word;
use crate::agg::exact::{ExactProducts, ExactSum};
use crate::agg::sketch::{Buckets, LogLog};

/// Samples of a quantile that are kept exactly (`quantile.exact_max`).
pub(super) const EXACT_MAX: usize = 4096;

/// What the windows of a set of series read of a pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Parts(u8);

impl Parts {
    /// Sums.
    pub const SUM: Parts = Parts(1);
    /// Sums of squares.
    pub const SQUARES: Parts = Parts(2);
    /// Least and largest sample.
    pub const EXTREMES: Parts = Parts(4);
    /// First and last sample.
    pub const EDGES: Parts = Parts(8);
    /// What resets of a counter lost.
    pub const RESETS: Parts = Parts(16);
    /// All samples in order of their values.
    pub const ORDER: Parts = Parts(32);
    /// Entries of the distinct sketch.
    pub const DISTINCT: Parts = Parts(64);

    /// Both.
    pub fn with(self, other: Parts) -> Parts {
        Parts(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub fn has(self, other: Parts) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The samples of a series in one pane: one as it is, several by what is asked of them.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    /// The pane.
    pub pane: i64,
    /// Time of the only sample, ns.
    ts: i64,
    /// The only sample.
    value: f64,
    many: Option<Box<Many>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Many {
    count: u64,
    sum: ExactSum,
    least: f64,
    largest: f64,
    first: (i64, f64),
    last: (i64, f64),
    resets: ExactSum,
    /// All samples by time and place in the log, while one may still come between them.
    open: Option<Vec<(i64, f64)>>,
    rare: Option<Box<Rare>>,
}

#[derive(Debug, Clone, Default)]
struct Rare {
    squares: ExactProducts,
    order: Order,
    entries: Vec<u32>,
}

/// Samples in order of their values: up to [`EXACT_MAX`] as words, more as buckets.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    pub nans: u64,
    /// Words, ascending, NaN among them; empty once there are buckets.
    pub words: Vec<i64>,
    /// Of those that are not NaN.
    pub buckets: Option<Box<Buckets>>,
}

impl Order {
    fn add(&mut self, word: i64) {
        if word == i64::MIN {
            self.nans += 1;
        }
        match &mut self.buckets {
            Some(buckets) if word != i64::MIN => buckets.add(word),
            Some(_) => {}
            None => {
                let at = self.words.partition_point(|&w| w <= word);
                self.words.insert(at, word);
                if self.words.len() > EXACT_MAX {
                    let mut buckets = Box::<Buckets>::default();
                    self.words.drain(..).filter(|&w| w != i64::MIN).for_each(|w| buckets.add(w));
                    self.words = Vec::new();
                    self.buckets = Some(buckets);
                }
            }
        }
    }
}

/// Hash entry of a sample in the distinct sketch.
pub(super) fn entry_of(value: f64) -> u32 {
    let mut key = vec![1];
    key.extend_from_slice(&super::canonical(value).to_bits().to_le_bytes());
    LogLog::entry(crate::keys::hash_bytes(&key))
}

/// Samples of `samples`, in order, that a smaller one follows: what a counter lost by being reset.
fn resets_of(samples: &[(i64, f64)]) -> ExactSum {
    let mut sum = ExactSum::default();
    samples.windows(2).filter(|w| w[1].1 < w[0].1).for_each(|w| sum.add(w[0].1));
    sum
}

impl Slot {
    /// One sample.
    pub fn new(pane: i64, ts: i64, value: f64) -> Self {
        Slot { pane, ts, value, many: None }
    }

    /// Adds a sample that came behind the others in the log.
    pub fn add(&mut self, parts: Parts, sketch: Sketch, ts: i64, value: f64) {
        if self.many.is_none() {
            let mut many = Box::<Many>::default();
            many.add(parts, sketch, self.ts, self.value);
            self.many = Some(many);
        }
        self.many.as_mut().expect("made above").add(parts, sketch, ts, value);
    }

    /// Nothing comes between its samples any more.
    pub fn close(&mut self) {
        if let Some(many) = &mut self.many {
            many.open = None;
        }
    }

    /// Number of samples.
    #[inline]
    pub fn count(&self) -> u64 {
        self.many.as_ref().map_or(1, |many| many.count)
    }

    /// Time and value of the first sample.
    #[inline]
    pub fn first(&self) -> (i64, f64) {
        self.many.as_ref().map_or((self.ts, self.value), |many| many.first)
    }

    /// Time and value of the last sample.
    #[inline]
    pub fn last(&self) -> (i64, f64) {
        self.many.as_ref().map_or((self.ts, self.value), |many| many.last)
    }

    /// The only sample.
    #[inline]
    pub fn only(&self) -> Option<f64> {
        self.many.is_none().then_some(self.value)
    }

    /// What several samples come to.
    pub fn sum(&self) -> Option<&ExactSum> {
        self.many.as_ref().map(|many| &many.sum)
    }

    /// Σx² of several samples.
    pub fn squares(&self) -> Option<&ExactProducts> {
        self.many.as_ref().and_then(|many| many.rare.as_ref()).map(|rare| &rare.squares)
    }

    /// What resets within the pane lost, if there were any.
    #[inline]
    pub fn resets(&self) -> Option<&ExactSum> {
        self.many.as_ref().map(|many| &many.resets)
    }

    /// The least sample; NaN only if there is no other.
    #[inline]
    pub fn least(&self) -> f64 {
        self.many.as_ref().map_or(self.value, |many| many.least)
    }

    /// The largest sample; NaN only if there is no other.
    #[inline]
    pub fn largest(&self) -> f64 {
        self.many.as_ref().map_or(self.value, |many| many.largest)
    }

    /// Several samples in order.
    pub fn order(&self) -> Option<&Order> {
        self.many.as_ref().and_then(|many| many.rare.as_ref()).map(|rare| &rare.order)
    }

    /// Entries of several samples in the distinct sketch, ascending.
    pub fn entries(&self) -> Option<&[u32]> {
        self.many.as_ref().and_then(|many| many.rare.as_ref()).map(|rare| rare.entries.as_slice())
    }

    /// Whether an entry is in the pane.
    pub fn has_entry(&self, sketch: Sketch, entry: u32) -> bool {
        match self.entries() {
            Some(entries) => entries.binary_search(&entry).is_ok(),
            None => sketch.entry(self.value) == entry,
        }
    }

    /// About the bytes on the heap of a final pane of `samples` samples.
    pub fn many_bytes(parts: Parts, samples: f64) -> usize {
        let is_rare = parts.has(Parts::SQUARES) || parts.has(Parts::ORDER) || parts.has(Parts::DISTINCT);
        let words = if parts.has(Parts::ORDER) { (samples * 8.0) as usize } else { 0 };
        let entries = if parts.has(Parts::DISTINCT) { (samples * 4.0) as usize } else { 0 };
        let rare = if is_rare { size_of::<Rare>() } else { 0 };
        size_of::<Many>() + rare + words + entries
    }

    /// About the bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let Some(many) = &self.many else { return 0 };
        let rare = many.rare.as_ref().map_or(0, |rare| {
            let buckets = rare.order.buckets.as_ref().map_or(0, |b| size_of::<Buckets>() + b.heap_bytes());
            size_of::<Rare>()
                + rare.squares.heap_bytes()
                + rare.order.words.capacity() * 8
                + rare.entries.capacity() * 4
                + buckets
        });
        let open = many.open.as_ref().map_or(0, |open| open.capacity() * 16);
        size_of::<Many>() + many.sum.heap_bytes() + many.resets.heap_bytes() + open + rare
    }
}

/// How a sample's entry in the distinct sketch is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sketch {
    /// From the number.
    OfNumber,
    /// The sample is the entry.
    Itself,
}

impl Sketch {
    /// The entry of a sample.
    pub fn entry(self, value: f64) -> u32 {
        match self {
            Sketch::OfNumber => entry_of(value),
            Sketch::Itself => value as u32,
        }
    }
}

impl Many {
    fn add(&mut self, parts: Parts, sketch: Sketch, ts: i64, value: f64) {
        let is_first = self.count == 0;
        self.count += 1;
        if parts.has(Parts::SUM) {
            self.sum.add(value);
        }
        if parts.has(Parts::EXTREMES) {
            if is_first || self.least.is_nan() || value < self.least {
                self.least = value;
            }
            if is_first || self.largest.is_nan() || value > self.largest {
                self.largest = value;
            }
        }
        if parts.has(Parts::RESETS) {
            self.insert(is_first, ts, value);
        }
        if parts.has(Parts::EDGES) {
            // Of one time, the earlier in the log is the first, the later the last.
            if is_first || ts < self.first.0 {
                self.first = (ts, value);
            }
            if is_first || ts >= self.last.0 {
                self.last = (ts, value);
            }
        }
        let rare = parts.has(Parts::SQUARES) || parts.has(Parts::ORDER) || parts.has(Parts::DISTINCT);
        if rare {
            self.rare.get_or_insert_default().add(parts, sketch, value);
        }
    }

    /// Puts a sample of a counter in its place.
    fn insert(&mut self, is_first: bool, ts: i64, value: f64) {
        let open = self.open.get_or_insert_default();
        debug_assert_eq!(open.len() as u64 + 1, self.count, "a final pane takes no samples");
        if is_first || ts >= self.last.0 {
            if !is_first && value < self.last.1 {
                self.resets.add(self.last.1);
            }
            open.push((ts, value));
        } else {
            let at = open.partition_point(|&(t, _)| t <= ts);
            open.insert(at, (ts, value));
            self.resets = resets_of(open);
        }
    }
}

impl Rare {
    fn add(&mut self, parts: Parts, sketch: Sketch, value: f64) {
        if parts.has(Parts::SQUARES) && value.is_finite() {
            self.squares.add(value, value);
        }
        if parts.has(Parts::ORDER) {
            self.order.add(word(value));
        }
        if parts.has(Parts::DISTINCT) {
            let entry = sketch.entry(value);
            if let Err(at) = self.entries.binary_search(&entry) {
                self.entries.insert(at, entry);
            }
        }
    }
}
