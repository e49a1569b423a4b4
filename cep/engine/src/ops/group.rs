//! GROUP BY and DISTINCT without a window (R-SQL-3a): for every row the new row of its group.
//!
//! Invariants:
//! - At most `keys_max` groups; a row of one more is an error of that row, counted, and changes
//!   nothing.
//! - With a TTL a group whose latest row is older than it (by stamp) is forgotten: the next row of
//!   its key begins a new group.

use std::sync::Arc;

use cep_lang::plan::{Expr, GroupNode};
use cep_types::Op;

use super::prepare::Prepare;
use super::{OpContext, OpError};
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Order, Rows};
use crate::chunk::{Chunk, step_row};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};
use crate::keys::{KeyTable, encode_value};

/// Groups without a window.
#[derive(Debug)]
pub struct GroupOp {
    prepare: Prepare,
    plan: Arc<AggPlan>,
    having: Option<Compiled>,
    key_count: usize,
    keys_max: u64,
    ttl_ns: Option<i64>,
    is_distinct: bool,
    table: KeyTable,
    aggs: AggSet,
    /// Per group: its row is in the output.
    visible: Vec<bool>,
    /// Per group: stamp of its latest row; kept with a TTL only.
    touched: Vec<i64>,
    /// Stamp at which expired groups are swept.
    sweep_at: Option<i64>,
    seq: u64,
}

