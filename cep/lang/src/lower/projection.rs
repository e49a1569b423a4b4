//! Projections over projections as one.

use arrow_schema::SchemaRef;

use crate::plan::{Expr, ExprKind, NamedExpr, Node};

/// `exprs` over `input`, as one node where nothing is computed twice and no error is lost.
pub(crate) fn project(input: Node, exprs: Vec<NamedExpr>, schema: SchemaRef) -> Node {
    match input {
        Node::Project { input, exprs: inner, schema: _ } if can_merge(&exprs, &inner) => {
            Node::Project { input, exprs: merged(exprs, &inner), schema }
        }
        input => Node::Project { input: Box::new(input), exprs, schema },
    }
}

/// Whether each column that is computed below is used once.
pub(crate) fn can_merge(outer: &[NamedExpr], inner: &[NamedExpr]) -> bool {
    let mut uses = vec![0_usize; inner.len()];
    for named in outer {
        named.expr.walk(&mut |expr| {
            if let ExprKind::Column(index) = expr.kind {
                uses[index] += 1;
            }
        });
    }
    let is_free = |expr: &Expr| matches!(expr.kind, ExprKind::Column(_) | ExprKind::Literal(_));
    // A branch that is not taken must not save an operand from failing.
    let computes = inner.iter().any(|named| !is_free(&named.expr));
    let conditional = |named: &NamedExpr| {
        let mut found = false;
        named.expr.walk(&mut |expr| {
            found |= matches!(
                expr.kind,
                ExprKind::Case { .. }
                    | ExprKind::Binary(crate::plan::BinaryOp::And | crate::plan::BinaryOp::Or, _, _)
            );
        });
        found
    };
    inner.iter().zip(&uses).all(|(named, uses)| is_free(&named.expr) || *uses == 1)
        && !(computes && outer.iter().any(conditional))
}

/// `outer` with the columns of `inner` replaced by what computes them.
pub(crate) fn merged(mut outer: Vec<NamedExpr>, inner: &[NamedExpr]) -> Vec<NamedExpr> {
    for named in &mut outer {
        replace(&mut named.expr, inner);
    }
    outer
}

fn replace(expr: &mut Expr, inner: &[NamedExpr]) {
    if let ExprKind::Column(index) = expr.kind {
        let span = expr.span;
        *expr = inner[index].expr.clone();
        expr.span = span.or(expr.span);
        return;
    }
    expr.children_mut().into_iter().for_each(|child| replace(child, inner));
}

#[cfg(test)]
mod tests {
    use arrow_schema::DataType;
    use datafusion_common::ScalarValue;

    use super::*;
    use crate::plan::{BinaryOp, UnaryOp};

    fn column(index: usize) -> Expr {
        Expr::column(index, DataType::Int64, true)
    }

    fn named(expr: Expr) -> NamedExpr {
        NamedExpr { name: "x".into(), expr }
    }

    fn minus(expr: Expr) -> Expr {
        Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(expr)), ..column(0) }
    }

    fn sum(a: Expr, b: Expr) -> Expr {
        Expr { kind: ExprKind::Binary(BinaryOp::Add, Box::new(a), Box::new(b)), ..column(0) }
    }

    #[test]
    fn columns_and_what_is_used_once_are_merged() {
        let inner = [named(minus(column(3))), named(column(1))];
        assert!(can_merge(&[named(sum(column(0), column(1))), named(column(1))], &inner));
        let out = merged(vec![named(sum(column(0), column(1)))], &inner);
        assert_eq!(format!("{:?}", out[0].expr.kind), format!("{:?}", sum(minus(column(3)), column(1)).kind));
    }

    #[test]
    fn what_is_used_twice_or_never_is_computed_once() {
        let inner = [named(minus(column(3)))];
        assert!(!can_merge(&[named(sum(column(0), column(0)))], &inner));
        let literal = Expr { kind: ExprKind::Literal(ScalarValue::Int64(Some(1))), ..column(0) };
        assert!(!can_merge(&[named(literal)], &inner), "its error would be lost");
    }

    #[test]
    fn a_branch_does_not_hide_an_error() {
        let inner = [named(minus(column(3)))];
        let condition = Expr { kind: ExprKind::Literal(ScalarValue::Boolean(Some(false))), ..column(0) };
        let branches = vec![(condition, column(0))];
        let case = Expr { kind: ExprKind::Case { branches, otherwise: None }, ..column(0) };
        assert!(!can_merge(&[named(case)], &inner));
    }
}
