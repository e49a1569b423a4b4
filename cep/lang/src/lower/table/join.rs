//! JOIN of a stream and tables.

use arrow_schema::SchemaRef;

use crate::ast::{FromItem, Join, JoinConstraint, JoinKind, Name, Relation as Written, RelationSource, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::catalog::Object;
use crate::lower::columns::Columns;
use crate::lower::context::Context;
use crate::lower::from;
use crate::lower::join as streams;
use crate::lower::query::{Ctes, renamed_schema};
use crate::lower::relation::Relation;
use crate::lower::sources::Sources;
use crate::lower::sqlast::{SqlExpr, both, equal, qualified, unqualified};
use crate::plan::{Node, Table, TableJoinKind, TableJoinNode};

use super::probe::{conjunction, split};

/// The table that a relation of FROM names.
fn table_of<'a>(context: &Context<'a>, item: &FromItem, ctes: &Ctes<'_>) -> Option<&'a Table> {
    let RelationSource::Name(name) = &item.relation()?.source else { return None };
    match (ctes.find(&name.text), context.catalog.find(&name.text)) {
        (None, Some(Object::Table(at))) => Some(&context.catalog.tables[at].table),
        _ => None,
    }
}

/// Lowers a join in which one side is a table.
///
/// # Errors
/// Sides that are both streams or both tables, a kind of join without a meaning, conditions that are none.
pub(crate) fn join(context: &Context<'_>, written: &Join, ctes: &Ctes<'_>) -> Result<(Relation, Sources)> {
    let Join { kind, left, right, constraint, asof, span } = written;
    let (own, other, swapped) = match (table_of(context, left, ctes), table_of(context, right, ctes)) {
        (None, Some(table)) => (left, (table, right), false),
        (Some(table), None) => (right, (table, left), true),
        (Some(_), Some(_)) => {
            let message = "both sides are tables, and rows of a table come out when a row of a stream asks";
            let help = "begin with the stream: FROM s JOIN a ON … JOIN b ON …";
            return Err(Box::new(Diagnostic::at(codes::JOIN, *span, message).help(help)));
        }
        (None, None) => return Err(streams::refused(written)),
    };
    if let Some(asof) = asof {
        let message = "ASOF JOIN takes the last row before a time, and this table keeps one row a key";
        return Err(Box::new(Diagnostic::at(codes::JOIN, asof.span, message).help("leave ASOF out")));
    }
    let outer = match (kind, swapped) {
        (JoinKind::Inner | JoinKind::Cross, _) => false,
        (JoinKind::Left, false) | (JoinKind::Right, true) => true,
        (JoinKind::Left | JoinKind::Right | JoinKind::Full, _) => {
            let message = "a row of the table without a row of the stream has no moment to come out at";
            let help = "keep the rows of the stream: FROM s LEFT JOIN t ON …";
            return Err(Box::new(Diagnostic::at(codes::JOIN, *span, message).help(help)));
        }
    };
    let (relation, sources) = match own {
        FromItem::Relation(stream) => {
            let relation = from::lower(context, stream, ctes)?;
            let sources = Sources::one(from::qualifier(stream), relation.schema.clone());
            (relation, sources)
        }
        FromItem::Join(join) => self::join(context, join, ctes)?,
    };
    let (table, side) = other;
    let side = side.relation().expect("a table is one relation");
    let side = TableSide { table, columns: columns(table, side)?, written: side };
    side.joined(context, relation, sources, constraint, Shape { outer, swapped, span: *span })
}

/// The columns of a table under the names that its alias gives.
fn columns(table: &Table, written: &Written) -> Result<SchemaRef> {
    let Written { window, within_per, as_of, unidirectional, alias_columns, span, .. } = written;
    let refused = |span, message: &str, help: &str| {
        Err(Box::new(Diagnostic::at(codes::WRONG_KIND, span, message).help(help)))
    };
    if let Some(window) = window {
        return refused(
            window.span,
            "a window holds rows of a stream, and this is a table",
            "leave the window out",
        );
    }
    if let Some(within) = within_per {
        return refused(
            within.span,
            "WITHIN … PER … reads an aggregation, and this is a table",
            "filter with ON",
        );
    }
    if let Some(as_of) = as_of {
        return Err(streams::no_versions(as_of));
    }
    if let Some(span) = unidirectional {
        return refused(
            *span,
            "rows of a table never look for partners: every join with one is unidirectional",
            "leave it out",
        );
    }
    renamed_schema(&table.schema, alias_columns, *span)
}

/// How a table is joined.
struct Shape {
    outer: bool,
    /// The table was written first.
    swapped: bool,
    span: Span,
}

struct TableSide<'a> {
    table: &'a Table,
    columns: SchemaRef,
    written: &'a Written,
}

