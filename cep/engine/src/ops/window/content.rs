//! What an open window or pane holds: groups with aggregate states, or the rows themselves.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::diag::codes;
use cep_lang::plan::{AggCall, Expr};

use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use crate::chunk::Chunk;
use crate::codec::{DecodeError, ReadColumn, Reader, Result, WriteColumn, Writer};
use crate::column::{Column, Values};
use crate::keys::{KeyEncoder, KeyTable};
use crate::ops::OpError;
use crate::ops::TEXT_BYTES_MAX;
use crate::ops::prepare::Prepare;

use super::frozen::Frozen;
use super::lasting::{Lasting, is_lasting};

/// The parts of a window body that all its contents share, with scratch.
#[derive(Debug)]
pub struct Shape {
    /// Filter, keys, then the inputs of the aggregates.
    pub prepare: Prepare,
    key_types: Vec<DataType>,
    call_types: Vec<DataType>,
    /// Aggregates over a content; `None`: the rows themselves are kept.
    plan: Option<Arc<AggPlan>>,
    /// Their place among the calls.
    windowed: Vec<usize>,
    /// Aggregates over all contents.
    lasting: Option<Lasting>,
    row_types: Vec<DataType>,
    raw_text: bool,
    encoder: KeyEncoder,
    groups: Vec<u32>,
    seq: Vec<u64>,
    fresh: Vec<u32>,
    rows: Vec<u32>,
}

impl Shape {
    /// Groups by `keys` with aggregates. `extra` expressions are evaluated as well, for the
    /// operator ([`Shape::extra`]).
    ///
    /// # Errors
    /// The reason why they cannot be computed, for the user.
    pub fn groups(
        filter: Option<&Expr>,
        keys: &[&Expr],
        calls: &[AggCall],
        options: AggOptions,
        extra: &[Expr],
    ) -> std::result::Result<Self, String> {
        if calls.iter().any(is_lasting) {
            return Err(
                "minForever and maxForever are over the rows that a window takes in: use min and max here, \
                 or select them in the query with the window"
                    .to_string(),
            );
        }
        Self::with_lasting(filter, keys, calls, options, extra, 0)
    }

