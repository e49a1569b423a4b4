//! The series that a selector takes.
//!
//! Invariants:
//! - A series has one number as long as it is there; its number may be used again for the same labels only,
//!   until the table is made anew without those that are gone.
//! - Which series are there is a function of the panes and the head.

use super::labels::{Matcher, is_key, project};
use super::series::{Sample, Series, Shape};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::keys::KeyTable;

/// The selector does not take a tuple.
const NO_MATCH: u32 = u32::MAX;
/// Not known yet what it does with a tuple.
const UNKNOWN: u32 = u32::MAX - 1;

/// How a set of series is.
#[derive(Debug)]
pub(super) struct SetPlan {
    /// The metric it is of.
    pub metric: usize,
    /// Conditions on the metric's labels.
    pub matchers: Vec<Matcher>,
    /// Labels of the metric that are its own.
    pub identity: Vec<usize>,
    /// Series at most.
    pub series_max: usize,
    /// What its series are.
    pub shape: Shape,
    /// Queries that read it.
    pub queries: Vec<usize>,
}

/// Series with their state.
#[derive(Debug)]
pub(super) struct SeriesSet {
    table: KeyTable,
    series: Vec<Option<Series>>,
    /// When each series came, in order.
    born: Vec<u64>,
    births: u64,
    live: usize,
    /// Number of the series of each tuple, of one generation of tuples.
    by_tuple: Vec<u32>,
    generation: u64,
    /// No series goes before this head.
    next_death: i64,
    /// Newest pane that a sample was left out of for want of room.
    pub overflow: Option<i64>,
    /// Samples left out for want of room.
    pub frozen: u64,
    /// Newest pane that a sample was left out of because it came beyond all corrections.
    pub dropped: Option<i64>,
    /// Series that got samples, for queries to look at when they are read; of one epoch.
    log: Vec<u32>,
    epoch: u64,
    /// Whether a query leaves some of its series out.
    pub has_outside: bool,
    scratch: Vec<u8>,
}

/// Entries of the log at most: behind so many, queries ask everything anew.
const LOG_MAX: usize = 1024;

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The selector does not take it.
    No,
    /// There is no room for another series.
    Frozen,
    /// It is in this series.
    Series(u32),
    /// It is in this series, which is new.
    Fresh(u32),
}

impl SeriesSet {
    /// Without series.
    pub fn new() -> Self {
        SeriesSet {
            table: KeyTable::new(),
            series: Vec::new(),
            born: Vec::new(),
            births: 0,
            live: 0,
            by_tuple: Vec::new(),
            generation: 0,
            next_death: i64::MAX,
            overflow: None,
            frozen: 0,
            dropped: None,
            log: Vec::new(),
            epoch: 0,
            has_outside: false,
            scratch: Vec::new(),
        }
    }

    /// Series that are there.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Numbers of series ever given.
    pub fn numbers(&self) -> usize {
        self.series.len()
    }

    /// The series of a number, if it is there.
    pub fn get(&self, number: u32) -> Option<&Series> {
        self.series.get(number as usize)?.as_ref()
    }

    /// The same, to move its windows.
    #[inline]
    pub fn get_mut(&mut self, number: u32) -> Option<&mut Series> {
        self.series.get_mut(number as usize)?.as_mut()
    }

    /// Labels of a series, as a key of the identity.
    pub fn key(&self, number: u32) -> &[u8] {
        self.table.key(number)
    }

    /// Number of the series, or the decision, of a tuple with the key `labels`.
    #[inline]
    fn number(&mut self, plan: &SetPlan, tuple: u32, labels: &[u8], generation: u64) -> u32 {
        if self.generation != generation {
            self.by_tuple.clear();
            self.generation = generation;
        }
        match self.by_tuple.get(tuple as usize) {
            Some(&known) if known != UNKNOWN => known,
            _ => self.decide(plan, tuple, labels),
        }
    }

    /// Whether the selector takes a tuple, and the number of the series if it has one.
    fn decide(&mut self, plan: &SetPlan, tuple: u32, labels: &[u8]) -> u32 {
        let number = if plan.matchers.iter().all(|matcher| matcher.holds(labels)) {
            project(labels, &plan.identity, &mut self.scratch);
            self.table.find(&self.scratch).unwrap_or(UNKNOWN)
        } else {
            NO_MATCH
        };
        if self.by_tuple.len() <= tuple as usize {
            self.by_tuple.resize(tuple as usize + 1, UNKNOWN);
        }
        self.by_tuple[tuple as usize] = number;
        number
    }

    /// Whether the selector takes a tuple.
    pub fn takes(&mut self, plan: &SetPlan, tuple: u32, labels: &[u8], generation: u64) -> bool {
        self.number(plan, tuple, labels, generation) != NO_MATCH
    }

    /// Takes a sample with the labels of a tuple.
    #[inline]
    pub fn add(
        &mut self,
        plan: &SetPlan,
        (tuple, labels, generation): (u32, &[u8], u64),
        sample: Sample,
        (head, first_open): (i64, i64),
    ) -> Taken {
        let mut number = self.number(plan, tuple, labels, generation);
        if number == NO_MATCH {
            return Taken::No;
        }
        let mut fresh = false;
        if number == UNKNOWN || self.series[number as usize].is_none() {
            if self.live >= plan.series_max {
                self.frozen += 1;
                self.overflow = self.overflow.max(Some(sample.pane));
                return Taken::Frozen;
            }
            number = self.bear(plan, tuple, labels, head);
            fresh = true;
        }
        let series = self.series[number as usize].as_mut().expect("it is there, or was just made");
        series.add(&plan.shape, sample, head, first_open);
        if self.log.len() >= LOG_MAX {
            self.end_epoch();
        }
        self.log.push(number);
        if fresh {
            self.next_death = self.next_death.min(sample.pane.saturating_add(plan.shape.keep));
            return Taken::Fresh(number);
        }
        Taken::Series(number)
    }

