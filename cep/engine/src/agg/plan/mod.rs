//! From the calls of a query to shared states.
//!
//! Invariants:
//! - Calls that can be read from one state share it: `avg(x)`, `sum(x)` and `count(x)` are one sum,
//!   `stddev(x)` adds only Σx².
//! - Every pair of a `Read` and a `StateKind` made here is one that `emit` knows.
//! - Nothing is ignored: a clause an aggregate cannot have is an error.

mod compile;
mod same;
mod spec;

pub(crate) use same::same;
pub use spec::{AggOptions, Order};
pub(crate) use spec::{Keep, Output, Read, StateKind, StateSpec};

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::plan::{AggCall, Expr};

use super::AggError;

/// The states and inputs that the aggregate calls of a query need.
#[derive(Debug)]
pub struct AggPlan {
    inputs: Vec<Expr>,
    states: Vec<Arc<StateSpec>>,
    outputs: Vec<Output>,
    options: AggOptions,
}

impl AggPlan {
    /// Plans `calls`; one result column for each, in order.
    ///
    /// # Errors
    /// If a call has types, parameters or clauses that no state takes.
    pub fn new(calls: &[AggCall], options: AggOptions) -> Result<Self, AggError> {
        let mut plan = AggPlan { inputs: Vec::new(), states: Vec::new(), outputs: Vec::new(), options };
        compile::compile(&mut plan, calls)?;
        Ok(plan)
    }

    /// Expressions to evaluate for every chunk: arguments, filters and sort keys, each once. The
    /// columns of `AggInput` are parallel to them.
    pub fn inputs(&self) -> &[Expr] {
        &self.inputs
    }

    /// Result types, one per call.
    pub fn result_types(&self) -> impl Iterator<Item = &DataType> {
        self.outputs.iter().map(|o| &o.data_type)
    }

    /// Number of calls.
    pub fn calls(&self) -> usize {
        self.outputs.len()
    }

    /// Whether `AggInput::ts` and `seq` are read.
    pub fn needs_order(&self) -> bool {
        self.states.iter().any(|s| s.needs_order())
    }

    /// Whether rows can be removed from every state; else sliding windows rebuild from their rows.
    pub fn is_removable(&self) -> bool {
        self.states.iter().all(|s| s.is_removable())
    }

    /// Whether merging depends on the order of arrival: EWMA, KLL.
    pub fn is_arrival_ordered(&self) -> bool {
        self.states.iter().any(|s| s.is_arrival_ordered())
    }

    pub(super) fn states(&self) -> &[Arc<StateSpec>] {
        &self.states
    }

    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The input that computes `expr`.
    fn input(&mut self, expr: &Expr) -> usize {
        if let Some(found) = self.inputs.iter().position(|e| same::same(e, expr)) {
            return found;
        }
        self.inputs.push(expr.clone());
        self.inputs.len() - 1
    }

    /// The state `spec`.
    fn state(&mut self, spec: StateSpec) -> usize {
        if let Some(found) = self.states.iter().position(|s| **s == spec) {
            return found;
        }
        self.states.push(Arc::new(spec));
        self.states.len() - 1
    }
}
