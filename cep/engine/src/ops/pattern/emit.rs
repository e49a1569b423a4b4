//! Rows out of matches.

use std::sync::Arc;

use arrow_schema::DataType;
use cep_lang::diag::codes;
use cep_lang::plan::{End, MatchRows, PatternNode, Position, Scope, Slot};
use smallvec::SmallVec;

use super::captures::{Captures, NONE, RowId, Taken};
use super::layout::{Aggregate, Layout, NO_NEIGHBOURS_NAME};
use super::machine::{Found, FoundKind, Machine};
use crate::agg::{AggInput, AggSet, Rows};
use crate::chunk::Chunk;
use crate::column::{Column, Values};
use crate::expr::row::Scalar;
use crate::expr::{Compiled, Input, RowErrors, Rows as All};
use crate::ops::OpError;

/// What makes rows out of matches.
#[derive(Debug)]
pub struct Emitter {
    rows: MatchRows,
    slots: Vec<Gives>,
    exprs: Vec<Compiled>,
    /// One column a slot, one row an output row.
    values: Vec<Column>,
    time: Vec<i64>,
    stamp: Vec<i64>,
    pos: Vec<u32>,
    excluded: Vec<bool>,
}

/// How a slot gets its value.
#[derive(Debug)]
enum Gives {
    /// Captured column of the row that comes out.
    Input(usize),
    /// Captured column of another row of the match.
    Row { at: Place, column: usize },
    /// An aggregate.
    Aggregate(Box<Summed>),
    /// Name of an element.
    Name(Place),
    /// Number of the match.
    MatchNumber,
    /// Whether a bound in time ended it.
    TimedOut,
    /// Event time of the first row.
    FirstTime,
    /// Event time of the last row.
    LastTime,
}

#[derive(Debug)]
struct Summed {
    of: Aggregate,
    scope: Scope,
    state: AggSet,
    /// The rows of the match that count, and their columns.
    columns: Vec<Column>,
    values: Vec<Column>,
    /// Rows of the match that have been added.
    added: usize,
}

/// A row by its place in a match.
#[derive(Debug)]
struct Place {
    /// By occurrence: whether it counts.
    counts: Vec<bool>,
    from: End,
    skip: usize,
    scope: Scope,
    /// Rows of the match that count, by their place in it.
    places: Vec<u32>,
}

impl Place {
    fn new(at: &Position, layout: &Layout) -> Self {
        Place {
            counts: layout.counts(&at.of),
            from: at.from,
            skip: usize::try_from(at.skip).unwrap_or(usize::MAX),
            scope: at.scope,
            places: Vec::new(),
        }
    }

    fn begin(&mut self, rows: &[Taken]) {
        self.places.clear();
        let counted = rows.iter().zip(0u32..).filter(|(taken, _)| self.counts[usize::from(taken.leaf)]);
        self.places.extend(counted.map(|(_, at)| at));
    }

    /// Place of the row in the match, seen from row `at`.
    fn find(&self, at: Option<usize>) -> Option<usize> {
        if self.from == End::Current {
            return at;
        }
        let seen = match self.scope {
            Scope::Final => self.places.len(),
            Scope::Running => self.places.partition_point(|&p| at.is_some_and(|at| p as usize <= at)),
        };
        let nth = match self.from {
            End::First => self.skip,
            End::Last | End::Current => seen.checked_sub(self.skip.checked_add(1)?)?,
        };
        (nth < seen).then(|| self.places[nth] as usize)
    }
}

impl Emitter {
    /// Builds what `node` gives out; what it reads is captured.
    ///
    /// # Errors
    /// The reason why it cannot be computed, for the user.
    pub fn new(node: &PatternNode, layout: &mut Layout) -> Result<Self, String> {
        let mut slots = Vec::new();
        let mut values = Vec::new();
        for slot in &node.slots {
            let (gives, data_type) = Self::slot(slot, layout)?;
            slots.push(gives);
            values.push(Column::new(&data_type));
        }
        let exprs = node.exprs.iter().map(|e| Compiled::new(&e.expr)).collect::<Result<_, _>>();
        Ok(Emitter {
            rows: node.rows,
            slots,
            exprs: exprs.map_err(|e| e.to_string())?,
            values,
            time: Vec::new(),
            stamp: Vec::new(),
            pos: Vec::new(),
            excluded: Vec::new(),
        })
    }

