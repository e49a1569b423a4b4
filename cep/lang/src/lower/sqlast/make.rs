//! Expressions that the compiler writes itself, where SQL has a shorter form.

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr};

/// `left = right`.
pub(crate) fn equality(left: Expr, right: Expr) -> Expr {
    let nested = |expr| Box::new(Expr::Nested(Box::new(expr)));
    Expr::BinaryOp { left: nested(left), op: BinaryOperator::Eq, right: nested(right) }
}
