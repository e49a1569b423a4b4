//! Relational steps on the bounded result of a window: filter, project, aggregate, OVER, sort,
//! limit.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Fields, SchemaRef};
use cep_lang::diag::codes;
use cep_lang::plan::{AggCall, BoundedOp, Expr, SortKey};

use crate::agg::AggOptions;
use crate::chunk::Chunk;
use crate::column::{Column, row_text};
use crate::expr::{Compiled, Input, RowErrors, Rows};
use crate::ops::order::{Comparator, SortSpec};
use crate::ops::over::BoundedOver;
use crate::ops::{OpContext, OpError, Origin};

use super::content::Shape;
use super::join::WindowJoin;
use super::pool::Pool;

/// Compiled steps, in order.
#[derive(Debug)]
pub struct BoundedSteps {
    /// Each with the columns of the relation it works on.
    steps: Vec<(Fields, Step)>,
}

#[derive(Debug)]
enum Step {
    Filter(Compiled),
    Project(Vec<Compiled>, Vec<DataType>),
    Aggregate(Box<Shape>, Vec<DataType>),
    Over(Box<BoundedOver>),
    Join(Box<WindowJoin>),
    Sort(Vec<SortSpec>),
    Limit { skip: usize, fetch: Option<usize> },
}

/// A bounded relation on its way through the steps.
#[derive(Debug, Default)]
pub struct Relation {
    /// Columns of equal length.
    pub columns: Vec<Column>,
    /// Number of rows.
    pub rows: usize,
    /// Columns not in use.
    pub pool: Pool,
    /// Columns that a step makes.
    made: Vec<Column>,
    stamps: Vec<i64>,
    times: Vec<i64>,
}

/// Time and place of a relation: all its rows have one event time, stamp and position.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Event time, ns.
    pub time: i64,
    /// Stamp, ns.
    pub stamp: i64,
    /// Position in the step.
    pub pos: u32,
}

impl BoundedSteps {
    /// Compiles `ops`, the first of which works on a relation of the columns `fields`.
    ///
    /// # Errors
    /// The reason why one cannot be computed, for the user.
    pub fn new(ops: &[BoundedOp], fields: &Fields, options: &AggOptions) -> Result<Self, String> {
        let mut fields = fields.clone();
        let mut steps = Vec::with_capacity(ops.len());
        for op in ops {
            let made = match op {
                BoundedOp::Project { exprs: _, schema }
                | BoundedOp::Aggregate { keys: _, calls: _, schema }
                | BoundedOp::Over { calls: _, schema } => schema.fields().clone(),
                BoundedOp::Join(join) => join.schema.fields().clone(),
                BoundedOp::Filter(_) | BoundedOp::Sort(_) | BoundedOp::Limit { .. } => fields.clone(),
            };
            steps.push((std::mem::replace(&mut fields, made), Step::new(op, options)?));
        }
        Ok(BoundedSteps { steps })
    }

    /// Runs all steps; rows in error leave the relation and are reported.
    pub fn run(&mut self, relation: &mut Relation, at: Moment, errors: &mut Vec<OpError>) {
        for (fields, step) in &mut self.steps {
            if relation.rows == 0 && !matches!(step, Step::Project(..) | Step::Over(_) | Step::Aggregate(..))
            {
                continue;
            }
            step.run(relation, fields, at, errors);
        }
    }
}

impl Step {
    fn new(op: &BoundedOp, options: &AggOptions) -> Result<Self, String> {
        let compile = |e: &Expr| Compiled::new(e).map_err(|e| e.to_string());
        Ok(match op {
            BoundedOp::Filter(expr) => Step::Filter(compile(expr)?),
            BoundedOp::Project { exprs, schema } => Step::Project(
                exprs.iter().map(|e| compile(&e.expr)).collect::<Result<_, _>>()?,
                schema.fields().iter().map(|f| f.data_type().clone()).collect(),
            ),
            BoundedOp::Aggregate { keys, calls, schema } => {
                let keys: Vec<&Expr> = keys.iter().map(|k| &k.expr).collect();
                let calls: &[AggCall] = calls;
                let shape = Shape::groups(None, &keys, calls, *options, &[])?;
                Step::Aggregate(
                    Box::new(shape),
                    schema.fields().iter().map(|f| f.data_type().clone()).collect(),
                )
            }
            BoundedOp::Over { calls, schema: _ } => Step::Over(Box::new(BoundedOver::new(calls, options)?)),
            BoundedOp::Join(join) => Step::Join(Box::new(WindowJoin::new(join)?)),
            BoundedOp::Sort(keys) => {
                let keys: &[SortKey] = keys;
                Step::Sort(
                    keys.iter().map(SortSpec::new).collect::<Result<_, _>>().map_err(|e| e.to_string())?,
                )
            }
            BoundedOp::Limit { skip, fetch } => Step::Limit {
                skip: usize::try_from(*skip).unwrap_or(usize::MAX),
                fetch: fetch.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            },
        })
    }

