//! DISTINCT: rows filtered by a multiset before another state sees them.

use std::sync::Arc;

use super::sorted::{SortedCell, push_tuple, tuple};
use super::{Cell, RowsFor};
use crate::agg::AggError;
use crate::agg::codec::Reader;
use crate::agg::input::{AggInput, Rows};
use crate::agg::plan::StateSpec;
use crate::agg::states::AggStates;
use crate::agg::value::{Val, column_of};
use crate::column::Column;

/// Per group the multiset of argument tuples; each distinct one is in the inner state once.
#[derive(Debug, Clone)]
pub(crate) struct DistinctStates {
    spec: Arc<StateSpec>,
    seen: Vec<SortedCell>,
    inner: Box<AggStates>,
    heap: isize,
    groups: Vec<u32>,
    rows: Vec<u32>,
}

impl DistinctStates {
    /// No groups; `inner` is the spec without DISTINCT and FILTER.
    pub fn new(spec: Arc<StateSpec>, inner: StateSpec) -> Self {
        let inner = Box::new(AggStates::new(&Arc::new(inner)));
        DistinctStates { spec, seen: Vec::new(), inner, heap: 0, groups: Vec::new(), rows: Vec::new() }
    }

    pub fn spec(&self) -> &StateSpec {
        &self.spec
    }

    /// The state of the distinct rows.
    pub fn inner(&self) -> &AggStates {
        &self.inner
    }

    /// The same, to sort it.
    pub fn inner_mut(&mut self) -> &mut AggStates {
        &mut self.inner
    }

    pub fn resize(&mut self, groups: usize) {
        for cell in self.seen.iter().skip(groups) {
            self.heap -= cell.heap_bytes() as isize;
        }
        self.seen.resize_with(groups, SortedCell::default);
        self.inner.resize(groups);
    }

    /// Collects the rows for which `step` says that the inner state must know.
    fn pick(&mut self, groups: &[u32], input: &AggInput, mut step: impl FnMut(&mut SortedCell, Val) -> bool) {
        let rows = RowsFor { spec: &self.spec, groups, input };
        self.groups.clear();
        self.rows.clear();
        rows.each(|group, row| {
            let Some(key) = tuple(&rows, row) else { return };
            let cell = &mut self.seen[group];
            self.heap -= cell.heap_bytes() as isize;
            if step(cell, key) {
                self.groups.push(group as u32);
                self.rows.push(row as u32);
            }
            self.heap += cell.heap_bytes() as isize;
        });
    }

    pub fn update(&mut self, groups: &[u32], input: &AggInput) {
        self.pick(groups, input, |cell, key| cell.insert(key, 1));
        self.inner.update(&self.groups, &AggInput { rows: Rows::Pick(&self.rows), ..*input });
    }

    pub fn remove(&mut self, groups: &[u32], input: &AggInput) {
        self.pick(groups, input, |cell, key| cell.take(&key));
        self.inner.remove(&self.groups, &AggInput { rows: Rows::Pick(&self.rows), ..*input });
    }

    pub fn merge(&mut self, into: usize, from: &Self, from_group: usize) {
        self.merge_cell(into, &from.seen[from_group]);
    }

    fn merge_cell(&mut self, into: usize, other: &SortedCell) {
        let cell = &mut self.seen[into];
        self.heap -= cell.heap_bytes() as isize;
        let mut new = vec![Vec::new(); self.spec.args.len()];
        for (key, count) in other.values() {
            if cell.insert(key.clone(), count) {
                push_tuple(key, &self.spec, &mut new);
            }
        }
        self.heap += cell.heap_bytes() as isize;
        self.feed(into, new);
    }

    /// Gives the inner state rows that are not in any column: `args[i]` are the values of
    /// argument i.
    fn feed(&mut self, group: usize, args: Vec<Vec<Val>>) {
        let rows = args[0].len();
        let columns: Vec<Column> =
            args.iter().zip(&self.spec.types).map(|(values, t)| column_of(t, values.iter())).collect();
        // The inner state looks its arguments up by their place among all inputs.
        let places = self.spec.args.iter().max().map_or(0, |last| last + 1);
        let mut inputs: Vec<&Column> = vec![&columns[0]; places];
        for (column, &place) in columns.iter().zip(&self.spec.args) {
            inputs[place] = column;
        }
        let input = AggInput { columns: &inputs, rows: Rows::From(0), ts: &[], seq: &[] };
        self.inner.update(&vec![group as u32; rows], &input);
    }

    pub fn reset(&mut self, group: usize) {
        self.heap -= self.seen[group].heap_bytes() as isize;
        self.seen[group].clear();
        self.inner.reset(group);
    }

    pub fn clear(&mut self) {
        self.seen.clear();
        self.heap = 0;
        self.inner.clear();
    }

    /// The multiset; the inner state follows from it.
    pub fn encode(&self, group: usize, out: &mut Vec<u8>) {
        self.seen[group].encode(&self.spec, out);
    }

    pub fn decode(&mut self, group: usize, input: &mut Reader) -> Result<(), AggError> {
        let decoded = SortedCell::decode(&self.spec, input)?;
        self.reset(group);
        self.merge_cell(group, &decoded);
        Ok(())
    }

    pub fn bytes(&self) -> usize {
        let scratch = (self.groups.capacity() + self.rows.capacity()) * size_of::<u32>();
        let cells = self.seen.capacity() * size_of::<SortedCell>();
        cells + self.heap.max(0) as usize + scratch + self.inner.bytes()
    }
}