    /// The same with minForever and maxForever among the calls, of at most `keys_max` groups; rows
    /// are asked for by [`Shape::refuses`] and told by [`Shape::enter`].
    ///
    /// # Errors
    /// The reason why they cannot be computed, for the user.
    pub fn with_lasting(
        filter: Option<&Expr>,
        keys: &[&Expr],
        calls: &[AggCall],
        options: AggOptions,
        extra: &[Expr],
        keys_max: u64,
    ) -> std::result::Result<Self, String> {
        let windowed: Vec<usize> = (0..calls.len()).filter(|&c| !is_lasting(&calls[c])).collect();
        let own: Vec<AggCall> = windowed.iter().map(|&c| calls[c].clone()).collect();
        let plan = AggPlan::new(&own, options).map_err(|e| e.to_string())?;
        let lasting = Lasting::new(calls, keys_max)?;
        let mut exprs: Vec<&Expr> = keys.to_vec();
        exprs.extend(plan.inputs());
        exprs.extend(lasting.iter().flat_map(Lasting::inputs));
        exprs.extend(extra);
        let prepare = Prepare::new(filter, &exprs).map_err(|e| e.to_string())?;
        Ok(Shape {
            prepare,
            key_types: keys.iter().map(|k| k.data_type.clone()).collect(),
            call_types: calls.iter().map(|c| c.data_type.clone()).collect(),
            windowed,
            lasting,
            raw_text: matches!(keys, [one] if !one.nullable && one.data_type == DataType::Utf8),
            plan: Some(Arc::new(plan)),
            row_types: Vec::new(),
            encoder: KeyEncoder::default(),
            groups: Vec::new(),
            seq: Vec::new(),
            fresh: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// The rows themselves, of columns `types`; `extra` as in [`Shape::groups`].
    ///
    /// # Errors
    /// The reason why the filter cannot be computed, for the user.
    pub fn rows(
        filter: Option<&Expr>,
        types: Vec<DataType>,
        extra: &[Expr],
    ) -> std::result::Result<Self, String> {
        let exprs: Vec<&Expr> = extra.iter().collect();
        Ok(Shape {
            prepare: Prepare::new(filter, &exprs).map_err(|e| e.to_string())?,
            key_types: Vec::new(),
            call_types: Vec::new(),
            plan: None,
            windowed: Vec::new(),
            lasting: None,
            row_types: types,
            raw_text: false,
            encoder: KeyEncoder::default(),
            groups: Vec::new(),
            seq: Vec::new(),
            fresh: Vec::new(),
            rows: Vec::new(),
        })
    }

    /// Results of the extra expressions for the prepared rows.
    pub fn extra<'a>(&'a self, input: &'a Chunk) -> smallvec::SmallVec<[&'a Column; 16]> {
        self.prepare.columns(input, self.inputs().end..self.prepare.expr_count())
    }

    /// Places of the arguments of lasting aggregates among the prepared expressions.
    fn inputs(&self) -> std::ops::Range<usize> {
        let from = self.key_types.len() + self.plan.as_ref().map_or(0, |p| p.inputs().len());
        from..from + self.lasting.as_ref().map_or(0, |l| l.inputs().len())
    }

    /// Whether rows enter one by one.
    pub fn has_lasting(&self) -> bool {
        self.lasting.is_some()
    }

    /// What lasts from window to window.
    pub fn lasting(&mut self) -> Option<&mut Lasting> {
        self.lasting.as_mut()
    }

    /// Whether prepared row `row` must be left out, as its group would be one too many; that is then
    /// its error.
    pub fn refuses(&mut self, input: &Chunk, row: usize, errors: &mut Vec<OpError>) -> bool {
        let Shape { prepare, key_types, lasting: Some(lasting), encoder, raw_text, .. } = self else {
            return false;
        };
        let keys = prepare.columns(input, 0..key_types.len());
        let refusal = lasting.refusal(encoder.encode(&keys, row, row + 1, *raw_text).get(0));
        let pos = prepare.pos(input)[row];
        let refused = refusal.is_some();
        errors.extend(refusal.map(|message| OpError::of_record(pos, codes::TOO_MANY_KEYS, message)));
        refused
    }

    /// Tells what lasts that prepared row `row` is taken in.
    pub fn enter(&mut self, input: &Chunk, row: usize) {
        let inputs = self.inputs();
        let Shape { prepare, key_types, lasting: Some(lasting), encoder, raw_text, .. } = self else {
            return;
        };
        let keys = prepare.columns(input, 0..key_types.len());
        let columns = prepare.columns(input, inputs);
        lasting.enter(encoder.encode(&keys, row, row + 1, *raw_text).get(0), &columns, row);
    }

    /// Writes what lasts.
    pub fn encode(&self, out: &mut Writer) {
        if let Some(lasting) = &self.lasting {
            lasting.encode(out);
        }
    }

    /// Reads what [`Shape::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        match &mut self.lasting {
            Some(lasting) => lasting.decode(input),
            None => Ok(()),
        }
    }

    /// An empty content.
    pub fn content(&self) -> Content {
        Content {
            table: KeyTable::new(),
            keys: self.key_types.iter().map(Column::new).collect(),
            arrival: Vec::new(),
            aggs: self.plan.clone().map(AggSet::new),
            windowed: self.windowed.clone(),
            rows: Chunk { columns: self.row_types.iter().map(Column::new).collect(), ..Chunk::default() },
            frozen: None,
        }
    }

    /// Whether contents may be merged in any order and kept merged: groups whose aggregates depend
    /// on their rows alone. Rows themselves are not kept twice.
    pub fn merges_in_any_order(&self) -> bool {
        self.plan.as_ref().is_some_and(|plan| !plan.is_arrival_ordered())
    }

    /// Number of group keys.
    pub fn key_count(&self) -> usize {
        self.key_types.len()
    }

    /// Types of keys then aggregates.
    pub fn group_types(&self) -> impl Iterator<Item = &DataType> {
        self.key_types.iter().chain(&self.call_types)
    }

