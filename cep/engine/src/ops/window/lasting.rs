//! minForever and maxForever of batch windows: states beside the windows that no close clears.
//!
//! The value at a close is over all rows that the query's windows have taken in up to then, in log
//! order; a row that several windows hold counts once.

use std::sync::Arc;

use cep_lang::plan::{AggCall, AggFunc, Expr};

use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;
use crate::keys::KeyTable;

/// States by group, for as long as the query runs.
#[derive(Debug)]
pub struct Lasting {
    /// The calls: their place among all calls of the query.
    calls: Vec<usize>,
    plan: Arc<AggPlan>,
    keys_max: u64,
    table: KeyTable,
    set: AggSet,
    /// Groups that are emitted.
    groups: Vec<u32>,
    results: Vec<Column>,
}

/// Whether `call` is over more than its window.
pub fn is_lasting(call: &AggCall) -> bool {
    matches!(call.func, AggFunc::MinForever | AggFunc::MaxForever)
}

impl Lasting {
    /// States of the lasting ones among `calls`; `None` if there are none.
    ///
    /// # Errors
    /// The reason why one cannot be computed, for the user.
    pub fn new(calls: &[AggCall], keys_max: u64) -> std::result::Result<Option<Self>, String> {
        let places: Vec<usize> = (0..calls.len()).filter(|&c| is_lasting(&calls[c])).collect();
        if places.is_empty() {
            return Ok(None);
        }
        let own: Vec<AggCall> = places.iter().map(|&c| calls[c].clone()).collect();
        let plan = Arc::new(AggPlan::new(&own, AggOptions::default()).map_err(|e| e.to_string())?);
        Ok(Some(Lasting {
            calls: places,
            set: AggSet::new(Arc::clone(&plan)),
            results: plan.result_types().map(Column::new).collect(),
            plan,
            keys_max,
            table: KeyTable::new(),
            groups: Vec::new(),
        }))
    }

    /// Arguments of the aggregates.
    pub fn inputs(&self) -> &[Expr] {
        self.plan.inputs()
    }

    /// Why a row of `key` cannot be taken in.
    pub fn refusal(&self, key: &[u8]) -> Option<String> {
        let full = self.table.len() as u64 >= self.keys_max && self.table.find(key).is_none();
        full.then(|| {
            format!(
                "more than {} groups with minForever or maxForever (state.keys.max); the row was left out",
                self.keys_max
            )
        })
    }

    /// Takes in row `row` of the arguments.
    pub fn enter(&mut self, key: &[u8], columns: &[&Column], row: usize) {
        let group = self.table.find_or_insert(key);
        self.set.resize(self.table.len());
        self.set.update(&[group], &AggInput { columns, rows: Rows::From(row), ts: &[], seq: &[] });
    }

    /// Appends the values of the groups `keys` to their columns among `values`, one a call.
    pub fn emit<'a>(&mut self, keys: impl Iterator<Item = &'a [u8]>, values: &mut [Column]) {
        self.groups.clear();
        self.groups.extend(keys.map(|key| self.table.find(key).expect("its rows were taken in")));
        let mut errors = Vec::new();
        self.set.emit_all(&self.groups, &mut self.results, &mut errors);
        debug_assert!(errors.is_empty(), "least and greatest values cannot fail");
        for (result, &call) in self.results.iter_mut().zip(&self.calls) {
            values[call].append(result);
            result.clear();
        }
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.table.len() as u64);
        for group in 0..self.table.len() as u32 {
            out.blob(self.table.key(group));
            self.set.encode(group, &mut out.bytes);
        }
    }

    /// Reads what [`Lasting::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.table.clear();
        self.set.clear();
        for group in 0..input.len(8)? {
            if self.table.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a group twice".into()));
            }
            self.set.resize(group + 1);
            self.set.decode(group as u32, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        Ok(())
    }
}