    fn run(&mut self, relation: &mut Relation, fields: &Fields, at: Moment, errors: &mut Vec<OpError>) {
        match self {
            Step::Filter(predicate) => {
                let mut failed = RowErrors::new();
                let mut keep = Vec::new();
                let (stamps, times) = at.vectors(relation.rows);
                predicate.eval_predicate(&relation.input(&stamps, &times), &mut failed, &mut keep);
                at.report(fields, &relation.columns, &mut failed, errors);
                relation.keep(&keep);
            }
            Step::Project(exprs, types) => {
                relation.project(exprs, (fields, types), at, errors);
            }
            Step::Aggregate(shape, types) => {
                let input = relation.as_chunk(at);
                let time = crate::time::Watermarks::default();
                let stamps = [at.stamp];
                let node = crate::time::NodeTime { stamps: &stamps, watermarks: &time, flush: false };
                let mut content = shape.content();
                let mut op_errors = Vec::new();
                shape.prepare.run(
                    &input,
                    &mut OpContext {
                        time: node,
                        origin: Origin::default(),
                        errors: &mut op_errors,
                        late: None,
                        left_out: None,
                        tables: &mut [],
                    },
                );
                errors.extend(op_errors.into_iter().map(|e| OpError::of_result(at.pos, e.code, e.message)));
                let rows = shape.prepare.rows(&input);
                if rows > 0 {
                    shape.add(&mut content, &input, 0, rows, 0);
                }
                let mut order = Vec::new();
                content.order(&mut order);
                relation.columns = types.iter().map(Column::new).collect();
                relation.rows = order.len();
                let mut failed = Vec::new();
                content.emit(&order, None, &mut relation.columns, &mut failed);
                relation.drop_groups(failed, &Fields::empty(), at, errors);
            }
            Step::Over(over) => {
                let mut failed = RowErrors::new();
                over.run(relation, at, &mut failed);
                relation.drop_failed(fields, &mut failed, at, errors);
            }
            Step::Join(join) => join.run(relation, fields, at, errors),
            Step::Sort(keys) => {
                let mut failed = RowErrors::new();
                let mut comparators = Vec::new();
                for key in keys.iter_mut() {
                    let (stamps, times) = at.vectors(relation.rows);
                    let column =
                        key.expr.eval(&relation.input(&stamps, &times), Rows::All, &mut failed).clone();
                    comparators.push(Comparator::new(column, key.descending, key.nulls_first));
                }
                let mut order: Vec<u32> = (0..relation.rows as u32).collect();
                failed.remove_from(&mut order);
                at.report(fields, &relation.columns, &mut failed, errors);
                order.sort_by(|&a, &b| Comparator::compare_all(&comparators, a as usize, b as usize));
                relation.keep(&order);
            }
            Step::Limit { skip, fetch } => {
                let from = (*skip).min(relation.rows);
                let to = fetch.map_or(relation.rows, |n| from.saturating_add(n).min(relation.rows));
                let keep: Vec<u32> = (from as u32..to as u32).collect();
                relation.keep(&keep);
            }
        }
    }
}

impl Moment {
    /// Stamps and event times of `rows` rows.
    pub fn vectors(&self, rows: usize) -> (Vec<i64>, Vec<i64>) {
        (vec![self.stamp; rows], vec![self.time; rows])
    }

    /// Reports rows of `columns` that failed, which their values name.
    pub fn report(
        &self,
        fields: &Fields,
        columns: &[Column],
        failed: &mut RowErrors,
        errors: &mut Vec<OpError>,
    ) {
        for error in failed.settle() {
            let message = named(fields, columns, error.row as usize, &error.failure.message);
            errors.push(OpError::of_result(self.pos, error.failure.kind.code(), message));
        }
        failed.clear();
    }
}

