//! Pairs that stand the residual condition, and rows that found no partner.

use cep_lang::diag::codes;
use cep_lang::plan::{Expr, ExprKind};

use super::side::Side;
use crate::chunk::{Chunk, step_row};
use crate::column::Column;
use crate::expr::{Compiled, Input, RowErrors};
use crate::ops::{OpError, TEXT_BYTES_MAX};
use crate::time::NodeTime;

/// A pair that was found, or a row that left.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Where.
    pub pos: u32,
    /// Left and right row.
    pub rows: [u32; 2],
    /// Event time of the output row.
    pub time: i64,
    /// The side of a row that left; `None`: a pair.
    pub alone: Option<usize>,
}

/// Collects events and puts them out in order.
#[derive(Debug)]
pub struct Emitter {
    /// In order, since they were put out last.
    pub events: Vec<Event>,
    residual: Option<Residual>,
    /// Pairs that stand, with their event.
    pairs: Vec<[u32; 2]>,
    stands: Vec<bool>,
    rows: [Vec<u32>; 2],
    /// Bytes of text put out in the step.
    text: usize,
}

#[derive(Debug)]
struct Residual {
    condition: Compiled,
    /// Columns it reads: index among the columns of both sides.
    reads: Vec<usize>,
    /// Columns of the left side.
    left: usize,
    columns: Vec<Column>,
    stamps: Vec<i64>,
    times: Vec<i64>,
    passed: Vec<u32>,
}

impl Emitter {
    /// For pairs that fulfil `residual`, which reads the columns of both sides, of which the left one
    /// has `left`.
    ///
    /// # Errors
    /// If the condition cannot be evaluated.
    pub fn new(residual: Option<&Expr>, left: usize) -> Result<Self, String> {
        let residual = residual.map(|expr| {
            let mut reads = Vec::new();
            expr.walk(&mut |e| {
                if let ExprKind::Column(index) = e.kind {
                    reads.push(index);
                }
            });
            reads.sort_unstable();
            reads.dedup();
            Ok::<_, String>(Residual {
                condition: Compiled::new(expr).map_err(|e| e.to_string())?,
                reads,
                left,
                columns: Vec::new(),
                stamps: Vec::new(),
                times: Vec::new(),
                passed: Vec::new(),
            })
        });
        Ok(Emitter {
            events: Vec::new(),
            residual: residual.transpose()?,
            pairs: Vec::new(),
            stands: Vec::new(),
            rows: [Vec::new(), Vec::new()],
            text: 0,
        })
    }

    /// A step begins.
    pub fn begin(&mut self) {
        self.text = 0;
    }

    /// Finds the pairs that stand.
    pub fn judge(&mut self, sides: &[Side; 2], time: NodeTime<'_>, errors: &mut Vec<OpError>) {
        self.pairs.clear();
        self.stands.clear();
        let pairs = self.events.iter().filter(|event| event.alone.is_none());
        let Some(residual) = &mut self.residual else {
            self.pairs.extend(pairs.map(|event| event.rows));
            self.stands.resize(self.pairs.len(), true);
            return;
        };
        for (side, rows) in self.rows.iter_mut().enumerate() {
            rows.clear();
            rows.extend(pairs.clone().map(|event| event.rows[side]));
        }
        residual.judge(sides, &self.rows, pairs.clone(), time, errors);
        self.stands.resize(self.rows[0].len(), false);
        residual.passed.iter().for_each(|&pair| self.stands[pair as usize] = true);
        let rows = residual.passed.iter().map(|&p| [self.rows[0][p as usize], self.rows[1][p as usize]]);
        self.pairs.extend(rows);
    }

    /// Rows of the pairs that stand.
    pub fn pairs(&self) -> &[[u32; 2]] {
        &self.pairs
    }

    /// Puts out the pairs that stand, and the rows that left without one. `floor`: rows that left
    /// have no event time below it or the watermark before their position.
    pub fn emit(
        &mut self,
        sides: &[Side; 2],
        floor: Option<i64>,
        time: NodeTime<'_>,
        out: &mut Chunk,
        errors: &mut Vec<OpError>,
    ) {
        self.rows.iter_mut().for_each(Vec::clear);
        let mut stands = self.stands.iter();
        for event in self.events.drain(..) {
            let comes_out = match event.alone {
                None => *stands.next().expect("one for each pair"),
                Some(side) => !sides[side].is_matched(event.rows[side]),
            };
            if !comes_out {
                continue;
            }
            let bytes = |side: usize| sides[side].text[event.rows[side] as usize] as usize;
            self.text += bytes(0) + bytes(1);
            if self.text > TEXT_BYTES_MAX {
                if errors.last().is_none_or(|error| error.pos != event.pos) {
                    let message = "the pairs of its step have too much text; what is beyond was left out";
                    errors.push(OpError::of_record(event.pos, codes::OVERFLOW, message));
                }
                continue;
            }
            self.rows.iter_mut().zip(event.rows).for_each(|(rows, row)| rows.push(row));
            let floor = match (event.alone, floor) {
                (Some(_), Some(floor)) => match step_row(event.pos) {
                    0 => floor,
                    step => floor.max(time.watermarks.after(step - 1)),
                },
                _ => i64::MIN,
            };
            out.time.push(event.time.max(floor));
            out.pos.push(event.pos);
        }
        let left = sides[0].columns.len();
        for (column, kept) in out.columns.iter_mut().zip(&sides[0].columns) {
            column.append_gather(kept, &self.rows[0]);
        }
        for (column, kept) in out.columns[left..].iter_mut().zip(&sides[1].columns) {
            column.append_gather(kept, &self.rows[1]);
        }
    }
}

impl Residual {
    fn judge<'a>(
        &mut self,
        sides: &[Side; 2],
        rows: &[Vec<u32>; 2],
        pairs: impl Iterator<Item = &'a Event> + Clone,
        time: NodeTime<'_>,
        errors: &mut Vec<OpError>,
    ) {
        if self.columns.is_empty() {
            let all = sides.iter().flat_map(|side| &side.types);
            self.columns = all.map(Column::new).collect();
        }
        for &at in &self.reads {
            let (side, column) = if at < self.left { (0, at) } else { (1, at - self.left) };
            self.columns[at].gather_from(&sides[side].columns[column], &rows[side]);
        }
        self.stamps.clear();
        self.stamps.extend(pairs.clone().map(|event| time.stamps[step_row(event.pos)]));
        self.times.clear();
        self.times.extend(pairs.clone().map(|event| event.time));
        let input = Input {
            columns: &self.columns,
            rows: rows[0].len(),
            stamp: &self.stamps,
            event_time: &self.times,
        };
        let mut failed = RowErrors::new();
        self.condition.eval_predicate(&input, &mut failed, &mut self.passed);
        if failed.is_empty() {
            return;
        }
        let positions: Vec<u32> = pairs.map(|event| event.pos).collect();
        let mut reported = None;
        for error in failed.settle() {
            let pos = positions[error.row as usize];
            // A row is to blame once, however many pairs fail.
            if reported.replace(pos) != Some(pos) {
                let (code, message) = (error.failure.kind.code(), error.failure.message.clone());
                errors.push(OpError::of_record(pos, code, message));
            }
        }
    }
}
