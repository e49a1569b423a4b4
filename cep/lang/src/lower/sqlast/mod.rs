//! A walk over every `sqlparser` node that the parser delegates, refusing whatever the planner
//! would ignore or cannot do, with the node's place.
//!
//! Invariant: every struct is taken apart field by field and every enum variant by variant, so a
//! new `sqlparser` release that adds one does not compile until someone decides about it.

mod captures;
mod conjunction;
mod expr;
mod function;
mod items;
mod make;
mod matched;
mod number;
mod operator;
mod resolve;
mod select;
mod subquery;
mod types;
mod user_function;
mod value;

use datafusion_sql::sqlparser::ast::{self as sql, Spanned};
use datafusion_sql::sqlparser::tokenizer;

use crate::diag::{Diagnostic, codes};
use crate::sql::{EXPR_DEPTH_MAX, Locations};

pub(crate) use captures::{Captures, take_captures};
pub(crate) use conjunction::{conjuncts, equal};
pub use function::{FunctionClause, function_clauses};
pub(crate) use items::{
    Item, by_position, expand, frame_ahead, ordering, parts_of, span_of, string_literal, text_of,
};
pub(crate) use make::equality;
pub(crate) use matched::{At, Bound, Form, MatchNames, and, bind, named_items, with_aliases};
pub use number::{identifier, number, row_count};
pub(crate) use resolve::{Relation, Relation as ScopeRelation, Scope};
pub(crate) use subquery::{TableQuery, exprs_of, has_subquery, named_item, replace_subqueries};
pub use types::{ColumnType, column_type};
pub(crate) use user_function::{UserFunction, calls, check_arguments, expand_calls};

/// A node that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where, in `sqlparser`'s lines and columns; empty when it is not known.
    pub span: tokenizer::Span,
    /// What to write instead.
    pub help: Option<String>,
}

impl Refusal {
    /// The refusal as a diagnostic of the script that `locations` indexes.
    pub fn diagnostic(self, locations: &Locations<'_>) -> Diagnostic {
        Diagnostic {
            code: self.code,
            message: self.message,
            span: locations.span(self.span),
            help: self.help,
        }
    }
}

/// What the checks return.
pub type Checked = std::result::Result<(), Box<Refusal>>;

fn refuse(
    code: &'static str,
    span: tokenizer::Span,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Box<Refusal> {
    Box::new(Refusal { code, message: message.into(), span, help: Some(help.into()) })
}

/// Checks an expression with everything in it.
///
/// # Errors
/// The first node, in reading order, that is refused; an expression deeper than
/// [`EXPR_DEPTH_MAX`].
pub fn check_expr(expr: &sql::Expr) -> Checked {
    Walk::default().expr(expr)
}

/// Checks an expression over the rows of a match, where `count(x.*)` counts rows.
///
/// # Errors
/// As [`check_expr`].
pub fn check_match_expr(expr: &sql::Expr) -> Checked {
    Walk { in_match: true, ..Walk::default() }.expr(expr)
}

/// Checks a select item.
///
/// # Errors
/// As [`check_expr`], and wildcard options that have no meaning here.
pub fn check_select_item(item: &sql::SelectItem) -> Checked {
    Walk::default().select_item(item)
}

/// Checks an ORDER BY item.
///
/// # Errors
/// As [`check_expr`], and `WITH FILL`.
pub fn check_order_by(item: &sql::OrderByExpr) -> Checked {
    Walk::default().order_by(item)
}

/// Checks one definition of a WINDOW clause.
///
/// # Errors
/// As [`check_expr`], and windows that extend other windows.
pub fn check_named_window(window: &sql::NamedWindowDefinition) -> Checked {
    Walk::default().named_window(window)
}

/// The walk: how deep it is, and where.
#[derive(Default)]
struct Walk {
    depth: usize,
    /// Over the rows of a match.
    in_match: bool,
}

impl Walk {
    /// Runs `inside` one level deeper.
    fn deeper(&mut self, expr: &sql::Expr, inside: impl FnOnce(&mut Self) -> Checked) -> Checked {
        if self.depth == EXPR_DEPTH_MAX {
            return Err(refuse(
                codes::TOO_DEEP,
                expr.span(),
                format!("expressions nest at most {EXPR_DEPTH_MAX} levels deep"),
                "compute parts of it in a view or a common table expression",
            ));
        }
        self.depth += 1;
        let outcome = inside(self);
        self.depth -= 1;
        outcome
    }

    fn exprs(&mut self, exprs: &[sql::Expr]) -> Checked {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn optional(&mut self, expr: Option<&sql::Expr>) -> Checked {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }
}

/// Refuses names in single quotes and empty ones.
fn ident(ident: &sql::Ident) -> Checked {
    let sql::Ident { value, quote_style, span } = ident;
    if *quote_style == Some('\'') {
        return Err(refuse(
            codes::NAME,
            *span,
            format!("a name stands here, not the string '{value}'"),
            format!("names take double quotes: \"{value}\""),
        ));
    }
    if value.is_empty() {
        return Err(refuse(codes::NAME, *span, "a name cannot be empty", "give it at least one character"));
    }
    Ok(())
}

/// The only part of an object name, which must be an identifier.
fn single_name<'a>(name: &'a sql::ObjectName, what: &str) -> Result<&'a sql::Ident, Box<Refusal>> {
    let sql::ObjectName(parts) = name;
    if let [sql::ObjectNamePart::Identifier(part)] = parts.as_slice() {
        ident(part)?;
        return Ok(part);
    }
    debug_assert!(!parts.is_empty(), "object names have parts");
    Err(refuse(
        codes::NAME,
        name.span(),
        format!("{what} has one part, not `{name}`"),
        "there are no databases or schemas",
    ))
}

/// An expression of the script; only this folder takes it apart.
pub(crate) type SqlExpr = sql::Expr;
/// An item of a select list.
pub(crate) type SqlSelectItem = sql::SelectItem;
/// A type of the script.
pub(crate) type SqlType = sql::DataType;
/// An ORDER BY item of the script.
pub(crate) type SqlOrderBy = sql::OrderByExpr;
