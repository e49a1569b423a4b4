//! The rows of one partition of a streaming OVER that calls can still reach.
//!
//! Invariants:
//! - Rows are numbered from 0 as they come; those from `base` on are there, ascending by event time
//!   where rows are taken in that order.
//! - Rows leave at the front only; they are moved out of the columns when they are many.

use super::calls::Frame;
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;

/// Rows dropped that may still stand in the columns.
const GONE_MIN: usize = 64;

/// Rows of one partition.
#[derive(Debug, Default)]
pub struct History {
    /// Values the calls need, dropped rows first.
    pub values: Vec<Column>,
    /// Event time and number of arrival of each, in step with `values`.
    pub time: Vec<i64>,
    /// See `time`.
    pub seq: Vec<u64>,
    /// Rows dropped that still stand in the columns.
    skip: usize,
    /// Number of the first row that is there.
    base: u64,
    /// Rows that came, those whose values no call needs included.
    pub pushed: u64,
    /// Rows answered.
    pub rows: u64,
    /// Rank of the latest row.
    pub rank: u64,
    /// Its dense rank.
    pub dense: u64,
    /// Event time of the latest peers.
    pub last_time: Option<i64>,
    /// What calls keep of rows that have gone.
    pub kept: Vec<Kept>,
    /// Rows `[from, to)` that the moving aggregates hold.
    pub held: Vec<(u64, u64)>,
}

/// Values that outlast their rows.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The values, the newest last.
    pub column: Column,
    /// Of the nth value of a partition: number and event time of its row.
    pub place: Option<(u64, i64)>,
    /// Rows that counted so far, up to n.
    pub seen: u64,
}

impl History {
    /// No rows, with values of `types`, what calls keep and `held` moving aggregates.
    pub fn new(types: &[arrow_schema::DataType], kept: Vec<Kept>, held: usize) -> Self {
        let values = types.iter().map(Column::new).collect();
        History { values, kept, held: vec![(0, 0); held], ..History::default() }
    }

    /// Number of rows that are there.
    pub fn len(&self) -> usize {
        self.time.len() - self.skip
    }

    /// Number of the first row that is there.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// One past the number of the last row.
    pub fn end(&self) -> u64 {
        self.base + self.len() as u64
    }

    /// Place in the columns of row number `number`.
    pub fn at(&self, number: u64) -> usize {
        self.skip + (number - self.base) as usize
    }

    /// Event times of the rows that are there.
    pub fn live_times(&self) -> &[i64] {
        &self.time[self.skip..]
    }

    /// Adds a row.
    pub fn push(&mut self, values: &[&Column], row: usize, time: i64, seq: u64) {
        for (kept, value) in self.values.iter_mut().zip(values) {
            kept.append_range(value, row, row + 1);
        }
        self.time.push(time);
        self.seq.push(seq);
    }

    /// Drops the oldest `count` rows.
    pub fn drop_first(&mut self, count: usize) {
        self.skip += count;
        self.base += count as u64;
        if self.skip > GONE_MIN && self.skip > self.len() {
            for column in &mut self.values {
                let mut live = column.empty_like();
                live.append_range(column, self.skip, column.len());
                *column = live;
            }
            self.time.drain(..self.skip);
            self.seq.drain(..self.skip);
            self.skip = 0;
        }
    }

    /// Numbers `[from, to)` of the rows that the frame of row `number`, at `now`, holds; those of them
    /// that have been dropped are left out.
    pub fn bounds(&self, frame: Frame, number: u64, now: i64) -> (u64, u64) {
        let (from, to) = match frame {
            Frame::Rows { preceding, end } => {
                (preceding.map_or(0, |p| number.saturating_sub(p)), (number + 1).saturating_sub(end))
            }
            Frame::Range { preceding, end } => {
                let live = self.live_times();
                let low = preceding.map_or(i64::MIN, |p| now.saturating_sub(p));
                let from = live.partition_point(|&t| t < low) as u64;
                // A frame that ends before the beginning of time is empty.
                let to = now.checked_sub(end).map_or(0, |high| live.partition_point(|&t| t <= high) as u64);
                (self.base + from, self.base + to)
            }
        };
        let from = from.max(self.base);
        (from, to.max(from))
    }

