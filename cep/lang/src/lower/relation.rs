//! A relation on its way through a query: what FROM gives and what each clause makes of it.
//!
//! Invariants:
//! - Column names of a relation are unique in any case.
//! - The rows of an open batch window have an end: every clause applies to each window's rows. The
//!   window is closed when the query level that cannot be bounded any more takes its rows.

use arrow_schema::SchemaRef;
use datafusion_common::ScalarValue;

use cep_types::options::RunsOver;

use crate::ast::Span;
use crate::diag::codes;
use crate::plan::{
    AggCall, BatchWindow, BoundedOp, Changelog, Expr, ExprKind, GroupNode, NamedExpr, Node, OverBound,
    OverCall, OverNode, ReadOf, SlidingWindow, SortKey,
};

use cep_types::options::RowsOver;

use super::batch;
use super::columns::no_columns;
use super::error::Failure;
use super::projection;

/// What the streams below say about state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StateLimits {
    /// `state.keys.max`.
    pub keys_max: u64,
    /// `state.ttl`.
    pub ttl_ns: Option<i64>,
    /// `pattern.runs.max`.
    pub runs_max: u64,
    /// `pattern.runs.over`.
    pub runs_over: RunsOver,
    /// `quantile.exact_max`.
    pub quantile_exact_max: u32,
    /// `join.rows.max`.
    pub join_rows_max: u64,
    /// `join.rows.over`.
    pub join_rows_over: RowsOver,
}

impl StateLimits {
    /// What a join does beyond `join.rows.max`.
    pub(crate) fn over_bound(self) -> OverBound {
        match self.join_rows_over {
            RowsOver::Reject => OverBound::Reject,
            RowsOver::EvictOldest => OverBound::EvictOldest,
            RowsOver::Fail => OverBound::Fail,
        }
    }
}

impl Default for StateLimits {
    fn default() -> Self {
        Self {
            keys_max: 1_000_000,
            ttl_ns: None,
            quantile_exact_max: 4_096,
            join_rows_max: 1_000_000,
            join_rows_over: RowsOver::Fail,
            runs_max: 100_000,
            runs_over: RunsOver::Reject,
        }
    }
}

/// A relation.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Where its rows come from.
    pub flow: Flow,
    /// Its columns.
    pub schema: SchemaRef,
    /// Columns whose order is the order of the rows' event time.
    pub times: Vec<usize>,
    /// What its rows mean.
    pub changelog: Changelog,
    /// Limits of the streams below.
    pub limits: StateLimits,
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub(crate) enum Flow {
    /// They come for ever.
    Stream(Node),
    /// A batch window's content.
    Window(Box<OpenWindow>),
    /// A sliding window, to be taken by the SELECT right above.
    Sliding(Box<OpenSliding>),
    /// The answer of an aggregation.
    Read(Box<OpenRead>),
    /// One row of constants: SELECT without FROM.
    Once(Vec<ScalarValue>),
}

/// A batch window whose content is still worked on.
#[derive(Debug, Clone)]
pub(crate) struct OpenWindow {
    /// Rows that enter.
    pub input: Node,
    /// The window.
    pub window: BatchWindow,
    /// Steps on its content: the input's columns, `window_start`, `window_end`.
    pub ops: Vec<BoundedOp>,
    /// Columns that still are `window_start` or `window_end`, in any order.
    pub edges: Vec<Edge>,
    /// Whether late rows correct results.
    pub retract: bool,
    /// Where it was written.
    pub span: Span,
}

/// A column that is an edge of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Which column.
    pub column: usize,
    /// `window_end`, else `window_start`.
    pub is_end: bool,
}

/// A sliding window.
#[derive(Debug, Clone)]
pub(crate) struct OpenSliding {
    /// Rows that enter.
    pub input: Node,
    /// The window.
    pub window: SlidingWindow,
}

/// The answer of an aggregation or a table.
#[derive(Debug, Clone)]
pub(crate) struct OpenRead {
    /// What is read.
    pub of: ReadOf,
    /// Steps on the answer.
    pub ops: Vec<BoundedOp>,
}

/// Which clause a filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FilterClause {
    /// WHERE, QUALIFY or a filter before a window.
    Where,
    /// HAVING.
    Having,
}

