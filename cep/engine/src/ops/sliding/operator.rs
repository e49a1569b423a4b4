//! The operator: which rows are let in, and their output.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::diag::codes;
use cep_lang::plan::{AggCall, AggFunc, Expr, SlidingNode, SlidingWindow};

use super::content::Content;
use super::counted::{Counted, Sketch};
use super::groups::Groups;
use super::place::{Arrival, Place};
use super::rows::{NO_GROUP, WindowRows};
use super::running::{FirstUnique, Running};
use crate::agg::{AggInput, AggOptions, AggPlan, EmitError, Order, Rows};
use crate::chunk::{Chunk, step_row};
use crate::codec::{Reader, Result, Writer};
use crate::column::Column;
use crate::keys::encode_value;
use crate::ops::prepare::Prepare;
use crate::ops::{OpContext, OpError, Origin};

/// A sliding window.
#[derive(Debug)]
pub struct SlidingWindowOp {
    /// Expressions of the window, over all rows.
    at_place: Prepare,
    /// WHERE; group keys, arguments of the windowed calls, arguments of the lasting ones.
    body: Prepare,
    key_count: usize,
    arg_count: usize,
    width: usize,
    /// Calls over the window: their place among the calls.
    windowed: Vec<usize>,
    /// minForever and maxForever.
    lasting: Option<Lasting>,
    kind: Kind,
    /// Rows let in, those that fail WHERE included.
    arrived: u64,
    scratch: Scratch,
}

#[derive(Debug)]
struct Lasting {
    calls: Vec<usize>,
    running: Running,
    results: Vec<Column>,
}

#[derive(Debug)]
enum Kind {
    /// Rows are kept.
    Kept(Box<Content>),
    /// FIRSTUNIQUE.
    First(Box<FirstUnique>),
    /// FREQUENT and LOSSYFREQUENT.
    Counted(Box<Counted>),
}

/// A row of the chunk that is not in error.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    chunk: u32,
    /// Its prepared row, if it passes WHERE.
    body: Option<u32>,
    /// Its row among the results of the window's expressions.
    place: u32,
}

#[derive(Debug, Default)]
struct Scratch {
    candidates: Vec<Candidate>,
    /// Chunk rows that are emitted, by step.
    emitted: Vec<u32>,
    results: Vec<Column>,
    failed: Vec<EmitError>,
    failed_lasting: Vec<EmitError>,
    place_errors: Vec<OpError>,
    body_errors: Vec<OpError>,
    /// Ordinal of each prepared row, where the aggregates need it.
    seq: Vec<u64>,
}

impl SlidingWindowOp {
    /// Builds the operator of `node`.
    ///
    /// # Errors
    /// The reason why it cannot be built, for the user.
    pub fn new(node: &SlidingNode) -> std::result::Result<Self, String> {
        let types: Vec<DataType> =
            node.input.schema().fields().iter().map(|f| f.data_type().clone()).collect();
        let is_lasting = |call: &AggCall| matches!(call.func, AggFunc::MinForever | AggFunc::MaxForever);
        let (lasting, windowed): (Vec<usize>, Vec<usize>) =
            (0..node.calls.len()).partition(|&c| is_lasting(&node.calls[c]));
        let keys_max = usize::try_from(node.keys_max).unwrap_or(usize::MAX);
        let place = Place::new(&node.window, &types, keys_max)?;
        let plan_of = |calls: &[usize], removal: bool| {
            let calls: Vec<AggCall> = calls.iter().map(|&c| node.calls[c].clone()).collect();
            AggPlan::new(&calls, AggOptions { removal, order: Order::Arrival, merged: false })
                .map(Arc::new)
                .map_err(|e| e.to_string())
        };
        let plan = plan_of(&windowed, place.is_some())?;
        let arg_count = plan.inputs().len();
        let results = plan.result_types().map(Column::new).collect();
        let kind = match place {
            Some(place) => Kind::Kept(Box::new(kept(node, place, plan.clone(), &types))),
            None => without_rows(node, plan.clone(), &types, keys_max)?,
        };
        let lasting_plan = plan_of(&lasting, false)?;
        let mut exprs: Vec<&Expr> = node.keys.iter().collect();
        exprs.extend(plan.inputs());
        exprs.extend(lasting_plan.inputs());
        let body = Prepare::new(node.filter.as_ref(), &exprs).map_err(|e| e.to_string())?;
        let at_place =
            Prepare::new(None, &kind.exprs().iter().collect::<Vec<_>>()).map_err(|e| e.to_string())?;
        let lasting = (!lasting.is_empty()).then(|| Lasting {
            calls: lasting,
            results: lasting_plan.result_types().map(Column::new).collect(),
            running: Running::new(&node.keys, lasting_plan.clone(), keys_max),
        });
        Ok(SlidingWindowOp {
            at_place,
            body,
            key_count: node.keys.len(),
            arg_count,
            width: types.len(),
            windowed,
            lasting,
            kind,
            arrived: 0,
            scratch: Scratch { results, ..Scratch::default() },
        })
    }

