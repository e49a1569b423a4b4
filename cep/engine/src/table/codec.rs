//! Rows of a table as bytes: those that are there, in their order.

use super::store::Store;
use super::{Table, TableCounts};
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};

impl Table {
    /// Writes the rows and counts.
    pub fn encode(&self, out: &mut Writer) {
        let TableCounts { rejected, evicted, expired } = self.counts;
        out.u64(rejected);
        out.u64(evicted);
        out.u64(expired);
        out.bool(self.has_begun);
        out.u64(self.store.live() as u64);
        let (columns, written) = self.store.compacted(&self.types);
        columns.iter().zip(&self.types).for_each(|(column, data_type)| out.column(column, data_type));
        written.iter().flatten().for_each(|&stamp| out.i64(stamp));
    }

    /// Reads what [`Table::encode`] of a table of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.counts = TableCounts { rejected: input.u64()?, evicted: input.u64()?, expired: input.u64()? };
        self.has_begun = input.bool()?;
        let rows = input.u64()? as usize;
        let columns = self.types.iter().map(|t| input.column(t)).collect::<Result<Vec<_>>>()?;
        if columns.iter().any(|column| column.len() != rows) {
            return Err(DecodeError("columns of a table do not fit together".into()));
        }
        let written =
            self.ttl_ns.map(|_| (0..rows).map(|_| input.i64()).collect::<Result<Vec<_>>>()).transpose()?;
        self.store = Store::of(columns, written, rows);
        self.number();
        let Table { key, store, .. } = self;
        let twice = key
            .as_mut()
            .is_some_and(|key| store.range().any(|row| key.find_like(store.columns(), row as usize) != row));
        if twice {
            return Err(DecodeError("a table has a key twice".into()));
        }
        Ok(())
    }
}