impl Relation {
    /// A stream of rows that are new facts.
    pub(crate) fn stream(node: Node, times: Vec<usize>, changelog: Changelog, limits: StateLimits) -> Self {
        let schema = node.schema().clone();
        Self { flow: Flow::Stream(node), schema, times, changelog, limits }
    }

    /// One row of constants.
    pub(crate) fn once(schema: SchemaRef, values: Vec<ScalarValue>) -> Self {
        let limits = StateLimits::default();
        Self { flow: Flow::Once(values), schema, times: Vec::new(), changelog: Changelog::Append, limits }
    }

    /// The relation, leaving one without rows behind.
    pub(crate) fn taken(&mut self) -> Self {
        std::mem::replace(self, Self::once(no_columns(), Vec::new()))
    }

    /// The steps of a bounded relation.
    fn ops(&mut self) -> Option<&mut Vec<BoundedOp>> {
        match &mut self.flow {
            Flow::Window(open) => Some(&mut open.ops),
            Flow::Read(open) => Some(&mut open.ops),
            Flow::Stream(_) | Flow::Sliding(_) | Flow::Once(_) => None,
        }
    }

    /// Whether it has an end, so that it can be sorted and cut.
    pub(crate) fn is_bounded(&self) -> bool {
        match &self.flow {
            Flow::Window(_) | Flow::Read(_) | Flow::Once(_) => true,
            Flow::Stream(_) | Flow::Sliding(_) => false,
        }
    }

    /// Changes the node of a stream.
    fn with_node(mut self, change: impl FnOnce(Node) -> Node) -> Self {
        self.flow = match self.flow {
            Flow::Stream(node) => Flow::Stream(change(node)),
            other => other,
        };
        self
    }

    fn need_append(&self, what: &str) -> Result<(), Failure> {
        let rows = match self.changelog {
            Changelog::Append => return Ok(()),
            Changelog::Upsert => "replaces its rows by later ones",
            Changelog::Retract => "takes rows back when late ones correct them",
        };
        Err(Failure::new(
            codes::CHANGELOG,
            format!("{what} cannot follow corrections, and its input {rows}"),
            "put a window on the input stream, then the result is final: WINDOW TUMBLING (SIZE 1 MINUTE)",
        ))
    }

    /// Rows for which `predicate` is TRUE.
    ///
    /// # Errors
    /// A filter over rows that are replaced later.
    pub(crate) fn filter(mut self, predicate: Expr, clause: FilterClause) -> Result<Self, Failure> {
        if let Some(ops) = self.ops() {
            ops.push(BoundedOp::Filter(predicate));
            return Ok(self);
        }
        if clause == FilterClause::Having
            && let Flow::Stream(Node::Group(group)) = &mut self.flow
        {
            group.having = Some(predicate);
            return Ok(self);
        }
        if self.changelog == Changelog::Upsert {
            return Err(Failure::new(
                codes::CHANGELOG,
                "a filter over rows that are replaced later would keep rows that are out of date",
                "write the condition as HAVING of the GROUP BY, or put a window on the input stream",
            ));
        }
        Ok(self.with_node(|input| Node::Filter { input: Box::new(input), predicate }))
    }

    /// New columns.
    pub(crate) fn project(mut self, exprs: Vec<NamedExpr>, schema: SchemaRef) -> Self {
        if is_identity(&exprs, &self.schema) {
            return self;
        }
        self.times = moved(&self.times, &exprs);
        if let Flow::Window(open) = &mut self.flow {
            open.edges = moved_edges(&open.edges, &exprs);
        }
        self.schema = schema.clone();
        if let Some(ops) = self.ops() {
            match ops.last_mut() {
                Some(BoundedOp::Project { exprs: inner, schema: last })
                    if projection::can_merge(&exprs, inner) =>
                {
                    *inner = projection::merged(exprs, inner);
                    *last = schema;
                }
                _ => ops.push(BoundedOp::Project { exprs, schema }),
            }
            return self;
        }
        self.with_node(|input| projection::project(input, exprs, schema))
    }

