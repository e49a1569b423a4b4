//! Operators of one and two operands, and casts.

use arrow_schema::{DataType, TimeUnit};
use cep_lang::plan::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::{Builder, Compiler, comparison, unsupported};
use crate::expr::ExprError;
use crate::expr::decimal::DecimalOp;
use crate::expr::foreign::ForeignOp;
use crate::expr::kernel::cast::{CastOp, plain_text};
use crate::expr::kernel::pattern::PatternKind;
use crate::expr::ops::{ArithOp, BitOp, CmpOp};
use crate::expr::predicate::is_native;
use crate::expr::program::{Num, Op, Operand, Test};
use crate::expr::temporal::TemporalOp;

impl Compiler {
    pub(super) fn binary(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        op: BinaryOp,
        left: &Expr,
        right: &Expr,
    ) -> Result<Operand, ExprError> {
        let (l, r) = (self.operand(b, left)?, self.operand(b, right)?);
        let distinct = matches!(op, BinaryOp::IsDistinct | BinaryOp::IsNotDistinct);
        let untyped = |e: &Expr| e.data_type == DataType::Null;
        if !distinct && (untyped(left) || untyped(right)) {
            // Both sides have run, for their errors.
            return self.null(&expr.data_type);
        }
        if let Some(op) = comparison(op) {
            return self.comparison(b, op, (l, left), (r, right));
        }
        if let Some(op) = arithmetic(op) {
            return self.arithmetic(b, expr, op, (l, left), (r, right));
        }
        if distinct {
            return self.distinct(b, op == BinaryOp::IsNotDistinct, (l, left), (r, right));
        }
        if let Some((kind, negated)) = regex_operator(op) {
            return self.matching(b, (kind, negated), ("~", left, right), (l, r));
        }
        if let Some((op, symbol)) = bit_operator(op) {
            return match number(&left.data_type) {
                Some(num @ (Num::I32 | Num::I64))
                    if left.data_type == right.data_type && left.data_type == expr.data_type =>
                {
                    Ok(self.push(b, Op::Bits(op, num), vec![l, r], &expr.data_type))
                }
                _ => Err(unsupported(symbol, &[left, right])),
            };
        }
        unreachable!("AND, OR and || are chains, all others are dealt with")
    }

    fn comparison(
        &mut self,
        b: &mut Builder,
        op: CmpOp,
        (l, left): (Operand, &Expr),
        (r, right): (Operand, &Expr),
    ) -> Result<Operand, ExprError> {
        if same_values(&left.data_type, &right.data_type) && is_native(&left.data_type) {
            // Kernels want the constant on the right.
            let (op, args) = match l {
                Operand::Const(_) => (op.flipped(), vec![r, l]),
                _ => (op, vec![l, r]),
            };
            return Ok(self.push(b, Op::Compare(op), args, &DataType::Boolean));
        }
        let names = ("comparison", &[left, right][..]);
        if left.data_type != right.data_type {
            return Err(unsupported(names.0, names.1));
        }
        self.foreign(b, ForeignOp::Compare(op), vec![l, r], names, &DataType::Boolean)
    }

    fn distinct(
        &mut self,
        b: &mut Builder,
        negated: bool,
        (l, left): (Operand, &Expr),
        (r, right): (Operand, &Expr),
    ) -> Result<Operand, ExprError> {
        if left.data_type == DataType::Null || right.data_type == DataType::Null {
            // Distinct from NULL is being a value.
            let other = if left.data_type == DataType::Null { r } else { l };
            let op = Op::Is { test: Test::Null, negated: !negated };
            return Ok(self.push(b, op, vec![other], &DataType::Boolean));
        }
        if same_values(&left.data_type, &right.data_type) && is_native(&left.data_type) {
            return Ok(self.push(b, Op::Distinct { negated }, vec![l, r], &DataType::Boolean));
        }
        let names = ("IS DISTINCT FROM", &[left, right][..]);
        if left.data_type != right.data_type {
            return Err(unsupported(names.0, names.1));
        }
        self.foreign(b, ForeignOp::Distinct { negated }, vec![l, r], names, &DataType::Boolean)
    }

