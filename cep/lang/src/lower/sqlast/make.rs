//! Expressions that the compiler writes itself, where SQL has a shorter form.

use datafusion_sql::sqlparser::ast::{self as sql, Expr};

use crate::ast::Name;

fn binary(left: Expr, op: sql::BinaryOperator, right: Expr) -> Expr {
    let nested = |expr| Box::new(Expr::Nested(Box::new(expr)));
    Expr::BinaryOp { left: nested(left), op, right: nested(right) }
}

/// `left AND right`.
pub(crate) fn both(left: Expr, right: Expr) -> Expr {
    binary(left, sql::BinaryOperator::And, right)
}

/// `left = right`.
pub(crate) fn equal(left: Expr, right: Expr) -> Expr {
    binary(left, sql::BinaryOperator::Eq, right)
}

/// A column by its name alone.
pub(crate) fn unqualified(name: &Name) -> Expr {
    Expr::Identifier(sql::Ident::with_quote('"', name.text.clone()))
}

/// A column of a relation.
pub(crate) fn qualified(relation: &str, name: &Name) -> Expr {
    let part = |text: &str| sql::Ident::with_quote('"', text);
    Expr::CompoundIdentifier(vec![part(relation), part(&name.text)])
}
