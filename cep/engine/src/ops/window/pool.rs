//! Columns between two uses, kept for their allocations.

use std::mem::discriminant;

use arrow_schema::DataType;

use crate::column::{Column, Values};

/// More columns than this are let go.
const COLUMNS_MAX: usize = 256;

/// Empty columns that wait for their next use. Which of them is given changes no result, so the
/// pool is no state and is in no checkpoint.
#[derive(Debug, Default)]
pub struct Pool {
    columns: Vec<Column>,
}

impl Pool {
    /// An empty column for values of `data_type`.
    pub fn take(&mut self, data_type: &DataType) -> Column {
        match self.columns.iter().position(|c| c.is_kind_of(data_type)) {
            Some(at) => self.columns.swap_remove(at),
            None => Column::new(data_type),
        }
    }

    /// An empty column of the kind of `column`.
    pub fn take_like(&mut self, column: &Column) -> Column {
        let kind = discriminant(&column.values);
        match self.columns.iter().position(|c| discriminant(&c.values) == kind) {
            Some(at) => self.columns.swap_remove(at),
            None => column.empty_like(),
        }
    }

    /// Takes back a column, whatever it holds.
    pub fn give(&mut self, mut column: Column) {
        // Arrays are shared: they own nothing that could be used again.
        if self.columns.len() < COLUMNS_MAX && !matches!(column.values, Values::Any(_)) {
            column.clear();
            self.columns.push(column);
        }
    }
}