    fn slot(slot: &Slot, layout: &mut Layout) -> Result<(Gives, DataType), String> {
        Ok(match slot {
            Slot::Input(column) => {
                (Gives::Input(layout.capture(*column, 0)), layout.type_of(*column).clone())
            }
            Slot::Row { at, column } => {
                let captured = layout.capture(*column, at.offset);
                (Gives::Row { at: Place::new(at, layout), column: captured }, layout.type_of(*column).clone())
            }
            Slot::Aggregate { of, call, scope } => {
                let of = layout.aggregate(of, call)?;
                let mut state = AggSet::new(Arc::clone(&of.plan));
                state.resize(1);
                let types = of.inputs.iter().map(|&c| layout.type_of(layout.captured[c].0).clone());
                let columns = types.map(|t| Column::new(&t)).collect();
                let value = Column::new(&call.data_type);
                let summed = Summed { of, scope: *scope, state, columns, values: vec![value], added: 0 };
                (Gives::Aggregate(Box::new(summed)), call.data_type.clone())
            }
            Slot::Classifier(at) if at.offset != 0 => return Err(NO_NEIGHBOURS_NAME.into()),
            Slot::Classifier(at) => (Gives::Name(Place::new(at, layout)), DataType::Utf8),
            Slot::MatchNumber => {
                layout.numbers_matches = true;
                (Gives::MatchNumber, DataType::Int64)
            }
            Slot::TimedOut => (Gives::TimedOut, DataType::Boolean),
            Slot::FirstTime => (Gives::FirstTime, DataType::Int64),
            Slot::LastTime => (Gives::LastTime, DataType::Int64),
        })
    }

    /// Whether rows without a match come out.
    pub fn gives_unmatched(&self) -> bool {
        matches!(self.rows, MatchRows::All { unmatched: true, .. })
    }

    /// Whether partial matches that a bound in time ended come out.
    pub fn gives_timed_out(&self) -> bool {
        matches!(self.rows, MatchRows::One { timed_out: true })
    }

    /// Whether the output reads the row that comes out, which a match without rows does not have.
    pub fn reads_input(&self) -> bool {
        self.slots.iter().any(|slot| matches!(slot, Gives::Input(_)))
    }

    /// Makes the rows of what was found, and frees it.
    pub fn emit(&mut self, machine: &mut Machine, out: &mut Chunk, errors: &mut Vec<OpError>) {
        let all = std::mem::take(&mut machine.found);
        if self.excluded.is_empty() {
            self.excluded = machine.automaton.leaves.iter().map(|leaf| leaf.excluded).collect();
        }
        let mut rows: Vec<Taken> = Vec::new();
        for found in &all {
            rows.clear();
            rows.extend(machine.captures.chain(found.head));
            rows.reverse();
            self.one(found, &rows, machine, errors);
        }
        for found in all {
            machine.free(found.head);
            machine.captures.free_row(found.anchor);
        }
        self.project(out, errors);
    }

    fn one(&mut self, found: &Found, rows: &[Taken], machine: &Machine, errors: &mut Vec<OpError>) {
        for slot in &mut self.slots {
            match slot {
                Gives::Row { at, .. } | Gives::Name(at) => at.begin(rows),
                Gives::Aggregate(summed) => summed.begin(rows, &machine.captures),
                _ => {}
            }
        }
        match self.rows {
            MatchRows::One { .. } => {
                let last = rows.len().checked_sub(1);
                self.row(found, rows, last, machine, errors);
            }
            MatchRows::All { empty, .. } => {
                if rows.is_empty() && (empty || found.kind == FoundKind::Unmatched) {
                    self.row(found, rows, None, machine, errors);
                }
                for at in 0..rows.len() {
                    if !self.excluded[usize::from(rows[at].leaf)] {
                        self.row(found, rows, Some(at), machine, errors);
                    }
                }
            }
        }
    }

    /// One row of output, seen from row `at` of the match.
    fn row(
        &mut self,
        found: &Found,
        rows: &[Taken],
        at: Option<usize>,
        machine: &Machine,
        errors: &mut Vec<OpError>,
    ) {
        let captures = &machine.captures;
        let own = at.map_or(found.anchor, |at| rows[at].row);
        let time_of = |row: RowId| if row == NONE { None } else { Some(captures.info(row).time) };
        let is_match = found.kind != FoundKind::Unmatched;
        let before = self.time.len();
        for (slot, out) in self.slots.iter_mut().zip(&mut self.values) {
            let value = match slot {
                Gives::Input(_) if own == NONE => Scalar::Null,
                Gives::Input(column) => captures.value(own, *column).borrowed(),
                Gives::Row { at: place, column } => match place.find(at) {
                    Some(place) => captures.value(rows[place].row, *column).borrowed(),
                    None => Scalar::Null,
                },
                Gives::Name(place) => match place.find(at) {
                    Some(place) => {
                        let element = machine.automaton.leaves[usize::from(rows[place].leaf)].element.0;
                        Scalar::Bytes(machine.names[element].as_bytes().into())
                    }
                    None => Scalar::Null,
                },
                Gives::Aggregate(_) if !is_match => Scalar::Null,
                Gives::Aggregate(summed) => match summed.value(rows, at) {
                    Ok(()) => {
                        out.append(&summed.values[0]);
                        continue;
                    }
                    Err(message) => {
                        errors.push(OpError::of_result(found.place.pos, codes::OVERFLOW, message));
                        self.values.iter_mut().for_each(|c| c.truncate(before));
                        return;
                    }
                },
                Gives::MatchNumber if is_match => Scalar::I64(found.number as i64),
                Gives::MatchNumber => Scalar::Null,
                Gives::TimedOut => Scalar::Bool(found.kind == FoundKind::TimedOut),
                Gives::FirstTime => {
                    rows.first().and_then(|t| time_of(t.row)).map_or(Scalar::Null, Scalar::I64)
                }
                Gives::LastTime => rows.last().and_then(|t| time_of(t.row)).map_or(Scalar::Null, Scalar::I64),
            };
            push(out, &value);
        }
        let last = rows.last().map_or(found.anchor, |t| t.row);
        self.time.push(found.place.time.or_else(|| time_of(last)).unwrap_or(found.place.stamp));
        self.stamp.push(found.place.stamp);
        self.pos.push(found.place.pos);
    }