    /// Processes a step.
    pub fn process(&mut self, input: &Chunk, out: &mut Chunk, cx: &mut OpContext<'_>) {
        self.begin();
        let mut whole = false;
        if !input.is_empty() {
            self.prepare(input, cx);
            whole = self.is_whole(input);
            if whole {
                self.take_all(input, cx);
            } else {
                self.find_candidates(input);
                self.take_candidates(input, cx);
            }
        }
        if let Kind::Kept(content) = &mut self.kind {
            content.settle(cx.time.last_stamp(), self.arrived);
            content.slide(&mut self.scratch.results, &mut self.scratch.failed);
        }
        if !input.is_empty() {
            self.run_lasting(input);
            self.emit(input, whole, out, cx.errors);
        }
    }

    fn begin(&mut self) {
        match &mut self.kind {
            Kind::Kept(content) => content.begin(),
            Kind::First(first) => first.running.begin(),
            Kind::Counted(_) => {}
        }
        if let Some(lasting) = &mut self.lasting {
            lasting.running.begin();
            lasting.results.iter_mut().for_each(Column::clear);
        }
        self.scratch.results.iter_mut().for_each(Column::clear);
        self.scratch.emitted.clear();
        self.scratch.failed.clear();
        self.scratch.failed_lasting.clear();
    }

    /// Evaluates all expressions; of the errors of one row only the first is reported.
    fn prepare(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        let Scratch { place_errors, body_errors, .. } = &mut self.scratch;
        self.at_place.run(
            input,
            &mut OpContext {
                time: cx.time,
                origin: Origin::default(),
                errors: place_errors,
                late: None,
                left_out: None,
                tables: &mut [],
            },
        );
        self.body.run(
            input,
            &mut OpContext {
                time: cx.time,
                origin: Origin::default(),
                errors: body_errors,
                late: None,
                left_out: None,
                tables: &mut [],
            },
        );
        cx.errors.append(place_errors);
        let failed = self.at_place.failed();
        let in_body = self.body.failed().iter().zip(body_errors.drain(..));
        cx.errors.extend(in_body.filter(|(row, _)| failed.binary_search(row).is_err()).map(|(_, e)| e));
    }

    /// Whether every row is let in and emitted, and rows leave in order.
    fn is_whole(&self, input: &Chunk) -> bool {
        matches!(&self.kind, Kind::Kept(content) if matches!(content.place, Place::Queue(_)))
            && self.lasting.is_none()
            && self.at_place.rows(input) == input.rows()
            && self.body.rows(input) == input.rows()
    }

    /// All rows enter: whole columns are moved.
    fn take_all(&mut self, input: &Chunk, cx: &OpContext<'_>) {
        let Kind::Kept(content) = &mut self.kind else { return };
        let Content { place: Place::Queue(queue), rows, groups, .. } = &mut **content else { return };
        let count = input.rows();
        let from = rows.end();
        groups.assign(&self.body.columns(input, 0..self.key_count), count);
        rows.group.extend_from_slice(groups.ids());
        let args = self.body.columns(input, self.key_count..self.key_count + self.arg_count);
        for (kept, column) in rows.args.iter_mut().zip(args) {
            kept.append(column);
        }
        let stamps = input.pos.iter().map(|&p| cx.time.stamps[step_row(p)]);
        queue.admit_all(self.arrived, stamps, count, &mut rows.marks);
        if rows.needs_order() {
            rows.time.extend_from_slice(&input.time);
            rows.seq.extend(self.arrived..self.arrived + count as u64);
        }
        self.arrived += count as u64;
        content.enter(from);
    }

