//! IN (SELECT …) and EXISTS (SELECT …): what the parser made of them, taken apart.

use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{self as sql, Expr, Spanned, Visit, VisitMut, Visitor, VisitorMut};

use crate::lower::columns::marked;

use super::SqlExpr;

/// `SELECT item FROM table [alias] [WHERE filter]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableQuery<'a> {
    /// What is selected; `None`: `*`.
    pub item: Option<&'a SqlExpr>,
    /// The table.
    pub table: &'a sql::Ident,
    /// What it is called.
    pub alias: Option<&'a sql::Ident>,
    /// WHERE.
    pub filter: Option<&'a SqlExpr>,
}

impl<'a> TableQuery<'a> {
    /// The parts of `query`; `None` for any other query.
    pub(crate) fn of(query: &'a sql::Query) -> Option<Self> {
        let sql::SetExpr::Select(select) = query.body.as_ref() else { return None };
        let [sql::TableWithJoins { relation, joins: _none }] = select.from.as_slice() else { return None };
        let sql::TableFactor::Table {
            name,
            alias,
            args: _,
            with_hints: _,
            version: _,
            with_ordinality: _,
            partitions: _,
            json_path: _,
            sample: _,
            index_hints: _,
        } = relation
        else {
            return None;
        };
        let [item] = select.projection.as_slice() else { return None };
        let item = match item {
            sql::SelectItem::Wildcard(_options) => None,
            sql::SelectItem::UnnamedExpr(item) => Some(item),
            sql::SelectItem::ExprWithAlias { expr: _, alias: _ }
            | sql::SelectItem::ExprWithAliases { expr: _, aliases: _ }
            | sql::SelectItem::QualifiedWildcard(_, _) => return None,
        };
        let table = name.0.first()?.as_ident()?;
        let alias = alias.as_ref().map(|alias| &alias.name);
        Some(TableQuery { item, table, alias, filter: select.selection.as_ref() })
    }
}

/// Whether it is IN or EXISTS with a query.
pub(super) fn is_subquery(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::InSubquery { expr: _, subquery: _, negated: _ } | Expr::Exists { subquery: _, negated: _ }
    )
}

/// Whether a query is inside.
pub(crate) fn has_subquery(expr: &SqlExpr) -> bool {
    struct Finds;
    impl Visitor for Finds {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if is_subquery(expr) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    expr.visit(&mut Finds).is_break()
}

/// Names the column of an IN or EXISTS: it gets the whole, the value of IN, and the query.
pub(crate) type AskTable<'f, E> =
    dyn FnMut(&SqlExpr, Option<&SqlExpr>, TableQuery<'_>) -> Result<String, E> + 'f;

/// Replaces every IN and EXISTS in `expr` by the BOOL column that `column` names for it: it gets the
/// whole, the value of IN with nothing to replace in it any more, and the query.
///
/// # Errors
/// The first error of `column`.
pub(crate) fn replace_subqueries<E>(expr: &mut SqlExpr, column: &mut AskTable<'_, E>) -> Result<(), E> {
    struct Replaces<'a, 'f, E> {
        column: &'a mut AskTable<'f, E>,
    }
    impl<E> VisitorMut for Replaces<'_, '_, E> {
        type Break = E;
        fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<E> {
            let whole = expr.clone();
            let (value, query, negated) =
                if let Expr::InSubquery { expr: value, subquery, negated } = &mut *expr {
                    if let Err(error) = replace_subqueries(value, self.column) {
                        return ControlFlow::Break(error);
                    }
                    (Some(&**value), subquery, *negated)
                } else if let Expr::Exists { subquery, negated } = &mut *expr {
                    (None, subquery, *negated)
                } else {
                    return ControlFlow::Continue(());
                };
            let query = TableQuery::of(query).expect("the parser makes no other query");
            match (self.column)(&whole, value, query) {
                Ok(name) => {
                    let ident =
                        sql::Ident { value: marked(&name), quote_style: Some('"'), span: whole.span() };
                    let column = Expr::Nested(Box::new(Expr::Identifier(ident)));
                    *expr = match negated {
                        true => Expr::Nested(Box::new(Expr::UnaryOp {
                            op: sql::UnaryOperator::Not,
                            expr: Box::new(column),
                        })),
                        false => column,
                    };
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(error),
            }
        }
    }
    match VisitMut::visit(expr, &mut Replaces { column }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// The expressions of a select item.
pub(crate) fn exprs_of(item: &sql::SelectItem) -> Option<&SqlExpr> {
    match item {
        sql::SelectItem::UnnamedExpr(expr) | sql::SelectItem::ExprWithAlias { expr, alias: _ } => Some(expr),
        sql::SelectItem::ExprWithAliases { expr: _, aliases: _ }
        | sql::SelectItem::QualifiedWildcard(_, _)
        | sql::SelectItem::Wildcard(_) => None,
    }
}

/// Gives an item with a query in it the name that it has as it is written; whether there is one.
pub(crate) fn named_item(item: &mut sql::SelectItem) -> bool {
    let has = exprs_of(item).is_some_and(has_subquery);
    if let sql::SelectItem::UnnamedExpr(expr) = item
        && has
    {
        let alias = sql::Ident { value: expr.to_string(), quote_style: Some('"'), span: expr.span() };
        *item = sql::SelectItem::ExprWithAlias { expr: expr.clone(), alias };
    }
    has
}
