//! Watermarks of one step, per step row.

use super::WATERMARK_START;

/// The watermark of a stream or operator after each row of the step.
#[derive(Debug, Clone)]
pub struct Watermarks {
    /// One value a step row, ascending; a single value holds for all rows.
    values: Vec<i64>,
    /// First step row from which the input counts as idle.
    pub idle_from: usize,
}

impl Default for Watermarks {
    fn default() -> Self {
        Watermarks { values: vec![WATERMARK_START], idle_from: usize::MAX }
    }
}

impl Watermarks {
    /// Leaves a place holder that must not be read, without allocating.
    pub fn take(&mut self) -> Watermarks {
        std::mem::replace(self, Watermarks { values: Vec::new(), idle_from: usize::MAX })
    }

    /// The same watermark for all rows.
    pub fn set_constant(&mut self, value: i64) {
        self.values.clear();
        self.values.push(value);
    }

    /// The vector to fill with one value a step row.
    pub fn steps(&mut self) -> &mut Vec<i64> {
        self.values.clear();
        &mut self.values
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

    /// Whether all rows share one value.
    pub fn is_constant(&self) -> bool {
        self.values.len() == 1
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