    /// How many of the prepared rows from `from` to `to` an operator takes that has `held` bytes of
    /// text; the row after them is refused.
    pub fn room(&self, input: &Chunk, from: usize, to: usize, held: usize) -> usize {
        let total = self.prepare.rows(input);
        let keys = self.prepare.columns(input, 0..self.key_types.len());
        let of_rows = |from: usize, to: usize| -> usize {
            match &self.plan {
                Some(_) => keys.iter().map(|c| c.text_bytes(from, to)).sum(),
                None => input.columns.iter().map(|c| c.text_bytes(from, to)).sum(),
            }
        };
        let all = if self.plan.is_some() { total } else { input.rows() };
        if held + of_rows(0, all) <= TEXT_BYTES_MAX {
            return to - from;
        }
        let mut held = held;
        let fits = |&row: &usize| {
            let row = if self.plan.is_some() { row } else { self.prepare.original(row) as usize };
            held += of_rows(row, row + 1);
            held <= TEXT_BYTES_MAX
        };
        (from..to).take_while(fits).count()
    }

    /// Reports that there was no room for prepared row `row`.
    pub fn refuse(&self, input: &Chunk, row: usize, errors: &mut Vec<OpError>) {
        let mib = TEXT_BYTES_MAX >> 20;
        let message = format!(
            "the open windows hold {mib} MiB of text; the row was left out: select fewer columns below the \
             window, or make it shorter"
        );
        errors.push(OpError::of_record(self.prepare.pos(input)[row], codes::NO_ROOM, message));
    }

    /// Adds prepared rows `from..to` of `input`; the first is the `first_seq`-th of the operator.
    pub fn add(&mut self, content: &mut Content, input: &Chunk, from: usize, to: usize, first_seq: u64) {
        let Shape { prepare, key_types, plan, raw_text, encoder, groups, seq, fresh, rows, .. } = self;
        let Some(plan) = plan else {
            rows.clear();
            rows.extend((from..to).map(|r| prepare.original(r)));
            content.rows.append_gather(input, rows);
            content.arrival.extend((from..to).map(|r| first_seq + (r - from) as u64));
            return;
        };
        let total = prepare.rows(input);
        let keys = prepare.columns(input, 0..key_types.len());
        let before = if keys.is_empty() {
            groups.clear();
            groups.resize(to - from, 0);
            let before = content.arrival.len();
            if before == 0 {
                content.arrival.push(first_seq);
            }
            before
        } else {
            let encoded = encoder.encode(&keys, from, to, *raw_text);
            let before = content.table.len();
            fresh.clear();
            content.table.find_or_insert_rows(&encoded, groups, fresh);
            for &at in fresh.iter() {
                content.arrival.push(first_seq + u64::from(at));
            }
            if !fresh.is_empty() {
                fresh.iter_mut().for_each(|at| *at += from as u32);
                for (stored, column) in content.keys.iter_mut().zip(&keys) {
                    stored.append_gather(column, fresh);
                }
            }
            before
        };
        let aggs = content.aggs.as_mut().expect("a content with a plan has states");
        if content.arrival.len() > before {
            aggs.resize(content.arrival.len());
        }
        let columns = prepare.columns(input, key_types.len()..key_types.len() + plan.inputs().len());
        if plan.needs_order() {
            // One entry a prepared row: `seq` is indexed by row number.
            seq.clear();
            seq.extend((0..total as u64).map(|r| (first_seq + r).wrapping_sub(from as u64)));
        }
        let input = AggInput { columns: &columns, rows: Rows::From(from), ts: prepare.time(input), seq };
        if let Some(frozen) = &mut content.frozen {
            frozen.save(groups, &content.table, aggs);
        }
        aggs.update(groups, &input);
    }
}

/// Stands where a column was taken out.
fn no_column() -> Column {
    Column::dense(Values::Bool(Vec::new()))
}

/// Groups or rows of a window or pane.
#[derive(Debug)]
pub struct Content {
    table: KeyTable,
    keys: Vec<Column>,
    /// Per group: number of its first row; per row with a rows body. A content without keys has
    /// one group once it has rows.
    arrival: Vec<u64>,
    aggs: Option<AggSet>,
    /// Place of each aggregate among the calls.
    windowed: Vec<usize>,
    rows: Chunk,
    /// A cut that it is being written for.
    frozen: Option<Box<Frozen>>,
}