    /// What was read before is not of the present any more.
    pub fn end_epoch(&mut self) {
        self.log.clear();
        self.epoch += 1;
    }

    /// Series that got samples in this epoch, and its number.
    #[inline]
    pub fn log(&self) -> (&[u32], u64) {
        (&self.log, self.epoch)
    }

    /// Makes a series.
    #[cold]
    fn bear(&mut self, plan: &SetPlan, tuple: u32, labels: &[u8], head: i64) -> u32 {
        project(labels, &plan.identity, &mut self.scratch);
        let number = self.table.find_or_insert(&self.scratch);
        if number as usize == self.series.len() {
            self.series.push(None);
            self.born.push(0);
        }
        self.series[number as usize] = Some(Series::new(&plan.shape, head));
        self.born[number as usize] = self.births;
        self.births += 1;
        self.live += 1;
        self.by_tuple[tuple as usize] = number;
        number
    }

    /// Lets go of the series that no window reaches at `head`; their numbers go to `gone`.
    pub fn bury(&mut self, plan: &SetPlan, head: i64, gone: &mut Vec<u32>) {
        if head < self.next_death {
            return;
        }
        self.next_death = i64::MAX;
        for (number, place) in self.series.iter_mut().enumerate() {
            let Some(newest) = place.as_ref().and_then(Series::newest) else { continue };
            let death = newest.saturating_add(plan.shape.keep);
            if death <= head {
                *place = None;
                self.live -= 1;
                gone.push(number as u32);
            } else {
                self.next_death = self.next_death.min(death);
            }
        }
    }

    /// Whether more numbers are of series that are gone than is good.
    pub fn is_sparse(&self) -> bool {
        self.series.len() > 2 * self.live + 64
    }

    /// Gives the series that are there numbers in order of their coming.
    pub fn renumber(&mut self) {
        let order = self.in_order();
        let mut table = KeyTable::new();
        let mut series = Vec::with_capacity(order.len());
        for &number in &order {
            table.find_or_insert(self.table.key(number));
            series.push(self.series[number as usize].take());
        }
        self.table = table;
        self.born = order.iter().map(|&number| self.born[number as usize]).collect();
        self.series = series;
        self.by_tuple.clear();
    }

    /// Numbers of the series that are there, in order of their coming.
    pub fn in_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.series.len() as u32).filter(|&n| self.get(n).is_some()).collect();
        order.sort_unstable_by_key(|&number| self.born[number as usize]);
        order
    }

    /// Pane of the oldest sample that is kept at `head`.
    pub fn oldest(&self, plan: &SetPlan, head: i64) -> Option<i64> {
        self.series.iter().flatten().filter_map(|series| series.oldest(&plan.shape, head)).min()
    }

    /// Panes kept, and about the bytes of everything.
    pub fn size(&self) -> (usize, usize) {
        let panes = self.series.iter().flatten().map(Series::panes).sum();
        let series: usize = self.series.iter().flatten().map(Series::bytes).sum();
        let numbers = self.series.capacity() * size_of::<Option<Series>>() + self.born.capacity() * 8;
        let spare = self.live * size_of::<Series>();
        (panes, series + numbers.saturating_sub(spare) + self.table.bytes() + self.by_tuple.capacity() * 4)
    }

    /// Writes the state.
    pub fn encode(&self, plan: &SetPlan, (head, first_open): (i64, i64), out: &mut Writer) {
        out.opt_i64(self.overflow);
        out.opt_i64(self.dropped);
        out.u64(self.frozen);
        out.u64(self.live as u64);
        for number in self.in_order() {
            out.blob(self.key(number));
            let series = self.get(number).expect("those in order are there");
            series.encode(&plan.shape, head, first_open, out);
        }
    }

    /// Reads what [`SeriesSet::encode`] wrote.
    pub fn decode(plan: &SetPlan, (head, first_open): (i64, i64), input: &mut Reader<'_>) -> Result<Self> {
        let mut set = SeriesSet::new();
        set.overflow = input.opt_i64()?;
        set.dropped = input.opt_i64()?;
        set.frozen = input.u64()?;
        set.live = input.len(16)?;
        if set.live > plan.series_max {
            return Err(DecodeError("more series than there may be".into()));
        }
        for number in 0..set.live {
            let key = input.blob()?;
            if !is_key(key, plan.identity.len()) || set.table.find_or_insert(key) as usize != number {
                return Err(DecodeError("the labels of a series are damaged".into()));
            }
            let series = Series::decode(&plan.shape, head, first_open, input)?;
            let death = series.newest().map_or(i64::MAX, |pane| pane.saturating_add(plan.shape.keep));
            set.next_death = set.next_death.min(death);
            set.series.push(Some(series));
            set.born.push(number as u64);
        }
        set.births = set.live as u64;
        Ok(set)
    }
}
