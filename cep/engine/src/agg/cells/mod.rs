//! The state of one group, one file per kind of state, and dense vectors of them.
//!
//! Invariants:
//! - Adding and merging commute and associate as the aggregate promises (`agg` lists the few that
//!   are arrival-ordered), and removal undoes an add exactly.
//! - `encode` is canonical: equal multisets of rows give equal bytes.
//! - An empty cell is `Default::default()`; clearing gives an equal one.

mod approx;
mod bits;
mod bools;
mod count;
mod counts;
mod distinct;
mod edge;
mod entry;
mod ewma;
mod extreme;
mod moments;
mod ordered;
mod products;
mod quantile;
mod sorted;
mod sum_decimal;
mod sum_float;
mod sum_int;

pub(super) use approx::{KllCell, LogLogCell, SlidingLogLogCell};
pub(super) use bits::BitsCell;
pub(super) use bools::BoolCell;
pub(super) use count::CountCell;
pub(super) use distinct::DistinctStates;
pub(super) use edge::EdgeCell;
pub(super) use ewma::EwmaCell;
pub(super) use extreme::{ValExtreme, WordExtreme};
pub(super) use moments::MomentsCell;
pub(super) use ordered::OrderedCell;
pub(super) use products::ProductsCell;
pub(super) use quantile::{QuantileCell, SlidingQuantileCell};
pub(super) use sorted::SortedCell;
pub(super) use sum_decimal::DecimalCell;
pub(super) use sum_float::SumFloatCell;
pub(super) use sum_int::SumIntCell;

use std::sync::Arc;

use super::AggError;
use super::codec::Reader;
use super::input::{AggInput, Pass};
use super::plan::StateSpec;
use crate::column::Column;

/// Rows for the cells of one state.
#[derive(Clone, Copy)]
pub(super) struct RowsFor<'a> {
    /// What the state reads.
    pub spec: &'a StateSpec,
    /// Group ids, parallel to the rows.
    pub groups: &'a [u32],
    /// The rows.
    pub input: &'a AggInput<'a>,
}

impl<'a> RowsFor<'a> {
    /// Argument `index`.
    pub fn arg(&self, index: usize) -> &'a Column {
        self.input.columns[self.spec.args[index]]
    }

    /// The FILTER column.
    pub fn filter(&self) -> Option<&'a Column> {
        self.spec.filter.map(|i| self.input.columns[i])
    }

    /// Calls `each(group, row)` where FILTER is TRUE, in order.
    #[inline(always)]
    pub fn each(&self, each: impl FnMut(usize, usize)) {
        Pass::new(self.filter(), &[]).each(self.groups, self.input.rows, each);
    }

    /// Calls `each(group, row)` where FILTER is TRUE and the first `N` arguments, none of them an
    /// Arrow column, are not NULL.
    #[inline(always)]
    pub fn each_valid<const N: usize>(&self, each: impl FnMut(usize, usize)) {
        let args: [&Column; N] = std::array::from_fn(|i| self.arg(i));
        Pass::new(self.filter(), &args).each(self.groups, self.input.rows, each);
    }
}

/// The state of one group.
pub(super) trait Cell: Default {
    /// Adds rows to the cells of their groups; adds to `heap` the bytes allocated.
    fn add(cells: &mut [Self], rows: RowsFor, heap: &mut isize);

    /// Removes rows that were added before.
    ///
    /// # Panics
    /// If the kind is not removable.
    fn remove(cells: &mut [Self], rows: RowsFor, heap: &mut isize);

    /// Adds all that is in `other`, which has arrived later where that matters.
    fn merge(&mut self, other: &Self, spec: &StateSpec);

    /// Appends the canonical bytes.
    fn encode(&self, spec: &StateSpec, out: &mut Vec<u8>);

    /// Reads what `encode` wrote.
    fn decode(spec: &StateSpec, input: &mut Reader) -> Result<Self, AggError>;

    /// Makes it empty; may keep a small allocation.
    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes on the heap, in constant time.
    fn heap_bytes(&self) -> usize {
        0
    }
}

/// The cells of all groups of one state.
#[derive(Debug, Clone)]
pub(super) struct Cells<C> {
    spec: Arc<StateSpec>,
    pub(super) cells: Vec<C>,
    pub(super) heap: isize,
}

impl<C: Cell> Cells<C> {
    pub fn new(spec: Arc<StateSpec>) -> Self {
        Cells { spec, cells: Vec::new(), heap: 0 }
    }

    pub fn spec(&self) -> &StateSpec {
        &self.spec
    }

    pub fn resize(&mut self, groups: usize) {
        for cell in self.cells.iter().skip(groups) {
            self.heap -= cell.heap_bytes() as isize;
        }
        self.cells.resize_with(groups, C::default);
    }

    pub fn update(&mut self, groups: &[u32], input: &AggInput) {
        let rows = RowsFor { spec: &self.spec, groups, input };
        C::add(&mut self.cells, rows, &mut self.heap);
    }

    pub fn remove(&mut self, groups: &[u32], input: &AggInput) {
        let rows = RowsFor { spec: &self.spec, groups, input };
        C::remove(&mut self.cells, rows, &mut self.heap);
    }

    pub fn merge(&mut self, into: usize, from: &Self, from_group: usize) {
        let cell = &mut self.cells[into];
        self.heap -= cell.heap_bytes() as isize;
        cell.merge(&from.cells[from_group], &self.spec);
        self.heap += cell.heap_bytes() as isize;
    }

    pub fn reset(&mut self, group: usize) {
        let cell = &mut self.cells[group];
        self.heap -= cell.heap_bytes() as isize;
        cell.clear();
        self.heap += cell.heap_bytes() as isize;
    }

    pub fn clear(&mut self) {
        self.cells.clear();
        self.heap = 0;
    }

    pub fn encode(&self, group: usize, out: &mut Vec<u8>) {
        self.cells[group].encode(&self.spec, out);
    }

    pub fn decode(&mut self, group: usize, input: &mut Reader) -> Result<(), AggError> {
        let decoded = C::decode(&self.spec, input)?;
        let cell = &mut self.cells[group];
        self.heap += decoded.heap_bytes() as isize - cell.heap_bytes() as isize;
        *cell = decoded;
        Ok(())
    }

    pub fn bytes(&self) -> usize {
        self.cells.capacity() * size_of::<C>() + self.heap.max(0) as usize
    }
}