    /// Rows that are not in error.
    fn find_candidates(&mut self, input: &Chunk) {
        let candidates = &mut self.scratch.candidates;
        candidates.clear();
        let (mut place, mut body, mut failed) = (0, 0, 0);
        let bodies = self.body.rows(input);
        for at in 0..self.at_place.rows(input) {
            let chunk = self.at_place.original(at);
            while body < bodies && self.body.original(body) < chunk {
                body += 1;
            }
            while self.body.failed().get(failed).is_some_and(|&r| r < chunk) {
                failed += 1;
            }
            let passes = body < bodies && self.body.original(body) == chunk;
            if self.body.failed().get(failed) != Some(&chunk) {
                candidates.push(Candidate { chunk, body: passes.then_some(body as u32), place });
            }
            place += 1;
        }
    }

    fn take_candidates(&mut self, input: &Chunk, cx: &mut OpContext<'_>) {
        let candidates = std::mem::take(&mut self.scratch.candidates);
        self.scratch.seq.clear();
        self.scratch.seq.resize(self.body.rows(input), 0);
        let mut stored = Vec::new();
        for &candidate in &candidates {
            let chunk = candidate.chunk as usize;
            let pos = input.pos[chunk];
            let stamp = cx.time.stamps[step_row(pos)];
            if let Err((code, message)) = self.lasting_enters(input, candidate) {
                cx.errors.push(OpError::of_record(pos, code, message));
                continue;
            }
            match self.take(input, candidate, stamp) {
                Ok(true) => {
                    stored.push(candidate);
                    self.scratch.emitted.extend(candidate.body.map(|_| candidate.chunk));
                }
                Ok(false) => self.lasting_takes_back(candidate),
                Err((code, message)) => {
                    self.lasting_takes_back(candidate);
                    cx.errors.push(OpError::of_record(pos, code, message));
                }
            }
        }
        self.scratch.candidates = candidates;
        match &mut self.kind {
            Kind::Kept(_) => self.store(input, &stored),
            Kind::First(first) => {
                let args = self.body.columns(input, self.key_count..self.key_count + self.arg_count);
                let Scratch { results, failed, seq, .. } = &mut self.scratch;
                let source = AggInput { columns: &args, rows: Rows::From(0), ts: self.body.time(input), seq };
                first.running.run(source, results, failed);
            }
            Kind::Counted(_) => {}
        }
    }

    /// Lets a row in; whether it is stored or emitted.
    fn take(
        &mut self,
        input: &Chunk,
        candidate: Candidate,
        stamp: i64,
    ) -> std::result::Result<bool, super::place::Refusal> {
        let columns = self.at_place.columns(input, 0..self.at_place.expr_count());
        let (row, ordinal) = (candidate.place as usize, self.arrived);
        let arrival =
            Arrival { columns: &columns, row, stamp, time: input.time[candidate.chunk as usize], ordinal };
        let taken = match &mut self.kind {
            Kind::Kept(content) => {
                let store = candidate.body.is_some() || content.place.keeps_filtered();
                if store {
                    content.place.admit(arrival, &mut content.rows.marks)?;
                    if content.rows.needs_order() {
                        content.rows.time.push(arrival.time);
                        content.rows.seq.push(ordinal);
                    }
                }
                store
            }
            Kind::First(first) => {
                let is_first = first.admit(arrival)?;
                if let (true, Some(row)) = (is_first, candidate.body) {
                    first.running.enter(&self.body.columns(input, 0..self.key_count), row as usize)?;
                }
                is_first
            }
            Kind::Counted(counted) => {
                let mut key = Vec::new();
                columns.iter().for_each(|c| encode_value(c, row, &mut key));
                let mut group = Vec::new();
                if let Some(row) = candidate.body {
                    let keys = self.body.columns(input, 0..self.key_count);
                    keys.iter().for_each(|c| encode_value(c, row as usize, &mut group));
                    counted.check_room(&key, &group)?;
                }
                let slot = counted.arrive(&key);
                if let (Some(slot), Some(row)) = (slot, candidate.body) {
                    let args = self.body.columns(input, self.key_count..self.key_count + self.arg_count);
                    let Scratch { results, failed, seq, emitted, .. } = &mut self.scratch;
                    seq[row as usize] = ordinal;
                    let (rows, before) = (Rows::From(row as usize), failed.len());
                    let source = AggInput { columns: &args, rows, ts: self.body.time(input), seq };
                    counted.add(slot, &group, &source, results, failed);
                    failed[before..].iter_mut().for_each(|e| e.index = emitted.len());
                }
                counted.end_row();
                slot.is_some()
            }
        };
        if let Some(row) = candidate.body {
            self.scratch.seq[row as usize] = ordinal;
        }
        self.arrived += 1;
        Ok(taken)
    }