impl Content {
    /// Whether no row was let in.
    pub fn is_empty(&self) -> bool {
        self.arrival.is_empty()
    }

    /// Number of groups, or rows.
    pub fn len(&self) -> usize {
        self.arrival.len()
    }

    /// Bytes of text in its rows or keys.
    pub fn text_bytes(&self) -> usize {
        self.rows.columns.iter().chain(&self.keys).map(|c| c.text_bytes(0, c.len())).sum()
    }

    /// Begins a cut: [`Content::cut_next`] writes what it holds now.
    pub fn freeze(&mut self) {
        self.frozen = Some(Box::new(Frozen::new(self.len(), self.aggs.is_some())));
    }

    /// Whether a cut is under way.
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Writes more of the cut until `out` has `until` bytes; true when all is written, and the cut over.
    pub fn cut_next(&mut self, shape: &Shape, out: &mut Writer, until: usize) -> bool {
        let Some(mut frozen) = self.frozen.take() else { return true };
        let done = frozen.go_on(self, shape, out, until);
        if !done {
            self.frozen = Some(frozen);
        }
        done
    }

    /// Gives up a cut.
    pub fn thaw(&mut self) {
        self.frozen = None;
    }

    /// Columns that are written, with their types: keys, or rows.
    pub(super) fn stored<'a>(&'a self, shape: &'a Shape) -> (&'a [Column], &'a [DataType]) {
        match self.aggs {
            Some(_) => (&self.keys, &shape.key_types),
            None => (&self.rows.columns, &shape.row_types),
        }
    }

    pub(super) fn arrivals(&self) -> &[u64] {
        &self.arrival
    }

    pub(super) fn table(&self) -> &KeyTable {
        &self.table
    }

    pub(super) fn aggs(&self) -> Option<&AggSet> {
        self.aggs.as_ref()
    }

    pub(super) fn times(&self) -> &[i64] {
        &self.rows.time
    }

    pub(super) fn ops(&self) -> &[cep_types::Op] {
        &self.rows.ops
    }

    /// Forgets everything, keeping allocations.
    pub fn clear(&mut self) {
        self.frozen = None;
        self.table.clear();
        self.keys.iter_mut().for_each(Column::clear);
        self.arrival.clear();
        if let Some(aggs) = &mut self.aggs {
            aggs.clear();
        }
        self.rows.clear();
    }

    /// Adds what `other` holds; its rows count as later where arrival matters.
    pub fn merge(&mut self, other: &Content) {
        debug_assert!(self.frozen.is_none(), "nothing is merged into a content that is cut");
        let Some((aggs, theirs)) = self.aggs.as_mut().zip(other.aggs.as_ref()) else {
            self.rows.append_range(&other.rows, 0, other.rows.rows());
            self.arrival.extend_from_slice(&other.arrival);
            return;
        };
        for group in 0..other.arrival.len() as u32 {
            let into =
                if self.keys.is_empty() { 0 } else { self.table.find_or_insert(other.table.key(group)) };
            let arrival = other.arrival[group as usize];
            if into as usize == self.arrival.len() {
                self.arrival.push(arrival);
                for (stored, column) in self.keys.iter_mut().zip(&other.keys) {
                    stored.append_gather(column, &[group]);
                }
                aggs.resize(self.arrival.len());
            } else {
                let first = &mut self.arrival[into as usize];
                *first = (*first).min(arrival);
            }
            aggs.merge(into, theirs, group);
        }
    }

    /// Numbers of groups or rows by first arrival.
    pub fn order(&self, out: &mut Vec<u32>) {
        out.clear();
        out.extend(0..self.arrival.len() as u32);
        if !self.arrival.is_sorted() {
            out.sort_by_key(|&g| self.arrival[g as usize]);
        }
    }

    /// Appends keys then aggregates of `order` to `out`, `lasting` ones among them; groups whose
    /// aggregate cannot be given are listed in `failed` with the reason and have NULL there.
    pub fn emit(
        &mut self,
        order: &[u32],
        lasting: Option<&mut Lasting>,
        out: &mut [Column],
        failed: &mut Vec<(usize, String)>,
    ) {
        let (keys, values) = out.split_at_mut(self.keys.len());
        for (column, stored) in keys.iter_mut().zip(&self.keys) {
            column.append_gather(stored, order);
        }
        let mut errors = Vec::new();
        match (&mut self.aggs, lasting) {
            (Some(aggs), None) => aggs.emit_all(order, values, &mut errors),
            (Some(aggs), Some(lasting)) => {
                let mut own: Vec<Column> =
                    self.windowed.iter().map(|&c| std::mem::replace(&mut values[c], no_column())).collect();
                aggs.emit_all(order, &mut own, &mut errors);
                for (column, &call) in own.into_iter().zip(&self.windowed) {
                    values[call] = column;
                }
                let has_keys = !self.keys.is_empty();
                lasting.emit(order.iter().map(|&g| if has_keys { self.table.key(g) } else { &[] }), values);
            }
            (None, _) => {}
        }
        failed.extend(errors.into_iter().map(|e| (e.index, e.error.to_string())));
    }

    /// Appends the rows of `order` to `out`.
    pub fn emit_rows(&self, order: &[u32], out: &mut [Column]) {
        for (column, stored) in out.iter_mut().zip(&self.rows.columns) {
            column.append_gather(stored, order);
        }
    }

    /// Writes the state.
    pub fn encode(&self, shape: &Shape, out: &mut Writer) {
        out.u64(self.arrival.len() as u64);
        self.arrival.iter().for_each(|&a| out.u64(a));
        match &self.aggs {
            Some(aggs) => {
                for (column, data_type) in self.keys.iter().zip(&shape.key_types) {
                    out.column(column, data_type);
                }
                for group in 0..self.arrival.len() as u32 {
                    if !self.keys.is_empty() {
                        out.blob(self.table.key(group));
                    }
                    aggs.encode(group, &mut out.bytes);
                }
            }
            None => {
                for (column, data_type) in self.rows.columns.iter().zip(&shape.row_types) {
                    out.column(column, data_type);
                }
                out.i64s(&self.rows.time);
                out.blob(&self.rows.ops.iter().map(|o| o.code()).collect::<Vec<_>>());
            }
        }
    }

    /// Reads what [`Content::encode`] wrote for the same shape.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(shape: &Shape, input: &mut Reader<'_>) -> Result<Self> {
        let mut content = shape.content();
        let count = input.len(8)?;
        content.arrival.reserve(count);
        for _ in 0..count {
            content.arrival.push(input.u64()?);
        }
        let Some(aggs) = &mut content.aggs else {
            for (column, data_type) in content.rows.columns.iter_mut().zip(&shape.row_types) {
                *column = input.column(data_type)?;
            }
            content.rows.time = input.i64s()?;
            content.rows.pos = vec![0; count];
            let ops = input.blob()?.iter().map(|&c| cep_types::Op::from_code(c)).collect::<Option<Vec<_>>>();
            content.rows.ops = ops.ok_or_else(|| DecodeError("an unknown change".into()))?;
            if content.rows.time.len() != count || content.rows.columns.iter().any(|c| c.len() != count) {
                return Err(DecodeError("columns of different lengths".into()));
            }
            return Ok(content);
        };
        for (column, data_type) in content.keys.iter_mut().zip(&shape.key_types) {
            *column = input.column(data_type)?;
            if column.len() != count {
                return Err(DecodeError("key columns of different lengths".into()));
            }
        }
        aggs.resize(count);
        if !shape.key_types.is_empty() {
            content.table.reserve(count, 0);
        }
        for group in 0..count as u32 {
            if !shape.key_types.is_empty() && content.table.find_or_insert(input.blob()?) != group {
                return Err(DecodeError("a key twice".into()));
            }
            aggs.decode(group, input.rest()).map_err(|e| DecodeError(e.to_string()))?;
        }
        Ok(content)
    }
}
