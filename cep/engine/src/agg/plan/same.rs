//! Structural equality of expressions, for sharing inputs.

use cep_lang::plan::{Expr, ExprKind};

/// Whether `a` and `b` compute the same value; where they were written does not matter.
pub(crate) fn same(a: &Expr, b: &Expr) -> bool {
    let Expr { kind: left, data_type: left_type, nullable: _, span: _ } = a;
    let Expr { kind: right, data_type: right_type, nullable: _, span: _ } = b;
    left_type == right_type && same_kind(left, right)
}

fn same_kind(a: &ExprKind, b: &ExprKind) -> bool {
    match (a, b) {
        (ExprKind::Column(a), ExprKind::Column(b)) => a == b,
        (ExprKind::Literal(a), ExprKind::Literal(b)) => a == b,
        (ExprKind::Binary(o, l, r), ExprKind::Binary(p, m, s)) => o == p && same(l, m) && same(r, s),
        (ExprKind::Unary(o, a), ExprKind::Unary(p, b)) => o == p && same(a, b),
        (ExprKind::Case { branches: a, otherwise: x }, ExprKind::Case { branches: b, otherwise: y }) => {
            let both = |(c, v): (&(Expr, Expr), &(Expr, Expr))| same(&c.0, &v.0) && same(&c.1, &v.1);
            let tail = match (x, y) {
                (None, None) => true,
                (Some(x), Some(y)) => same(x, y),
                _ => false,
            };
            tail && a.len() == b.len() && a.iter().zip(b).all(both)
        }
        (ExprKind::Cast { input: a, safe: s }, ExprKind::Cast { input: b, safe: t }) => s == t && same(a, b),
        (
            ExprKind::Like { input: a, pattern: p, negated: n, case_insensitive: i, escape: e },
            ExprKind::Like { input: b, pattern: q, negated: m, case_insensitive: j, escape: f },
        ) => n == m && i == j && e == f && same(a, b) && same(p, q),
        (
            ExprKind::InList { input: a, list: x, negated: n },
            ExprKind::InList { input: b, list: y, negated: m },
        ) => n == m && same(a, b) && same_list(x, y),
        (
            ExprKind::Call { function: f, args: a, field: r },
            ExprKind::Call { function: g, args: b, field: s },
        ) => f == g && r == s && same_list(a, b),
        (ExprKind::Stamp, ExprKind::Stamp) | (ExprKind::EventTime, ExprKind::EventTime) => true,
        _ => false,
    }
}

fn same_list(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}