impl TableSide<'_> {
    fn joined(
        self,
        context: &Context<'_>,
        relation: Relation,
        mut sources: Sources,
        constraint: &JoinConstraint,
        shape: Shape,
    ) -> Result<(Relation, Sources)> {
        let TableSide { table, columns, written } = self;
        let qualifier = from::qualifier(written).unwrap_or(&table.name).to_owned();
        context.uses(&table.name);
        let (on, merged) = match constraint {
            JoinConstraint::None => (None, Vec::new()),
            JoinConstraint::On(on) => (Some(on.clone()), Vec::new()),
            JoinConstraint::Using(names) => (using(names, &qualifier, &columns)?, merged(names)),
        };
        let width = relation.schema.fields().len();
        let schema = Sources::columns(&relation.schema, &qualifier, &columns, shape.outer, shape.span)?;
        // USING compares with what the names meant before.
        sources.join(&qualifier, columns, merged, shape.swapped, shape.span)?;
        let (scope, both_columns) = (sources.scope(context.registry()), Columns::named(&schema));
        // `t[…]` knows the table alone.
        let mut own = scope.clone();
        own.relations.retain(|r| r.qualifier.is_some_and(|q| q.eq_ignore_ascii_case(&qualifier)));
        let terms = [(written.pre_filter.as_ref(), own), (on.as_ref(), scope)].into_iter();
        let terms = terms.filter_map(|(sql, scope)| Some(context.condition(sql?, &scope, &both_columns)));
        let condition = conjunction(terms.collect::<Result<Vec<_>>>()?);
        let (probe, condition) = split(condition, width, table);
        let kind = if shape.outer { TableJoinKind::Left } else { TableJoinKind::Inner };
        let out = schema.clone();
        let make = |input: Node| {
            Node::TableJoin(Box::new(TableJoinNode {
                input,
                table: table.id,
                name: table.name.clone(),
                columns: table.schema.clone(),
                probe,
                condition,
                kind,
                schema: out,
            }))
        };
        let relation = relation
            .beside_table("a join with a table", schema, make)
            .map_err(|failure| failure.boxed(Some(shape.span)))?;
        Ok((relation, sources))
    }
}

/// `left.k = right.k` for every column of USING.
fn using(names: &[Name], qualifier: &str, columns: &SchemaRef) -> Result<Option<SqlExpr>> {
    let mut out: Option<SqlExpr> = None;
    for name in names {
        if !columns.fields().iter().any(|field| name.matches(field.name())) {
            let message = format!("`{qualifier}` has no column `{}`", name.text);
            let help = "USING names columns of both sides; write ON a.x = b.y";
            return Err(Box::new(Diagnostic::at(codes::UNKNOWN_COLUMN, name.span, message).help(help)));
        }
        let term = equal(unqualified(name), qualified(qualifier, name));
        out = Some(match out {
            None => term,
            Some(so_far) => both(so_far, term),
        });
    }
    Ok(out)
}

fn merged(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.text.clone()).collect()
}
