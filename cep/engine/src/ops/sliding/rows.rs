//! The rows in the window, in order of arrival, as columns.

use arrow_schema::DataType;

use super::groups::Groups;
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;

/// Group of a row that failed WHERE: it has a place but is not aggregated.
pub const NO_GROUP: u32 = u32::MAX;
/// Rows that left and still stand in the columns at least, before they are moved out.
const GONE_MIN: usize = 1024;

/// Rows that have entered and not all left. Row numbers are indexes into the vectors; they change
/// in [`WindowRows::compact`] only.
#[derive(Debug, Default)]
pub struct WindowRows {
    /// Group, or [`NO_GROUP`].
    pub group: Vec<u32>,
    /// Arguments of the aggregates; NULL for rows without a group.
    pub args: Vec<Column>,
    /// What the window needs of a row.
    pub extra: Vec<Column>,
    /// Numbers the window needs of a row.
    pub marks: Vec<Vec<i64>>,
    /// Event time; empty unless the aggregates need it.
    pub time: Vec<i64>,
    /// Number of arrival; empty unless the aggregates need it.
    pub seq: Vec<u64>,
    /// Rows before it have left.
    pub front: usize,
    /// Rows that left out of turn; empty when all leave in order of arrival.
    gone: Vec<bool>,
    gone_count: usize,
    leaves_in_order: bool,
    needs_order: bool,
    arg_types: Vec<DataType>,
    extra_types: Vec<DataType>,
    /// Empty columns to move rows to.
    spare: Vec<Column>,
}

impl WindowRows {
    /// No rows. `marks` numbers a row are kept.
    pub fn new(
        arg_types: Vec<DataType>,
        extra_types: Vec<DataType>,
        marks: usize,
        leaves_in_order: bool,
        needs_order: bool,
    ) -> Self {
        WindowRows {
            args: arg_types.iter().map(Column::new).collect(),
            extra: extra_types.iter().map(Column::new).collect(),
            spare: arg_types.iter().chain(&extra_types).map(Column::new).collect(),
            marks: vec![Vec::new(); marks],
            leaves_in_order,
            needs_order,
            arg_types,
            extra_types,
            ..WindowRows::default()
        }
    }

    /// One past the last row.
    pub fn end(&self) -> usize {
        self.group.len()
    }

    /// Whether event time and arrival are kept.
    pub fn needs_order(&self) -> bool {
        self.needs_order
    }

    /// Whether row `row` is in the window.
    pub fn is_live(&self, row: usize) -> bool {
        row >= self.front && (self.leaves_in_order || !self.gone[row])
    }

    /// Rows in the window.
    pub fn live(&self) -> impl Iterator<Item = u32> + '_ {
        (self.front..self.end()).filter(|&r| self.is_live(r)).map(|r| r as u32)
    }

    /// Call after rows have been appended to the vectors.
    pub fn appended(&mut self) {
        if !self.leaves_in_order {
            self.gone.resize(self.group.len(), false);
        }
    }

    /// The oldest row leaves.
    #[inline]
    pub fn leave_first(&mut self) -> u32 {
        let row = self.front as u32;
        self.front += 1;
        row
    }

    /// Row `row` leaves, which is in the window.
    pub fn leave(&mut self, row: u32) {
        debug_assert!(!self.leaves_in_order, "rows leave in order of arrival here");
        self.gone[row as usize] = true;
        self.gone_count += 1;
        while self.front < self.gone.len() && self.gone[self.front] {
            self.front += 1;
            self.gone_count -= 1;
        }
    }

    /// Moves out the rows that left, if they are many; returns the old numbers of those that
    /// stay, ascending.
    pub fn compact(&mut self) -> Option<Vec<u32>> {
        let gone = self.front + self.gone_count;
        if gone < GONE_MIN || gone < self.end() - gone {
            return None;
        }
        let keep: Vec<u32> = self.live().collect();
        let columns = self.args.iter_mut().chain(&mut self.extra);
        for (column, spare) in columns.zip(&mut self.spare) {
            spare.gather_from(column, &keep);
            std::mem::swap(column, spare);
            spare.clear();
        }
        pick(&mut self.group, &keep);
        self.marks.iter_mut().for_each(|m| pick(m, &keep));
        if self.needs_order {
            pick(&mut self.time, &keep);
            pick(&mut self.seq, &keep);
        }
        self.front = 0;
        self.gone.clear();
        self.gone_count = 0;
        self.appended();
        Some(keep)
    }

    /// Writes the rows in the window; group numbers in order of first appearance. `marks` says
    /// whether the marks are state.
    pub fn encode(&self, groups: &Groups, marks: bool, out: &mut Writer) {
        let live: Vec<u32> = self.live().collect();
        let mut number = vec![NO_GROUP; groups.len()];
        let mut found: Vec<u32> = Vec::new();
        let mut numbers: Vec<u32> = Vec::with_capacity(live.len());
        for &row in &live {
            let group = self.group[row as usize];
            if group == NO_GROUP {
                numbers.push(NO_GROUP);
                continue;
            }
            if number[group as usize] == NO_GROUP {
                number[group as usize] = found.len() as u32;
                found.push(group);
            }
            numbers.push(number[group as usize]);
        }
        out.u64(found.len() as u64);
        found.iter().for_each(|&g| out.blob(groups.key(g)));
        out.u32s(&numbers);
        let types = self.arg_types.iter().chain(&self.extra_types);
        for (column, data_type) in self.args.iter().chain(&self.extra).zip(types) {
            let mut kept = column.empty_like();
            kept.append_gather(column, &live);
            out.column(&kept, data_type);
        }
        for mark in self.marks.iter().filter(|_| marks) {
            live.iter().for_each(|&r| out.i64(mark[r as usize]));
        }
        if self.needs_order {
            live.iter().for_each(|&r| out.i64(self.time[r as usize]));
            live.iter().for_each(|&r| out.u64(self.seq[r as usize]));
        }
    }

    /// Reads what [`WindowRows::encode`] wrote; marks that are not state are zero.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, groups: &mut Groups, marks: bool, input: &mut Reader<'_>) -> Result<()> {
        groups.clear();
        let count = input.len(8)?;
        for group in 0..count {
            if groups.insert(input.blob()?) as usize != group {
                return Err(DecodeError("a group twice".into()));
            }
        }
        self.group = input.u32s()?;
        let rows = self.group.len();
        if self.group.iter().any(|&g| g != NO_GROUP && g as usize >= count) {
            return Err(DecodeError("a row of no group".into()));
        }
        let types = self.arg_types.iter().chain(&self.extra_types);
        for (column, data_type) in self.args.iter_mut().chain(&mut self.extra).zip(types) {
            *column = input.column(data_type)?;
            if column.len() != rows {
                return Err(DecodeError("a column of another length".into()));
            }
        }
        for mark in &mut self.marks {
            *mark =
                if marks { (0..rows).map(|_| input.i64()).collect::<Result<_>>()? } else { vec![0; rows] };
        }
        if self.needs_order {
            self.time = (0..rows).map(|_| input.i64()).collect::<Result<_>>()?;
            self.seq = (0..rows).map(|_| input.u64()).collect::<Result<_>>()?;
        }
        self.front = 0;
        self.gone.clear();
        self.gone_count = 0;
        self.appended();
        Ok(())
    }
}

/// Keeps the entries at `keep`, which ascends.
fn pick<T: Copy>(values: &mut Vec<T>, keep: &[u32]) {
    for (to, &from) in keep.iter().enumerate() {
        values[to] = values[from as usize];
    }
    values.truncate(keep.len());
}
