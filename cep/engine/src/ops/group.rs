//! GROUP BY and DISTINCT without a window (R-SQL-3a): for every row the new row of its group.
//!
//! Invariants:
//! - At most `keys_max` groups; a row of one more is an error of that row, counted, and changes
//!   nothing.
//! - With a TTL a group whose latest row is older than it (by stamp) is forgotten: the next row of
//!   its key begins a new group.
//! - The output is a changelog: `+I` of a group that is not shown, `+U` and `-D` of one that is, the
//!   latter with the row that was shown last. A row in error changes nothing in it.

use std::sync::Arc;

use cep_lang::diag::codes;
use cep_lang::plan::{Expr, GroupNode};
use cep_types::Op;

use super::prepare::Prepare;
use super::shown::Shown;
use super::{OpContext, OpError};
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Order, Rows};
use crate::chunk::{Chunk, step_row};
use crate::codec::{DecodeError, Reader, Result, Writer};
use crate::column::Column;
use crate::cut::{GROUPS_AT_ONCE, GroupsCut};
use crate::expr::{Compiled, Input, RowErrors};
use crate::keys::{KeyTable, encode_value};

/// What a key takes, about.
const KEY_BYTES_GUESS: usize = 12;

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
    /// Those rows, where HAVING may take them back.
    shown: Option<Shown>,
    /// Per group: stamp of its latest row; kept with a TTL only.
    touched: Vec<i64>,
    /// Stamp at which expired groups are swept.
    sweep_at: Option<i64>,
    seq: u64,
    /// A cut that the groups are being written for.
    cut: Option<Box<Cut>>,
}

/// Groups on their way into a checkpoint.
#[derive(Debug)]
struct Cut {
    groups: GroupsCut,
    /// What was written of groups that have new numbers by now, and what comes behind the groups.
    written: Vec<u8>,
    tail: Vec<u8>,
}

/// Rows of a step whose groups have been updated and that are still to be emitted.
#[derive(Debug)]
struct Pending {
    groups: Vec<u32>,
    /// Their prepared rows.
    rows: Vec<u32>,
    /// Their aggregates.
    values: Vec<Column>,
}

