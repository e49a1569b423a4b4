//! All aggregates of a query, for dense group ids.

use std::sync::Arc;

use super::AggError;
use super::codec::Reader;
use super::emit::{EmitError, Sink, emit};
use super::input::AggInput;
use super::plan::AggPlan;
use super::states::AggStates;
use crate::column::Column;

/// Version of the encoding.
const VERSION: u8 = 1;

/// The states of all groups for all calls of an [`AggPlan`].
///
/// Group ids are dense: `0..groups()`, made by [`AggSet::resize`] and reused after
/// [`AggSet::forget`].
#[derive(Debug, Clone)]
pub struct AggSet {
    plan: Arc<AggPlan>,
    states: Vec<AggStates>,
    groups: usize,
}

impl AggSet {
    /// No groups.
    pub fn new(plan: Arc<AggPlan>) -> Self {
        let states = plan.states().iter().map(AggStates::new).collect();
        AggSet { plan, states, groups: 0 }
    }

    /// The plan and the states, for loops over both.
    pub(super) fn parts(&mut self) -> (&AggPlan, &mut [AggStates]) {
        (&self.plan, &mut self.states)
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<AggPlan> {
        &self.plan
    }

    /// Number of groups.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Makes it `groups` groups: new ones are empty, those beyond are dropped.
    pub fn resize(&mut self, groups: usize) {
        self.states.iter_mut().for_each(|s| s.resize(groups));
        self.groups = groups;
    }

    /// Adds rows: the i-th of `input.rows` to `groups[i]`, in order.
    ///
    /// # Panics
    /// If a group or row does not exist, or the columns are not those of the plan.
    pub fn update(&mut self, groups: &[u32], input: &AggInput) {
        self.states.iter_mut().for_each(|s| s.update(groups, input));
    }

    /// Removes rows that were added to the same groups before, with the same values, ts and seq.
    ///
    /// # Panics
    /// Unless [`AggPlan::is_removable`], or if a row was never added.
    pub fn remove(&mut self, groups: &[u32], input: &AggInput) {
        self.states.iter_mut().for_each(|s| s.remove(groups, input));
    }

    /// Adds all rows of `from_group` of `from` to group `into`; where arrival matters
    /// ([`AggPlan::is_arrival_ordered`]) they count as later than those of `into`.
    ///
    /// # Panics
    /// If a group does not exist or `from` is of another plan.
    pub fn merge(&mut self, into: u32, from: &AggSet, from_group: u32) {
        for (a, b) in self.states.iter_mut().zip(&from.states) {
            a.merge(into as usize, b, from_group as usize);
        }
    }

    /// Appends the values of `groups` to `out`, one column per call, each made by
    /// `Column::new(result_type)`. A value that cannot be given is NULL and an entry in `errors`.
    ///
    /// # Panics
    /// If a group does not exist or a column is of another type.
    pub fn emit_all(&mut self, groups: &[u32], out: &mut [Column], errors: &mut Vec<EmitError>) {
        for (call, (output, out)) in self.plan.outputs().iter().zip(out).enumerate() {
            emit(&mut self.states, Sink { groups, out, errors, call, output });
        }
    }

    /// Makes a group empty.
    pub fn forget(&mut self, group: u32) {
        self.states.iter_mut().for_each(|s| s.reset(group as usize));
    }

    /// No groups any more; allocations are kept.
    pub fn clear(&mut self) {
        self.states.iter_mut().for_each(AggStates::clear);
        self.groups = 0;
    }

    /// Appends the canonical bytes of a group: a function of its rows, whatever the order of
    /// adds, merges and removals (arrival-ordered aggregates excepted). Version `u8`, then the
    /// state of each kind in plan order, each as its `encode` documents; all integers
    /// little-endian.
    pub fn encode(&self, group: u32, out: &mut Vec<u8>) {
        out.push(VERSION);
        self.states.iter().for_each(|s| s.encode(group as usize, out));
    }

    /// Replaces a group by what [`AggSet::encode`] wrote for the same plan, and advances `bytes`.
    ///
    /// # Errors
    /// If the bytes are of another version or damaged; the group is then empty.
    pub fn decode(&mut self, group: u32, bytes: &mut &[u8]) -> Result<(), AggError> {
        let result = self.decode_states(group, bytes);
        if result.is_err() {
            self.forget(group);
        }
        result
    }

    fn decode_states(&mut self, group: u32, bytes: &mut &[u8]) -> Result<(), AggError> {
        let mut input = Reader::new(bytes);
        let found = input.u8()?;
        if found != VERSION {
            return Err(AggError::Version { found, known: VERSION });
        }
        for state in &mut self.states {
            state.decode(group as usize, &mut input)?;
        }
        *bytes = input.rest();
        Ok(())
    }

    /// Approximate bytes in memory, in time independent of the number of groups.
    pub fn bytes(&self) -> usize {
        self.states.iter().map(AggStates::bytes).sum()
    }
}
