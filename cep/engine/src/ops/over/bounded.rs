//! OVER on the bounded result of a window: all functions and frames of SQL, since all rows are
//! there.
//!
//! For each call the rows are sorted by (partition, ORDER BY, row), answered in that order, and the
//! answers put back into the relation's own order.

use std::sync::Arc;

use cep_lang::plan::{Expr, OverCall, OverFrame, OverFunc};

use super::frame::{BoundedFrame, Partition};
use crate::agg::{AggInput, AggOptions, AggPlan, AggSet, Rows};
use crate::column::{Buf, Column, Values};
use crate::expr::{Compiled, RowErrorKind, RowErrors, RowFailure};
use crate::keys::{KeyTable, encode_value};
use crate::ops::order::{Comparator, SortSpec};
use crate::ops::window::bounded::{Moment, Relation};

/// Compiled OVER calls of one step.
#[derive(Debug)]
pub struct BoundedOver {
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    partition_by: Vec<Compiled>,
    order_by: Vec<SortSpec>,
    frame: BoundedFrame,
    func: Func,
    data_type: arrow_schema::DataType,
}

#[derive(Debug)]
enum Func {
    Aggregate { plan: Arc<AggPlan>, inputs: Vec<Compiled> },
    RowNumber,
    Rank,
    DenseRank,
    PercentRank,
    CumeDist,
    Ntile(u64),
    Lag { value: Compiled, default: Option<Compiled>, offset: i64, ignore_nulls: bool },
    Value { value: Compiled, nth: i64, ignore_nulls: bool },
}

impl BoundedOver {
    /// Compiles `calls`.
    ///
    /// # Errors
    /// The reason why one cannot be computed, for the user.
    pub fn new(calls: &[OverCall], options: &AggOptions) -> Result<Self, String> {
        Ok(BoundedOver { calls: calls.iter().map(|c| Call::new(c, options)).collect::<Result<_, _>>()? })
    }

    /// Appends one column a call to the relation.
    pub fn run(&mut self, relation: &mut Relation, at: Moment, errors: &mut RowErrors) {
        for call in &mut self.calls {
            let column = call.run(relation, at, errors);
            relation.columns.push(column);
        }
    }
}

impl Call {
    fn new(call: &OverCall, options: &AggOptions) -> Result<Self, String> {
        let compile = |e: &Expr| Compiled::new(e).map_err(|e| e.to_string());
        let value = |value: &Expr, nth: i64, ignore_nulls: bool| {
            Ok::<_, String>(Func::Value { value: compile(value)?, nth, ignore_nulls })
        };
        let func = match &call.func {
            OverFunc::Aggregate(agg) => {
                let options = AggOptions { removal: !starts_unbounded(&call.frame), ..*options };
                let plan = AggPlan::new(std::slice::from_ref(agg), options).map_err(|e| e.to_string())?;
                let inputs = plan.inputs().iter().map(compile).collect::<Result<_, _>>()?;
                Func::Aggregate { plan: Arc::new(plan), inputs }
            }
            OverFunc::RowNumber => Func::RowNumber,
            OverFunc::Rank => Func::Rank,
            OverFunc::DenseRank => Func::DenseRank,
            OverFunc::PercentRank => Func::PercentRank,
            OverFunc::CumeDist => Func::CumeDist,
            OverFunc::Ntile(0) => return Err("ntile needs a bucket; write ntile(1) or more".to_string()),
            OverFunc::Ntile(n) => Func::Ntile(*n),
            OverFunc::Lag { value, offset, default, ignore_nulls } => Func::Lag {
                value: compile(value)?,
                default: default.as_ref().map(compile).transpose()?,
                offset: *offset,
                ignore_nulls: *ignore_nulls,
            },
            OverFunc::FirstValue { value: v, ignore_nulls } => value(v, 1, *ignore_nulls)?,
            OverFunc::LastValue { value: v, ignore_nulls } => value(v, -1, *ignore_nulls)?,
            OverFunc::NthValue { value: v, n, ignore_nulls } => value(v, *n, *ignore_nulls)?,
        };
        Ok(Call {
            partition_by: call.partition_by.iter().map(compile).collect::<Result<_, _>>()?,
            order_by: call
                .order_by
                .iter()
                .map(SortSpec::new)
                .collect::<Result<_, _>>()
                .map_err(|e| e.to_string())?,
            frame: BoundedFrame::new(&call.frame, call.order_by.first())?,
            func,
            data_type: call.data_type.clone(),
        })
    }

