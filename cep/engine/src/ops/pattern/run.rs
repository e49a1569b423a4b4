//! Partial matches.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::automaton::{Move, Set, StateId};
use super::captures::{NONE, NodeId, RowId};
use crate::expr::row::Scalar;

/// No time.
pub const NEVER: i64 = i64::MAX;

/// One way in which a partial match may go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// What is left.
    pub state: StateId,
    /// Its rows.
    pub head: NodeId,
    /// Its registers.
    pub registers: SmallVec<[i64; 2]>,
}

/// A partial match: all ways in which it may go on, the preferred first.
#[derive(Debug)]
pub struct Run {
    /// Ascending in order of beginning.
    pub number: u64,
    /// The ways.
    pub threads: SmallVec<[Thread; 1]>,
    /// The least time at which something happens to it; [`NEVER`].
    pub due: i64,
    /// When it fails, the pattern may begin again.
    pub holds_start: bool,
    /// MATCH_RECOGNIZE: number of the row it begins with.
    pub start: u64,
    /// MATCH_RECOGNIZE: that row, where it may come out unmatched or for an empty match.
    pub anchor: RowId,
    /// MATCH_RECOGNIZE: the match that is given unless a preferred one is found; [`NONE`]: the empty one.
    pub best: Option<NodeId>,
}

/// A row that may be read by its neighbours, or that waits for them.
#[derive(Debug)]
pub struct WindowRow {
    /// Number of arrival in the operator.
    pub arrival: u64,
    /// Event time, ns.
    pub time: i64,
    /// Stamp, ns.
    pub stamp: i64,
    /// The time that bounds go by, ns.
    pub clock: i64,
    /// The columns that are read.
    pub values: Box<[Scalar<'static>]>,
    /// Which elements it fits as far as the row alone says.
    pub fits: Box<[bool]>,
}

/// What is kept of a key.
#[derive(Debug)]
pub struct Key {
    /// Its partial matches, by number.
    pub runs: Vec<Run>,
    /// Rows it had.
    pub rows: u64,
    /// Nothing new may begin.
    pub is_busy: bool,
    /// It had a match.
    pub has_matched: bool,
    /// It has begun to wait for an absence at the start of the pattern.
    pub has_begun: bool,
    /// Its first row, held, where a match without rows may name the key.
    pub exemplar: RowId,
    /// Matches it had.
    pub matches: u64,
    /// MATCH_RECOGNIZE: rows below this number begin no match.
    pub resume: u64,
    /// MATCH_RECOGNIZE: rows below this number were in a match.
    pub covered: u64,
    /// Rows before and behind the current one; those behind have not been looked at.
    pub window: VecDeque<WindowRow>,
    /// Rows of the window that have been looked at.
    pub past: usize,
}

impl Default for Key {
    fn default() -> Self {
        Key {
            runs: Vec::new(),
            rows: 0,
            is_busy: false,
            has_matched: false,
            has_begun: false,
            exemplar: NONE,
            matches: 0,
            resume: 0,
            covered: 0,
            window: VecDeque::new(),
            past: 0,
        }
    }
}

impl Thread {
    /// At the beginning.
    pub fn new(state: StateId, registers: usize) -> Self {
        Thread { state, head: NONE, registers: SmallVec::from_elem(0, registers) }
    }

    /// Sets registers as a move says, at `clock` and with row number `row`.
    pub fn go(&mut self, to: &Move, clock: i64, row: u64) {
        self.state = to.state;
        to.clears.iter().for_each(|&r| self.registers[usize::from(r)] = 0);
        self.set(&to.sets, clock, row);
    }

    /// Sets registers.
    pub fn set(&mut self, sets: &[Set], clock: i64, row: u64) {
        for set in sets {
            match *set {
                Set::Time(r) => self.registers[usize::from(r)] = clock,
                Set::Row(r) => self.registers[usize::from(r)] = row as i64,
                Set::Deadline(r, ns) => self.registers[usize::from(r)] = clock.saturating_add(ns),
            }
        }
    }
}

impl Run {
    /// What it counts among the partial matches: its threads, or itself while it waits for others.
    pub fn weight(&self) -> u64 {
        self.threads.len().max(1) as u64
    }

    /// A run of one thread.
    pub fn new(number: u64, thread: Thread) -> Self {
        Run {
            number,
            threads: SmallVec::from_buf([thread]),
            due: NEVER,
            holds_start: false,
            start: 0,
            anchor: NONE,
            best: None,
        }
    }
}
