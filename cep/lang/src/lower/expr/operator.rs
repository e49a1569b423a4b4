//! Binary operators.

use datafusion_expr::{BinaryExpr, Expr as Typed, Operator};

use crate::diag::codes;
use crate::plan::{BinaryOp, Expr, ExprKind};

use super::{Conversion, Converted, Failure, joined};

impl Conversion<'_> {
    pub(super) fn binary(&self, typed: &Typed, binary: &BinaryExpr) -> Converted {
        // Chains of one operator lean to the left and may be long; take them without recursion.
        let mut chain = vec![(typed, binary)];
        let mut innermost = binary;
        while let Typed::BinaryExpr(inner) = innermost.left.as_ref() {
            chain.push((innermost.left.as_ref(), inner));
            innermost = inner;
        }
        let mut left = self.expr(&innermost.left)?;
        for (whole, step) in chain.into_iter().rev() {
            left = self.step(whole, left, step)?;
        }
        Ok(left)
    }

    /// `left op right`, where `left` is `binary.left` converted.
    fn step(&self, whole: &Typed, left: Expr, binary: &BinaryExpr) -> Converted {
        let BinaryExpr { left: left_typed, op, right } = binary;
        let op = match op {
            Operator::Eq => BinaryOp::Eq,
            Operator::NotEq => BinaryOp::NotEq,
            Operator::Lt => BinaryOp::Lt,
            Operator::LtEq => BinaryOp::LtEq,
            Operator::Gt => BinaryOp::Gt,
            Operator::GtEq => BinaryOp::GtEq,
            Operator::Plus => BinaryOp::Add,
            Operator::Minus => BinaryOp::Sub,
            Operator::Multiply => BinaryOp::Mul,
            Operator::Divide => BinaryOp::Div,
            Operator::Modulo => BinaryOp::Mod,
            Operator::And => BinaryOp::And,
            Operator::Or => BinaryOp::Or,
            Operator::IsDistinctFrom => BinaryOp::IsDistinct,
            Operator::IsNotDistinctFrom => BinaryOp::IsNotDistinct,
            Operator::RegexMatch => BinaryOp::RegexMatch,
            Operator::RegexIMatch => BinaryOp::RegexIMatch,
            Operator::RegexNotMatch => BinaryOp::RegexNotMatch,
            Operator::RegexNotIMatch => BinaryOp::RegexNotIMatch,
            Operator::LikeMatch => return self.like_parts(left_typed, right, false, false, None),
            Operator::ILikeMatch => return self.like_parts(left_typed, right, false, true, None),
            Operator::NotLikeMatch => return self.like_parts(left_typed, right, true, false, None),
            Operator::NotILikeMatch => return self.like_parts(left_typed, right, true, true, None),
            Operator::BitwiseAnd => BinaryOp::BitAnd,
            Operator::BitwiseOr => BinaryOp::BitOr,
            Operator::BitwiseXor => BinaryOp::BitXor,
            Operator::BitwiseShiftLeft => BinaryOp::ShiftLeft,
            Operator::BitwiseShiftRight => BinaryOp::ShiftRight,
            Operator::StringConcat => BinaryOp::Concat,
            Operator::AtArrow
            | Operator::ArrowAt
            | Operator::Arrow
            | Operator::LongArrow
            | Operator::HashArrow
            | Operator::HashLongArrow
            | Operator::AtAt
            | Operator::IntegerDivide
            | Operator::HashMinus
            | Operator::AtQuestion
            | Operator::Question
            | Operator::QuestionAnd
            | Operator::QuestionPipe
            | Operator::Colon => {
                return Err(Failure::new(
                    codes::OPERATOR,
                    format!("the operator `{op}` is not supported for these operands"),
                    "SHOW FUNCTIONS lists what can be called instead",
                )
                .at(left.span));
            }
        };
        let right = self.expr(right)?;
        let total = matches!(op, BinaryOp::IsDistinct | BinaryOp::IsNotDistinct);
        let nullable = !total && (left.nullable || right.nullable);
        let span = joined(left.span, right.span);
        let data_type = self.type_of(whole)?;
        Ok(Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), data_type, nullable, span })
    }
}
