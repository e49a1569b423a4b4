//! Rows that wait for the watermark, for patterns in the order of event time.

use std::collections::BTreeSet;

use arrow_schema::DataType;

use crate::chunk::{Chunk, Phase, position, step_row};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::Column;
use crate::ops::OpContext;
use crate::time::{NodeTime, WATERMARK_START};

/// Rows released that may still stand among those that wait.
const RELEASED_MIN: usize = 1024;

/// Rows in order of arrival, of which some have been released.
#[derive(Debug)]
pub struct Waiting {
    types: Vec<DataType>,
    rows: Chunk,
    /// Number of arrival of each row.
    seq: Vec<u64>,
    /// (event time, number of arrival, row) of those that wait.
    order: BTreeSet<(i64, u64, u32)>,
    watermark: i64,
    arrived: u64,
    late_rows: u64,
}

impl Waiting {
    /// None, of columns `types`.
    pub fn new(types: Vec<DataType>) -> Self {
        let rows = Chunk { columns: types.iter().map(Column::new).collect(), ..Chunk::default() };
        Waiting {
            types,
            rows,
            seq: Vec::new(),
            order: BTreeSet::new(),
            watermark: WATERMARK_START,
            arrived: 0,
            late_rows: 0,
        }
    }

    /// Rows that came too late so far.
    pub fn late_rows(&self) -> u64 {
        self.late_rows
    }

    /// Number of rows that wait.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Event time of the first row that waits.
    pub fn first(&self) -> Option<i64> {
        self.order.first().map(|&(time, _, _)| time)
    }

    /// Event time of the `n`-th row that waits.
    pub fn nth(&self, n: usize) -> Option<i64> {
        self.order.iter().nth(n).map(|&(time, _, _)| time)
    }

    /// Takes the rows of a step; those below the watermark before them are late.
    pub fn take(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        let mut taken = Vec::new();
        for row in 0..input.rows() {
            let (time, pos) = (input.time[row], input.pos[row]);
            let before = match step_row(pos) {
                0 => self.watermark,
                step => self.watermark.max(cx.time.watermarks.after(step - 1)),
            };
            if time < before {
                self.late_rows += 1;
                cx.leave_out(input, row as u32);
                continue;
            }
            self.order.insert((time, self.arrived, self.seq.len() as u32));
            self.seq.push(self.arrived);
            self.arrived += 1;
            taken.push(row as u32);
        }
        self.rows.append_gather(input, &taken);
        self.watermark = self.watermark.max(cx.time.watermarks.last());
    }

    /// Releases the rows that the watermark has passed, in order, at the positions where it did.
    pub fn release(&mut self, time: NodeTime<'_>, out: &mut Chunk) {
        let last = time.watermarks.last();
        let mut rows = Vec::new();
        let mut pos = Vec::new();
        while let Some(&(at, _, row)) = self.order.first().filter(|w| w.0 < last || time.flush) {
            self.order.pop_first();
            rows.push(row);
            // Past it, as a row at the watermark is not late and may still come.
            let step = time.watermarks.first_reaching(at.saturating_add(1), 0).unwrap_or(time.last_row());
            pos.push(position(step, Phase::Watermark));
        }
        out.append_gather(&self.rows, &rows);
        out.pos = pos;
        self.compact();
    }

    fn live(&self) -> Vec<u32> {
        let mut live: Vec<u32> = self.order.iter().map(|&(_, _, row)| row).collect();
        live.sort_unstable();
        live
    }

    fn compact(&mut self) {
        let (rows, live) = (self.seq.len(), self.order.len());
        if live == 0 {
            self.rows.clear();
            self.seq.clear();
        } else if rows - live >= RELEASED_MIN && rows - live >= live {
            let live = self.live();
            let mut left = Waiting::new(self.types.clone());
            left.rows.append_gather(&self.rows, &live);
            self.seq = live.iter().map(|&r| self.seq[r as usize]).collect();
            self.rows = left.rows;
            self.number();
        }
    }

    /// All rows wait.
    fn number(&mut self) {
        let keys = self.rows.time.iter().zip(&self.seq).zip(0u32..);
        self.order = keys.map(|((&time, &seq), row)| (time, seq, row)).collect();
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.i64(self.watermark);
        out.u64(self.arrived);
        out.u64(self.late_rows);
        let live = self.live();
        let mut rows = Chunk { columns: self.types.iter().map(Column::new).collect(), ..Chunk::default() };
        rows.append_gather(&self.rows, &live);
        for (column, data_type) in rows.columns.iter().zip(&self.types) {
            out.column(column, data_type);
        }
        out.i64s(&rows.time);
        live.iter().for_each(|&r| out.u64(self.seq[r as usize]));
    }

    /// Reads what [`Waiting::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.watermark = input.i64()?;
        self.arrived = input.u64()?;
        self.late_rows = input.u64()?;
        let columns = self.types.iter().map(|t| input.column(t)).collect::<Result<Vec<_>>>()?;
        let time = input.i64s()?;
        let rows = time.len();
        if columns.iter().any(|c| c.len() != rows) {
            return Err(DecodeError("waiting rows do not fit together".into()));
        }
        self.seq = (0..rows).map(|_| input.u64()).collect::<Result<_>>()?;
        self.rows = Chunk { columns, time, pos: vec![0; rows], ops: Vec::new() };
        self.number();
        Ok(())
    }
}
