//! The result of a closed window: from contents to output rows.

use cep_lang::plan::{Expr, NamedExpr, WindowBody, WindowKey, WindowNode};

use super::bounded::{BoundedSteps, Moment, Relation};
use super::content::{Content, Shape};
use crate::agg::AggOptions;
use crate::chunk::Chunk;
use crate::column::{Buf, Column, Values};
use crate::expr::{Compiled, Input, RowErrors, Rows};
use crate::ops::OpError;

/// Computes output rows from the content of a window.
#[derive(Debug)]
pub struct ResultPlan {
    columns: Vec<ResultColumn>,
    steps: BoundedSteps,
    types: Vec<arrow_schema::DataType>,
    /// Types of the content's own columns.
    content_types: Vec<arrow_schema::DataType>,
    is_rows: bool,
    order: Vec<u32>,
    /// Columns of the content, while a result is made.
    own: Vec<Column>,
    /// A zero for each row.
    zeros: Vec<u32>,
    /// `window_start` and `window_end`, one row.
    window: [Column; 2],
    relation: Relation,
}

/// A column of the relation that the steps start from.
#[derive(Debug)]
enum ResultColumn {
    /// The nth column of the content.
    Content(usize),
    /// Over `[window_start, window_end]`.
    Window(Box<Compiled>),
}

/// `[start, end)` of a window, ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First instant.
    pub start: i64,
    /// One past the last instant.
    pub end: i64,
}

impl ResultPlan {
    /// The shape of a window's contents and how results are made from them.
    ///
    /// # Errors
    /// The reason why something cannot be computed, for the user.
    pub fn new(
        node: &WindowNode,
        extra_keys: &[Expr],
        options: &AggOptions,
        keys_max: u64,
    ) -> Result<(Shape, ResultPlan), String> {
        let compile = |e: &Expr| Compiled::new(e).map_err(|e| e.to_string());
        let types = |s: &arrow_schema::SchemaRef| {
            s.fields().iter().map(|f| f.data_type().clone()).collect::<Vec<_>>()
        };
        let steps = BoundedSteps::new(&node.ops, options)?;
        let (shape, columns, relation_types) = match &node.body {
            WindowBody::Groups { filter, keys, calls, schema } => {
                let mut row_keys: Vec<&Expr> = Vec::new();
                let mut columns = Vec::new();
                for key in keys {
                    columns.push(match key {
                        WindowKey::Input(NamedExpr { name: _, expr }) => {
                            row_keys.push(expr);
                            ResultColumn::Content(row_keys.len() - 1)
                        }
                        WindowKey::Window(NamedExpr { name: _, expr }) => {
                            ResultColumn::Window(Box::new(compile(expr)?))
                        }
                    });
                }
                let key_count = row_keys.len();
                columns.extend((0..calls.len()).map(|c| ResultColumn::Content(key_count + c)));
                (
                    Shape::with_lasting(filter.as_ref(), &row_keys, calls, *options, extra_keys, keys_max)?,
                    columns,
                    types(schema),
                )
            }
            WindowBody::Rows { filter, schema } => {
                let all = types(schema);
                let width = node.input.schema().fields().len();
                let mut columns: Vec<ResultColumn> = (0..width).map(ResultColumn::Content).collect();
                let timestamp = arrow_schema::DataType::Timestamp(arrow_schema::TimeUnit::Nanosecond, None);
                for index in 0..2 {
                    let bound = Expr::column(index, timestamp.clone(), false);
                    columns.push(ResultColumn::Window(Box::new(compile(&bound)?)));
                }
                (Shape::rows(filter.as_ref(), all[..width].to_vec(), extra_keys)?, columns, all)
            }
        };
        let is_rows = matches!(node.body, WindowBody::Rows { .. });
        let content_types = if is_rows {
            relation_types[..relation_types.len() - 2].to_vec()
        } else {
            shape.group_types().cloned().collect()
        };
        let plan = ResultPlan {
            columns,
            steps,
            types: relation_types,
            content_types,
            is_rows,
            order: Vec::new(),
            own: Vec::new(),
            zeros: Vec::new(),
            window: [0, 1].map(|_| Column::dense(Values::I64(Buf::new()))),
            relation: Relation::default(),
        };
        Ok((shape, plan))
    }

    /// The latest result.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Runs the steps on a content of `shape`; the result stays here until the next call.
    pub fn compute(
        &mut self,
        shape: &mut Shape,
        content: &mut Content,
        bounds: Bounds,
        at: Moment,
        errors: &mut Vec<OpError>,
    ) {
        content.order(&mut self.order);
        let rows = self.order.len();
        let ResultPlan { columns: plan, types, content_types, own, zeros, window, relation, .. } = self;
        relation.clear();
        own.drain(..).for_each(|c| relation.pool.give(c));
        own.extend(content_types.iter().map(|t| relation.pool.take(t)));
        let mut failed = Vec::new();
        if self.is_rows {
            content.emit_rows(&self.order, own);
        } else {
            content.emit(&self.order, shape.lasting(), own, &mut failed);
        }
        for (column, time) in window.iter_mut().zip([bounds.start, bounds.end]) {
            column.clear();
            column.push_i64(time);
        }
        zeros.clear();
        zeros.resize(rows, 0);
        for (column, data_type) in plan.iter_mut().zip(types.iter()) {
            let made = match column {
                // Each is used once.
                ResultColumn::Content(index) => {
                    std::mem::replace(&mut own[*index], Column::dense(Values::Bool(Vec::new())))
                }
                ResultColumn::Window(expr) => {
                    let (stamp, time) = ([at.stamp], [at.time]);
                    let input = Input { columns: window, rows: 1, stamp: &stamp, event_time: &time };
                    let mut row_errors = RowErrors::new();
                    let value = expr.eval(&input, Rows::All, &mut row_errors);
                    let mut out = relation.pool.take(data_type);
                    out.append_gather(value, zeros);
                    if let Some(error) = row_errors.settle().first() {
                        failed.extend((0..rows).map(|r| (r, error.failure.message.clone())));
                    }
                    out
                }
            };
            relation.columns.push(made);
        }
        relation.rows = rows;
        self.relation.drop_groups(failed, at, errors);
        self.steps.run(&mut self.relation, at, errors);
    }

    /// Computes the result of a content and appends it to `out`, as an append-only output.
    pub fn emit(
        &mut self,
        shape: &mut Shape,
        content: &mut Content,
        bounds: Bounds,
        at: Moment,
        out: &mut Chunk,
        errors: &mut Vec<OpError>,
    ) {
        self.compute(shape, content, bounds, at, errors);
        out.append_columns(&self.relation.columns, self.relation.rows, at.time, at.pos, None);
    }
}