    fn arithmetic(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        op: ArithOp,
        (l, left): (Operand, &Expr),
        (r, right): (Operand, &Expr),
    ) -> Result<Operand, ExprError> {
        let types = (&left.data_type, &right.data_type, &expr.data_type);
        if let Some(num) = number(types.0)
            && types.0 == types.1
            && types.0 == types.2
        {
            return Ok(self.push(b, Op::Arith(op, num), vec![l, r], &expr.data_type));
        }
        if let Some(decimal) = DecimalOp::find(op, types.0, types.1, types.2) {
            return Ok(self.push(b, Op::Decimal(decimal), vec![l, r], &expr.data_type));
        }
        if let Some((temporal, flipped)) = TemporalOp::find(op, types.0, types.1, types.2) {
            let args = if flipped { vec![r, l] } else { vec![l, r] };
            return Ok(self.push(b, Op::Temporal(temporal), args, &expr.data_type));
        }
        self.foreign(b, ForeignOp::Arith(op), vec![l, r], (op.symbol(), &[left, right]), &expr.data_type)
    }

    pub(super) fn unary(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        op: UnaryOp,
        input: &Expr,
    ) -> Result<Operand, ExprError> {
        let mut operand = self.operand(b, input)?;
        let (test, negated) = match op {
            UnaryOp::Neg => return self.negate(b, expr, operand, input),
            UnaryOp::Not => {
                let operand = self.boolean(operand, input)?;
                return Ok(self.push(b, Op::Not, vec![operand], &DataType::Boolean));
            }
            UnaryOp::IsNull | UnaryOp::IsUnknown => (Test::Null, false),
            UnaryOp::IsNotNull | UnaryOp::IsNotUnknown => (Test::Null, true),
            UnaryOp::IsTrue => (Test::Truth(true), false),
            UnaryOp::IsNotTrue => (Test::Truth(true), true),
            UnaryOp::IsFalse => (Test::Truth(false), false),
            UnaryOp::IsNotFalse => (Test::Truth(false), true),
        };
        if let Test::Truth(_) = test {
            operand = self.boolean(operand, input)?;
        }
        Ok(self.push(b, Op::Is { test, negated }, vec![operand], &DataType::Boolean))
    }

    /// A boolean operand; an untyped NULL becomes one.
    pub(super) fn boolean(&mut self, operand: Operand, expr: &Expr) -> Result<Operand, ExprError> {
        match expr.data_type {
            DataType::Boolean => Ok(operand),
            DataType::Null => self.null(&DataType::Boolean),
            _ => Err(unsupported("logic", &[expr])),
        }
    }

    fn negate(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        operand: Operand,
        input: &Expr,
    ) -> Result<Operand, ExprError> {
        if input.data_type == DataType::Null {
            return self.null(&expr.data_type);
        }
        match number(&input.data_type) {
            Some(num) if input.data_type == expr.data_type => {
                Ok(self.push(b, Op::Negate(num), vec![operand], &expr.data_type))
            }
            _ if matches!(expr.data_type, DataType::Decimal128(..)) && input.data_type == expr.data_type => {
                Ok(self.push(b, Op::NegateDecimal, vec![operand], &expr.data_type))
            }
            _ => self.foreign(b, ForeignOp::Negate, vec![operand], ("-", &[input]), &expr.data_type),
        }
    }

