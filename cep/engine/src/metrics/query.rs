//! An expression with its lanes.
//!
//! Invariants:
//! - Lanes are in order of their coming. A lane is there as long as a series of it is.
//! - A series of a lane that there is no room for is in no aggregate; it comes in with its next sample once there
//!   is room.

use super::labels::{is_key, project};
use super::level::{self, Leaf, Level, Moment};
use super::plan::QueryPlan;
use super::set::{SeriesSet, SetPlan};
use crate::agg::sketch::LogLog;
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::keys::KeyTable;

/// No lane.
const NONE: u32 = u32::MAX;

/// A query with its lanes.
#[derive(Debug)]
pub(super) struct QueryState {
    levels: Vec<Level>,
    lanes: Vec<Lane>,
    /// By key; the numbers are those of `lanes`.
    table: KeyTable,
    /// Whether each series is in a lane.
    admitted: Vec<bool>,
    /// Series that are not.
    outside: usize,
    /// Samples that came to lanes there is no room for.
    pub frozen: u64,
    /// Lane of each tuple, of one generation of tuples and one set of lanes.
    by_tuple: Vec<u32>,
    generation: (u64, u64),
    /// How often lanes came or went.
    epoch: u64,
    /// Entries of the set's log that were looked at, and of which epoch.
    looked: (usize, u64),
    /// How often everything was to be asked anew.
    turn: u64,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Lane {
    /// What it is on top of the aggregates.
    element: u32,
    /// Series in it.
    members: usize,
}

impl QueryState {
    /// Without lanes.
    pub fn new(plan: &QueryPlan) -> Self {
        QueryState {
            levels: plan.levels.iter().map(|(op, by)| Level::new(*op, by.clone())).collect(),
            lanes: Vec::new(),
            table: KeyTable::new(),
            admitted: Vec::new(),
            outside: 0,
            frozen: 0,
            by_tuple: Vec::new(),
            generation: (0, 0),
            epoch: 0,
            looked: (0, 0),
            turn: 0,
            scratch: Vec::new(),
        }
    }

    /// Lanes that are there.
    pub fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Labels of a lane as a key.
    pub fn key(&self, lane: usize) -> &[u8] {
        self.table.key(lane as u32)
    }

    /// Whether series are left out for want of room.
    pub fn is_over(&self) -> bool {
        self.outside > 0
    }

    /// A series got a sample that is new, or that may not be in a lane.
    pub fn sample(&mut self, plan: &QueryPlan, set: &SeriesSet, series: u32, fresh: bool) {
        if fresh {
            self.come(series);
        }
        if !self.admitted[series as usize] && !self.admit(plan, set, series) {
            self.frozen += 1;
        }
    }

    /// Marks the series that got samples since it was looked.
    #[inline]
    fn look(&mut self, set: &SeriesSet) {
        let (log, epoch) = set.log();
        if self.looked.1 != epoch {
            self.turn += 1;
        } else {
            for &series in &log[self.looked.0..] {
                if self.admitted[series as usize] {
                    level::mark(&mut self.levels, series);
                }
            }
        }
        self.looked = (log.len(), epoch);
    }

    fn come(&mut self, series: u32) {
        if self.admitted.len() <= series as usize {
            self.admitted.resize(series as usize + 1, false);
        }
        self.outside += 1;
    }

    /// Takes a series into its lane, if there is room for it.
    #[cold]
    fn admit(&mut self, plan: &QueryPlan, set: &SeriesSet, series: u32) -> bool {
        let labels = set.key(series);
        project(labels, &plan.places, &mut self.scratch);
        let lane = match self.table.find(&self.scratch) {
            Some(lane) => lane as usize,
            None if self.lanes.len() >= plan.lanes_max => return false,
            None => {
                self.table.find_or_insert(&self.scratch);
                self.lanes.push(Lane { element: NONE, members: 0 });
                self.epoch += 1;
                self.lanes.len() - 1
            }
        };
        let lane = &mut self.lanes[lane];
        lane.element = level::insert(&mut self.levels, series, labels);
        lane.members += 1;
        self.admitted[series as usize] = true;
        self.outside -= 1;
        true
    }

    /// Series are gone.
    pub fn bury(&mut self, plan: &QueryPlan, set: &SeriesSet, gone: &[u32]) {
        let mut ended = false;
        for &series in gone {
            if !std::mem::take(&mut self.admitted[series as usize]) {
                self.outside -= 1;
                continue;
            }
            level::remove(&mut self.levels, series);
            project(set.key(series), &plan.places, &mut self.scratch);
            let lane = self.table.find(&self.scratch).expect("an admitted series has a lane") as usize;
            self.lanes[lane].members -= 1;
            ended |= self.lanes[lane].members == 0;
        }
        if ended {
            let lanes = &self.lanes;
            self.table.retain(|lane| lanes[lane as usize].members > 0);
            self.lanes.retain(|lane| lane.members > 0);
            self.epoch += 1;
        }
    }

