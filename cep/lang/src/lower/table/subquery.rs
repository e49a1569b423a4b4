//! IN (SELECT …) and EXISTS (SELECT …): a BOOL column beside each row, made before the SELECT.

use std::sync::Arc;

use arrow_schema::{DataType, Field, SchemaRef};

use crate::ast::{Name, Select, Span};
use crate::diag::{Diagnostic, Result, codes};
use crate::lower::catalog::Object;
use crate::lower::columns::{Columns, MARK, extended, marked};
use crate::lower::context::Context;
use crate::lower::join::Names;
use crate::lower::relation::Relation;
use crate::lower::sqlast::{
    Scope, SqlExpr, SqlSelectItem, TableQuery, equality, exprs_of, has_subquery, named_item,
    replace_subqueries,
};
use crate::plan::{Node, Probe, Table, TableJoinKind, TableJoinNode};

use super::probe::{conjunction, split};

/// The SELECT without queries in its expressions, and its relation with their answers beside each row.
///
/// # Errors
/// What is no table, a relation that holds rows back, conditions that are none.
pub(crate) fn without_subqueries(
    context: &Context<'_>,
    select: &Select,
    relation: Relation,
    names: Names<'_>,
) -> Result<(Option<Select>, Relation)> {
    let exprs = select.filter.iter().chain(select.items.iter().flat_map(exprs_of));
    if !exprs.into_iter().any(has_subquery) {
        return Ok((None, relation));
    }
    let mut select = select.clone();
    let outer = relation.schema.clone();
    let mut answers = Answers { context, names, outer: &outer, relation, count: 0 };
    if let Some(filter) = &mut select.filter {
        answers.replace(filter)?;
    }
    for item in &mut select.items {
        // Under the name that it has as it was written.
        let replaced = named_item(item);
        if let SqlSelectItem::ExprWithAlias { expr, alias: _ } | SqlSelectItem::UnnamedExpr(expr) = item
            && replaced
        {
            answers.replace(expr)?;
        }
    }
    Ok((Some(select), answers.relation))
}

struct Answers<'a> {
    context: &'a Context<'a>,
    names: Names<'a>,
    /// The columns around, without answers.
    outer: &'a SchemaRef,
    relation: Relation,
    count: usize,
}

impl<'a> Answers<'a> {
    fn replace(&mut self, expr: &mut SqlExpr) -> Result<()> {
        replace_subqueries(expr, &mut |whole, value, query| self.add(whole, value, query))
    }