    fn run(&mut self, relation: &Relation, at: Moment, errors: &mut RowErrors) -> Column {
        let rows = relation.rows;
        let mut out = Column::new(&self.data_type);
        if rows == 0 {
            return out;
        }
        let partition_of = self.partitions(relation, at, errors);
        let (stamps, times) = at.vectors(rows);
        let input = relation.input(&stamps, &times);
        let all = crate::expr::Rows::All;
        let keys: Vec<Comparator> = self
            .order_by
            .iter_mut()
            .map(|k| Comparator::new(k.expr.eval(&input, all, errors).clone(), k.descending, k.nulls_first))
            .collect();
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            partition_of[a].cmp(&partition_of[b]).then_with(|| Comparator::compare_all(&keys, a, b))
        });
        let mut answers = Answers::new(&mut self.func, &input, errors);
        let mut from = 0;
        while from < rows {
            let group = partition_of[order[from] as usize];
            let to = from + order[from..].iter().take_while(|&&r| partition_of[r as usize] == group).count();
            let partition = Partition::new(&order[from..to], &keys);
            answers.partition(&partition, &self.frame, &mut out);
            from = to;
        }
        for (row, message) in answers.failed {
            errors.push(row, RowFailure::new(RowErrorKind::Overflow, message));
        }
        let mut place = vec![0u32; rows];
        order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
        let mut in_place = out.empty_like();
        in_place.append_gather(&out, &place);
        in_place
    }

    /// Number of each row's partition.
    fn partitions(&mut self, relation: &Relation, at: Moment, errors: &mut RowErrors) -> Vec<u32> {
        let (stamps, times) = at.vectors(relation.rows);
        let input = relation.input(&stamps, &times);
        let columns: Vec<Column> = self
            .partition_by
            .iter_mut()
            .map(|e| e.eval(&input, crate::expr::Rows::All, errors).clone())
            .collect();
        let mut table = KeyTable::new();
        let mut key = Vec::new();
        (0..relation.rows)
            .map(|row| {
                key.clear();
                columns.iter().for_each(|c| encode_value(c, row, &mut key));
                table.find_or_insert(&key)
            })
            .collect()
    }
}

/// Values a function reads, and what it could not answer.
struct Answers<'a> {
    func: FuncValues<'a>,
    failed: Vec<(u32, String)>,
}

