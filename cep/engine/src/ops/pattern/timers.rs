//! What time alone does to partial matches: bounds that end, absences that hold, the end of input.

use std::cmp::Reverse;

use cep_lang::plan::Matching;

use super::machine::Place;
use super::operator::{PatternOp, report_skips};
use super::run::{Key, NEVER};
use crate::chunk::{Phase, position, step_row};
use crate::ops::OpError;
use crate::time::NodeTime;

/// The time at the end of input: all that is under way is due before, and nothing that begins then.
const END_CLOCK: i64 = NEVER - 1;

impl PatternOp {
    /// Fires what is due at `until` or before.
    pub(super) fn fire_until(&mut self, until: i64, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        while let Some(&Reverse((due, number, group))) = self.machine.timers.peek() {
            if due > until {
                break;
            }
            self.machine.timers.pop();
            // What was due before a row that waited for others shows up behind it.
            let pos = self.timer_position(due, time).max(self.scratch.pos);
            let stamp = time.stamps[step_row(pos)];
            self.fire(due, number, group, due, Place { pos, time: Some(due), stamp }, errors);
        }
    }

    pub(super) fn timer_position(&self, due: i64, time: NodeTime<'_>) -> u32 {
        match self.waiting {
            None => position(time.first_stamp_reaching(due, 0).unwrap_or(time.last_row()), Phase::Stamp),
            Some(_) => {
                position(time.watermarks.first_reaching(due, 0).unwrap_or(time.last_row()), Phase::Watermark)
            }
        }
    }

    /// Fires what is due for a run; what begins then begins at `clock`.
    pub(super) fn fire(
        &mut self,
        due: i64,
        number: u64,
        group: u32,
        clock: i64,
        place: Place,
        errors: &mut Vec<OpError>,
    ) {
        let at = group as usize;
        let is_there = |run: &super::run::Run| run.number == number && run.due == due;
        // Rows that wait for those behind them come before what is due behind them.
        let waits = |key: &Key| key.window.get(key.past).is_some_and(|row| row.clock < due);
        if !self.keys.get(at).is_some_and(|key| key.runs.iter().any(is_there) && !waits(key)) {
            return;
        }
        let mut key = std::mem::take(&mut self.keys[at]);
        if self.machine.matching == Matching::Preferred {
            // A match that is decided now ended earlier.
            let place = Place { time: None, ..place };
            self.machine.expire(&mut key, number, due, place, group, errors);
        } else {
            self.machine.fire(&mut key, group, number, due, clock, place);
            report_skips(&mut self.machine, errors);
        }
        self.put_back(group, key);
    }

    /// The input has ended: rows that wait for others have none, and time runs out.
    pub(super) fn flush(&mut self, time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        let (pos, stamp) = (position(time.last_row(), Phase::Flush), time.last_stamp());
        let mut left: Vec<(u64, u32)> = Vec::new();
        for (key, group) in self.keys.iter().zip(0u32..) {
            left.extend(key.window.iter().skip(key.past).map(|row| (row.arrival, group)));
        }
        left.sort_unstable();
        for (_, group) in left {
            let mut key = std::mem::take(&mut self.keys[group as usize]);
            self.look_in_window(&mut key, group, pos, errors);
            self.put_back(group, key);
            self.evict(Place { pos, time: None, stamp }, errors);
        }
        if self.machine.matching == Matching::Preferred {
            let mut keys: Vec<(u64, u32)> = Vec::new();
            for (key, group) in self.keys.iter().zip(0u32..) {
                keys.extend(key.runs.first().map(|run| (run.number, group)));
            }
            keys.sort_unstable();
            for (_, group) in keys {
                let mut key = std::mem::take(&mut self.keys[group as usize]);
                self.machine.end(&mut key, Place { pos, time: None, stamp }, errors);
                self.put_back(group, key);
            }
            return;
        }
        // What is under way comes to its end; what begins then has no time left.
        self.renumber();
        while let Some(Reverse((due, number, group))) = self.machine.timers.pop() {
            if due < END_CLOCK {
                let place = Place { pos, time: Some(due), stamp };
                self.fire(due, number, group, END_CLOCK, place, errors);
            }
        }
    }
}