    /// Adds the column that answers a query; its name.
    fn add(&mut self, whole: &SqlExpr, value: Option<&SqlExpr>, query: TableQuery<'_>) -> Result<String> {
        let span = self.context.places.of(whole).unwrap_or_default();
        let table = self.table(&query, span)?;
        self.context.uses(&table.name);
        let qualifier = query.alias.map_or(&table.name, |alias| &alias.value);
        let input = self.relation.schema.clone();
        // The table's own names hide those around it.
        let inside = format!("{MARK}{qualifier}");
        let prefix = format!("{inside}.");
        let around = self.names.columns(&input);
        let around = (0..input.fields().len()).map(|at| around.planner().field(at).name().clone());
        let own = table.schema.fields().iter().map(|field| marked(&format!("{prefix}{}", field.name())));
        let both = extended(&input, table.schema.fields().iter().cloned());
        let columns = Columns::with_names(&both, around.chain(own).collect());
        let mut scope = self.names.scope(self.outer, self.context);
        scope.relations.iter_mut().for_each(|relation| relation.outer = true);
        scope.joined = true;
        scope.relations.insert(0, Scope::relation(qualifier, &table.schema, &prefix));
        let condition = |sql: &SqlExpr, scope: &Scope<'_>| self.context.condition(sql, scope, &columns);
        let filter = query.filter.map(|filter| condition(filter, &scope)).transpose()?;
        let (probe, filter, kind) = match (value, query.item) {
            (None, item) => {
                // What EXISTS selects counts for nothing but must have a meaning.
                item.map(|item| self.context.scalar(item, &scope, &columns)).transpose()?;
                let (probe, filter) = split(filter, input.fields().len(), table);
                (probe, filter, TableJoinKind::Exists)
            }
            (Some(_), None) => return Err(one_column(table, span)),
            (Some(value), Some(item)) => {
                let outer = self.names.scope(self.outer, self.context);
                let value = self.context.resolved(value, &outer)?;
                let item = self.context.resolved(item, &scope)?;
                let equal = condition(&equality(item, value), &scope)?;
                let width = input.fields().len();
                if !equal.nullable {
                    // Without NULLs IN is EXISTS, and may be found by key.
                    let (probe, filter) = split(conjunction(vec_of(Some(equal), filter)), width, table);
                    (probe, filter, TableJoinKind::Exists)
                } else {
                    // A column without NULLs is found by its index; a NULL value looks at every row.
                    let column = |at: usize| !table.schema.field(at).is_nullable();
                    let (probe, rest) = split(Some(equal.clone()), width, table);
                    let found = match &probe {
                        Probe::Key(_) => table.key.iter().all(|&at| column(at)),
                        Probe::Index { index, .. } => table.indexes[*index].iter().all(|&at| column(at)),
                        Probe::Scan => false,
                    };
                    let by_value = found && rest.is_none();
                    let (probe, filter) =
                        if by_value { (probe, filter) } else { split(filter, width, table) };
                    (probe, filter, TableJoinKind::In { equal, by_value })
                }
            }
        };
        let name = format!("{MARK}is{}", self.count);
        self.count += 1;
        let nullable = matches!(kind, TableJoinKind::In { .. });
        let schema = extended(&input, [Arc::new(Field::new(&name, DataType::Boolean, nullable))]);
        let (table_id, table_name, columns) = (table.id, table.name.clone(), table.schema.clone());
        let out = schema.clone();
        let make = |input: Node| {
            Node::TableJoin(Box::new(TableJoinNode {
                table: table_id,
                name: table_name,
                columns,
                probe,
                condition: filter,
                kind,
                kept: (0..input.schema().fields().len()).collect(),
                input,
                schema: out,
            }))
        };
        let what = if value.is_some() { "IN (SELECT …)" } else { "EXISTS (SELECT …)" };
        self.relation = self
            .relation
            .taken()
            .beside_table(what, schema, make)
            .map_err(|failure| failure.boxed(Some(span)))?;
        Ok(name)
    }

    fn table(&self, query: &TableQuery<'_>, span: Span) -> Result<&'a Table> {
        let context: &'a Context<'a> = self.context;
        let place = context.places.at(query.table.span).unwrap_or(span);
        let name = Name { text: query.table.value.clone(), span: place };
        match context.catalog.get(&name)? {
            Object::Table(at) => Ok(&context.catalog.tables[at].table),
            other => {
                let message = format!(
                    "`{}` is {}, and a query inside an expression reads a table",
                    name.text,
                    other.kind()
                );
                let help = "keep its rows in a table: CREATE TABLE t (…); INSERT INTO t SELECT …";
                Err(Box::new(Diagnostic::at(codes::SUBQUERY, name.span, message).help(help)))
            }
        }
    }
}

fn vec_of<T>(first: Option<T>, second: Option<T>) -> Vec<T> {
    first.into_iter().chain(second).collect()
}

fn one_column(table: &Table, span: Span) -> Box<Diagnostic> {
    let columns: Vec<&str> = table.schema.fields().iter().map(|f| f.name().as_str()).collect();
    let message = "IN compares with one column";
    let help = format!("name it: IN (SELECT {} FROM {})", columns.first().unwrap_or(&"c"), table.name);
    Box::new(Diagnostic::at(codes::SUBQUERY, span, message).help(help))
}
