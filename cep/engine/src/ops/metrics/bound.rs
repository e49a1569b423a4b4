//! Columns that bound rows get: value and flags of each query, the end of the pane, the watermark.

use crate::chunk::Chunk;
use crate::column::{Column, Values};
use crate::metrics::Reading;
use crate::time::WATERMARK_START;

/// Bound rows of a step.
#[derive(Debug, Default)]
pub(super) struct BoundRows {
    /// Rows of the input.
    rows: Vec<u32>,
    values: Vec<Answers>,
    ends: Vec<i64>,
    watermarks: Vec<i64>,
}

#[derive(Debug, Default)]
struct Answers {
    values: Vec<f64>,
    valid: Vec<bool>,
    flags: Vec<i64>,
}

impl BoundRows {
    /// For so many queries.
    pub fn new(queries: usize) -> Self {
        BoundRows { values: (0..queries).map(|_| Answers::default()).collect(), ..BoundRows::default() }
    }

    /// Adds row `row` of the input, in a pane that ends at `end`.
    pub fn begin(&mut self, row: u32, end: i64, watermark: i64) {
        self.rows.push(row);
        self.ends.push(end);
        self.watermarks.push(watermark);
    }

    /// Adds what query `nth` says of it.
    #[inline]
    pub fn answer(&mut self, nth: usize, reading: Reading) {
        let answers = &mut self.values[nth];
        answers.values.push(reading.value.unwrap_or(0.0));
        answers.valid.push(reading.value.is_some());
        answers.flags.push(reading.flags);
    }

    /// Moves the rows to `out`.
    pub fn emit(&mut self, input: &Chunk, out: &mut Chunk) {
        if self.rows.is_empty() {
            return;
        }
        let width = input.columns.len();
        let (own, added) = out.columns.split_at_mut(width);
        own.iter_mut().zip(&input.columns).for_each(|(out, column)| out.append_gather(column, &self.rows));
        let mut added = added.iter_mut();
        let mut append = |values: Values, valid: Option<Vec<bool>>| {
            let column = added.next().expect("the plan has the columns, which was checked");
            column.append(&Column::masked(values, valid));
        };
        for answers in &mut self.values {
            let valid = std::mem::take(&mut answers.valid);
            let mask = valid.contains(&false).then_some(valid);
            append(Values::F64(std::mem::take(&mut answers.values).into()), mask);
            append(Values::I64(std::mem::take(&mut answers.flags).into()), None);
        }
        append(Values::I64(std::mem::take(&mut self.ends).into()), None);
        let known: Vec<bool> = self.watermarks.iter().map(|&w| w != WATERMARK_START).collect();
        let mask = known.contains(&false).then_some(known);
        append(Values::I64(std::mem::take(&mut self.watermarks).into()), mask);
        out.time.extend(self.rows.iter().map(|&row| input.time[row as usize]));
        out.pos.extend(self.rows.iter().map(|&row| input.pos[row as usize]));
        self.rows.clear();
    }
}
