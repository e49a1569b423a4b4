//! LENGTH, TIME and TIMELENGTH: the oldest rows leave, by number and by stamp.

use super::place::Arrival;
use super::rows::WindowRows;

/// Rows leave in order of arrival once they are too many or too old. Rows that fail WHERE need not
/// be kept: they count by the number of arrival of the rows after them.
#[derive(Debug)]
pub struct Queue {
    rows_max: Option<i64>,
    size_ns: Option<i64>,
}

impl Queue {
    /// The last `rows_max` rows, whose stamp is later than the current one − `size_ns`.
    pub fn new(rows_max: Option<u64>, size_ns: Option<i64>) -> Self {
        Queue { rows_max: rows_max.map(|r| i64::try_from(r).unwrap_or(i64::MAX)), size_ns }
    }

    /// Number of marks: the ordinal if rows are counted, the stamp if they are timed.
    pub fn marks(&self) -> usize {
        usize::from(self.rows_max.is_some()) + usize::from(self.size_ns.is_some())
    }

    /// Appends the marks of a row.
    pub fn admit(&self, arrival: Arrival<'_>, marks: &mut [Vec<i64>]) {
        self.admit_all(arrival.ordinal, std::iter::once(arrival.stamp), 1, marks);
    }

    /// Appends the marks of rows that arrive together, none of them filtered out.
    pub fn admit_all(
        &self,
        first: u64,
        stamps: impl Iterator<Item = i64>,
        count: usize,
        marks: &mut [Vec<i64>],
    ) {
        let mut marks = marks.iter_mut();
        if self.rows_max.is_some() {
            let ordinals = first as i64..first as i64 + count as i64;
            marks.next().expect("as many as `marks`").extend(ordinals);
        }
        if self.size_ns.is_some() {
            marks.next().expect("as many as `marks`").extend(stamps);
        }
    }

    /// Rows leave for `row`.
    #[inline]
    pub fn enter(&self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        let mut at = 0;
        if let Some(max) = self.rows_max {
            let limit = rows.marks[at][row as usize] - max;
            leave_until(rows, at, limit, row as usize + 1, leaves);
            at += 1;
        }
        // A window that reaches before the beginning of time holds all.
        if let Some(limit) = self.size_ns.and_then(|size| rows.marks[at][row as usize].checked_sub(size)) {
            leave_until(rows, at, limit, row as usize + 1, leaves);
        }
    }

    /// Rows leave that are behind by now.
    pub fn settle(&self, rows: &mut WindowRows, stamp: i64, arrived: u64, leaves: &mut Vec<u32>) {
        let mut at = 0;
        if let Some(max) = self.rows_max {
            leave_until(rows, at, arrived as i64 - 1 - max, rows.end(), leaves);
            at += 1;
        }
        if let Some(limit) = self.size_ns.and_then(|size| stamp.checked_sub(size)) {
            leave_until(rows, at, limit, rows.end(), leaves);
        }
    }
}

/// The oldest rows before `end` leave as long as mark `mark` is not above `limit`.
#[inline]
fn leave_until(rows: &mut WindowRows, mark: usize, limit: i64, end: usize, leaves: &mut Vec<u32>) {
    while rows.front < end && rows.marks[mark][rows.front] <= limit {
        leaves.push(rows.leave_first());
    }
}
