//! Operators.

use datafusion_sql::sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator};

use crate::diag::codes;

use super::{Checked, refuse};

fn no_operator(node: &Expr, op: &str, help: &str) -> Checked {
    Err(refuse(codes::OPERATOR, node.span(), format!("the operator `{op}` is not supported"), help))
}

/// Checks the operator of `node`.
#[rustfmt::skip]
pub(super) fn binary(node: &Expr, op: &BinaryOperator) -> Checked {
    let no = |help: &str| no_operator(node, &op.to_string(), help);
    match op {
        BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply | BinaryOperator::Divide
        | BinaryOperator::Modulo | BinaryOperator::StringConcat
        | BinaryOperator::Gt | BinaryOperator::Lt | BinaryOperator::GtEq | BinaryOperator::LtEq
        | BinaryOperator::Eq | BinaryOperator::NotEq | BinaryOperator::And | BinaryOperator::Or
        | BinaryOperator::BitwiseOr | BinaryOperator::BitwiseAnd | BinaryOperator::BitwiseXor
        | BinaryOperator::PGBitwiseShiftLeft | BinaryOperator::PGBitwiseShiftRight
        | BinaryOperator::PGRegexMatch | BinaryOperator::PGRegexIMatch
        | BinaryOperator::PGRegexNotMatch | BinaryOperator::PGRegexNotIMatch
        | BinaryOperator::PGLikeMatch | BinaryOperator::PGILikeMatch
        | BinaryOperator::PGNotLikeMatch | BinaryOperator::PGNotILikeMatch
        | BinaryOperator::Arrow | BinaryOperator::LongArrow
        | BinaryOperator::AtArrow | BinaryOperator::ArrowAt => Ok(()),
        BinaryOperator::Spaceship => no("write IS NOT DISTINCT FROM"),
        BinaryOperator::Xor => no("write a <> b for conditions, a ^ b for integers"),
        BinaryOperator::DuckIntegerDivide | BinaryOperator::MyIntegerDivide => no("`/` divides integers without a rest"),
        BinaryOperator::Match | BinaryOperator::Regexp => no("write x ~ 'pattern'"),
        BinaryOperator::PGBitwiseXor => no("write a ^ b"),
        BinaryOperator::PGExp => no("write power(a, b)"),
        BinaryOperator::PGOverlap => no("write array_has_any(a, b)"),
        BinaryOperator::PGStartsWith => no("write starts_with(text, prefix)"),
        BinaryOperator::HashArrow | BinaryOperator::HashLongArrow => no("chain `->` and end with `->>`: payload->'a'->>'b'"),
        BinaryOperator::Overlaps => no("compare the ends: a_start < b_end AND b_start < a_end"),
        BinaryOperator::Assignment => no("write `=` to compare, `=>` to name an argument"),
        BinaryOperator::AtAt | BinaryOperator::AtQuestion | BinaryOperator::Question
        | BinaryOperator::QuestionAnd | BinaryOperator::QuestionPipe | BinaryOperator::HashMinus => no("use `->` and `->>` on JSON"),
        BinaryOperator::Custom(_symbol) => no("use a function"),
        BinaryOperator::PGCustomBinaryOperator(_names) => no("use a function"),
        BinaryOperator::DoubleHash | BinaryOperator::LtDashGt | BinaryOperator::AndLt | BinaryOperator::AndGt
        | BinaryOperator::LtLtPipe | BinaryOperator::PipeGtGt | BinaryOperator::AndLtPipe | BinaryOperator::PipeAndGt
        | BinaryOperator::LtCaret | BinaryOperator::GtCaret | BinaryOperator::QuestionHash | BinaryOperator::QuestionDash
        | BinaryOperator::QuestionDashPipe | BinaryOperator::QuestionDoublePipe | BinaryOperator::At
        | BinaryOperator::TildeEq => no("there are no geometric types"),
    }
}

/// Checks the operator of `node`.
#[rustfmt::skip]
pub(super) fn unary(node: &Expr, op: &UnaryOperator) -> Checked {
    let no = |help: &str| no_operator(node, &op.to_string(), help);
    match op {
        UnaryOperator::Plus | UnaryOperator::Minus | UnaryOperator::Not => Ok(()),
        UnaryOperator::BangNot => no("write NOT"),
        UnaryOperator::BitwiseNot => no("write bitnot(x)"),
        UnaryOperator::PGAbs => no("write abs(x)"),
        UnaryOperator::PGCubeRoot => no("write cbrt(x)"),
        UnaryOperator::PGSquareRoot => no("write sqrt(x)"),
        UnaryOperator::PGPostfixFactorial | UnaryOperator::PGPrefixFactorial => no("write factorial(x)"),
        UnaryOperator::AtDashAt | UnaryOperator::DoubleAt | UnaryOperator::Hash
        | UnaryOperator::QuestionDash | UnaryOperator::QuestionPipe => no("there are no geometric types"),
    }
}