enum FuncValues<'a> {
    Aggregate { plan: &'a Arc<AggPlan>, inputs: Vec<Column>, seq: Vec<u64>, ts: Vec<i64> },
    Number(&'a Func),
    Lag { value: Column, default: Option<Column>, offset: i64, ignore_nulls: bool },
    Value { value: Column, nth: i64, ignore_nulls: bool },
}

impl<'a> Answers<'a> {
    fn new(func: &'a mut Func, input: &crate::expr::Input<'_>, errors: &mut RowErrors) -> Self {
        let mut eval = |e: &mut Compiled| e.eval(input, crate::expr::Rows::All, errors).clone();
        let func = match func {
            Func::Aggregate { plan, inputs } => FuncValues::Aggregate {
                plan,
                inputs: inputs.iter_mut().map(eval).collect(),
                seq: (0..input.rows as u64).collect(),
                ts: input.event_time.to_vec(),
            },
            Func::Lag { value, default, offset, ignore_nulls } => FuncValues::Lag {
                value: eval(value),
                default: default.as_mut().map(&mut eval),
                offset: *offset,
                ignore_nulls: *ignore_nulls,
            },
            Func::Value { value, nth, ignore_nulls } => {
                FuncValues::Value { value: eval(value), nth: *nth, ignore_nulls: *ignore_nulls }
            }
            number => FuncValues::Number(number),
        };
        Answers { func, failed: Vec::new() }
    }

    /// Appends the answers for the rows of a partition, in its order.
    fn partition(&mut self, p: &Partition<'_>, frame: &BoundedFrame, out: &mut Column) {
        match &self.func {
            FuncValues::Number(func) => (0..p.len()).for_each(|i| push_number(func, p, i, out)),
            FuncValues::Lag { value, default, offset, ignore_nulls } => {
                for i in 0..p.len() {
                    let row = p.rows[i] as usize;
                    match (lag_row(p, i, *offset, *ignore_nulls, value), default) {
                        (Some(at), _) => out.append_range(value, at as usize, at as usize + 1),
                        (None, Some(default)) => out.append_range(default, row, row + 1),
                        (None, None) => out.append_null(),
                    }
                }
            }
            FuncValues::Value { value, nth, ignore_nulls } => {
                for i in 0..p.len() {
                    let mut rows = frame.rows(p, i);
                    let counts = |&j: &usize| value.is_valid(p.rows[j] as usize);
                    let steps = nth.unsigned_abs() as usize - 1;
                    let found = match (*nth > 0, *ignore_nulls) {
                        (true, false) => rows.nth(steps),
                        (false, false) => rows.nth_back(steps),
                        (true, true) => rows.filter(counts).nth(steps),
                        (false, true) => rows.rev().filter(counts).nth(steps),
                    };
                    let found = found.map(|j| p.rows[j] as usize);
                    match found {
                        Some(r) => out.append_range(value, r, r + 1),
                        None => out.append_null(),
                    }
                }
            }
            FuncValues::Aggregate { plan, inputs, seq, ts } => {
                let columns: Vec<&Column> = inputs.iter().collect();
                let removable = plan.is_removable();
                let mut set = AggSet::new(Arc::clone(plan));
                set.resize(1);
                let mut held = 0..0;
                let zeros = vec![0; p.len()];
                let input = |rows| AggInput { columns: &columns, rows: Rows::Pick(rows), ts, seq };
                for i in 0..p.len() {
                    let want = frame.rows(p, i);
                    // Rows enter at the end and leave at the start; where they cannot, all begins anew.
                    if want.start > held.start && want.start < held.end && removable {
                        let gone = &p.rows[held.start..want.start];
                        set.remove(&zeros[..gone.len()], &input(gone));
                        held.start = want.start;
                    }
                    if want.start != held.start || want.end < held.end {
                        set.forget(0);
                        held = want.start..want.start;
                    }
                    let rows = &p.rows[held.end..want.end];
                    set.update(&zeros[..rows.len()], &input(rows));
                    held = want;
                    let mut errors = Vec::new();
                    set.emit_all(&[0], std::slice::from_mut(out), &mut errors);
                    self.failed.extend(errors.into_iter().map(|e| (p.rows[i], e.error.to_string())));
                }
            }
        }
    }
}

fn starts_unbounded(frame: &OverFrame) -> bool {
    match frame {
        OverFrame::Rows { start, .. } | OverFrame::Range { start, .. } | OverFrame::Groups { start, .. } => {
            start.is_none()
        }
    }
}

fn push_number(func: &Func, p: &Partition<'_>, i: usize, out: &mut Column) {
    let rank = p.peers(i).start;
    match func {
        Func::RowNumber => push_i64(out, i as i64 + 1),
        Func::Rank => push_i64(out, rank as i64 + 1),
        Func::DenseRank => push_i64(out, p.group_of(i) as i64 + 1),
        Func::PercentRank => {
            push_f64(out, if p.len() < 2 { 0.0 } else { rank as f64 / (p.len() - 1) as f64 })
        }
        Func::CumeDist => push_f64(out, p.peers(i).end as f64 / p.len() as f64),
        Func::Ntile(buckets) => {
            let (rows, buckets) = (p.len() as u64, *buckets);
            let (small, longer) = (rows / buckets, rows % buckets);
            let i = i as u64;
            let in_longer = longer * (small + 1);
            let bucket =
                if i < in_longer { i / (small + 1) } else { longer + (i - in_longer) / small.max(1) };
            push_i64(out, bucket as i64 + 1);
        }
        Func::Aggregate { .. } | Func::Lag { .. } | Func::Value { .. } => unreachable!("these read values"),
    }
}

fn lag_row(p: &Partition<'_>, i: usize, offset: i64, ignore_nulls: bool, value: &Column) -> Option<u32> {
    let steps = offset.unsigned_abs() as usize;
    if !ignore_nulls || steps == 0 {
        let at = if offset >= 0 { i.checked_sub(steps)? } else { i.checked_add(steps)? };
        return p.rows.get(at).copied();
    }
    let valid = |&&r: &&u32| value.is_valid(r as usize);
    if offset > 0 {
        p.rows[..i].iter().rev().filter(valid).nth(steps - 1).copied()
    } else {
        p.rows[i + 1..].iter().filter(valid).nth(steps - 1).copied()
    }
}

fn push_i64(out: &mut Column, value: i64) {
    match &mut out.values {
        Values::I64(v) => v.to_mut().push(value),
        other => *other = Values::I64(Buf::Own(vec![value])),
    }
}

fn push_f64(out: &mut Column, value: f64) {
    match &mut out.values {
        Values::F64(v) => v.to_mut().push(value),
        other => *other = Values::F64(Buf::Own(vec![value])),
    }
}
