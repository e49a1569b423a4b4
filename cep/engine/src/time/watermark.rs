//! Watermarks of one step, per step row.

use super::WATERMARK_START;

/// The watermark of a stream or operator after each row of the step, and whether it is idle then.
#[derive(Debug, Clone)]
pub struct Watermarks {
    /// One value a step row, ascending; a single value holds for all rows.
    values: Vec<i64>,
    /// One flag a step row; a single one holds for all rows.
    idle: Vec<bool>,
}

impl Default for Watermarks {
    fn default() -> Self {
        Watermarks { values: vec![WATERMARK_START], idle: vec![false] }
    }
}

impl Watermarks {
    /// Leaves a place holder that must not be read, without allocating.
    pub fn take(&mut self) -> Watermarks {
        std::mem::replace(self, Watermarks { values: Vec::new(), idle: Vec::new() })
    }

    /// The same watermark for all rows, idle or not.
    pub fn set_constant(&mut self, value: i64, idle: bool) {
        self.values.clear();
        self.values.push(value);
        self.set_idle(idle);
    }

    /// The same watermark for all rows; idle where it was.
    pub fn hold_at(&mut self, value: i64) {
        self.values.clear();
        self.values.push(value);
    }

    /// Idle or not after every row.
    pub fn set_idle(&mut self, idle: bool) {
        self.idle.clear();
        self.idle.push(idle);
    }

    /// The vector to fill with one watermark a step row.
    pub fn steps(&mut self) -> &mut Vec<i64> {
        self.values.clear();
        &mut self.values
    }

    /// The vectors to fill with one watermark and one idle flag a step row.
    pub fn steps_and_idle(&mut self) -> (&mut Vec<i64>, &mut Vec<bool>) {
        self.values.clear();
        self.idle.clear();
        (&mut self.values, &mut self.idle)
    }

    /// Whether it is idle after step row `row`: it then holds no merge back.
    pub fn is_idle(&self, row: usize) -> bool {
        if self.idle.len() == 1 { self.idle[0] } else { self.idle[row] }
    }

    /// The watermark after step row `row`.
    #[inline]
    pub fn after(&self, row: usize) -> i64 {
        if self.values.len() == 1 { self.values[0] } else { self.values[row] }
    }

    /// The watermark after the last row.
    pub fn last(&self) -> i64 {
        *self.values.last().expect("never empty")
    }

    /// First step row at or after `from` whose watermark reaches `target`.
    pub fn first_reaching(&self, target: i64, from: usize) -> Option<usize> {
        if self.last() < target {
            return None;
        }
        if self.values.len() == 1 {
            return Some(from);
        }
        Some(from + self.values[from..].partition_point(|&w| w < target)).filter(|&i| i < self.values.len())
    }

    /// Whether all rows share one watermark and one idle flag.
    pub fn is_constant(&self) -> bool {
        self.values.len() == 1 && self.idle.len() == 1
    }
}

/// What an operator knows of time in a step.
#[derive(Debug, Clone, Copy)]
pub struct NodeTime<'a> {
    /// Stamp of each step row.
    pub stamps: &'a [i64],
    /// Its watermark after each step row.
    pub watermarks: &'a Watermarks,
    /// All inputs have ended in this step: flush after its last row.
    pub flush: bool,
}

impl NodeTime<'_> {
    /// First step row at or after `from` whose stamp reaches `target`.
    pub fn first_stamp_reaching(&self, target: i64, from: usize) -> Option<usize> {
        if *self.stamps.last()? < target {
            return None;
        }
        Some(from + self.stamps.get(from..)?.partition_point(|&s| s < target))
            .filter(|&i| i < self.stamps.len())
    }

    /// Stamp after the last step row.
    pub fn last_stamp(&self) -> i64 {
        *self.stamps.last().expect("a step has a row")
    }

    /// Last step row.
    pub fn last_row(&self) -> usize {
        self.stamps.len() - 1
    }
}
