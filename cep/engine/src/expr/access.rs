//! What operators ask of expressions and their errors besides evaluation.

use cep_lang::diag::codes;

use super::program::Operand;
use super::{Compiled, RowErrorKind};
use crate::column::Column;

impl Compiled {
    /// The result of the latest [`Compiled::eval`] again; `all` says that it was over
    /// [`Rows::All`](super::Rows::All) of `columns`.
    pub fn result<'a>(&'a self, columns: &'a [Column], all: bool) -> &'a Column {
        match self.block.result {
            Operand::Column { index, .. } if all => &columns[index],
            Operand::Column { gathered: reg, .. } | Operand::Reg(reg) => &self.machine.regs[reg].column,
            Operand::Const(_) => unreachable!("the compiler copies a constant result to a register"),
        }
    }
}

impl RowErrorKind {
    /// Stable code of the error (`ceptra explain-error`).
    pub fn code(self) -> &'static str {
        match self {
            RowErrorKind::DivisionByZero => codes::DIVISION_BY_ZERO,
            RowErrorKind::Overflow => codes::OVERFLOW,
            RowErrorKind::Cast => codes::BAD_CAST,
            RowErrorKind::Pattern => codes::BAD_PATTERN,
            RowErrorKind::Function => codes::BAD_ARGUMENT,
        }
    }
}