    /// Evaluates the output's columns.
    fn project(&mut self, out: &mut Chunk, errors: &mut Vec<OpError>) {
        let rows = self.pos.len();
        if rows == 0 {
            return;
        }
        let input = Input { columns: &self.values, rows, stamp: &self.stamp, event_time: &self.time };
        let mut failed = RowErrors::new();
        for expr in &mut self.exprs {
            expr.eval(&input, All::All, &mut failed);
        }
        let mut good: Vec<u32> = (0..rows as u32).collect();
        failed.remove_from(&mut good);
        let is_whole = good.len() == rows;
        for (out, expr) in out.columns.iter_mut().zip(&self.exprs) {
            let column = expr.result(&self.values, true);
            if is_whole {
                out.append(column);
            } else {
                out.append_gather(column, &good);
            }
        }
        out.time.extend(good.iter().map(|&r| self.time[r as usize]));
        out.pos.extend(good.iter().map(|&r| self.pos[r as usize]));
        for failed in failed.settle() {
            let (code, message) = (failed.failure.kind.code(), failed.failure.message.clone());
            errors.push(OpError::of_result(self.pos[failed.row as usize], code, message));
        }
        self.values.iter_mut().for_each(Column::clear);
        self.time.clear();
        self.stamp.clear();
        self.pos.clear();
    }
}

impl Summed {
    fn begin(&mut self, rows: &[Taken], captures: &Captures) {
        self.columns.iter_mut().for_each(Column::clear);
        for (column, &captured) in self.columns.iter_mut().zip(&self.of.inputs) {
            rows.iter().for_each(|taken| push(column, captures.value(taken.row, captured)));
        }
        self.state.forget(0);
        self.added = 0;
        if self.scope == Scope::Final {
            self.add(rows, rows.len());
        }
    }

    /// Adds the rows of the match up to `to`.
    fn add(&mut self, rows: &[Taken], to: usize) {
        let counted = (self.added..to).filter(|&at| self.of.counts[usize::from(rows[at].leaf)]);
        let picked: Vec<u32> = counted.map(|at| at as u32).collect();
        let columns: SmallVec<[&Column; 4]> = self.columns.iter().collect();
        let order: Vec<i64> = (0..to as i64).collect();
        let seq: Vec<u64> = (0..to as u64).collect();
        let groups = vec![0; picked.len()];
        let input = AggInput { columns: &columns, rows: Rows::Pick(&picked), ts: &order, seq: &seq };
        self.state.update(&groups, &input);
        self.added = to;
    }

    /// Computes the value seen from row `at`; rows are asked for in order.
    fn value(&mut self, rows: &[Taken], at: Option<usize>) -> Result<(), String> {
        if self.scope == Scope::Running
            && let Some(at) = at
        {
            self.add(rows, at + 1);
        }
        self.values[0].clear();
        let mut failed = Vec::new();
        self.state.emit_all(&[0], &mut self.values, &mut failed);
        failed.first().map_or(Ok(()), |f| Err(f.error.to_string()))
    }
}

/// Appends a value to a column of its kind.
///
/// # Panics
/// If it is of another kind.
pub fn push(column: &mut Column, value: &Scalar<'_>) {
    match (&mut column.values, value) {
        (_, Scalar::Null) => return column.append_null(),
        (Values::Bool(out), Scalar::Bool(v)) => out.push(*v),
        (Values::I32(out), Scalar::I32(v)) => out.to_mut().push(*v),
        (Values::I64(out), Scalar::I64(v)) => out.to_mut().push(*v),
        (Values::F32(out), Scalar::F32(v)) => out.to_mut().push(*v),
        (Values::F64(out), Scalar::F64(v)) => out.to_mut().push(*v),
        (Values::I128(out), Scalar::I128(v)) => out.to_mut().push(*v),
        (Values::Bytes { offsets, bytes }, Scalar::Bytes(v)) => {
            let bytes = bytes.to_mut();
            bytes.extend_from_slice(v);
            let end = i32::try_from(bytes.len()).expect("a column holds at most 2 GiB of text");
            offsets.to_mut().push(end);
        }
        (Values::Any(_), Scalar::Any(v)) => {
            let source = Column::dense(Values::Any(Arc::clone(v)));
            return column.append_range(&source, 0, 1);
        }
        (_, other) => panic!("{other:?} for another kind of column"),
    }
    column.mark_valid();
}
