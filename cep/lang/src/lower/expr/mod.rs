//! DataFusion's typed expressions to those of the plan.
//!
//! Invariants:
//! - Every variant is decided about: a new one does not compile.
//! - Aggregates, OVER calls and time marks are taken out or bound before; what is left of them
//!   here is an error.
//! - Constants are folded only where evaluation cannot fail.

mod operator;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion_common::ScalarValue;
use datafusion_expr::expr::{Between, Case, InList, Like, ScalarFunction};
use datafusion_expr::{Expr as Typed, ExprSchemable};

use crate::ast::Span;
use crate::diag::{Diagnostic, codes};
use crate::plan::{BinaryOp, Expr, ExprKind, UnaryOp};

use super::columns::{Columns, Referent};
use super::error::{Failure, plain_text};
use super::places::Places;
use super::types::{TIMESTAMP, column_type, tag_json, type_name};

/// What a conversion needs besides the expression.
#[derive(Clone, Copy)]
pub(crate) struct Conversion<'a> {
    /// The input.
    pub columns: &'a Columns,
    /// Where names stand in the script.
    pub places: &'a Places<'a>,
}

/// A conversion's outcome; an error carries the place if the expression tells.
pub(crate) type Converted = Result<Expr, Failure>;

impl Conversion<'_> {
    /// The plan's form of `typed`.
    ///
    /// # Errors
    /// What the engine cannot evaluate.
    pub(crate) fn expr(&self, typed: &Typed) -> Converted {
        match typed {
            Typed::Alias(alias) => self.expr(&alias.expr),
            Typed::Column(column) => self.column(column),
            Typed::Literal(value, _metadata) => Ok(literal(value.clone())),
            Typed::BinaryExpr(binary) => self.binary(typed, binary),
            Typed::Like(like) => self.like(like),
            Typed::SimilarTo(_) => Err(unsupported("SIMILAR TO")),
            Typed::Not(inner) => self.unary(UnaryOp::Not, inner),
            Typed::IsNotNull(inner) => self.unary(UnaryOp::IsNotNull, inner),
            Typed::IsNull(inner) => self.unary(UnaryOp::IsNull, inner),
            Typed::IsTrue(inner) => self.unary(UnaryOp::IsTrue, inner),
            Typed::IsFalse(inner) => self.unary(UnaryOp::IsFalse, inner),
            Typed::IsUnknown(inner) => self.unary(UnaryOp::IsUnknown, inner),
            Typed::IsNotTrue(inner) => self.unary(UnaryOp::IsNotTrue, inner),
            Typed::IsNotFalse(inner) => self.unary(UnaryOp::IsNotFalse, inner),
            Typed::IsNotUnknown(inner) => self.unary(UnaryOp::IsNotUnknown, inner),
            Typed::Negative(inner) => self.negative(inner),
            Typed::Between(between) => self.between(between),
            Typed::Case(case) => self.case(typed, case),
            Typed::Cast(cast) => self.cast(&cast.expr, &cast.field, false),
            Typed::TryCast(cast) => self.cast(&cast.expr, &cast.field, true),
            Typed::ScalarFunction(call) => self.call(typed, call),
            Typed::InList(list) => self.in_list(list),
            Typed::AggregateFunction(call) => {
                Err(misplaced(format!("the aggregate `{}` cannot stand here", call.func.name())))
            }
            Typed::WindowFunction(call) => {
                Err(misplaced(format!("`{}` OVER (…) cannot stand here", call.fun.name())))
            }
            Typed::Exists(_)
            | Typed::InSubquery(_)
            | Typed::SetComparison(_)
            | Typed::ScalarSubquery(_)
            | Typed::OuterReferenceColumn(_, _) => Err(Failure::new(
                codes::SUBQUERY,
                "a query inside an expression is not supported yet",
                "compute it in a stream or a view of its own, then read that in FROM",
            )),
            Typed::GroupingSet(_) => Err(Failure::new(
                codes::GROUPING,
                "GROUPING SETS, ROLLUP and CUBE are not supported yet",
                "write one query for each grouping",
            )),
            Typed::Unnest(_) => Err(unsupported("a call that makes rows")),
            Typed::Placeholder(_) => Err(unsupported("a placeholder")),
            Typed::ScalarVariable(_, _) => Err(unsupported("a variable")),
            Typed::HigherOrderFunction(_) | Typed::Lambda(_) | Typed::LambdaVariable(_) => {
                Err(unsupported("a function of functions"))
            }
            #[expect(deprecated)]
            Typed::Wildcard { qualifier: _, options: _ } => Err(unsupported("`*` in an expression")),
        }
    }

    /// Several expressions.
    ///
    /// # Errors
    /// As [`Self::expr`].
    pub(crate) fn exprs(&self, typed: &[Typed]) -> Result<Vec<Expr>, Failure> {
        typed.iter().map(|e| self.expr(e)).collect()
    }

    /// An expression as a column's value: of a type of R-EVT-2.
    ///
    /// # Errors
    /// As [`Self::expr`], and a type that no column can have.
    pub(crate) fn value(&self, typed: &Typed) -> Converted {
        let expr = self.expr(typed)?;
        let wanted = column_type(&expr.data_type);
        if matches!(wanted, DataType::Union(_, _)) {
            return Err(unsupported("a value of several types"));
        }
        Ok(cast_to(expr, &wanted))
    }

    /// The column that `typed` makes, called `name`, tagged JSON if it is.
    pub(crate) fn field(&self, typed: &Typed, expr: &Expr, name: &str) -> FieldRef {
        let json = self.planner_field(typed).is_some_and(|field| cep_types::sql_type::is_json_field(&field));
        let field = Field::new(name, expr.data_type.clone(), expr.nullable);
        if json && expr.data_type == DataType::Utf8 { tag_json(field).into() } else { field.into() }
    }

    fn planner_field(&self, typed: &Typed) -> Option<FieldRef> {
        typed.to_field(self.columns.planner().as_ref()).ok().map(|(_qualifier, field)| field)
    }

    fn column(&self, column: &datafusion_common::Column) -> Converted {
        let span = self.places.of_column(column);
        let kind = match self.columns.find(column) {
            Some(Referent::Column(index)) => {
                let field = self.columns.field(index);
                let (data_type, nullable) = (field.data_type().clone(), field.is_nullable());
                return Ok(Expr { kind: ExprKind::Column(index), data_type, nullable, span });
            }
            Some(Referent::Stamp) => ExprKind::Stamp,
            Some(Referent::EventTime) => ExprKind::EventTime,
            None => {
                let name = plain_text(&column.name);
                return Err(Failure {
                    diagnostic: Diagnostic {
                        code: codes::UNKNOWN_COLUMN,
                        message: format!("there is no column `{name}` here"),
                        span,
                        help: None,
                    },
                });
            }
        };
        Ok(Expr { kind, data_type: TIMESTAMP, nullable: false, span })
    }

    fn unary(&self, op: UnaryOp, inner: &Typed) -> Converted {
        let inner = self.expr(inner)?;
        let nullable = match op {
            UnaryOp::Not | UnaryOp::Neg => inner.nullable,
            UnaryOp::IsNull
            | UnaryOp::IsNotNull
            | UnaryOp::IsTrue
            | UnaryOp::IsNotTrue
            | UnaryOp::IsFalse
            | UnaryOp::IsNotFalse
            | UnaryOp::IsUnknown
            | UnaryOp::IsNotUnknown => false,
        };
        let span = inner.span;
        let inner = match op {
            UnaryOp::IsNull | UnaryOp::IsNotNull | UnaryOp::Neg => inner,
            _condition => cast_to(inner, &DataType::Boolean),
        };
        Ok(Expr { kind: ExprKind::Unary(op, Box::new(inner)), data_type: DataType::Boolean, nullable, span })
    }

    fn negative(&self, inner: &Typed) -> Converted {
        let inner = self.expr(inner)?;
        if let ExprKind::Literal(value) = &inner.kind
            && let Ok(value) = value.arithmetic_negate()
        {
            return Ok(Expr { span: inner.span, ..literal(value) });
        }
        let (data_type, nullable, span) = (inner.data_type.clone(), inner.nullable, inner.span);
        Ok(Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(inner)), data_type, nullable, span })
    }

    /// `x BETWEEN a AND b` is `x >= a AND x <= b`.
    fn between(&self, between: &Between) -> Converted {
        let Between { expr, negated, low, high } = between;
        let value = self.expr(expr)?;
        let (low, high) = (self.expr(low)?, self.expr(high)?);
        let both = boolean(
            BinaryOp::And,
            boolean(BinaryOp::GtEq, value.clone(), low),
            boolean(BinaryOp::LtEq, value, high),
        );
        Ok(if *negated { not(both) } else { both })
    }

    fn case(&self, typed: &Typed, case: &Case) -> Converted {
        let Case { expr, when_then_expr, else_expr } = case;
        let operand = expr.as_ref().map(|e| self.expr(e)).transpose()?;
        let data_type = self.type_of(typed)?;
        let mut branches = Vec::with_capacity(when_then_expr.len());
        for (when, then) in when_then_expr {
            let when = self.expr(when)?;
            let condition = match &operand {
                Some(operand) => boolean(BinaryOp::Eq, operand.clone(), when),
                None => cast_to(when, &DataType::Boolean),
            };
            branches.push((condition, cast_to(self.expr(then)?, &data_type)));
        }
        let otherwise = match else_expr {
            Some(e) => Some(Box::new(cast_to(self.expr(e)?, &data_type))),
            None => None,
        };
        let nullable =
            otherwise.as_ref().is_none_or(|e| e.nullable) || branches.iter().any(|(_, v)| v.nullable);
        Ok(Expr { kind: ExprKind::Case { branches, otherwise }, data_type, nullable, span: None })
    }

    fn cast(&self, inner: &Typed, field: &FieldRef, safe: bool) -> Converted {
        let inner = self.expr(inner)?;
        let to = field.data_type();
        if !arrow_cast::can_cast_types(&inner.data_type, to) {
            return Err(Failure::new(
                codes::NO_CAST,
                format!("{} cannot be converted to {}", type_name(&inner.data_type), type_name(to)),
                "convert by way of STRING, or use a function that says how",
            )
            .at(inner.span));
        }
        if safe {
            return Ok(try_cast_to(inner, to));
        }
        checked_cast(inner, to)
    }

    fn in_list(&self, list: &InList) -> Converted {
        let InList { expr, list, negated } = list;
        let input = self.expr(expr)?;
        let list = self.exprs(list)?;
        let nullable = input.nullable || list.iter().any(|e| e.nullable);
        let span = input.span;
        let kind = ExprKind::InList { input: Box::new(input), list, negated: *negated };
        Ok(Expr { kind, data_type: DataType::Boolean, nullable, span })
    }

    fn like(&self, like: &Like) -> Converted {
        let Like { negated, expr, pattern, escape_char, case_insensitive } = like;
        self.like_parts(expr, pattern, *negated, *case_insensitive, *escape_char)
    }

    fn like_parts(
        &self,
        input: &Typed,
        pattern: &Typed,
        negated: bool,
        case_insensitive: bool,
        escape: Option<char>,
    ) -> Converted {
        let (input, pattern) = (Box::new(self.expr(input)?), Box::new(self.expr(pattern)?));
        let (nullable, span) = (input.nullable || pattern.nullable, input.span);
        let kind = ExprKind::Like { input, pattern, negated, case_insensitive, escape };
        Ok(Expr { kind, data_type: DataType::Boolean, nullable, span })
    }

    fn call(&self, typed: &Typed, call: &ScalarFunction) -> Converted {
        let ScalarFunction { func, args } = call;
        let args = self.exprs(args)?;
        let (_qualifier, field) = typed.to_field(self.columns.planner().as_ref())?;
        let span = args.iter().find_map(|a| a.span);
        let (data_type, nullable) = (field.data_type().clone(), field.is_nullable());
        Ok(Expr { kind: ExprKind::Call { function: func.clone(), args, field }, data_type, nullable, span })
    }

    fn type_of(&self, typed: &Typed) -> Result<DataType, Failure> {
        Ok(typed.get_type(self.columns.planner().as_ref())?)
    }
}

