//! FREQUENT and LOSSYFREQUENT: rows of keys that a counting sketch tracks.
//!
//! FREQUENT is Misra and Gries, Finding Repeated Elements (1982): a row of a key without a counter,
//! when none is free, takes one from every counter, and is not let in; a counter at zero is free.
//! LOSSYFREQUENT is lossy counting, Manku and Motwani, Approximate Frequency Counts over Data
//! Streams (VLDB 2002): buckets of ⌈1 ÷ error⌉ rows; a row passes when its key, with it, has been
//! counted at least (support − error) · rows times; at the end of a bucket keys are dropped whose
//! count plus possible undercount is not above the number of buckets.
//!
//! Rows that pass are in the window until their key is dropped. No rows are kept: each pair of a
//! tracked key and a group has an aggregate state, and a group's value is their merge.

use std::collections::BTreeMap;
use std::sync::Arc;

use cep_lang::plan::Expr;

use super::KEYS_CODE;
use super::place::Refusal;
use crate::agg::{AggInput, AggPlan, AggSet, EmitError};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;

/// How keys are dropped.
#[derive(Debug, Clone, Copy)]
pub enum Sketch {
    /// Misra and Gries.
    Frequent {
        /// Counters.
        counters: usize,
    },
    /// Lossy counting.
    Lossy {
        /// Least share of the rows.
        support: f64,
        /// Error of that share.
        error: f64,
        /// Rows of a bucket.
        bucket_rows: u64,
    },
}

/// A tracked key.
#[derive(Debug)]
struct Tracked {
    slot: u32,
    count: u64,
    /// Buckets before it was tracked: possible undercount.
    missed: u64,
}

/// Tracked keys and the aggregates of their rows.
#[derive(Debug)]
pub struct Counted {
    sketch: Sketch,
    keys: Vec<Expr>,
    plan: Arc<AggPlan>,
    /// Rows so far.
    total: u64,
    tracked: BTreeMap<Vec<u8>, Tracked>,
    /// Per group key: aggregate state by slot.
    groups: BTreeMap<Vec<u8>, BTreeMap<u32, u32>>,
    set: AggSet,
    free_slots: Vec<u32>,
    slots: u32,
    free_cells: Vec<u32>,
    /// One group to merge in.
    merged: AggSet,
    cells_max: usize,
}

impl Counted {
    /// Rows of frequent values of `keys`; at most `cells_max` pairs of a key and a group.
    ///
    /// # Errors
    /// If an aggregate depends on the order of rows of different keys.
    pub fn new(
        sketch: Sketch,
        keys: Vec<Expr>,
        plan: Arc<AggPlan>,
        cells_max: usize,
    ) -> std::result::Result<Self, String> {
        if plan.is_arrival_ordered() {
            return Err("EWMA and approx_percentile_kll need all rows in order of arrival, which FREQUENT and LOSSYFREQUENT \
                 do not keep; use a LENGTH or TIME window"
                .to_string());
        }
        let mut merged = AggSet::new(Arc::clone(&plan));
        merged.resize(1);
        Ok(Counted {
            sketch,
            keys,
            set: AggSet::new(Arc::clone(&plan)),
            plan,
            total: 0,
            tracked: BTreeMap::new(),
            groups: BTreeMap::new(),
            free_slots: Vec::new(),
            slots: 0,
            free_cells: Vec::new(),
            merged,
            cells_max,
        })
    }

    /// The keys.
    pub fn exprs(&self) -> &[Expr] {
        &self.keys
    }

    /// Whether a row of `key` and `group` can be aggregated.
    ///
    /// # Errors
    /// If it would be one pair of them too many.
    pub fn check_room(&self, key: &[u8], group: &[u8]) -> std::result::Result<(), Refusal> {
        if self.set.groups() - self.free_cells.len() < self.cells_max {
            return Ok(());
        }
        let slot = self.tracked.get(key).map(|t| t.slot);
        if slot.zip(self.groups.get(group)).is_some_and(|(slot, cells)| cells.contains_key(&slot)) {
            return Ok(());
        }
        let message = format!(
            "more than {} pairs of a frequent key and a group (state.keys.max); the row was left out",
            self.cells_max
        );
        Err((KEYS_CODE, message))
    }

    /// Counts a row of `key`; the slot of its key if it passes. Call [`Counted::end_row`] when the row is done.
    pub fn arrive(&mut self, key: &[u8]) -> Option<u32> {
        self.total += 1;
        let Sketch::Frequent { counters } = self.sketch else { return self.arrive_lossy(key) };
        if let Some(tracked) = self.tracked.get_mut(key) {
            tracked.count += 1;
            return Some(tracked.slot);
        }
        if self.tracked.len() < counters {
            return Some(self.track(key, 0));
        }
        self.tracked.values_mut().for_each(|t| t.count -= 1);
        self.drop_keys(|t| t.count == 0);
        None
    }

