//! Joins of a stream and a table: each row of the stream looks for rows of the table.

use arrow_schema::{FieldRef, SchemaRef};
use cep_types::StreamId;

use crate::ast::{FromItem, Join, JoinConstraint, JoinKind, Relation as Written, RelationSource};
use crate::diag::Result;
use crate::lower::catalog::Object;
use crate::lower::columns::{Columns, schema_of};
use crate::lower::context::Context;
use crate::lower::query::{Ctes, renamed_schema};
use crate::lower::relation::{Relation, columns_of};
use crate::lower::sqlast::SqlExpr;
use crate::lower::table::{conjunction, split};
use crate::lower::{from, projection};
use crate::plan::{BinaryOp, Changelog, Expr, ExprKind, Node, Table, TableJoinKind, TableJoinNode};

use super::names::{self, Source};
use super::side::Side;
use super::span_of_time::TimeColumn;
use super::{Joined, condition, lower_item, refused};

/// The table that a relation of FROM names.
fn table_of<'a>(context: &Context<'a>, item: &FromItem, ctes: &Ctes<'_>) -> Option<&'a Table> {
    let RelationSource::Name(name) = &item.relation()?.source else { return None };
    match (ctes.find(&name.text), context.catalog.find(&name.text)) {
        (None, Some(Object::Table(at))) => Some(&context.catalog.tables[at].table),
        _ => None,
    }
}

/// Lowers a join in which one side is a table; `None`: none is. `filters` are conditions of WHERE, which
/// are asked elsewhere and may say here how rows are found.
///
/// # Errors
/// Two tables, a kind of join without a meaning, conditions that are none.
pub(super) fn lower(
    context: &Context<'_>,
    join: &Join,
    filters: &[&SqlExpr],
    ctes: &Ctes<'_>,
    sources: &mut usize,
) -> Result<Option<Joined>> {
    let Join { kind, left, right, constraint, asof, span } = join;
    let (table, table_first) = match (table_of(context, left, ctes), table_of(context, right, ctes)) {
        (None, Some(table)) => (table, false),
        (Some(table), None) => (table, true),
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(refused(
                "both sides are tables, and rows of a table come out when a row of a stream asks for them",
                "begin with the stream: FROM s JOIN a ON … JOIN b ON …",
                *span,
            ));
        }
    };
    if let Some(asof) = asof {
        let help = "leave ASOF out: the table has one row a key, the latest";
        return Err(refused(
            "ASOF JOIN takes the last row before a time, and a table keeps no history",
            help,
            asof.span,
        ));
    }
    let outer = match (kind, table_first) {
        (JoinKind::Inner | JoinKind::Cross, _) => false,
        (JoinKind::Left, false) | (JoinKind::Right, true) => true,
        (JoinKind::Left | JoinKind::Right | JoinKind::Full, _) => {
            return Err(refused(
                "a row of the table without a row of the stream has no moment at which to come out",
                "keep the rows of the stream: FROM s LEFT JOIN t ON …",
                *span,
            ));
        }
    };
    let (stream, written) = if table_first { (right, left) } else { (left, right) };
    let written = written.relation().expect("a table is one relation");
    let below = if outer { &[][..] } else { filters };
    let stream = lower_item(context, stream, below, ctes, sources)?;
    check_stream(&stream)?;
    let table_side = table_side(table, written, sources)?;
    context.uses(&table.name);
    let mut sides = if table_first { [table_side, stream] } else { [stream, table_side] };
    names::check_different(&sides)?;
    if let JoinConstraint::Using(columns) = constraint {
        names::hide(&mut sides, columns, *kind)?;
    }
    let on = On { constraint, pre_filter: written.pre_filter.as_ref(), filters: below };
    let terms = on.terms(context, &sides, table_first)?;
    Ok(Some(joined(table, sides, terms, Shape { outer, table_first })))
}

/// Refuses what only a join of two streams can use.
fn check_stream(side: &Side) -> Result<()> {
    if side.window.is_some() {
        return Err(refused(
            "rows of the stream look at the table as they come, so a window has no effect on them",
            "leave the window out, or put it into a query of its own: FROM (SELECT … FROM s WINDOW …) AS w JOIN t ON …",
            side.span,
        ));
    }
    match side.unidirectional {
        Some(span) => Err(refused(
            "rows of a table never look for partners: every join with one is unidirectional",
            "leave UNIDIRECTIONAL out",
            span,
        )),
        None => Ok(()),
    }
}

/// The table as a side: its rows come from no stream, and nothing reads this node.
fn table_side(table: &Table, written: &Written, sources: &mut usize) -> Result<Side> {
    let Written { window, within_per, as_of, unidirectional, alias_columns, span, .. } = written;
    if let Some(window) = window {
        let help = "leave the window out";
        return Err(refused("a window holds rows of a stream, and this is a table", help, window.span));
    }
    if let Some(within) = within_per {
        let help = "filter with ON";
        return Err(refused("WITHIN … PER … reads an aggregation, and this is a table", help, within.span));
    }
    if let Some(as_of) = as_of {
        return Err(refused(
            "FOR SYSTEM_TIME AS OF reads versions, and a table has one row a key, the latest",
            "leave it out; or join the stream that writes the table, which has a version for each of its rows",
            as_of.span,
        ));
    }
    if let Some(span) = unidirectional {
        return Err(refused(
            "rows of a table never look for partners: every join with one is unidirectional",
            "leave it out",
            *span,
        ));
    }
    let schema = renamed_schema(&table.schema, alias_columns, *span)?;
    let source = Source::new(from::qualifier(written), &schema, *sources);
    *sources += 1;
    Ok(Side {
        node: Node::Scan { stream: StreamId(u32::MAX), schema },
        sources: vec![source],
        times: Vec::new(),
        window: None,
        batch: None,
        unidirectional: None,
        limits: Default::default(),
        span: *span,
    })
}

