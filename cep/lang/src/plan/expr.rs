//! Typed expressions.

use std::sync::Arc;

use arrow_schema::{DataType, FieldRef};
use datafusion_common::ScalarValue;
use datafusion_expr::ScalarUDF;

use crate::ast::Span;

/// An expression with its type.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it computes.
    pub kind: ExprKind,
    /// Type of the result.
    pub data_type: DataType,
    /// Whether NULL may come out.
    pub nullable: bool,
    /// Where it was written, when known.
    pub span: Option<Span>,
}

/// An expression with the name of the column it makes.
#[derive(Debug, Clone)]
pub struct NamedExpr {
    /// Column name, declared case.
    pub name: String,
    /// The expression.
    pub expr: Expr,
}

/// What an expression computes. Operand types are already coerced: both sides of a binary
/// operator have the same type unless the operator says otherwise.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// Column by index into the input's schema.
    Column(usize),
    /// A constant.
    Literal(ScalarValue),
    /// Two operands.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// One operand.
    Unary(UnaryOp, Box<Expr>),
    /// `CASE WHEN c THEN v … [ELSE e] END`; conditions are BOOL, branches are evaluated only for
    /// the rows that reach them.
    Case {
        /// Condition and value, in order.
        branches: Vec<(Expr, Expr)>,
        /// ELSE; NULL when absent.
        otherwise: Option<Box<Expr>>,
    },
    /// CAST; with `safe` (TRY_CAST) a failure is NULL, else a record error.
    Cast {
        /// The value.
        input: Box<Expr>,
        /// Failures become NULL.
        safe: bool,
    },
    /// LIKE and ILIKE.
    Like {
        /// The text.
        input: Box<Expr>,
        /// The pattern, any expression.
        pattern: Box<Expr>,
        /// `NOT LIKE`.
        negated: bool,
        /// ILIKE.
        case_insensitive: bool,
        /// Escape character.
        escape: Option<char>,
    },
    /// `x IN (a, b, …)` with SQL's NULL logic.
    InList {
        /// The value.
        input: Box<Expr>,
        /// Candidates.
        list: Vec<Expr>,
        /// `NOT IN`.
        negated: bool,
    },
    /// A function of the library.
    Call {
        /// The function.
        function: Arc<ScalarUDF>,
        /// Its arguments, coerced to its signature.
        args: Vec<Expr>,
        /// Its result field.
        field: FieldRef,
    },
    /// `now()`: the row's stamp (R-DET-2), TIMESTAMP.
    Stamp,
    /// `event_time()`: the row's event time, TIMESTAMP.
    EventTime,
}

/// Binary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`, also TIMESTAMP + INTERVAL.
    Add,
    /// `-`.
    Sub,
    /// `*`.
    Mul,
    /// `/`; integer division by zero is a record error.
    Div,
    /// `%`.
    Mod,
    /// `=`.
    Eq,
    /// `<>`.
    NotEq,
    /// `<`.
    Lt,
    /// `<=`.
    LtEq,
    /// `>`.
    Gt,
    /// `>=`.
    GtEq,
    /// Three-valued AND; the right side is not evaluated where the left is FALSE.
    And,
    /// Three-valued OR; the right side is not evaluated where the left is TRUE.
    Or,
    /// `IS DISTINCT FROM`.
    IsDistinct,
    /// `IS NOT DISTINCT FROM`.
    IsNotDistinct,
    /// `||` of strings.
    Concat,
    /// `~`, regular expression match (second operand a pattern).
    RegexMatch,
    /// `~*`.
    RegexIMatch,
    /// `!~`.
    RegexNotMatch,
    /// `!~*`.
    RegexNotIMatch,
    /// `&`.
    BitAnd,
    /// `|`.
    BitOr,
    /// `#` or `^` as the dialect has it.
    BitXor,
    /// `<<`.
    ShiftLeft,
    /// `>>`.
    ShiftRight,
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// NOT.
    Not,
    /// `-x`.
    Neg,
    /// IS NULL.
    IsNull,
    /// IS NOT NULL.
    IsNotNull,
    /// IS TRUE.
    IsTrue,
    /// IS NOT TRUE.
    IsNotTrue,
    /// IS FALSE.
    IsFalse,
    /// IS NOT FALSE.
    IsNotFalse,
    /// IS UNKNOWN.
    IsUnknown,
    /// IS NOT UNKNOWN.
    IsNotUnknown,
}

impl Expr {
    /// Column `index` of type `data_type`.
    pub fn column(index: usize, data_type: DataType, nullable: bool) -> Self {
        Self { kind: ExprKind::Column(index), data_type, nullable, span: None }
    }

    /// Calls `visit` on this expression and every one inside it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Direct operands, in order.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Stamp | ExprKind::EventTime => vec![],
            ExprKind::Binary(_, l, r) => vec![l, r],
            ExprKind::Unary(_, e) | ExprKind::Cast { input: e, .. } => vec![e],
            ExprKind::Case { branches, otherwise } => {
                let mut out: Vec<&Expr> = branches.iter().flat_map(|(c, v)| [c, v]).collect();
                out.extend(otherwise.as_deref());
                out
            }
            ExprKind::Like { input, pattern, .. } => vec![input, pattern],
            ExprKind::InList { input, list, .. } => std::iter::once(&**input).chain(list).collect(),
            ExprKind::Call { args, .. } => args.iter().collect(),
        }
    }

    /// Direct operands, in order, to change.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::Stamp | ExprKind::EventTime => vec![],
            ExprKind::Binary(_, l, r) => vec![l, r],
            ExprKind::Unary(_, e) | ExprKind::Cast { input: e, .. } => vec![e],
            ExprKind::Case { branches, otherwise } => {
                let mut out: Vec<&mut Expr> = branches.iter_mut().flat_map(|(c, v)| [c, v]).collect();
                out.extend(otherwise.as_deref_mut());
                out
            }
            ExprKind::Like { input, pattern, .. } => vec![input, pattern],
            ExprKind::InList { input, list, .. } => std::iter::once(&mut **input).chain(list).collect(),
            ExprKind::Call { args, .. } => args.iter_mut().collect(),
        }
    }

    /// Calls `change` on the index of every column in it.
    pub fn map_columns(&mut self, change: &mut dyn FnMut(&mut usize)) {
        if let ExprKind::Column(index) = &mut self.kind {
            change(index);
        }
        for child in self.children_mut() {
            child.map_columns(change);
        }
    }
}
