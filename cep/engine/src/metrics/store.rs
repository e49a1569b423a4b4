//! All metrics of a stream: series, lanes and the head.

use cep_lang::plan::metric_flags;

use super::plan::MetricsPlan;
use super::query::QueryState;
use super::series::Sample;
use super::set::{SeriesSet, Taken};
use super::size::MetricsSize;
use crate::codec::{DecodeError, Reader, Result, Writer};

/// The head before any row.
const NO_HEAD: i64 = i64::MIN;

/// Series and lanes of the metrics of a stream.
#[derive(Debug)]
pub struct Metrics {
    plan: MetricsPlan,
    sets: Vec<SeriesSet>,
    queries: Vec<QueryState>,
    head: i64,
    /// Event time of the definition's first row.
    first_row: Option<i64>,
    /// First pane that may still get samples.
    first_open: i64,
    gone: Vec<u32>,
}

/// A value with its flags ([`metric_flags`]).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// `None`: no value.
    pub value: Option<f64>,
    /// Bits of [`metric_flags`].
    pub flags: i64,
}

impl Metrics {
    /// Without samples.
    pub fn new(plan: MetricsPlan) -> Self {
        Metrics {
            sets: plan.sets.iter().map(|_| SeriesSet::new()).collect(),
            queries: plan.queries.iter().map(QueryState::new).collect(),
            head: NO_HEAD,
            first_row: None,
            first_open: i64::MIN,
            gone: Vec::new(),
            plan,
        }
    }

    /// What they keep and compute.
    pub fn plan(&self) -> &MetricsPlan {
        &self.plan
    }

    /// The newest pane that values are of; `None` before the first.
    pub fn head(&self) -> Option<i64> {
        (self.head != NO_HEAD).then_some(self.head)
    }

    /// Moves the head on to pane `head`; back it does not go.
    #[inline]
    pub fn advance(&mut self, head: i64) {
        if head > self.head {
            self.advance_slowly(head);
        }
    }

    fn advance_slowly(&mut self, head: i64) {
        self.head = head;
        let mut gone = std::mem::take(&mut self.gone);
        for (set, plan) in self.sets.iter_mut().zip(&self.plan.sets) {
            gone.clear();
            set.end_epoch();
            set.bury(plan, head, &mut gone);
            if gone.is_empty() {
                continue;
            }
            for &query in &plan.queries {
                self.queries[query].bury(&self.plan.queries[query], set, &gone);
            }
            set.has_outside = plan.queries.iter().any(|&query| self.queries[query].is_over());
            let renumber = set.is_sparse();
            if renumber {
                set.renumber();
            }
            for &query in &plan.queries {
                if renumber || self.queries[query].is_sparse() {
                    self.queries[query].rebuild(&self.plan.queries[query], set);
                }
            }
        }
        self.gone = gone;
    }

    /// A row was let in at `ts`, and panes before `first_open` get no more samples.
    #[inline]
    pub fn begin_row(&mut self, ts: i64, first_open: i64) {
        self.first_row.get_or_insert(ts);
        self.first_open = first_open;
    }

    /// Takes the sample that a row at `ts`, in pane `pane`, has of metric `metric`; `labels` are its labels with their
    /// number and its generation ([`super::LabelTuples`]).
    #[inline]
    pub fn add(&mut self, metric: usize, labels: (u32, &[u8], u64), (ts, pane): (i64, i64), value: f64) {
        let sample = Sample { pane, ts, value: super::canonical(value) };
        for &number in &self.plan.sets_of[metric] {
            let (set, plan) = (&mut self.sets[number], &self.plan.sets[number]);
            if pane <= self.head.saturating_sub(plan.shape.keep) {
                // No window reaches it.
                continue;
            }
            let (series, fresh) = match set.add(plan, labels, sample, (self.head, self.first_open)) {
                Taken::No | Taken::Frozen => continue,
                Taken::Series(_) if !set.has_outside => continue,
                Taken::Series(series) => (series, false),
                Taken::Fresh(series) => (series, true),
            };
            for &query in &plan.queries {
                self.queries[query].sample(&self.plan.queries[query], set, series, fresh);
            }
            set.has_outside = plan.queries.iter().any(|&query| self.queries[query].is_over());
        }
    }

    /// A sample of `metric` in pane `pane` was left out because it came beyond all corrections.
    pub fn leave_out(&mut self, metric: usize, labels: (u32, &[u8], u64), pane: i64) {
        for &number in &self.plan.sets_of[metric] {
            let (tuple, key, generation) = labels;
            let (set, plan) = (&mut self.sets[number], &self.plan.sets[number]);
            if set.takes(plan, tuple, key, generation) {
                set.dropped = set.dropped.max(Some(pane));
            }
        }
    }