/// What HAVING says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passes,
    Fails,
    Error,
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
            shown: (node.having.is_some() && !node.calls.is_empty())
                .then(|| Shown::new(node.schema.fields().iter().map(|f| f.data_type().clone()).collect())),
            touched: Vec::new(),
            sweep_at: None,
            seq: 0,
            cut: None,
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
        let mut pending = Pending {
            groups: Vec::with_capacity(rows),
            rows: Vec::with_capacity(rows),
            values: self.plan.result_types().map(Column::new).collect(),
        };
        let mut key = Vec::new();
        for row in 0..rows {
            let pos = self.prepare.pos(input)[row];
            let stamp = cx.time.stamps[step_row(pos)];
            if self.is_sweep_due(stamp) {
                // It gives groups new numbers: rows with old ones go first.
                self.emit(input, &mut pending, out, cx);
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
                cx.errors.push(OpError::of_record(pos, codes::TOO_MANY_KEYS, message));
                continue;
            }
            let expired = known.filter(|&group| self.is_expired(group, stamp));
            if let Some(group) = expired {
                self.emit(input, &mut pending, out, cx);
                self.forget(group);
            }
            let group = known.unwrap_or_else(|| self.table.find_or_insert(&key));
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
            if self.is_distinct && known.is_some() && expired.is_none() {
                continue;
            }
            let mut failed = Vec::new();
            self.aggs.emit_all(&[group], &mut pending.values, &mut failed);
            if let Some(error) = failed.first() {
                pending.values.iter_mut().for_each(|c| c.truncate(pending.groups.len()));
                cx.errors.push(OpError::of_record(pos, codes::OVERFLOW, error.error.to_string()));
                continue;
            }
            pending.groups.push(group);
            pending.rows.push(row as u32);
        }
        self.emit(input, &mut pending, out, cx);
    }

    /// Writes a group aside that a cut wants as it is now.
    #[inline]
    fn save(&mut self, group: u32) {
        if self.cut.as_ref().is_some_and(|cut| cut.groups.wants(group))
            && let Some(mut cut) = self.cut.take()
        {
            cut.groups.save(group, |out| self.encode_group(group, out));
            self.cut = Some(cut);
        }
    }

    /// Before a group changes.
    fn touch(&mut self, group: u32, stamp: i64) {
        self.save(group);
        let group = group as usize;
        if group == self.visible.len() {
            self.visible.push(false);
            self.aggs.resize(group + 1);
            if let Some(shown) = &mut self.shown {
                shown.add_group();
            }
            if self.ttl_ns.is_some() {
                self.touched.push(stamp);
            }
        }
        if self.ttl_ns.is_some() {
            self.touched[group] = stamp;
        }
    }

    /// Whether the latest row of a group is too old.
    fn is_expired(&self, group: u32, stamp: i64) -> bool {
        self.ttl_ns.is_some_and(|ttl| stamp.saturating_sub(self.touched[group as usize]) > ttl)
    }

    /// Begins a group anew.
    fn forget(&mut self, group: u32) {
        self.save(group);
        self.aggs.forget(group);
        let was_visible = std::mem::replace(&mut self.visible[group as usize], false);
        if let Some(shown) = &mut self.shown
            && was_visible
        {
            shown.forget();
        }
    }

    /// Whether a TTL has gone by since the last sweep.
    fn is_sweep_due(&mut self, stamp: i64) -> bool {
        let Some(ttl) = self.ttl_ns else { return false };
        stamp >= *self.sweep_at.get_or_insert(stamp.saturating_add(ttl))
    }

    /// Removes expired groups and gives the others new numbers.
    fn sweep(&mut self, stamp: i64) {
        let Some(ttl) = self.ttl_ns else { return };
        self.sweep_at = Some(stamp.saturating_add(ttl));
        self.write_all();
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
        if let Some(shown) = &mut self.shown {
            shown.keep(&kept, &self.visible);
        }
    }

    /// Emits the pending rows; none are pending then.
    fn emit(&mut self, input: &Chunk, pending: &mut Pending, out: &mut Chunk, cx: &mut OpContext<'_>) {
        let Pending { groups, rows: kept, values } = pending;
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
        let verdicts = self.verdicts(&columns, &pos, &time, cx);
        // Rows of the output, in `columns` or, where they may be taken back, among those shown.
        let mut rows = Vec::with_capacity(groups.len());
        let mut at = Vec::with_capacity(groups.len());
        for (row, &group) in groups.iter().enumerate() {
            let visible = &mut self.visible[group as usize];
            let op = match (verdicts[row], *visible) {
                (Verdict::Passes, true) => Op::UpdateAfter,
                (Verdict::Passes, false) => Op::Insert,
                (Verdict::Fails, true) => Op::Delete,
                (Verdict::Fails, false) | (Verdict::Error, _) => continue,
            };
            *visible = op != Op::Delete;
            rows.push(match &mut self.shown {
                Some(shown) => shown.change(group, op, &columns, row),
                None => row as u32,
            });
            at.push(row);
            if !self.is_distinct {
                out.ops.push(op);
            }
        }
        let source = self.shown.as_ref().map_or(columns.as_slice(), Shown::rows);
        for (out, column) in out.columns.iter_mut().zip(source) {
            out.append_gather(column, &rows);
        }
        out.time.extend(at.iter().map(|&r| time[r]));
        out.pos.extend(at.iter().map(|&r| pos[r]));
        if let Some(shown) = &mut self.shown {
            shown.compact(&self.visible);
        }
        groups.clear();
        kept.clear();
    }

    /// What HAVING says of rows of keys and aggregates; errors are reported.
    fn verdicts(
        &mut self,
        columns: &[Column],
        pos: &[u32],
        time: &[i64],
        cx: &mut OpContext<'_>,
    ) -> Vec<Verdict> {
        let Some(having) = &mut self.having else { return vec![Verdict::Passes; pos.len()] };
        let stamp: Vec<i64> = pos.iter().map(|&p| cx.time.stamps[step_row(p)]).collect();
        let source = Input { columns, rows: pos.len(), stamp: &stamp, event_time: time };
        let (mut failed, mut passing) = (RowErrors::new(), Vec::new());
        having.eval_predicate(&source, &mut failed, &mut passing);
        let mut verdicts = vec![Verdict::Fails; pos.len()];
        passing.iter().for_each(|&r| verdicts[r as usize] = Verdict::Passes);
        failed.settle().iter().for_each(|f| verdicts[f.row as usize] = Verdict::Error);
        super::prepare::report(&mut failed, pos, cx.errors);
        verdicts
    }

    /// Begins a cut. True if more than `out` got is to come from [`GroupOp::cut_next`].
    pub fn freeze(&mut self, out: &mut Writer) -> bool {
        let total = self.table.len();
        if total < GROUPS_AT_ONCE {
            self.encode(out);
            return false;
        }
        self.encode_head(out);
        let mut tail = Writer::default();
        if let Some(shown) = &self.shown {
            shown.encode(&self.visible, &mut tail);
        }
        let groups = GroupsCut::new(total);
        self.cut = Some(Box::new(Cut { groups, written: Vec::new(), tail: tail.bytes }));
        true
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written.
    pub fn cut_next(&mut self, out: &mut Writer, until: usize) -> bool {
        let Some(mut cut) = self.cut.take() else { return true };
        let room = until.saturating_sub(out.bytes.len()).min(cut.written.len());
        out.bytes.extend(cut.written.drain(..room));
        let encode = |group, out: &mut Writer| self.encode_group(group, out);
        if !cut.written.is_empty() || !cut.groups.go_on(out, until, encode) {
            self.cut = Some(cut);
            return false;
        }
        out.bytes.append(&mut cut.tail);
        true
    }

    /// Writes all that is left of a cut, as groups are about to have other numbers: who calls this looks at
    /// every group anyway.
    fn write_all(&mut self) {
        let Some(mut cut) = self.cut.take() else { return };
        let mut out = Writer { bytes: std::mem::take(&mut cut.written) };
        cut.groups.go_on(&mut out, usize::MAX, |group, out| self.encode_group(group, out));
        cut.written = out.bytes;
        self.cut = Some(cut);
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        self.cut = None;
    }

    fn encode_head(&self, out: &mut Writer) {
        out.u64(self.seq);
        out.opt_i64(self.sweep_at);
        out.u64(self.table.len() as u64);
    }

    fn encode_group(&self, group: u32, out: &mut Writer) {
        out.blob(self.table.key(group));
        out.bool(self.visible[group as usize]);
        if self.ttl_ns.is_some() {
            out.i64(self.touched[group as usize]);
        }
        self.aggs.encode(group, &mut out.bytes);
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        self.encode_head(out);
        for group in 0..self.table.len() {
            self.encode_group(group as u32, out);
        }
        if let Some(shown) = &self.shown {
            shown.encode(&self.visible, out);
        }
    }

    /// Reads what [`GroupOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.seq = input.u64()?;
        self.sweep_at = input.opt_i64()?;
        self.cut = None;
        self.table.clear();
        self.visible.clear();
        self.touched.clear();
        self.aggs.clear();
        let count = input.len(8)?;
        self.table.reserve(count, count * KEY_BYTES_GUESS);
        self.visible.reserve(count);
        self.aggs.resize(count);
        for group in 0..count {
            if self.table.find_or_insert(input.blob()?) as usize != group {
                return Err(DecodeError("a key twice".into()));
            }
            self.visible.push(input.bool()?);
            if self.ttl_ns.is_some() {
                self.touched.push(input.i64()?);
            }
            self.aggs.decode(group as u32, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        match &mut self.shown {
            Some(shown) => shown.decode(&self.visible, input),
            None => Ok(()),
        }
    }
}