impl GroupOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &GroupNode) -> std::result::Result<Self, String> {
        let options = AggOptions { order: Order::Arrival, ..AggOptions::default() };
        let plan = Arc::new(AggPlan::new(&node.calls, options).map_err(|e| e.to_string())?);
        let mut exprs: Vec<&Expr> = node.keys.iter().map(|k| &k.expr).collect();
        exprs.extend(plan.inputs());
        Ok(GroupOp {
            prepare: Prepare::new(None, &exprs).map_err(|e| e.to_string())?,
            having: node.having.as_ref().map(Compiled::new).transpose().map_err(|e| e.to_string())?,
            key_count: node.keys.len(),
            keys_max: node.keys_max,
            ttl_ns: node.ttl_ns,
            is_distinct: node.calls.is_empty(),
            table: KeyTable::new(),
            aggs: AggSet::new(Arc::clone(&plan)),
            visible: Vec::new(),
            touched: Vec::new(),
            sweep_at: None,
            seq: 0,
            plan,
        })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        if input.is_empty() {
            return;
        }
        self.prepare.run(input, cx);
        let rows = self.prepare.rows(input);
        let mut groups: Vec<u32> = Vec::with_capacity(rows);
        let mut fresh: Vec<bool> = Vec::with_capacity(rows);
        let mut kept: Vec<u32> = Vec::with_capacity(rows);
        let mut values: Vec<Column> = self.plan.result_types().map(Column::new).collect();
        let mut key = Vec::new();
        for row in 0..rows {
            let pos = self.prepare.pos(input)[row];
            let stamp = cx.time.stamps[step_row(pos)];
            if self.is_sweep_due(stamp) {
                // A sweep renumbers the groups: first finish what is numbered now.
                self.emit(input, &groups, &fresh, &kept, &mut values, out, cx.errors);
                groups.clear();
                fresh.clear();
                kept.clear();
                self.sweep(stamp);
            }
            key.clear();
            for column in self.prepare.columns(input, 0..self.key_count) {
                encode_value(column, row, &mut key);
            }
            let known = self.table.find(&key);
            if known.is_none() && self.table.len() as u64 >= self.keys_max {
                let message = format!(
                    "more than {} groups (state.keys.max); the row was left out; add a window or state.ttl",
                    self.keys_max
                );
                cx.errors.push(OpError { pos, code: "E1010", message });
                continue;
            }
            let group = known.unwrap_or_else(|| self.table.find_or_insert(&key));
            let is_new = known.is_none() || self.expire(group, stamp);
            self.touch(group, stamp);
            let columns =
                self.prepare.columns(input, self.key_count..self.key_count + self.plan.inputs().len());
            let seq = if self.plan.needs_order() { vec![self.seq; row + 1] } else { Vec::new() };
            let source = AggInput {
                columns: &columns,
                rows: Rows::From(row),
                ts: self.prepare.time(input),
                seq: &seq,
            };
            self.aggs.update(&[group], &source);
            self.seq += 1;
            if self.is_distinct && !is_new {
                continue;
            }
            let mut failed = Vec::new();
            self.aggs.emit_all(&[group], &mut values, &mut failed);
            if let Some(error) = failed.first() {
                values.iter_mut().for_each(|c| c.truncate(groups.len()));
                cx.errors.push(OpError { pos, code: "E1002", message: error.error.to_string() });
                continue;
            }
            groups.push(group);
            fresh.push(is_new);
            kept.push(row as u32);
        }
        self.emit(input, &groups, &fresh, &kept, &mut values, out, cx.errors);
    }

    fn touch(&mut self, group: u32, stamp: i64) {
        let group = group as usize;
        if group == self.visible.len() {
            self.visible.push(false);
            self.aggs.resize(group + 1);
            if self.ttl_ns.is_some() {
                self.touched.push(stamp);
            }
        }
        if self.ttl_ns.is_some() {
            self.touched[group] = stamp;
        }
    }

    /// Begins a group anew if its latest row is too old; whether it was.
    fn expire(&mut self, group: u32, stamp: i64) -> bool {
        let Some(ttl) = self.ttl_ns else { return false };
        let old = stamp.saturating_sub(self.touched[group as usize]) > ttl;
        if old {
            self.aggs.forget(group);
            self.visible[group as usize] = false;
        }
        old
    }

    /// Whether expired groups are to be removed, which is done once a TTL.
    fn is_sweep_due(&mut self, stamp: i64) -> bool {
        let Some(ttl) = self.ttl_ns else { return false };
        stamp >= *self.sweep_at.get_or_insert(stamp.saturating_add(ttl))
    }

    /// Removes expired groups; the others are renumbered.
    fn sweep(&mut self, stamp: i64) {
        let Some(ttl) = self.ttl_ns else { return };
        self.sweep_at = Some(stamp.saturating_add(ttl));
        let touched = std::mem::take(&mut self.touched);
        let kept = self.table.retain(|g| stamp.saturating_sub(touched[g as usize]) <= ttl);
        let mut aggs = AggSet::new(Arc::clone(&self.plan));
        aggs.resize(kept.len());
        for (new, &old) in kept.iter().enumerate() {
            aggs.merge(new as u32, &self.aggs, old);
        }
        self.aggs = aggs;
        self.touched = kept.iter().map(|&g| touched[g as usize]).collect();
        self.visible = kept.iter().map(|&g| self.visible[g as usize]).collect();
    }

    /// Emits a row for each of `groups`; `kept` are their prepared rows, `values` their aggregates.
    #[allow(clippy::too_many_arguments)] // scratch of `process`, which a struct would only rename
    fn emit(
        &mut self,
        input: &Chunk,
        groups: &[u32],
        fresh: &[bool],
        kept: &[u32],
        values: &mut Vec<Column>,
        out: &mut Chunk,
        errors: &mut Vec<OpError>,
    ) {
        let mut columns: Vec<Column> = Vec::with_capacity(self.key_count + values.len());
        for key in self.prepare.columns(input, 0..self.key_count) {
            let mut column = key.empty_like();
            column.append_gather(key, kept);
            columns.push(column);
        }
        let empty: Vec<Column> = values.iter().map(Column::empty_like).collect();
        columns.extend(std::mem::replace(values, empty));
        let pos: Vec<u32> = kept.iter().map(|&r| self.prepare.pos(input)[r as usize]).collect();
        let time: Vec<i64> = kept.iter().map(|&r| self.prepare.time(input)[r as usize]).collect();
        let mut passes = vec![true; groups.len()];
        if let Some(having) = &mut self.having {
            let source = Input { columns: &columns, rows: groups.len(), stamp: &time, event_time: &time };
            let (mut failed, mut pass) = (RowErrors::new(), Vec::new());
            having.eval_predicate(&source, &mut failed, &mut pass);
            passes.fill(false);
            pass.iter().for_each(|&r| passes[r as usize] = true);
            super::prepare::report(&mut failed, &pos, errors);
        }
        let mut rows = Vec::with_capacity(groups.len());
        for (row, &group) in groups.iter().enumerate() {
            let visible = &mut self.visible[group as usize];
            let op = match (passes[row], *visible && !fresh[row]) {
                (true, true) => Op::UpdateAfter,
                (true, false) => Op::Insert,
                (false, true) => Op::Delete,
                (false, false) => continue,
            };
            *visible = passes[row];
            rows.push(row as u32);
            if !self.is_distinct {
                out.ops.push(op);
            }
        }
        for (out, column) in out.columns.iter_mut().zip(&columns) {
            out.append_gather(column, &rows);
        }
        out.time.extend(rows.iter().map(|&r| time[r as usize]));
        out.pos.extend(rows.iter().map(|&r| pos[r as usize]));
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.opt_i64(self.sweep_at);
        out.u64(self.table.len() as u64);
        for group in 0..self.table.len() {
            out.blob(self.table.key(group as u32));
            out.bool(self.visible[group]);
            if self.ttl_ns.is_some() {
                out.i64(self.touched[group]);
            }
            self.aggs.encode(group as u32, &mut out.bytes);
        }
    }

    /// Reads what [`GroupOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seq = input.u64()?;
        self.sweep_at = input.opt_i64()?;
        self.table.clear();
        self.visible.clear();
        self.touched.clear();
        self.aggs.clear();
        for group in 0..input.len(8)? {
            if self.table.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a key twice".into()));
            }
            self.visible.push(input.bool()?);
            if self.ttl_ns.is_some() {
                self.touched.push(input.i64()?);
            }
            self.aggs.resize(group + 1);
            self.aggs.decode(group as u32, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        Ok(())
    }
}
