//! Reads of a table as it stands: they change nothing, and may be done in slices.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use cep_lang::plan::{BoundedOp, TableLook};

use super::lookup::{Lookup, Way, candidates};
use crate::agg::AggOptions;
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors, Rows};
use crate::ops::window::bounded::{BoundedSteps, Moment, Relation};
use crate::table::Table;

/// A read under way.
#[derive(Debug)]
pub struct TableReading {
    /// Rows that are seen, of those looked at.
    rows: Vec<u32>,
    /// Where a scan goes on; `None` when all rows were looked at.
    next: Option<u32>,
    looked: usize,
    /// Stamp at which rows are seen.
    stamp: i64,
    /// What `now()` is.
    now: i64,
}

impl TableReading {
    /// Begins a read at `stamp`.
    ///
    /// # Errors
    /// If the value to look for cannot be computed, for the user.
    pub fn begin(table: &Table, look: &TableLook, stamp: i64) -> Result<Self, String> {
        let now = look.now_ns.unwrap_or(stamp);
        let (way, exprs) = Way::of(&look.probe);
        let mut reading = TableReading { rows: Vec::new(), next: None, looked: 0, stamp, now };
        if way == Way::Scan {
            reading.next = Some(table.scan().start);
            return Ok(reading);
        }
        let mut compiled = exprs
            .into_iter()
            .map(|expr| Compiled::new(expr).map_err(|error| error.to_string()))
            .collect::<Result<Vec<_>, _>>()?;
        let (stamps, times) = ([now], [now]);
        let input = Input { columns: &[], rows: 1, stamp: &stamps, event_time: &times };
        let mut failed = RowErrors::new();
        let columns: Vec<&Column> =
            compiled.iter_mut().map(|expr| expr.eval(&input, Rows::All, &mut failed)).collect();
        if let Some(error) = failed.settle().first() {
            return Err(error.failure.message.clone());
        }
        let mut lookup = Lookup::new(way);
        let (way, keys) = lookup.keys(table, &columns, 1);
        candidates(table, way, &keys, 0, stamp, &mut reading.rows);
        reading.looked = reading.rows.len();
        Ok(reading)
    }

    /// Rows looked at so far.
    pub fn looked(&self) -> usize {
        self.looked
    }

    /// Looks at so many rows more; true when that was the last slice. Nothing may be written between
    /// slices.
    pub fn go_on(&mut self, table: &Table, rows: usize) -> bool {
        let Some(from) = self.next else { return true };
        let end = table.scan().end;
        let until = end.min(from.saturating_add(u32::try_from(rows).unwrap_or(u32::MAX)));
        self.rows.extend((from..until).filter(|&row| table.sees(row, self.stamp)));
        self.looked += (until - from) as usize;
        self.next = (until < end).then_some(until);
        self.next.is_none()
    }

    /// The answer, as columns of `schema`.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn end(self, table: &Table, ops: &[BoundedOp], schema: &SchemaRef) -> Result<RecordBatch, String> {
        let mut relation = Relation::new(table.columns().iter().map(Column::empty_like).collect());
        for (column, kept) in relation.columns.iter_mut().zip(table.columns()) {
            column.append_gather(kept, &self.rows);
        }
        relation.rows = self.rows.len();
        let at = Moment { time: self.now, stamp: self.now, pos: 0 };
        let mut errors = Vec::new();
        let fields = table.schema().fields();
        BoundedSteps::new(ops, fields, &AggOptions::default())?.run(&mut relation, at, &mut errors);
        match errors.first() {
            Some(error) => Err(error.message.clone()),
            None => relation.to_rows(schema),
        }
    }
}