    pub(super) fn cast(
        &mut self,
        b: &mut Builder,
        input: &Expr,
        to: &DataType,
        safe: bool,
    ) -> Result<Operand, ExprError> {
        let operand = self.operand(b, input)?;
        let from = &input.data_type;
        if from == to {
            return Ok(operand);
        }
        if *from == DataType::Null {
            return self.null(to);
        }
        if plain_text(to) == DataType::Binary
            && !matches!(plain_text(from), DataType::Utf8 | DataType::Binary)
        {
            // The bytes of a number depend on the host.
            return Err(unsupported("CAST to BYTES", &[input]));
        }
        match CastOp::find(from, to) {
            // A constant carries its type, so it is made anew.
            Some(CastOp::Same) => match operand {
                Operand::Const(_) => Ok(self.push(b, Op::Copy, vec![operand], to)),
                other => Ok(other),
            },
            Some(cast) => Ok(self.push(b, Op::Cast { cast, to: to.clone(), safe }, vec![operand], to)),
            None => self.foreign(b, ForeignOp::Cast { safe }, vec![operand], ("CAST", &[input]), to),
        }
    }
}

/// Whether values of the two types compare as they are: time zones only change how they print, and
/// text is text in any encoding.
pub(super) fn same_values(a: &DataType, b: &DataType) -> bool {
    let ns = |t: &DataType| matches!(t, DataType::Timestamp(TimeUnit::Nanosecond, _));
    a == b || ns(a) && ns(b) || plain_text(a) == plain_text(b)
}

fn number(data_type: &DataType) -> Option<Num> {
    Some(match data_type {
        DataType::Int32 => Num::I32,
        DataType::Int64 => Num::I64,
        DataType::Float32 => Num::F32,
        DataType::Float64 => Num::F64,
        _ => return None,
    })
}

fn arithmetic(op: BinaryOp) -> Option<ArithOp> {
    Some(match op {
        BinaryOp::Add => ArithOp::Add,
        BinaryOp::Sub => ArithOp::Sub,
        BinaryOp::Mul => ArithOp::Mul,
        BinaryOp::Div => ArithOp::Div,
        BinaryOp::Mod => ArithOp::Mod,
        _ => return None,
    })
}

/// Whether `expr` cannot fail and costs so little that running it for every row beats choosing
/// rows.
pub(super) fn is_cheap(expr: &Expr) -> bool {
    let kind = match &expr.kind {
        ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Stamp | ExprKind::EventTime => true,
        ExprKind::Binary(op, left, right) => {
            comparison(*op).is_some()
                && is_native(&left.data_type)
                && same_values(&left.data_type, &right.data_type)
                || matches!(op, BinaryOp::And | BinaryOp::Or)
                || arithmetic(*op).is_some()
                    && matches!(number(&expr.data_type), Some(Num::F32 | Num::F64))
                    && left.data_type == expr.data_type
                    && right.data_type == expr.data_type
        }
        ExprKind::Unary(UnaryOp::Neg, input) => matches!(number(&input.data_type), Some(Num::F32 | Num::F64)),
        ExprKind::Unary(_, _) => true,
        _ => false,
    };
    kind && expr.children().into_iter().all(is_cheap)
}

fn regex_operator(op: BinaryOp) -> Option<(PatternKind, bool)> {
    let (case_insensitive, negated) = match op {
        BinaryOp::RegexMatch => (false, false),
        BinaryOp::RegexIMatch => (true, false),
        BinaryOp::RegexNotMatch => (false, true),
        BinaryOp::RegexNotIMatch => (true, true),
        _ => return None,
    };
    Some((PatternKind::Regex { case_insensitive }, negated))
}

fn bit_operator(op: BinaryOp) -> Option<(BitOp, &'static str)> {
    Some(match op {
        BinaryOp::BitAnd => (BitOp::And, "&"),
        BinaryOp::BitOr => (BitOp::Or, "|"),
        BinaryOp::BitXor => (BitOp::Xor, "#"),
        BinaryOp::ShiftLeft => (BitOp::ShiftLeft, "<<"),
        BinaryOp::ShiftRight => (BitOp::ShiftRight, ">>"),
        _ => return None,
    })
}
