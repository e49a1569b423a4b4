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
                    Shape::groups(filter.as_ref(), &row_keys, calls, *options, extra_keys)?,
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
            relation: Relation::default(),
        };
        Ok((shape, plan))
    }

    /// The latest result.
    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    /// Runs the steps on a content; the result stays here until the next call.
    pub fn compute(&mut self, content: &mut Content, bounds: Bounds, at: Moment, errors: &mut Vec<OpError>) {
        content.order(&mut self.order);
        let rows = self.order.len();
        let mut own: Vec<Column> = self.content_types.iter().map(Column::new).collect();
        let mut failed = Vec::new();
        if self.is_rows {
            content.emit_rows(&self.order, &mut own);
        } else {
            content.emit(&self.order, &mut own, &mut failed);
        }
        let window = [bounds.start, bounds.end].map(|t| Column::dense(Values::I64(Buf::Own(vec![t]))));
        let mut columns = Vec::with_capacity(self.columns.len());
        let mut own: Vec<Option<Column>> = own.into_iter().map(Some).collect();
        let zeros = vec![0u32; rows];
        for (column, data_type) in self.columns.iter_mut().zip(&self.types) {
            columns.push(match column {
                ResultColumn::Content(index) => own[*index].take().expect("each content column is used once"),
                ResultColumn::Window(expr) => {
                    let (stamp, time) = ([at.stamp], [at.time]);
                    let input = Input { columns: &window, rows: 1, stamp: &stamp, event_time: &time };
                    let mut row_errors = RowErrors::new();
                    let value = expr.eval(&input, Rows::All, &mut row_errors);
                    let mut out = Column::new(data_type);
                    out.append_gather(value, &zeros);
                    if let Some(error) = row_errors.settle().first() {
                        failed.extend((0..rows).map(|r| (r, error.failure.message.clone())));
                    }
                    out
                }
            });
        }
        self.relation = Relation { columns, rows };
        self.relation.drop_groups(failed, at, errors);
        self.steps.run(&mut self.relation, at, errors);
    }

    /// Computes the result of a content and appends it to `out`, as an append-only output.
    pub fn emit(
        &mut self,
        content: &mut Content,
        bounds: Bounds,
        at: Moment,
        out: &mut Chunk,
        errors: &mut Vec<OpError>,
    ) {
        self.compute(content, bounds, at, errors);
        out.append_columns(&self.relation.columns, self.relation.rows, at.time, at.pos, None);
    }
}
