//! EXTERNALTIME: rows leave by a time column.

use std::collections::BTreeSet;

use cep_lang::diag::codes;
use cep_lang::plan::Expr;

use super::place::{Arrival, Refusal};
use super::rows::{NO_GROUP, WindowRows};
use crate::column::Values;

/// When a row with time `t` enters, all rows with a time of `t − size` or before leave, those that
/// arrived out of order too. A row older than that is in the window until the next row.
#[derive(Debug)]
pub struct External {
    time: Expr,
    size_ns: i64,
    /// Oldest row that came in order and may still be in the window.
    head: usize,
    /// Largest time so far.
    latest: i64,
    /// Rows that came after one with a larger time, by time.
    late: BTreeSet<(i64, u32)>,
}

impl External {
    /// Rows whose `time` is later than the current one − `size_ns`.
    pub fn new(time: Expr, size_ns: i64) -> Self {
        External { time, size_ns, head: 0, latest: i64::MIN, late: BTreeSet::new() }
    }

    /// The time.
    pub fn exprs(&self) -> &[Expr] {
        std::slice::from_ref(&self.time)
    }

    /// Appends the time as mark.
    ///
    /// # Errors
    /// If it is NULL.
    pub fn admit(&self, arrival: Arrival<'_>, marks: &mut [Vec<i64>]) -> Result<(), Refusal> {
        let column = arrival.columns[0];
        match &column.values {
            Values::I64(times) if column.is_valid(arrival.row) => {
                marks[0].push(times[arrival.row]);
                Ok(())
            }
            _ => Err((
                codes::MISSING_EVENT_TIME,
                "the time of EXTERNALTIME is NULL; the row was left out".to_string(),
            )),
        }
    }

    /// Rows leave for `row`.
    pub fn enter(&mut self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        let time = rows.marks[0][row as usize];
        if time < self.latest {
            self.late.insert((time, row));
        }
        self.latest = self.latest.max(time);
        let Some(limit) = time.checked_sub(self.size_ns) else {
            return; // A window that reaches before the beginning of time holds all.
        };
        while self.head < row as usize {
            let at = (rows.marks[0][self.head], self.head as u32);
            if !self.late.is_empty() && self.late.contains(&at) {
                self.head += 1;
                continue;
            }
            // A late row that has left is stepped over as well.
            if rows.is_live(self.head) {
                if at.0 > limit {
                    break;
                }
                leave(rows, at.1, leaves);
            }
            self.head += 1;
        }
        while let Some(&(time, old)) = self.late.first().filter(|(time, old)| *time <= limit && *old != row) {
            self.late.remove(&(time, old));
            leave(rows, old, leaves);
        }
    }

    /// Rows have new numbers.
    pub fn renumber(&mut self, kept: &[u32]) {
        let new = |old: u32| kept.partition_point(|&k| k < old) as u32;
        self.head = new(self.head as u32) as usize;
        self.late = self.late.iter().map(|&(time, row)| (time, new(row))).collect();
    }

    /// Sorts decoded rows into those in order and late ones.
    pub fn rebuild(&mut self, rows: &WindowRows) {
        self.head = 0;
        self.latest = i64::MIN;
        self.late.clear();
        for (row, &time) in rows.marks[0].iter().enumerate() {
            if time < self.latest {
                self.late.insert((time, row as u32));
            }
            self.latest = self.latest.max(time);
        }
    }
}

fn leave(rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
    rows.leave(row);
    if rows.group[row as usize] != NO_GROUP {
        leaves.push(row);
    }
}