    fn arrive_lossy(&mut self, key: &[u8]) -> Option<u32> {
        let Sketch::Lossy { support, error, bucket_rows } = self.sketch else { return None };
        let (slot, count) = match self.tracked.get_mut(key) {
            Some(tracked) => {
                tracked.count += 1;
                (tracked.slot, tracked.count)
            }
            None => (self.track(key, (self.total - 1) / bucket_rows), 1),
        };
        (count as f64 >= (support - error) * self.total as f64).then_some(slot)
    }

    /// Ends a row: at the end of a bucket rare keys are dropped.
    pub fn end_row(&mut self) {
        if let Sketch::Lossy { bucket_rows, .. } = self.sketch
            && self.total.is_multiple_of(bucket_rows)
        {
            let bucket = self.total / bucket_rows;
            self.drop_keys(|t| t.count + t.missed <= bucket);
        }
    }

    fn track(&mut self, key: &[u8], missed: u64) -> u32 {
        let slot = self.free_slots.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        });
        self.tracked.insert(key.to_vec(), Tracked { slot, count: 1, missed });
        slot
    }

    fn drop_keys(&mut self, is_rare: impl Fn(&Tracked) -> bool) {
        let before = self.free_slots.len();
        let free = &mut self.free_slots;
        self.tracked.retain(|_, t| {
            let rare = is_rare(t);
            if rare {
                free.push(t.slot);
            }
            !rare
        });
        let dropped = &self.free_slots[before..];
        if dropped.is_empty() {
            return;
        }
        let (set, free_cells) = (&mut self.set, &mut self.free_cells);
        self.groups.retain(|_, cells| {
            for slot in dropped {
                if let Some(cell) = cells.remove(slot) {
                    set.forget(cell);
                    free_cells.push(cell);
                }
            }
            !cells.is_empty()
        });
    }

    /// The state of a tracked key's rows in a group.
    fn cell(&mut self, slot: u32, group: &[u8]) -> u32 {
        if let Some(&cell) = self.groups.get(group).and_then(|cells| cells.get(&slot)) {
            return cell;
        }
        let cell = self.free_cells.pop().unwrap_or_else(|| {
            self.set.resize(self.set.groups() + 1);
            self.set.groups() as u32 - 1
        });
        match self.groups.get_mut(group) {
            Some(cells) => cells.insert(slot, cell),
            None => self.groups.entry(group.to_vec()).or_default().insert(slot, cell),
        };
        cell
    }

    /// Adds the row of `input` that passed with `slot` to `group`; appends the group's values.
    pub fn add(
        &mut self,
        slot: u32,
        group: &[u8],
        input: &AggInput<'_>,
        results: &mut [Column],
        errors: &mut Vec<EmitError>,
    ) {
        let cell = self.cell(slot, group);
        self.set.update(&[cell], input);
        let cells = &self.groups[group];
        if cells.len() == 1 {
            return self.set.emit_all(&[cell], results, errors);
        }
        self.merged.forget(0);
        cells.values().for_each(|&cell| self.merged.merge(0, &self.set, cell));
        self.merged.emit_all(&[0], results, errors);
    }

    /// Writes the state: tracked keys in order of their bytes, each with its groups.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.total);
        out.u64(self.tracked.len() as u64);
        for (key, tracked) in &self.tracked {
            out.blob(key);
            out.u64(tracked.count);
            out.u64(tracked.missed);
            let groups: Vec<(&Vec<u8>, u32)> = self
                .groups
                .iter()
                .filter_map(|(g, cells)| cells.get(&tracked.slot).map(|&c| (g, c)))
                .collect();
            out.u64(groups.len() as u64);
            for (group, cell) in groups {
                out.blob(group);
                self.set.encode(cell, &mut out.bytes);
            }
        }
    }

    /// Reads what [`Counted::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.total = input.u64()?;
        self.tracked.clear();
        self.groups.clear();
        self.free_slots.clear();
        self.free_cells.clear();
        self.slots = 0;
        self.set = AggSet::new(Arc::clone(&self.plan));
        for _ in 0..input.len(32)? {
            let key = input.blob()?;
            let (count, missed) = (input.u64()?, input.u64()?);
            let slot = self.track(key, missed);
            self.tracked.get_mut(key).expect("just tracked").count = count;
            for _ in 0..input.len(8)? {
                let cell = self.cell(slot, input.blob()?);
                self.set.decode(cell, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
            }
        }
        if self.slots as usize != self.tracked.len() {
            return Err(DecodeError("a key twice".into()));
        }
        Ok(())
    }
}
