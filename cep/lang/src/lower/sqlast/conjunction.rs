//! Conditions taken apart and made.

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr};

use crate::ast::Name;

use super::identifier;

/// The terms of a conjunction.
pub(crate) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    if let Expr::Nested(inner) = expr {
        return conjuncts(inner);
    }
    if let Expr::BinaryOp { left, op: BinaryOperator::And, right } = expr {
        let mut terms = conjuncts(left);
        terms.extend(conjuncts(right));
        return terms;
    }
    vec![expr]
}

/// `left = right` of two resolved names, written as `at`.
pub(crate) fn equal(left: &str, right: &str, at: &Name) -> Expr {
    let column = |name: &str| identifier(&Name { text: name.to_owned(), span: at.span });
    Expr::BinaryOp { left: Box::new(column(left)), op: BinaryOperator::Eq, right: Box::new(column(right)) }
}