    /// Moves rows that were let in into the window's columns, and lets them enter.
    fn store(&mut self, input: &Chunk, stored: &[Candidate]) {
        let Kind::Kept(content) = &mut self.kind else { return };
        let from = content.rows.end();
        content.groups.assign(&self.body.columns(input, 0..self.key_count), self.body.rows(input));
        let ids = content.groups.ids();
        content.rows.group.extend(stored.iter().map(|c| c.body.map_or(NO_GROUP, |b| ids[b as usize])));
        let args = self.body.columns(input, self.key_count..self.key_count + self.arg_count);
        for (kept, column) in content.rows.args.iter_mut().zip(args) {
            let mut picked: Vec<u32> = Vec::new();
            for candidate in stored {
                match candidate.body {
                    Some(row) => picked.push(row),
                    None => {
                        kept.append_gather(column, &picked);
                        picked.clear();
                        kept.append_null();
                    }
                }
            }
            kept.append_gather(column, &picked);
        }
        let places: Vec<u32> = stored.iter().map(|c| c.place).collect();
        let chunks: Vec<u32> = stored.iter().map(|c| c.chunk).collect();
        let columns = self.at_place.columns(input, 0..self.at_place.expr_count());
        let exprs = columns.len();
        for (kept, column) in content.rows.extra.iter_mut().zip(columns) {
            kept.append_gather(column, &places);
        }
        for (kept, &index) in content.rows.extra[exprs..].iter_mut().zip(content.place.inputs()) {
            kept.append_gather(&input.columns[index], &chunks);
        }
        content.enter(from);
    }

    fn lasting_enters(
        &mut self,
        input: &Chunk,
        candidate: Candidate,
    ) -> std::result::Result<(), super::place::Refusal> {
        match (&mut self.lasting, candidate.body) {
            (Some(lasting), Some(row)) => {
                lasting.running.enter(&self.body.columns(input, 0..self.key_count), row as usize)
            }
            _ => Ok(()),
        }
    }

    fn lasting_takes_back(&mut self, candidate: Candidate) {
        if let (Some(lasting), Some(_)) = (&mut self.lasting, candidate.body) {
            lasting.running.take_back();
        }
    }

    fn run_lasting(&mut self, input: &Chunk) {
        let Some(lasting) = &mut self.lasting else { return };
        let args = self.body.columns(input, self.key_count + self.arg_count..self.body.expr_count());
        let Scratch { seq, failed_lasting, .. } = &mut self.scratch;
        let source = AggInput { columns: &args, rows: Rows::From(0), ts: self.body.time(input), seq };
        lasting.running.run(source, &mut lasting.results, failed_lasting);
    }

    /// Appends the rows that were emitted with their values; those whose value cannot be given
    /// are errors.
    fn emit(&mut self, input: &Chunk, whole: bool, out: &mut Chunk, errors: &mut Vec<OpError>) {
        let Scratch { emitted, results, failed, failed_lasting, .. } = &mut self.scratch;
        let mut pieces: Vec<(usize, &Column)> = self.windowed.iter().copied().zip(results.iter()).collect();
        if let Some(lasting) = &self.lasting {
            pieces.extend(lasting.calls.iter().copied().zip(&lasting.results));
        }
        let (inputs, calls) = out.columns.split_at_mut(self.width);
        failed.append(failed_lasting);
        if failed.is_empty() && whole {
            inputs.iter_mut().zip(&input.columns).for_each(|(o, i)| o.append(i));
            pieces.iter().for_each(|&(call, column)| calls[call].append(column));
            out.time.extend_from_slice(&input.time);
            out.pos.extend_from_slice(&input.pos);
            return;
        }
        if whole {
            emitted.extend(0..input.rows() as u32);
        }
        failed.sort_by_key(|e| (e.index, e.call));
        failed.dedup_by_key(|e| e.index);
        for error in failed.iter() {
            let pos = input.pos[emitted[error.index] as usize];
            errors.push(OpError::of_record(pos, codes::OVERFLOW, error.error.to_string()));
        }
        let fine = |step: &u32| failed.binary_search_by_key(&(*step as usize), |e| e.index).is_err();
        let steps: Vec<u32> = (0..emitted.len() as u32).filter(fine).collect();
        let rows: Vec<u32> = steps.iter().map(|&s| emitted[s as usize]).collect();
        inputs.iter_mut().zip(&input.columns).for_each(|(o, i)| o.append_gather(i, &rows));
        pieces.iter().for_each(|&(call, column)| calls[call].append_gather(column, &steps));
        out.time.extend(rows.iter().map(|&r| input.time[r as usize]));
        out.pos.extend(rows.iter().map(|&r| input.pos[r as usize]));
    }