    /// Groups: `schema` is keys, then calls.
    ///
    /// # Errors
    /// An input that takes rows back.
    pub(crate) fn aggregate(
        mut self,
        keys: Vec<NamedExpr>,
        calls: Vec<AggCall>,
        schema: SchemaRef,
    ) -> Result<Self, Failure> {
        self.need_append(if calls.is_empty() { "DISTINCT" } else { "an aggregate" })?;
        if let Flow::Window(open) = &mut self.flow {
            open.edges = moved_edges(&open.edges, &keys);
        }
        // A group's row has no event time of its own; a distinct row has that of its first one.
        self.times = if calls.is_empty() { moved(&self.times, &keys) } else { Vec::new() };
        self.schema = schema.clone();
        if let Some(ops) = self.ops() {
            ops.push(BoundedOp::Aggregate { keys, calls, schema });
            return Ok(self);
        }
        if !calls.is_empty() {
            self.changelog = Changelog::Upsert;
        }
        let StateLimits { keys_max, ttl_ns, .. } = self.limits;
        Ok(self.with_node(|input| {
            Node::Group(Box::new(GroupNode { input, keys, calls, having: None, schema, keys_max, ttl_ns }))
        }))
    }

    /// OVER calls that share partitions and order; `schema` is the columns, then the results.
    ///
    /// # Errors
    /// On a stream: an order that is not the rows' event time, an input that takes rows back.
    pub(crate) fn over(mut self, calls: Vec<OverCall>, schema: SchemaRef) -> Result<Self, Failure> {
        self.need_append("OVER")?;
        let event_time_order = match self.ops() {
            Some(ops) => {
                ops.push(BoundedOp::Over { calls, schema: schema.clone() });
                self.schema = schema;
                return Ok(self);
            }
            None => self.is_event_time_order(calls.first().map_or(&[], |call| call.order_by.as_slice()))?,
        };
        self.schema = schema.clone();
        let keys_max = self.limits.keys_max;
        Ok(self.with_node(|input| {
            Node::Over(Box::new(OverNode { input, calls, event_time_order, schema, keys_max }))
        }))
    }

    /// Whether the order of an OVER on a stream is event time; arrival when there is none.
    fn is_event_time_order(&self, order_by: &[SortKey]) -> Result<bool, Failure> {
        let time = self.times.first().map(|time| self.schema.field(*time).name().as_str());
        let help = match time {
            Some(time) => format!("write ORDER BY {time}, leave the order out to take rows as they arrive, or put a window around the query"),
            None => "leave the order out to take rows as they arrive, set \"event.time\" on the stream, or put a window around the query".to_owned(),
        };
        match order_by {
            [] => Ok(false),
            [
                SortKey {
                    expr: Expr { kind: ExprKind::Column(column), .. },
                    descending: false,
                    nulls_first: _,
                },
            ] if self.times.contains(column) => Ok(true),
            [first, ..] => Err(Failure::new(
                codes::OVER,
                "a stream can be ordered by its event time only, ascending",
                help,
            )
            .at(first.expr.span)),
        }
    }

    /// Sorts.
    ///
    /// # Errors
    /// A relation without an end.
    pub(crate) fn sort(mut self, keys: Vec<SortKey>) -> Result<Self, Failure> {
        match self.ops() {
            Some(ops) => ops.push(BoundedOp::Sort(keys)),
            None => return Err(endless("ORDER BY")),
        }
        Ok(self)
    }

    /// OFFSET and LIMIT.
    ///
    /// # Errors
    /// A relation without an end.
    pub(crate) fn limit(mut self, skip: u64, fetch: Option<u64>) -> Result<Self, Failure> {
        match self.ops() {
            Some(ops) => ops.push(BoundedOp::Limit { skip, fetch }),
            None => return Err(endless("LIMIT")),
        }
        Ok(self)
    }

    /// DISTINCT.
    ///
    /// # Errors
    /// An input that takes rows back.
    pub(crate) fn distinct(self) -> Result<Self, Failure> {
        let keys = columns_of(&self.schema);
        let schema = self.schema.clone();
        self.aggregate(keys, Vec::new(), schema)
    }