/// What must hold of a pair.
struct On<'a> {
    constraint: &'a JoinConstraint,
    pre_filter: Option<&'a SqlExpr>,
    filters: &'a [&'a SqlExpr],
}

impl On<'_> {
    /// The conditions over the stream's columns, then the table's.
    fn terms(&self, context: &Context<'_>, sides: &[Side; 2], table_first: bool) -> Result<Vec<Expr>> {
        let [stream, table] = apart(sides, table_first);
        let schema =
            schema_of(fields(stream, false).into_iter().chain(fields(table, false)).collect::<Vec<_>>());
        let resolved = names::resolved(stream.sources.iter().chain(&table.sources));
        let columns = Columns::with_names(&schema, resolved);
        let scope = names::scope(sides.iter().flat_map(|side| &side.sources), context);
        let mut terms = Vec::new();
        if let Some(filter) = self.pre_filter {
            // `t[…]` knows the table alone.
            let own = names::scope(table.sources.iter(), context);
            terms.push(context.condition(filter, &own, &columns)?);
        }
        match self.constraint {
            JoinConstraint::None => {}
            JoinConstraint::On(on) => terms.push(context.condition(on, &scope, &columns)?),
            JoinConstraint::Using(names) => {
                for name in names {
                    let written = condition::using(sides, name);
                    let typed = context.typed(&written, &columns)?;
                    terms.push(context.converted(&typed, &written, &columns)?);
                }
            }
        }
        for filter in self.filters {
            // One that does not fit here is of another join, or wrong, which WHERE finds out.
            if let Ok(condition) = context.condition(filter, &scope, &columns)
                && is_plain_equality(&condition)
            {
                terms.push(condition);
            }
        }
        Ok(terms)
    }
}

/// Two columns compared: what WHERE asks again without harm.
fn is_plain_equality(expr: &Expr) -> bool {
    let is_column = |e: &Expr| matches!(e.kind, ExprKind::Column(_));
    matches!(&expr.kind, ExprKind::Binary(BinaryOp::Eq, a, b) if is_column(a) && is_column(b))
}

/// The stream's side, then the table's.
fn apart(sides: &[Side; 2], table_first: bool) -> [&Side; 2] {
    let (stream, table) = if table_first { (1, 0) } else { (0, 1) };
    [&sides[stream], &sides[table]]
}

/// The columns of a side under their full names.
fn fields(side: &Side, nullable: bool) -> Vec<FieldRef> {
    let names = side.sources.iter().flat_map(Source::full_names);
    let fields = side.node.schema().fields().iter().zip(names);
    fields
        .map(|(field, name)| {
            let nullable = nullable || field.is_nullable();
            FieldRef::new(field.as_ref().clone().with_name(name).with_nullable(nullable))
        })
        .collect()
}

/// How a table is joined.
struct Shape {
    outer: bool,
    /// The table was written first, and its columns come first.
    table_first: bool,
}

fn joined(table: &Table, sides: [Side; 2], terms: Vec<Expr>, shape: Shape) -> Joined {
    let [first, second] = sides;
    let (stream, other) = if shape.table_first { (second, first) } else { (first, second) };
    let (own, more) = (fields(&stream, false), fields(&other, shape.outer));
    let width = own.len();
    let schema: SchemaRef = schema_of(own.into_iter().chain(more).collect::<Vec<_>>());
    let (probe, condition) = split(conjunction(terms), width, table);
    let node = Node::TableJoin(Box::new(TableJoinNode {
        input: stream.node,
        table: table.id,
        name: table.name.clone(),
        columns: table.schema.clone(),
        probe,
        condition,
        kind: if shape.outer { TableJoinKind::Left } else { TableJoinKind::Inner },
        kept: (0..schema.fields().len()).collect(),
        schema: schema.clone(),
    }));
    let exact = |time: &&TimeColumn| time.is_exact();
    let (node, shift) = match shape.table_first {
        true => (table_columns_first(node, &schema, width), table.schema.fields().len()),
        false => (node, 0),
    };
    let times: Vec<TimeColumn> =
        stream.times.iter().map(|time| TimeColumn { column: time.column + shift, ..*time }).collect();
    let own_times = times.iter().filter(exact).map(|time| time.column).collect();
    let sources = match shape.table_first {
        true => other.sources.into_iter().chain(stream.sources).collect(),
        false => stream.sources.into_iter().chain(other.sources).collect(),
    };
    let relation = Relation::stream(node, own_times, Changelog::Append, stream.limits);
    Joined { relation, sources, times }
}

/// The same rows with the columns from `width` on in front.
fn table_columns_first(node: Node, schema: &SchemaRef, width: usize) -> Node {
    let mut exprs = columns_of(schema);
    exprs.rotate_left(width);
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    fields.rotate_left(width);
    projection::project(node, exprs, schema_of(fields))
}

/// A join with only those of its columns that are `used`, and which they are.
pub(super) fn narrowed_table(
    mut join: TableJoinNode,
    used: impl IntoIterator<Item = usize>,
) -> (TableJoinNode, Vec<usize>) {
    let keep: Vec<usize> = used.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let fields: Vec<FieldRef> = keep.iter().map(|&at| join.schema.fields()[at].clone()).collect();
    join.kept = keep.iter().map(|&at| join.kept[at]).collect();
    join.schema = schema_of(fields);
    (join, keep)
}