    /// Writes the state.
    pub fn encode(&self, out: &mut Writer) {
        out.u64(self.arrived);
        match &self.kind {
            Kind::Kept(content) => content.encode(out),
            Kind::First(first) => first.encode(out),
            Kind::Counted(counted) => counted.encode(out),
        }
        if let Some(lasting) = &self.lasting {
            lasting.running.encode(out);
        }
    }

    /// Reads what [`SlidingWindowOp::encode`] of the same plan wrote.
    ///
    /// # Errors
    /// If the bytes are damaged.
    pub fn decode(&mut self, input: &mut Reader<'_>) -> Result<()> {
        self.arrived = input.u64()?;
        match &mut self.kind {
            Kind::Kept(content) => content.decode(input)?,
            Kind::First(first) => first.decode(input)?,
            Kind::Counted(counted) => counted.decode(input)?,
        }
        match &mut self.lasting {
            Some(lasting) => lasting.running.decode(input),
            None => Ok(()),
        }
    }
}

impl Kind {
    fn exprs(&self) -> &[Expr] {
        match self {
            Kind::Kept(content) => content.place.exprs(),
            Kind::First(first) => first.exprs(),
            Kind::Counted(counted) => counted.exprs(),
        }
    }
}

/// The content of a window that keeps its rows, of columns `types`.
fn kept(node: &SlidingNode, place: Place, plan: Arc<AggPlan>, types: &[DataType]) -> Content {
    let arg_types = plan.inputs().iter().map(|e| e.data_type.clone()).collect();
    let exprs = place.exprs().iter().map(|e| e.data_type.clone());
    let extra_types = exprs.chain(place.inputs().iter().map(|&c| types[c].clone())).collect();
    let needs_order = plan.needs_order() || place.needs_order();
    let rows = WindowRows::new(arg_types, extra_types, place.marks(), place.leaves_in_order(), needs_order);
    Content::new(place, rows, Groups::new(&node.keys), plan)
}

/// A window that keeps aggregates only, over rows of columns `types`.
fn without_rows(
    node: &SlidingNode,
    plan: Arc<AggPlan>,
    types: &[DataType],
    keys_max: usize,
) -> std::result::Result<Kind, String> {
    let or_all = |keys: &[Expr]| -> Vec<Expr> {
        let all = || types.iter().enumerate().map(|(i, t)| Expr::column(i, t.clone(), true)).collect();
        if keys.is_empty() { all() } else { keys.to_vec() }
    };
    let (sketch, keys) = match &node.window {
        SlidingWindow::FirstUnique { keys } => {
            let running = Running::new(&node.keys, plan, keys_max);
            return Ok(Kind::First(Box::new(FirstUnique::new(keys.clone(), running, keys_max))));
        }
        SlidingWindow::Frequent { counters, keys } => {
            (Sketch::Frequent { counters: usize::try_from(*counters).unwrap_or(usize::MAX) }, keys)
        }
        SlidingWindow::LossyFrequent { support, error, keys } => {
            let bucket_rows = (1.0 / error).ceil().max(1.0) as u64;
            (Sketch::Lossy { support: *support, error: *error, bucket_rows }, keys)
        }
        SlidingWindow::Length { .. }
        | SlidingWindow::Time { .. }
        | SlidingWindow::TimeLength { .. }
        | SlidingWindow::ExternalTime { .. }
        | SlidingWindow::Sort { .. }
        | SlidingWindow::Unique { .. }
        | SlidingWindow::Expression { .. } => unreachable!("these keep their rows"),
    };
    Ok(Kind::Counted(Box::new(Counted::new(sketch, or_all(keys), plan, keys_max)?)))
}