/// A message about row `row` of a relation; `fields` name its first columns.
fn named(fields: &Fields, columns: &[Column], row: usize, message: &str) -> String {
    // The bounds of the window are named before the row.
    let is_bound = |name: &str| matches!(name, "window_start" | "window_end");
    let shown = fields.iter().zip(columns).filter(|(field, _)| !is_bound(field.name()));
    match row_text(shown, row) {
        text if text.is_empty() => message.to_owned(),
        text => format!("{text}: {message}"),
    }
}

impl Relation {
    /// As input of expressions.
    pub fn input<'a>(&'a self, stamps: &'a [i64], times: &'a [i64]) -> Input<'a> {
        Input { columns: &self.columns, rows: self.rows, stamp: stamps, event_time: times }
    }

    /// A relation of columns that are still empty.
    pub fn new(columns: Vec<Column>) -> Self {
        Relation { columns, ..Relation::default() }
    }

    /// Its rows, as columns of `schema`.
    ///
    /// # Errors
    /// If they are no such columns, for the user.
    pub fn to_rows(&self, schema: &SchemaRef) -> Result<RecordBatch, String> {
        let columns = self.columns.iter().zip(schema.fields()).map(|(c, f)| c.to_arrow(f.data_type()));
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect(), &options)
            .map_err(|error| error.to_string())
    }

    /// Takes all columns away.
    pub fn clear(&mut self) {
        self.columns.drain(..).for_each(|c| self.pool.give(c));
        self.rows = 0;
    }

    /// Replaces the columns, called `fields`, by values of expressions of these types; rows in error
    /// leave the relation.
    fn project(
        &mut self,
        exprs: &mut [Compiled],
        (fields, types): (&Fields, &[DataType]),
        at: Moment,
        errors: &mut Vec<OpError>,
    ) {
        let mut failed = RowErrors::new();
        let Relation { columns, rows, pool, made, stamps, times } = self;
        stamps.clear();
        stamps.resize(*rows, at.stamp);
        times.clear();
        times.resize(*rows, at.time);
        let input = Input { columns, rows: *rows, stamp: stamps, event_time: times };
        for (expr, data_type) in exprs.iter_mut().zip(types) {
            let mut column = pool.take(data_type);
            if *rows > 0 {
                column.append(expr.eval(&input, Rows::All, &mut failed));
            }
            made.push(column);
        }
        let keep = (!failed.is_empty()).then(|| {
            let mut keep: Vec<u32> = (0..*rows as u32).collect();
            failed.remove_from(&mut keep);
            at.report(fields, columns, &mut failed, errors);
            keep
        });
        std::mem::swap(columns, made);
        made.drain(..).for_each(|c| pool.give(c));
        if let Some(keep) = keep {
            self.keep(&keep);
        }
    }

    /// Keeps rows `rows`, in that order.
    pub fn keep(&mut self, rows: &[u32]) {
        for column in &mut self.columns {
            let source = std::mem::replace(column, self.pool.take_like(column));
            column.append_gather(&source, rows);
            self.pool.give(source);
        }
        self.rows = rows.len();
    }

    fn drop_failed(
        &mut self,
        fields: &Fields,
        failed: &mut RowErrors,
        at: Moment,
        errors: &mut Vec<OpError>,
    ) {
        if failed.is_empty() {
            return;
        }
        let mut keep: Vec<u32> = (0..self.rows as u32).collect();
        failed.remove_from(&mut keep);
        at.report(fields, &self.columns, failed, errors);
        self.keep(&keep);
    }

    /// Drops groups whose aggregates failed; `keys` are the first columns, which name a group.
    pub fn drop_groups(
        &mut self,
        mut failed: Vec<(usize, String)>,
        keys: &Fields,
        at: Moment,
        errors: &mut Vec<OpError>,
    ) {
        if failed.is_empty() {
            return;
        }
        failed.sort_by_key(|f| f.0);
        let keep: Vec<u32> = (0..self.rows as u32)
            .filter(|&r| failed.binary_search_by_key(&(r as usize), |f| f.0).is_err())
            .collect();
        for (row, message) in failed {
            let message = named(keys, &self.columns, row, &message);
            errors.push(OpError::of_result(at.pos, codes::OVERFLOW, message));
        }
        self.keep(&keep);
    }

    /// As a chunk of rows at one moment.
    fn as_chunk(&mut self, at: Moment) -> Chunk {
        Chunk {
            columns: std::mem::take(&mut self.columns),
            time: vec![at.time; self.rows],
            pos: vec![0; self.rows],
            ops: Vec::new(),
        }
    }
}
