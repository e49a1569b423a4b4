//! The compiled form: straight-line steps over registers. Only steps that choose rows (AND, OR,
//! CASE, COALESCE) hold blocks of their own, so running recurses with their nesting and with
//! nothing else.

use arrow_schema::DataType;
use datafusion_common::ScalarValue;

use super::decimal::DecimalOp;
use super::foreign::Foreign;
use super::kernel::cast::CastOp;
use super::kernel::pattern::{Matcher, PatternKind};
use super::kernel::set::Set;
use super::ops::{ArithOp, BitOp, CmpOp};
use super::temporal::TemporalOp;
use crate::column::Column;

/// Where a kernel finds an operand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operand {
    /// Column `index` of the input; under a selection its rows are gathered into `gathered`.
    Column { index: usize, gathered: usize },
    /// A register of the same block.
    Reg(usize),
    /// A constant.
    Const(usize),
}

/// Steps that run over one selection of rows, and where the result is.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Input columns used, with the register each is gathered into under a selection.
    pub(super) columns: Vec<(usize, usize)>,
    pub(super) steps: Vec<Step>,
    pub(super) result: Operand,
}

/// One operation into one register.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) op: Op,
    pub(super) args: Vec<Operand>,
    pub(super) out: usize,
}

/// Native number types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Num {
    I32,
    I64,
    F32,
    F64,
}

/// What IS asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    /// `IS NULL`, `IS UNKNOWN`.
    Null,
    /// `IS TRUE`, `IS FALSE`.
    Truth(bool),
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) enum Op {
    /// Copies its operand: a constant as a whole column, a column of the input as a register.
    Copy,
    Stamp,
    EventTime,
    Arith(ArithOp, Num),
    Decimal(DecimalOp),
    Temporal(TemporalOp),
    Bits(BitOp, Num),
    Negate(Num),
    NegateDecimal,
    Compare(CmpOp),
    Distinct {
        negated: bool,
    },
    Not,
    Is {
        test: Test,
        negated: bool,
    },
    /// AND or OR of operands that are computed for all rows.
    Kleene {
        or: bool,
    },
    /// AND or OR whose later terms run only for the rows not yet decided.
    Logic {
        or: bool,
        terms: Vec<Block>,
    },
    /// CASE of values of our kinds, whose parts are all computed for all rows: condition and value
    /// in turn, then the ELSE if there is one.
    Select {
        like: Box<Column>,
    },
    Case {
        branches: Vec<(Block, Block)>,
        otherwise: Option<Block>,
        like: Box<Column>,
    },
    Coalesce {
        terms: Vec<Block>,
        like: Box<Column>,
    },
    Cast {
        cast: CastOp,
        to: DataType,
        safe: bool,
    },
    /// Text matched with a constant pattern.
    Match {
        matcher: Matcher,
        negated: bool,
    },
    /// Text matched with the pattern of its row.
    MatchEach {
        kind: PatternKind,
        negated: bool,
    },
    InSet {
        set: Set,
        negated: bool,
    },
    /// `||` of all operands.
    Concat,
    /// Arrow's kernels and the function library.
    Foreign(Box<Foreign>),
}

impl Op {
    /// Blocks run inside this operation.
    pub(super) fn blocks(&self) -> Vec<&Block> {
        match self {
            Op::Logic { terms, .. } | Op::Coalesce { terms, .. } => terms.iter().collect(),
            Op::Case { branches, otherwise, .. } => {
                branches.iter().flat_map(|(c, v)| [c, v]).chain(otherwise).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A constant: as a column of one row for kernels, and as it is for functions.
#[derive(Debug, Clone)]
pub(super) struct Constant {
    pub(super) column: Column,
    pub(super) scalar: ScalarValue,
}