    /// Whether the aggregates are to be made anew.
    pub fn is_sparse(&self) -> bool {
        level::is_sparse(&self.levels)
    }

    /// Makes the aggregates anew from the series and the lanes that there are.
    pub fn rebuild(&mut self, plan: &QueryPlan, set: &SeriesSet) {
        self.levels = plan.levels.iter().map(|(op, by)| Level::new(*op, by.clone())).collect();
        self.admitted = vec![false; set.numbers()];
        self.outside = 0;
        self.lanes.iter_mut().for_each(|lane| lane.members = 0);
        for series in set.in_order() {
            let labels = set.key(series);
            project(labels, &plan.places, &mut self.scratch);
            let Some(lane) = self.table.find(&self.scratch) else {
                self.outside += 1;
                continue;
            };
            let lane = &mut self.lanes[lane as usize];
            lane.element = level::insert(&mut self.levels, series, labels);
            lane.members += 1;
            self.admitted[series as usize] = true;
        }
    }

    /// The lane of a tuple, if it is there.
    #[inline]
    pub fn lane_of(
        &mut self,
        plan: &QueryPlan,
        (tuple, labels, generation): (u32, &[u8], u64),
    ) -> Option<usize> {
        if self.generation != (generation, self.epoch) {
            self.by_tuple.clear();
            self.generation = (generation, self.epoch);
        }
        if self.by_tuple.len() <= tuple as usize {
            self.by_tuple.resize(tuple as usize + 1, NONE);
        }
        let known = &mut self.by_tuple[tuple as usize];
        if *known == NONE {
            project(labels, &plan.by, &mut self.scratch);
            // One above, so that "none" is known as well.
            *known = self.table.find(&self.scratch).map_or(0, |lane| lane + 1);
        }
        known.checked_sub(1).map(|lane| lane as usize)
    }

    /// The value of a lane at `head`.
    #[inline]
    pub fn value(
        &mut self,
        plan: &QueryPlan,
        sets: (&SetPlan, &mut SeriesSet),
        lane: usize,
        head: i64,
    ) -> Option<f64> {
        self.look(sets.1);
        let at = Moment { head, turn: self.turn };
        let mut leaf = SeriesLeaf { of: sets, query: plan, head };
        level::value(&mut self.levels, &mut leaf, self.lanes[lane].element, at)
    }

    /// About the bytes it takes.
    pub fn bytes(&self) -> usize {
        size_of::<QueryState>()
            + level::bytes(&self.levels)
            + self.table.bytes()
            + self.lanes.capacity() * size_of::<Lane>()
            + self.admitted.capacity()
            + self.by_tuple.capacity() * 4
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.frozen);
        out.u64(self.lanes.len() as u64);
        (0..self.lanes.len()).for_each(|lane| out.blob(self.key(lane)));
    }

    /// Reads what [`QueryState::encode`] wrote.
    pub fn decode(plan: &QueryPlan, set: &SeriesSet, input: &mut Reader<'_>) -> Result<Self> {
        let mut query = QueryState::new(plan);
        query.frozen = input.u64()?;
        let lanes = input.len(8)?;
        if lanes > plan.lanes_max {
            return Err(DecodeError("more lanes than there may be".into()));
        }
        for lane in 0..lanes {
            let key = input.blob()?;
            if !is_key(key, plan.by.len()) || query.table.find_or_insert(key) as usize != lane {
                return Err(DecodeError("the labels of a lane are damaged".into()));
            }
            query.lanes.push(Lane { element: NONE, members: 0 });
        }
        query.rebuild(plan, set);
        if query.lanes.iter().any(|lane| lane.members == 0) {
            return Err(DecodeError("a lane without series".into()));
        }
        Ok(query)
    }
}

/// Series below a query.
struct SeriesLeaf<'a> {
    of: (&'a SetPlan, &'a mut SeriesSet),
    query: &'a QueryPlan,
    head: i64,
}

impl Leaf for SeriesLeaf<'_> {
    #[inline]
    fn value(&mut self, series: u32) -> Option<f64> {
        let (plan, set) = (self.of.0, &mut *self.of.1);
        let series = set.get_mut(series)?;
        series.seek(&plan.shape, self.query.window, self.head);
        series.value(&plan.shape, self.query.window, self.query.value)
    }

    fn union(&mut self, series: u32, union: &mut LogLog) -> bool {
        let (plan, set) = (self.of.0, &mut *self.of.1);
        let Some(series) = set.get_mut(series) else { return false };
        series.seek(&plan.shape, self.query.window, self.head);
        series.union_into(self.query.window, union)
    }
}