    /// Writes the state; `types` are those of the values.
    pub fn encode(&self, types: &[arrow_schema::DataType], out: &mut Writer) {
        out.u64(self.rows);
        out.u64(self.rank);
        out.u64(self.dense);
        out.opt_i64(self.last_time);
        out.u64(self.len() as u64);
        self.time[self.skip..].iter().for_each(|&t| out.i64(t));
        self.seq[self.skip..].iter().for_each(|&s| out.u64(s));
        for (column, data_type) in self.values.iter().zip(types) {
            let mut live = column.empty_like();
            live.append_range(column, self.skip, column.len());
            out.column(&live, data_type);
        }
    }

    /// Reads what [`History::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(
        &mut self,
        types: &[arrow_schema::DataType],
        is_kept: bool,
        input: &mut Reader<'_>,
    ) -> Result<()> {
        self.rows = input.u64()?;
        self.pushed = self.rows;
        self.rank = input.u64()?;
        self.dense = input.u64()?;
        self.last_time = input.opt_i64()?;
        self.skip = 0;
        let rows = input.len(16)?;
        self.time = (0..rows).map(|_| input.i64()).collect::<Result<_>>()?;
        self.seq = (0..rows).map(|_| input.u64()).collect::<Result<_>>()?;
        for (column, data_type) in self.values.iter_mut().zip(types) {
            *column = input.column(data_type)?;
            if column.len() != rows {
                return Err(DecodeError("a history of another length".into()));
            }
        }
        // Between entries every row has been answered.
        let base = if is_kept { self.rows.checked_sub(rows as u64) } else { Some(0) };
        self.base = base.ok_or_else(|| DecodeError("more history than rows".into()))?;
        self.held.fill((self.base, self.base));
        Ok(())
    }
}

impl Kept {
    /// Nothing, of the type of `column`.
    pub fn new(data_type: &arrow_schema::DataType) -> Self {
        Kept { column: Column::new(data_type), place: None, seen: 0 }
    }

    /// Adds rows `from..to` of `column` where they count; keeps the last `max`.
    pub fn add_last(&mut self, column: &Column, (from, to): (usize, usize), skip_nulls: bool, max: usize) {
        let counts = |&row: &usize| !skip_nulls || column.is_valid(row);
        // Of many rows only the last can stay.
        let mut last: Vec<u32> = (from..to).rev().filter(counts).take(max).map(|r| r as u32).collect();
        last.reverse();
        self.column.append_gather(column, &last);
        if self.column.len() > 2 * max + 16 {
            self.cut(max);
        }
    }

    /// Keeps the last `max` values.
    fn cut(&mut self, max: usize) {
        let len = self.column.len();
        if len > max {
            let mut last = self.column.empty_like();
            last.append_range(&self.column, len - max, len);
            self.column = last;
        }
    }

    /// Writes the state, of which the last `max` values count.
    pub fn encode(&self, data_type: &arrow_schema::DataType, max: usize, out: &mut Writer) {
        let mut last = self.clone();
        last.cut(max);
        out.u64(last.column.len() as u64);
        out.column(&last.column, data_type);
        out.bool(self.place.is_some());
        let (number, time) = self.place.unwrap_or_default();
        out.u64(number);
        out.i64(time);
        out.u64(self.seen);
    }

    /// Reads what [`Kept::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(data_type: &arrow_schema::DataType, input: &mut Reader<'_>) -> Result<Self> {
        let rows = input.u64()?;
        let column = input.column(data_type)?;
        if column.len() as u64 != rows {
            return Err(DecodeError("kept values of another length".into()));
        }
        let is_placed = input.bool()?;
        let place = (input.u64()?, input.i64()?);
        Ok(Kept { column, place: is_placed.then_some(place), seen: input.u64()? })
    }
}
