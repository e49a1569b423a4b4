//! SORT: the smallest rows in an order.

use std::cmp::Ordering;

use cep_lang::plan::{Expr, SortKey};
use cep_types::sql_type::sql_type_name;

use super::rows::{NO_GROUP, WindowRows};
use crate::column::{Column, Values};
use crate::ops::order::compare_values;

/// Keeps so many smallest rows; ties keep the older. The row that enters may be the one that
/// leaves: it is emitted all the same, with the aggregates of the rows that stay.
#[derive(Debug)]
pub struct Sort {
    rows_max: usize,
    exprs: Vec<Expr>,
    /// DESC and NULLS FIRST of each key.
    directions: Vec<(bool, bool)>,
    /// Rows in the window, smallest first.
    sorted: Vec<u32>,
}

impl Sort {
    /// The `rows_max` smallest rows by `order`.
    ///
    /// # Errors
    /// If a key has a type without an order.
    pub fn new(rows_max: u64, order: &[SortKey]) -> Result<Self, String> {
        for key in order {
            if matches!(Column::new(&key.expr.data_type).values, Values::Any(_)) {
                return Err(format!(
                    "SORT cannot order values of type {}; sort by a number, text or time",
                    sql_type_name(&key.expr.data_type)
                ));
            }
        }
        Ok(Sort {
            rows_max: usize::try_from(rows_max).unwrap_or(usize::MAX),
            exprs: order.iter().map(|k| k.expr.clone()).collect(),
            directions: order.iter().map(|k| (k.descending, k.nulls_first)).collect(),
            sorted: Vec::new(),
        })
    }

    /// The sort keys.
    pub fn exprs(&self) -> &[Expr] {
        &self.exprs
    }

    fn compare(&self, keys: &[Column], a: usize, b: usize) -> Ordering {
        let by_key = keys.iter().zip(&self.directions).map(|(column, &(descending, nulls_first))| {
            match (column.is_valid(a), column.is_valid(b)) {
                (true, true) => {
                    let order = compare_values(column, a, column, b);
                    if descending { order.reverse() } else { order }
                }
                (false, false) => Ordering::Equal,
                (valid, _) => {
                    if valid == nulls_first {
                        Ordering::Greater
                    } else {
                        Ordering::Less
                    }
                }
            }
        });
        by_key.into_iter().find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The largest row leaves for `row`.
    pub fn enter(&mut self, rows: &mut WindowRows, row: u32, leaves: &mut Vec<u32>) {
        let keys = &rows.extra;
        let at = self.sorted.partition_point(|&r| self.compare(keys, r as usize, row as usize).is_le());
        self.sorted.insert(at, row);
        if self.sorted.len() > self.rows_max {
            let largest = self.sorted.pop().expect("a row was just inserted");
            rows.leave(largest);
            if rows.group[largest as usize] != NO_GROUP {
                leaves.push(largest);
            }
        }
    }

    /// Rows have new numbers.
    pub fn renumber(&mut self, kept: &[u32]) {
        for row in &mut self.sorted {
            *row = kept.partition_point(|&k| k < *row) as u32;
        }
    }

    /// Sorts decoded rows.
    pub fn rebuild(&mut self, rows: &WindowRows) {
        let mut sorted: Vec<u32> = rows.live().collect();
        sorted.sort_by(|&a, &b| self.compare(&rows.extra, a as usize, b as usize));
        self.sorted = sorted;
    }
}