    /// Value of the lane of some labels at the head.
    #[inline]
    pub fn read(&mut self, query: usize, labels: (u32, &[u8], u64)) -> Reading {
        let plan = &self.plan.queries[query];
        let lane = self.queries[query].lane_of(plan, labels);
        let value = lane.and_then(|lane| self.value(query, lane, self.head));
        Reading { value, flags: self.flags(query, self.head) }
    }

    /// Value of a lane at pane `head`.
    #[inline]
    pub fn value(&mut self, query: usize, lane: usize, head: i64) -> Option<f64> {
        let plan = &self.plan.queries[query];
        let of = (&self.plan.sets[plan.set], &mut self.sets[plan.set]);
        self.queries[query].value(plan, of, lane, head)
    }

    /// What is to be said of the values of a query at pane `head`.
    #[inline]
    pub fn flags(&self, query: usize, head: i64) -> i64 {
        let plan = &self.plan.queries[query];
        let set = &self.sets[plan.set];
        let (from, _) = plan.spec.panes(head);
        let start = from.saturating_mul(self.plan.pane_ns);
        let flag = |holds: bool, bit: i64| if holds { bit } else { 0 };
        let is_over = self.queries[query].is_over() || set.overflow.is_some_and(|pane| pane >= from);
        flag(set.dropped.is_some_and(|pane| pane >= from), metric_flags::NON_RETRACTABLE_DROPPED)
            | flag(is_over, metric_flags::LANE_OVERFLOW)
            | flag(self.first_row.is_none_or(|first| start < first), metric_flags::WARMING_UP)
    }

    /// Start and end of a query's window at pane `head`, ns.
    pub fn bounds(&self, query: usize, head: i64) -> (i64, i64) {
        let (from, to) = self.plan.queries[query].spec.panes(head);
        let ns = self.plan.pane_ns;
        (from.saturating_mul(ns), to.saturating_add(1).saturating_mul(ns))
    }

    /// First and last head at which a query reads pane `pane`.
    pub fn heads_of(&self, query: usize, pane: i64) -> (i64, i64) {
        let spec = self.plan.queries[query].spec;
        let first = pane.saturating_add(spec.offset);
        (first, first.saturating_add(spec.range - 1))
    }

    /// Whether the query reads the metric.
    pub fn reads(&self, query: usize, metric: usize) -> bool {
        self.plan.sets[self.plan.queries[query].set].metric == metric
    }

    /// Lanes of a query that are there, in order of their coming.
    pub fn lanes(&self, query: usize) -> usize {
        self.queries[query].lanes()
    }

    /// Labels of a lane as a key ([`super::split_labels`]).
    pub fn lane_key(&self, query: usize, lane: usize) -> &[u8] {
        self.queries[query].key(lane)
    }

    /// The first head above the present one at which some window may have a sample.
    pub fn next_head(&self) -> Option<i64> {
        let of_set = |(set, plan): (&SeriesSet, &super::set::SetPlan)| {
            let offset = plan.shape.windows.iter().map(|window| window.offset).min()?;
            Some(set.oldest(plan, self.head)?.saturating_add(offset))
        };
        let first = self.sets.iter().zip(&self.plan.sets).filter_map(of_set).min()?;
        Some(first.max(self.head.saturating_add(1)))
    }

    /// Samples left out because their lanes or series were over the limit.
    pub fn frozen_samples(&self) -> u64 {
        self.sets.iter().map(|set| set.frozen).sum::<u64>()
            + self.queries.iter().map(|q| q.frozen).sum::<u64>()
    }

    /// What there is, and about what it takes.
    pub fn size(&self) -> MetricsSize {
        let mut size = MetricsSize::default();
        for set in &self.sets {
            let (panes, bytes) = set.size();
            size.panes += panes;
            size.series += set.live();
            size.bytes += bytes;
        }
        for query in &self.queries {
            size.lanes += query.lanes();
            size.bytes += query.bytes();
        }
        size
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.head);
        out.i64(self.first_open);
        out.opt_i64(self.first_row);
        let at = (self.head, self.first_open);
        self.sets.iter().zip(&self.plan.sets).for_each(|(set, plan)| set.encode(plan, at, out));
        self.queries.iter().for_each(|query| query.encode(out));
    }

    /// Reads what [`Metrics::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.head = input.i64()?;
        self.first_open = input.i64()?;
        self.first_row = input.opt_i64()?;
        let at = (self.head, self.first_open);
        for (set, plan) in self.sets.iter_mut().zip(&self.plan.sets) {
            *set = SeriesSet::decode(plan, at, input)?;
        }
        for (query, plan) in self.queries.iter_mut().zip(&self.plan.queries) {
            *query = QueryState::decode(plan, &self.sets[plan.set], input)?;
            self.sets[plan.set].has_outside |= query.is_over();
        }
        if self.first_row.is_none() && self.sets.iter().any(|set| set.live() > 0) {
            return Err(DecodeError("samples before the first row".into()));
        }
        Ok(())
    }
}
