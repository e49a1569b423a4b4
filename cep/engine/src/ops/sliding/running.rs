//! Aggregates over all rows let in since the query began: minForever and maxForever of any window,
//! everything of FIRSTUNIQUE.

use std::sync::Arc;

use cep_lang::plan::Expr;

use super::KEYS_CODE;
use super::groups::Groups;
use super::place::{Arrival, Refusal};
use super::rows::NO_GROUP;
use crate::agg::{AggInput, AggPlan, AggSet, EmitError, Slides};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;
use crate::keys::{KeyTable, encode_value};

/// Groups that only grow.
#[derive(Debug)]
pub struct Running {
    groups: Groups,
    plan: Arc<AggPlan>,
    set: AggSet,
    slides: Slides,
    /// Group by row number, of the rows that enter.
    ids: Vec<u32>,
    keys_max: usize,
}

impl Running {
    /// No groups of `keys`; there can be `keys_max`.
    pub fn new(keys: &[Expr], plan: Arc<AggPlan>, keys_max: usize) -> Self {
        let set = AggSet::new(Arc::clone(&plan));
        Running { groups: Groups::new(keys), plan, set, slides: Slides::default(), ids: Vec::new(), keys_max }
    }

    /// Begins a chunk.
    pub fn begin(&mut self) {
        self.slides.clear();
        self.ids.clear();
    }

    /// Lets row `row` enter; rows enter in ascending order.
    ///
    /// # Errors
    /// If it would be one group too many.
    pub fn enter(&mut self, keys: &[&Column], row: usize) -> std::result::Result<(), Refusal> {
        let Some(group) = self.groups.assign_one(keys, row, self.keys_max) else {
            return Err((
                KEYS_CODE,
                format!(
                    "more than {} groups that are kept for ever (state.keys.max); the row was left out",
                    self.keys_max
                ),
            ));
        };
        self.ids.resize(row, NO_GROUP);
        self.ids.push(group);
        self.slides.enter(row as u32);
        Ok(())
    }

    /// Takes back the row that entered last.
    pub fn take_back(&mut self) {
        self.ids.pop();
        self.slides.enters.pop();
        self.slides.ends.pop();
    }

    /// Aggregates the rows that entered; appends one value a call and row.
    pub fn run(&mut self, input: AggInput<'_>, results: &mut [Column], errors: &mut Vec<EmitError>) {
        self.set.resize(self.groups.len());
        self.set.slide(&self.slides, &self.ids, input, results, errors);
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.set.groups() as u64);
        for group in 0..self.set.groups() as u32 {
            out.blob(self.groups.key(group));
            self.set.encode(group, &mut out.bytes);
        }
    }

    /// Reads what [`Running::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.groups.clear();
        self.set = AggSet::new(Arc::clone(&self.plan));
        for group in 0..input.len(8)? {
            if self.groups.insert(input.blob()?) as usize != group {
                return Err(DecodeError("a group twice".into()));
            }
            self.set.resize(group + 1);
            self.set.decode(group as u32, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        Ok(())
    }
}

/// FIRSTUNIQUE: the first row of each key, which never leaves.
#[derive(Debug)]
pub struct FirstUnique {
    keys: Vec<Expr>,
    seen: KeyTable,
    key: Vec<u8>,
    keys_max: usize,
    /// Aggregates over them.
    pub running: Running,
}

impl FirstUnique {
    /// The first row of each value of `keys`, of which there are `keys_max`.
    pub fn new(keys: Vec<Expr>, running: Running, keys_max: usize) -> Self {
        FirstUnique { keys, seen: KeyTable::new(), key: Vec::new(), keys_max, running }
    }

    /// The keys.
    pub fn exprs(&self) -> &[Expr] {
        &self.keys
    }

    /// Whether the row is the first of its key.
    ///
    /// # Errors
    /// If there are too many keys.
    pub fn admit(&mut self, arrival: Arrival<'_>) -> std::result::Result<bool, Refusal> {
        self.key.clear();
        arrival.columns.iter().for_each(|c| encode_value(c, arrival.row, &mut self.key));
        if self.seen.find(&self.key).is_some() {
            return Ok(false);
        }
        if self.seen.len() >= self.keys_max {
            return Err((
                KEYS_CODE,
                format!(
                    "more than {} keys of FIRSTUNIQUE (state.keys.max); the row was left out",
                    self.keys_max
                ),
            ));
        }
        self.seen.find_or_insert(&self.key);
        Ok(true)
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.seen.len() as u64);
        (0..self.seen.len() as u32).for_each(|k| out.blob(self.seen.key(k)));
        self.running.encode(out);
    }

    /// Reads what [`FirstUnique::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seen.clear();
        for _ in 0..input.len(8)? {
            self.seen.find_or_insert(input.blob()?);
        }
        self.running.decode(input)
    }
}