    /// Rows of a table beside each row: `make` gets the rows and the schema that comes out.
    ///
    /// # Errors
    /// An input that takes rows back, or is no stream yet.
    pub(crate) fn beside_table(
        mut self,
        what: &str,
        schema: SchemaRef,
        make: impl FnOnce(Node) -> Node,
    ) -> Result<Self, Failure> {
        self.need_append(what)?;
        let Flow::Stream(node) = self.flow else {
            return Err(Failure::new(
                codes::WINDOW_PLACE,
                format!("{what} looks at rows as they come, and a window holds them back"),
                "put the window into a query of its own: FROM (SELECT … FROM s WINDOW …) AS w JOIN t ON …",
            ));
        };
        self.flow = Flow::Stream(make(node));
        self.schema = schema;
        Ok(self)
    }

    /// The same columns under other names.
    pub(crate) fn renamed(self, schema: SchemaRef) -> Self {
        let exprs = columns_of(&self.schema)
            .into_iter()
            .zip(schema.fields())
            .map(|(column, field)| NamedExpr { name: field.name().clone(), expr: column.expr })
            .collect();
        self.project(exprs, schema)
    }

    /// The relation as a stream: closes its window.
    ///
    /// # Errors
    /// The answer of an aggregation, which is no stream; what cannot be computed at a close.
    pub(crate) fn closed(self) -> Result<(Node, Vec<usize>, Changelog), Failure> {
        match self.flow {
            Flow::Stream(node) => Ok((node, self.times, self.changelog)),
            Flow::Window(open) => {
                let changelog = if open.retract { Changelog::Retract } else { Changelog::Append };
                let times = batch::event_times(&open);
                let node = batch::close(*open, self.schema)?;
                Ok((node, times, changelog))
            }
            Flow::Read(_) => Err(Failure::new(
                codes::WRONG_KIND,
                "an aggregation or a table is read by a query of its own, once",
                "select from it with WHERE, GROUP BY, ORDER BY and LIMIT; windows, UNION ALL and OUTPUT need a stream, and rows of a table come into one by a join: FROM s JOIN t ON s.k = t.k",
            )),
            Flow::Sliding(_) => Err(Failure::new(
                codes::WINDOW_PLACE,
                "a sliding window stands directly in the FROM of a SELECT",
                "select from it: SELECT … FROM s WINDOW LENGTH (10)",
            )),
            Flow::Once(_) => Err(Failure::new(
                codes::NO_INPUT,
                "a SELECT without FROM is one row, not a stream",
                "read a stream: SELECT … FROM s",
            )),
        }
    }
}

fn endless(clause: &str) -> Failure {
    Failure::new(
        codes::ORDER_PLACE,
        format!("{clause} needs all rows first, and these never end"),
        "put a window on the stream; then it applies to each window's result: FROM s WINDOW TUMBLING (SIZE 1 MINUTE)",
    )
}

/// Every column of a schema as it is.
pub(crate) fn columns_of(schema: &SchemaRef) -> Vec<NamedExpr> {
    schema
        .fields()
        .iter()
        .enumerate()
        .map(|(index, field)| NamedExpr {
            name: field.name().clone(),
            expr: Expr::column(index, field.data_type().clone(), field.is_nullable()),
        })
        .collect()
}

fn is_identity(exprs: &[NamedExpr], schema: &SchemaRef) -> bool {
    exprs.len() == schema.fields().len()
        && exprs.iter().zip(schema.fields()).enumerate().all(|(at, (named, field))| {
            named.name == *field.name() && matches!(named.expr.kind, ExprKind::Column(index) if index == at)
        })
}

/// Where the columns `from` are after a projection.
fn moved(from: &[usize], exprs: &[NamedExpr]) -> Vec<usize> {
    let kept =
        |named: &NamedExpr| matches!(named.expr.kind, ExprKind::Column(index) if from.contains(&index));
    exprs.iter().enumerate().filter(|(_at, named)| kept(named)).map(|(at, _named)| at).collect()
}

fn moved_edges(edges: &[Edge], exprs: &[NamedExpr]) -> Vec<Edge> {
    exprs
        .iter()
        .enumerate()
        .filter_map(|(at, named)| {
            let ExprKind::Column(index) = named.expr.kind else {
                return None;
            };
            let edge = edges.iter().find(|edge| edge.column == index)?;
            Some(Edge { column: at, is_end: edge.is_end })
        })
        .collect()
}