/// A constant.
pub(crate) fn literal(value: ScalarValue) -> Expr {
    let (data_type, nullable) = (value.data_type(), value.is_null());
    Expr { kind: ExprKind::Literal(value), data_type, nullable, span: None }
}

/// `op` of two values, BOOL.
pub(crate) fn boolean(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let total = matches!(op, BinaryOp::IsDistinct | BinaryOp::IsNotDistinct);
    let nullable = !total && (left.nullable || right.nullable);
    let span = joined(left.span, right.span);
    let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
    Expr { kind, data_type: DataType::Boolean, nullable, span }
}

/// NOT.
pub(crate) fn not(inner: Expr) -> Expr {
    let (nullable, span) = (inner.nullable, inner.span);
    let kind = ExprKind::Unary(UnaryOp::Not, Box::new(inner));
    Expr { kind, data_type: DataType::Boolean, nullable, span }
}

/// The value as `to`; a constant is converted at once when that succeeds.
pub(crate) fn cast_to(inner: Expr, to: &DataType) -> Expr {
    convert(inner, to, false)
}

/// As [`cast_to`].
///
/// # Errors
/// A constant that `to` does not have.
pub(crate) fn checked_cast(inner: Expr, to: &DataType) -> Converted {
    let written = match &inner.kind {
        ExprKind::Literal(value) => Some(value.to_string()),
        _computed => None,
    };
    let cast = cast_to(inner, to);
    match written {
        Some(value) if matches!(cast.kind, ExprKind::Cast { .. }) => Err(Failure::new(
            codes::LITERAL,
            format!("'{value}' is no {}", type_name(to)),
            "mend the value, or compare and combine values of one type",
        )
        .at(cast.span)),
        _converted => Ok(cast),
    }
}

/// The value as `to`, NULL where it has none.
pub(crate) fn try_cast_to(inner: Expr, to: &DataType) -> Expr {
    convert(inner, to, true)
}

fn convert(inner: Expr, to: &DataType, safe: bool) -> Expr {
    if inner.data_type == *to {
        return inner;
    }
    let span = inner.span;
    if let ExprKind::Literal(value) = &inner.kind
        && let Ok(value) = value.cast_to(to)
    {
        return Expr { span, ..literal(value) };
    }
    let nullable = inner.nullable || safe;
    Expr { kind: ExprKind::Cast { input: Box::new(inner), safe }, data_type: to.clone(), nullable, span }
}

/// The smallest place that covers both.
pub(crate) fn joined(a: Option<Span>, b: Option<Span>) -> Option<Span> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.to(b)),
        (a, b) => a.or(b),
    }
}

fn misplaced(message: String) -> Failure {
    Failure::new(
        codes::AGGREGATE_PLACE,
        message,
        "compute it in a view or a common table expression first, then use its column here",
    )
}

fn unsupported(what: &str) -> Failure {
    Failure::new(codes::EXPRESSION, format!("{what} is not supported"), "write it another way")
}
