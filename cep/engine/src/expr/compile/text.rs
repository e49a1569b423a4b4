//! Text: LIKE, regular expressions, `||`.

use arrow_schema::DataType;
use cep_lang::plan::Expr;

use super::{Builder, Compiler, unsupported};
use crate::column::{Column, Values};
use crate::expr::ExprError;
use crate::expr::kernel::pattern::PatternKind;
use crate::expr::program::{Op, Operand};

impl Compiler {
    pub(super) fn pattern(
        &mut self,
        b: &mut Builder,
        kind: (PatternKind, bool),
        (name, input, pattern): (&str, &Expr, &Expr),
    ) -> Result<Operand, ExprError> {
        let operands = (self.operand(b, input)?, self.operand(b, pattern)?);
        if input.data_type == DataType::Null || pattern.data_type == DataType::Null {
            return self.null(&DataType::Boolean);
        }
        self.matching(b, kind, (name, input, pattern), operands)
    }

    /// `text` matched with `pattern`, both compiled. A constant pattern is compiled now.
    pub(super) fn matching(
        &mut self,
        b: &mut Builder,
        (kind, negated): (PatternKind, bool),
        (name, input, pattern): (&str, &Expr, &Expr),
        (text, pattern_at): (Operand, Operand),
    ) -> Result<Operand, ExprError> {
        if !is_text(&input.data_type) || !is_text(&pattern.data_type) {
            return Err(unsupported(name, &[input, pattern]));
        }
        if let Operand::Const(at) = pattern_at
            && self.machine.constants[at].column.is_valid(0)
        {
            let source = String::from_utf8_lossy(self.machine.constants[at].column.bytes_at(0)).into_owned();
            let matcher = kind
                .compile(&source)
                .map_err(|reason| ExprError::InvalidPattern { pattern: source, reason })?;
            return Ok(self.push(b, Op::Match { matcher, negated }, vec![text], &DataType::Boolean));
        }
        Ok(self.push(b, Op::MatchEach { kind, negated }, vec![text, pattern_at], &DataType::Boolean))
    }

    pub(super) fn concat(
        &mut self,
        b: &mut Builder,
        expr: &Expr,
        parts: &[&Expr],
    ) -> Result<Operand, ExprError> {
        let mut operands = Vec::with_capacity(parts.len());
        for part in parts {
            operands.push(self.operand(b, part)?);
        }
        if parts.iter().any(|p| p.data_type == DataType::Null) {
            return self.null(&expr.data_type);
        }
        if !parts.iter().all(|p| is_text(&p.data_type)) {
            return Err(unsupported("||", parts));
        }
        Ok(self.push(b, Op::Concat, operands, &expr.data_type))
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        && matches!(Column::new(data_type).values, Values::Bytes { .. })
}
